//! Routes about the server itself.

use super::EVENTS;
use crate::admin::answers::{AdminBody, AdminResult, with_status};
use crate::admin::route::Scope::{Admin as Administer, Read};
use crate::admin::route::{Answered, Asked, Route, schema_of};
use crate::admin::{
    Admin, config, connections, cores, events, metrics, openapi, operations, stats,
};
use http::{Method, Response, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;
use std::rc::Rc;

const TEXT: Answered = Answered {
    status: StatusCode::OK,
    media_type: "text/plain",
    schema: None,
};

/// How the server is.
#[derive(Serialize, JsonSchema)]
struct Health {
    /// `ok` or, with status 503, `failing`.
    status: &'static str,
    /// What fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

async fn health(admin: Rc<Admin>, _: Asked) -> AdminResult<Response<AdminBody>> {
    let reason = admin.mesh.journal_down();
    let (status, said) = match reason {
        None => (StatusCode::OK, "ok"),
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, "failing"),
    };
    let health = Health {
        status: said,
        reason,
    };
    Ok(with_status(status, &health).map(AdminBody::from))
}

/// Whether the server takes requests.
#[derive(Serialize, JsonSchema)]
struct Readiness {
    status: &'static str,
}

async fn ready(_: Rc<Admin>, _: Asked) -> AdminResult<Readiness> {
    Ok(Readiness { status: "ready" })
}

/// Which server this is.
#[derive(Serialize, JsonSchema)]
struct Version {
    name: &'static str,
    version: &'static str,
}

async fn version(_: Rc<Admin>, _: Asked) -> AdminResult<Version> {
    Ok(Version {
        name: "lclq",
        version: env!("CARGO_PKG_VERSION"),
    })
}

async fn scrape(admin: Rc<Admin>, asked: Asked) -> AdminResult<Response<AdminBody>> {
    let answer = metrics::answer(&admin, &asked.head).await?;
    Ok(answer.map(AdminBody::from))
}

async fn document(_: Rc<Admin>, _: Asked) -> AdminResult<Response<AdminBody>> {
    let document = with_status(StatusCode::OK, &openapi::document());
    Ok(document.map(AdminBody::from))
}

pub(super) fn routes() -> Vec<Route> {
    let health_answer = Answered {
        status: StatusCode::OK,
        media_type: "application/json",
        schema: Some(schema_of::<Health>),
    };
    let json = Answered {
        status: StatusCode::OK,
        media_type: "application/json",
        schema: None,
    };
    vec![
        Route::raw(
            Method::GET,
            "/health",
            Read,
            ("getHealth", "Whether the server can do its work"),
            health_answer,
            health,
        ),
        Route::new(
            Method::GET,
            "/ready",
            Read,
            ("getReadiness", "Whether the server takes requests"),
            ready,
        ),
        Route::new(
            Method::GET,
            "/version",
            Read,
            ("getVersion", "Which server this is"),
            version,
        ),
        Route::raw(
            Method::GET,
            "/openapi.json",
            Read,
            ("getOpenApi", "This document"),
            json,
            document,
        ),
        Route::raw(
            Method::GET,
            "/metrics",
            Read,
            ("getMetrics", "Metrics for Prometheus"),
            TEXT,
            scrape,
        ),
        Route::new(
            Method::GET,
            "/stats",
            Read,
            ("getStats", "Counts over the server"),
            stats::show,
        ),
        Route::new(
            Method::GET,
            "/shards",
            Read,
            ("listShards", "Counts by shard"),
            stats::list,
        ),
        Route::new(
            Method::GET,
            "/cores",
            Read,
            ("listCores", "What each core carries"),
            cores::list,
        ),
        Route::new(
            Method::GET,
            "/operations",
            Read,
            (
                "listOperations",
                "What was asked of the dialects, with what outcome, how fast",
            ),
            operations::list,
        ),
        Route::raw(
            Method::GET,
            "/events",
            Read,
            (
                "followEvents",
                "What goes on, as server-sent events: `stats` each second, `resource` for each change of one, `missed` where changes were lost",
            ),
            EVENTS,
            events::follow,
        ),
        Route::new(
            Method::GET,
            "/connections",
            Read,
            ("listConnections", "Open connections"),
            connections::list,
        ),
        Route::new(
            Method::DELETE,
            "/connections/{id}",
            Administer,
            (
                "closeConnection",
                "End a connection, whatever is under way on it",
            ),
            connections::close,
        ),
        Route::new(
            Method::GET,
            "/config",
            Read,
            ("getConfig", "The configuration in effect"),
            config::show,
        ),
        Route::new(
            Method::POST,
            "/config/reload",
            Administer,
            ("reloadConfig", "Read the configuration's file again"),
            config::reload,
        ),
    ]
}
