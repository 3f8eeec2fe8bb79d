//! Requests that were refused because of who sent them, or would have been.

use super::Admin;
use super::answers::AdminResult;
use super::route::{Asked, Route, Scope};
use crate::interceptors::{About, Refused};
use http::Method;
use schemars::JsonSchema;
use serde::Serialize;
use std::rc::Rc;

/// How many there were of a sort, since the start.
#[derive(Serialize, JsonSchema)]
struct Counted {
    /// `sqs`, `pubsub` or `admin`.
    dialect: &'static str,
    /// `authentication`, `authorization` or `limit`.
    about: &'static str,
    /// Whether they were refused; otherwise they were carried out, and told of.
    enforced: bool,
    count: u64,
}

/// Refusals, by sort, and the latest.
#[derive(Serialize, JsonSchema)]
struct RefusalList {
    counts: Vec<Counted>,
    /// The last one first; no more than 256.
    latest: Vec<Refused>,
}

async fn list(admin: Rc<Admin>, _: Asked) -> AdminResult<RefusalList> {
    let refusals = &admin.interceptors.refusals;
    let counts = refusals.counts().filter(|(.., count)| *count > 0);
    let counted = |(dialect, about, enforced, count): (_, About, _, _)| Counted {
        dialect,
        about: about.name(),
        enforced,
        count,
    };
    Ok(RefusalList {
        counts: counts.map(counted).collect(),
        latest: refusals.latest(),
    })
}

pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(
        Method::GET,
        "/refusals",
        Scope::Read,
        (
            "listRefusals",
            "Requests that were refused because of who sent them, or would have been",
        ),
        list,
    )]
}
