//! Routes about the server itself.

use super::EVENTS;
use crate::admin::answers::{AdminBody, AdminResult, of_json, with_status};
use crate::admin::metrics::Health;
use crate::admin::route::Scope::{Admin as Administer, Read};
use crate::admin::route::{Answered, Asked, Route, SchemaOf, ZSTD, schema_of};
use crate::admin::{
    Admin, cluster, config, connections, cores, events, openapi, operations, portable, stats,
};
use bytes::Bytes;
use http::{Method, Response, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::Duration;

const TEXT: Answered = Answered {
    status: StatusCode::OK,
    media_type: "text/plain",
    schema: None,
};

async fn health(admin: Rc<Admin>, _: Asked) -> AdminResult<Response<AdminBody>> {
    Ok(admin.metrics.health().map(AdminBody::from))
}

/// A shard that has waited for its store for so long isn't ready for more.
const SILENCE_MAX: Duration = Duration::from_secs(2);

/// Whether the server takes requests.
#[derive(Serialize, JsonSchema)]
struct Readiness {
    /// `ready` or, with status 503, `waiting`.
    status: &'static str,
    /// What it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

async fn ready(admin: Rc<Admin>, _: Asked) -> AdminResult<Response<AdminBody>> {
    let silent = admin.metrics.silent_journal();
    let reason = silent.filter(|(_, time)| *time >= SILENCE_MAX);
    let reason = reason.map(|(shard, time)| {
        let seconds = time.as_secs();
        format!("shard {shard}: its store has acknowledged nothing for {seconds} s")
    });
    let (code, status) = match reason {
        None => (StatusCode::OK, "ready"),
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, "waiting"),
    };
    Ok(with_status(code, &Readiness { status, reason }).map(AdminBody::from))
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

/// Which metrics are shown. The port for metrics alone takes the same.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MetricsQuery {
    /// `lclq`, `cloudwatch` or `monitoring`, or some of them with commas between them: under whose
    /// names. By default `lclq`.
    #[serde(default)]
    names: Vec<String>,
}

async fn scrape(admin: Rc<Admin>, asked: Asked<MetricsQuery>) -> AdminResult<Response<AdminBody>> {
    let answer = admin
        .metrics
        .answer(&asked.head, &asked.query.names)
        .await?;
    Ok(answer.map(AdminBody::from))
}

async fn document(_: Rc<Admin>, _: Asked) -> AdminResult<Response<AdminBody>> {
    // Made once: it is the same as long as the process runs, and takes milliseconds of a core.
    static DOCUMENT: OnceLock<Bytes> = OnceLock::new();
    let document = DOCUMENT.get_or_init(|| {
        let made = with_status(StatusCode::OK, &openapi::document());
        made.into_body().into_bytes()
    });
    Ok(of_json(StatusCode::OK, document.clone()).map(AdminBody::from))
}

const EXPORT: Answered = Answered {
    status: StatusCode::OK,
    media_type: ZSTD,
    schema: None,
};

fn json_answer(schema: Option<SchemaOf>) -> Answered {
    Answered {
        status: StatusCode::OK,
        media_type: "application/json",
        schema,
    }
}

pub(super) fn routes() -> Vec<Route> {
    let health_answer = json_answer(Some(schema_of::<Health>));
    let json = json_answer(None);
    vec![
        Route::raw(
            Method::GET,
            "/health",
            Read,
            ("getHealth", "Whether the server can do its work"),
            health_answer,
            health,
        )
        .open(),
        Route::raw(
            Method::GET,
            "/ready",
            Read,
            ("getReadiness", "Whether the server takes requests"),
            json_answer(Some(schema_of::<Readiness>)),
            ready,
        )
        .open(),
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
            (
                "getMetrics",
                "Metrics for Prometheus; OpenMetrics where that is accepted",
            ),
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
            "/cluster",
            Read,
            (
                "getCluster",
                "The nodes that share the server's store, and what each runs",
            ),
            cluster::show,
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
        Route::raw(
            Method::GET,
            "/export",
            Read,
            (
                "export",
                "Everything that the server has, or some of it, as a file for `import`",
            ),
            EXPORT,
            portable::export,
        ),
        Route::new(
            Method::POST,
            "/import",
            Administer,
            ("import", "Take up what an export has"),
            portable::import,
        ),
    ]
}
