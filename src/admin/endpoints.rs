//! Where the server listens: what somebody's clients are to be pointed at.

use super::Admin;
use super::answers::AdminResult;
use super::route::{Asked, Route, Scope};
use http::Method;
use schemars::JsonSchema;
use serde::Serialize;
use std::rc::Rc;

/// An endpoint of the server.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct EndpointView {
    /// sqs, pubsub, pubsub-rest, admin or metrics.
    pub name: &'static str,
    /// The address that it listens on, which may be that of all interfaces.
    pub address: String,
    pub port: u16,
}

/// Where the server listens.
#[derive(Serialize, JsonSchema)]
struct EndpointList {
    endpoints: Vec<EndpointView>,
    /// Region of queues that nobody names another for.
    region: String,
    /// Account of them.
    account: String,
    /// Whether tests may drive the server.
    test_controls: bool,
}

async fn list(admin: Rc<Admin>, _: Asked) -> AdminResult<EndpointList> {
    Ok(EndpointList {
        endpoints: admin.listening.clone(),
        region: admin.config.region.clone(),
        account: admin.config.account.clone(),
        test_controls: admin.controls.enabled,
    })
}

pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(
        Method::GET,
        "/endpoints",
        Scope::Read,
        (
            "listEndpoints",
            "Where the server listens, and what it takes where nobody says otherwise",
        ),
        list,
    )]
}
