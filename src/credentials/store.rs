//! Access keys and service accounts as a running server knows them.

use super::certificates::Certified;
use super::file::{AccessKey, Contents, FileError, ServiceAccount, read};
use super::principal::{Policies, Principal};
use super::projects::IamSettings;
use super::tokens::{Holder, hash_of};
use crate::bearer::{Issuers, PublicKey, PublicKeys};
use crate::config::forms::account;
use crate::hex;
use crate::sigv4::{Keys, Known, SecretKey};
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// How a dialect looks at who asks.
#[derive(Clone, Debug)]
pub struct Auth {
    /// Whether strangers are refused, or told in the log.
    pub enforce: bool,
    /// Who is known.
    pub credentials: Credentials,
    /// Whose tokens are believed besides, if anybody's.
    pub issuers: Option<Issuers>,
}

/// How the admin endpoint looks at who asks.
#[derive(Clone, Debug, Default)]
pub struct AdminAuth {
    /// Whether a token is asked for.
    pub enforce: bool,
    /// Who has tokens.
    pub credentials: Option<Credentials>,
}

/// What a file has, for all cores.
#[derive(Clone)]
pub struct Credentials(Arc<Inner>);

struct Inner {
    path: Option<PathBuf>,
    current: RwLock<Current>,
    version: AtomicU64,
}

/// By their ids.
#[derive(Default)]
struct Current {
    keys: HashMap<String, Usable>,
    accounts: HashMap<String, PublicKey>,
    /// By their hashes.
    tokens: HashMap<[u8; 32], Holder>,
    iam: Arc<IamSettings>,
    /// By their subjects.
    certificates: HashMap<String, Certified>,
}

#[derive(Clone)]
struct Usable {
    secret: SecretKey,
    session: Option<([u8; 32], i64)>,
    owner: Principal,
}

impl Credentials {
    /// Reads a file.
    ///
    /// # Errors
    /// It can't be read, or says what no file of keys says.
    pub fn open(path: PathBuf) -> Result<Self, FileError> {
        let current = usable(&path)?;
        Ok(Self::with(Some(path), current))
    }

    /// Without a file: nobody is known.
    pub fn nobody() -> Self {
        Self::with(None, Current::default())
    }

    fn with(path: Option<PathBuf>, current: Current) -> Self {
        Self(Arc::new(Inner {
            path,
            current: RwLock::new(current),
            version: AtomicU64::new(1),
        }))
    }

    /// Whether there is a file to read again.
    pub fn has_file(&self) -> bool {
        self.0.path.is_some()
    }

    /// Whom a client's certificate stands for, by its subject.
    pub fn certified(&self, subject: &str) -> Option<Certified> {
        let current = self.0.current.read();
        let current = current.unwrap_or_else(PoisonError::into_inner);
        current.certificates.get(subject).cloned()
    }

    /// Changes whenever the policies of projects may have.
    pub fn iam_version(&self) -> u64 {
        self.0.version.load(Ordering::Acquire)
    }

    /// The policies of projects, and their version.
    pub fn iam(&self) -> (u64, Arc<IamSettings>) {
        // The version first: what is read behind it may be newer, and is then read once more.
        let version = self.iam_version();
        let current = self.0.current.read();
        let current = current.unwrap_or_else(PoisonError::into_inner);
        (version, current.iam.clone())
    }

    /// Who has this token, if anybody has and it is still good at `now`, s since 1970.
    pub fn holder_of(&self, token: &str, now: i64) -> Option<Holder> {
        let current = self.0.current.read();
        let current = current.unwrap_or_else(PoisonError::into_inner);
        // What is compared in no constant time is the hash, of which nobody can choose the first bytes.
        let holder = current.tokens.get(&hash_of(token))?;
        let good = holder.until.is_none_or(|until| now < until);
        good.then(|| holder.clone())
    }

    /// Reads it again. May wait for a disk.
    ///
    /// # Errors
    /// What is wrong with it; the keys of before stay.
    pub fn reload(&self) -> Result<(), FileError> {
        let Some(path) = &self.0.path else {
            return Ok(());
        };
        let new = usable(path)?;
        let current = self.0.current.write();
        *current.unwrap_or_else(PoisonError::into_inner) = new;
        self.0.version.fetch_add(1, Ordering::Release);
        Ok(())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({:?})", self.0.path)
    }
}

impl Keys for Credentials {
    type Owner = Principal;

    fn version(&self) -> u64 {
        self.0.version.load(Ordering::Acquire)
    }

    fn find(&self, id: &str) -> Option<Known<Principal>> {
        let current = self.0.current.read();
        let current = current.unwrap_or_else(PoisonError::into_inner);
        current.keys.get(id).map(|usable| Known {
            secret: usable.secret.clone(),
            session: usable.session,
            owner: usable.owner.clone(),
        })
    }
}

impl PublicKeys for Credentials {
    fn version(&self) -> u64 {
        self.0.version.load(Ordering::Acquire)
    }

    fn find(&self, id: &str) -> Option<PublicKey> {
        let current = self.0.current.read();
        let current = current.unwrap_or_else(PoisonError::into_inner);
        current.accounts.get(id).cloned()
    }

    fn of_account(&self, email: &str) -> Vec<PublicKey> {
        let current = self.0.current.read();
        let current = current.unwrap_or_else(PoisonError::into_inner);
        let all = current.accounts.values();
        all.filter(|key| key.email == email).cloned().collect()
    }
}

fn usable(path: &Path) -> Result<Current, FileError> {
    let Contents {
        policies,
        access_keys,
        service_accounts,
        project_policies,
        custom_roles,
        client_certificates,
        admin_tokens,
    } = read(path)?;
    let iam = IamSettings::of(&project_policies, &custom_roles);
    let iam = iam.map_err(|text| FileError::wrong(path, text))?;
    let policies = Policies::of(policies).map_err(|text| FileError::wrong(path, text))?;
    let mut keys = HashMap::new();
    for key in access_keys {
        let id = key.id.clone();
        let wrong = |text: String| FileError::wrong(path, format!("key {id}: {text}"));
        let one = one(key, &policies).map_err(wrong)?;
        if keys.insert(id.clone(), one).is_some() {
            return Err(FileError::wrong(path, format!("key {id} is there twice")));
        }
    }
    let mut certificates = HashMap::new();
    for certificate in client_certificates {
        let subject = certificate.subject.clone();
        let wrong = |text: String| FileError::wrong(path, format!("certificate {subject}: {text}"));
        let certified = Certified::of(certificate, &policies).map_err(wrong)?;
        if certificates.insert(subject.clone(), certified).is_some() {
            return Err(wrong("it is there twice".to_owned()));
        }
    }
    let mut accounts = HashMap::new();
    for account in service_accounts {
        let id = account.key_id.clone();
        let key = public(account);
        let key = key.map_err(|why| FileError::wrong(path, format!("key {id}: {why}")))?;
        if accounts.insert(id.clone(), key).is_some() {
            return Err(FileError::wrong(path, format!("key {id} is there twice")));
        }
    }
    let mut tokens = HashMap::new();
    for token in admin_tokens {
        let wrong =
            |text: &str| FileError::wrong(path, format!("admin token {}: {text}", token.name));
        let hash = hex::read(&token.hash).ok_or_else(|| wrong("hash has 64 hex digits"))?;
        let holder = Holder {
            name: token.name.clone(),
            scope: token.scope,
            until: token.until,
        };
        if tokens.insert(hash, holder).is_some() {
            return Err(wrong("it is there twice"));
        }
    }
    Ok(Current {
        keys,
        accounts,
        tokens,
        iam: Arc::new(iam),
        certificates,
    })
}

fn public(account: ServiceAccount) -> Result<PublicKey, &'static str> {
    let ServiceAccount {
        email,
        key_id,
        modulus,
        exponent,
    } = account;
    let key = jsonwebtoken::DecodingKey::from_rsa_components(&modulus, &exponent);
    let key = key.map_err(|_| "modulus and exponent are base64url without padding")?;
    Ok(PublicKey {
        id: key_id,
        key,
        email,
    })
}

fn one(key: AccessKey, policies: &Policies) -> Result<Usable, String> {
    if key.id.is_empty() || !key.id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err("ids are letters and digits".to_owned());
    }
    check_account(&key.account)?;
    let secret = match (&key.secret, &key.secret_hash) {
        (Some(secret), None) => SecretKey::new(secret),
        (None, Some(hash)) => {
            let hash = hex::read(hash).ok_or("secret-hash has 64 hex digits")?;
            SecretKey::of_hash(&hash)
        }
        _ => return Err("either secret or secret-hash is given".to_owned()),
    };
    let session = match (&key.session_token_hash, key.session_until) {
        (None, None) => None,
        (Some(hash), Some(until)) => {
            let hash = hex::read(hash).ok_or("session-token-hash has 64 hex digits")?;
            Some((hash, until))
        }
        _ => return Err("session-token-hash and session-until go together".to_owned()),
    };
    Ok(Usable {
        secret,
        session,
        owner: Principal::of(&key, policies)?,
    })
}

/// Checks an account's number.
pub(super) fn check_account(text: &str) -> Result<(), String> {
    account(text)
        .map(drop)
        .map_err(|_| "account has 12 digits".to_owned())
}
