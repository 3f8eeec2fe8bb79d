//! Whom clients' certificates stand for.

use super::file::{AccessKey, ClientCertificate};
use super::principal::{Policies, Principal};
use super::tokens::Holder;
use std::sync::Arc;

/// Whom a certificate stands for, to each that asks.
#[derive(Clone, Debug)]
pub struct Certified {
    /// To SQS.
    pub principal: Option<Arc<Principal>>,
    /// To Pub/Sub: a service account's address.
    pub email: Option<Arc<str>>,
    /// To the admin API.
    pub holder: Option<Holder>,
}

impl Certified {
    /// That of an entry of the file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn of(given: ClientCertificate, policies: &Policies) -> Result<Self, String> {
        let principal = match (given.account, given.user) {
            (Some(account), Some(user)) => {
                super::store::check_account(&account)?;
                let key = AccessKey {
                    id: given.subject.clone(),
                    secret: None,
                    secret_hash: None,
                    account,
                    user,
                    role: None,
                    organization: None,
                    policies: given.policies,
                    session_token_hash: None,
                    session_until: None,
                };
                Some(Arc::new(Principal::of(&key, policies)?))
            }
            (None, None) if given.policies.is_none() => None,
            _ => return Err("account and user go together, and policies with them".to_owned()),
        };
        Ok(Self {
            principal,
            email: given.email.map(Arc::from),
            holder: given.scope.map(|scope| Holder {
                name: given.subject,
                scope,
                until: None,
            }),
        })
    }
}
