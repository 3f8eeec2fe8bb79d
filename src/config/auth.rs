//! What the settings about who is let in amount to.

use super::given::{AdminAuthArg, AuthArg};
use super::settings::{Settings, place};
use crate::bearer::{Issuers, OidcSettings};
use crate::credentials::{AdminAuth, Auth, Credentials, FileError};

/// Issuers elsewhere. Each has a thread.
const ISSUERS_MAX: usize = 16;

/// Whom tokens may be meant for.
const AUDIENCES_MAX: usize = 64;

/// Checks that there is somebody to let in, where others are not, and that issuers aren't believed
/// whatever they say to whomever.
pub(super) fn check(settings: &Settings) -> Result<(), String> {
    let wants = |given: &str, why: &str, missing: &str| {
        Err(format!(
            "--{given} ({}): this needs {why}: --{missing} ({})",
            place(given),
            place(missing)
        ))
    };
    let (issuers, audiences) = (&settings.oidc_issuer, &settings.oidc_audience);
    for (key, count, most) in [
        ("oidc-issuer", issuers.len(), ISSUERS_MAX),
        ("oidc-audience", audiences.len(), AUDIENCES_MAX),
    ] {
        if count > most {
            let place = place(key);
            return Err(format!("--{key} ({place}): {count} are more than {most}"));
        }
    }
    match (issuers.is_empty(), audiences.is_empty()) {
        (false, true) => {
            let why = "to be told whom its tokens are meant for";
            return wants("oidc-issuer", why, "oidc-audience");
        }
        (true, false) => {
            let why = "somebody whose tokens are meant";
            return wants("oidc-audience", why, "oidc-issuer");
        }
        _ => {}
    }
    if settings.credentials.is_some() {
        return Ok(());
    }
    let why = "somebody who is known";
    if settings.sqs_auth != AuthArg::Off {
        return wants("sqs-auth", why, "credentials");
    }
    if settings.pubsub_auth != AuthArg::Off && issuers.is_empty() {
        return wants("pubsub-auth", why, "credentials");
    }
    if settings.admin_auth == AdminAuthArg::Enforce {
        return wants("admin-auth", why, "credentials");
    }
    Ok(())
}

/// Whom each dialect lets in, if it looks.
pub(super) struct LetIn {
    pub sqs: Option<Auth>,
    pub pubsub: Option<Auth>,
    pub admin: AdminAuth,
}

/// Reads who is known, if anybody asks.
///
/// # Errors
/// The file is of no use.
pub(super) fn let_in(settings: &Settings) -> Result<LetIn, FileError> {
    let enforces_tokens = match settings.admin_auth {
        AdminAuthArg::Off => false,
        AdminAuthArg::Enforce => true,
        AdminAuthArg::Auto => !settings.bind.is_loopback(),
    };
    // Whoever asks: a token is good for a session where none is asked for, too.
    let known = settings
        .credentials
        .clone()
        .map(Credentials::open)
        .transpose()?;
    let credentials = known.clone().unwrap_or_else(Credentials::nobody);
    let of = |mode, issuers| {
        let enforce = match mode {
            AuthArg::Off => return None,
            AuthArg::Report => false,
            AuthArg::Enforce => true,
        };
        Some(Auth {
            enforce,
            credentials: credentials.clone(),
            issuers,
        })
    };
    Ok(LetIn {
        sqs: of(settings.sqs_auth, None),
        pubsub: of(settings.pubsub_auth, issuers(settings)),
        admin: AdminAuth {
            enforce: enforces_tokens,
            credentials: known,
        },
    })
}

fn issuers(settings: &Settings) -> Option<Issuers> {
    let urls = settings.oidc_issuer.clone();
    (!urls.is_empty()).then(|| {
        Issuers::new(OidcSettings {
            issuers: urls,
            audiences: settings.oidc_audience.clone(),
            ca_file: settings.push_ca_file.clone(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_somebody_and_has_to_mean_this_server() {
        let mut settings = Settings {
            pubsub_auth: AuthArg::Enforce,
            ..Settings::default()
        };
        let told = |settings: &Settings| check(settings).unwrap_err();
        assert!(told(&settings).starts_with("--pubsub-auth (pubsub.auth): this needs somebody"));
        settings.oidc_issuer = vec!["https://a.example".to_owned()];
        assert!(told(&settings).ends_with("meant for: --oidc-audience (oidc.audience)"));
        settings.oidc_audience = vec!["lclq".to_owned()];
        assert_eq!(check(&settings), Ok(()));
        let let_in = let_in(&settings).unwrap();
        assert!(let_in.sqs.is_none());
        assert!(let_in.pubsub.unwrap().issuers.is_some());
        // Signatures are made with keys, and an issuer gives none.
        settings.sqs_auth = AuthArg::Report;
        assert!(told(&settings).ends_with("--credentials (server.credentials)"));
        settings.sqs_auth = AuthArg::Off;
        settings.oidc_issuer = vec!["https://a.example".to_owned(); ISSUERS_MAX + 1];
        assert!(told(&settings).contains("more than 16"));
        settings.oidc_issuer.clear();
        assert!(told(&settings).ends_with("--oidc-issuer (oidc.issuer)"));
    }
}
