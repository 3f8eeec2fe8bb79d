//! Google Cloud IAM allow policies on Pub/Sub's resources: read once, then asked for each request.
//!
//! Nothing here opens a socket, reads a clock or a file. A [`Policy`] is made of bindings, of roles to
//! members, under conditions; a [`Request`] says who wants something of which resource and when; and
//! [`decide`] answers whether a permission is there. [`explain`] answers the same and tells for every
//! binding why it applies, or what kept it from applying; [`permitted`] answers for many permissions
//! at once. Which permissions a call needs, and on what, [`Method::needs`] says.
//!
//! A policy is asked without allocating, its conditions too.

#![forbid(unsafe_code)]

mod calls;
mod compile;
mod condition;
mod decision;
mod error;
mod explanation;
mod expression;
mod extract;
mod instants;
mod members;
mod methods;
mod moment;
mod number;
mod permissions;
mod policy;
mod request;
mod roles;
mod scope;
mod text;
mod tokens;
mod truth;
mod zones;

pub use condition::Condition;
pub use decision::{Because, Cause, Decision, Source, decide, permitted};
pub use error::PolicyError;
pub use explanation::{Considered, Explanation, explain};
pub use expression::{EXPRESSION_BYTES_MAX, LOGIC_OPERATORS_MAX};
pub use methods::{Method, Need, When};
pub use permissions::{Permission, Permissions};
pub use policy::{
    BINDINGS_MAX, Binding, CONDITIONS_OF_SAME_MAX, GROUPS_MAX, Level, POLICY_BYTES_MAX,
    PRINCIPALS_MAX, Policy,
};
pub use request::{Member, MemberKind, Request, ResourceType};
pub use roles::{ROLE_ID_BYTES_MAX, Roles};
