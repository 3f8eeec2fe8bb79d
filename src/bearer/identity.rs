//! Whose a request is.

use std::rc::Rc;

/// Whom a token names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// An e-mail address, or what an issuer calls them by.
    pub text: Rc<str>,
    /// What the text is, and by whose word.
    pub kind: IdentityKind,
}

/// What an identity's text is, and by whose word. The same text of another kind is somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentityKind {
    /// The e-mail address of a service account of this server.
    ServiceAccount,
    /// Of somebody whom an issuer elsewhere knows.
    External {
        /// The issuer, as its tokens name it.
        issuer: Rc<str>,
        /// Whether the text is an e-mail address. If not, it is the issuer's `sub`, which may look
        /// like one and is none.
        is_email: bool,
    },
}

impl Identity {
    /// Of a service account of this server.
    pub fn service_account(email: String) -> Self {
        Self {
            text: email.into(),
            kind: IdentityKind::ServiceAccount,
        }
    }
}
