//! Access keys and service accounts that requests are signed with: whose they are, where they are kept,
//! how they are made.
//!
//! Of a service account the public key is kept. An access key that lclq makes is kept as the hash that
//! HMAC makes of its secret, which is enough to check signatures and does not give the secret away;
//! whoever has the hash can sign here, though, so the file is its owner's alone all the same.

mod certificates;
mod command;
mod file;
mod make;
mod principal;
mod projects;
mod store;
mod tokens;

pub use certificates::Certified;
pub use command::run;
#[cfg(feature = "fuzzing")]
pub use file::Contents;
pub use file::FileError;
pub(crate) use make::number_of;
pub use make::rsa_key;
pub use principal::Principal;
pub use projects::IamSettings;
pub use store::{AdminAuth, Auth, Credentials};
pub use tokens::{Holder, Scope};
