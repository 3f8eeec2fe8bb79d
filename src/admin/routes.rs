//! All routes of the API, in one table: what isn't here isn't answered, and isn't in the document.

use super::answers::{AdminBody, AdminError, AdminResult, with_status};
use super::pubsub::{self, schemas, snapshots, subscriptions, topics};
use super::route::Scope::{Admin as Administer, Operate, Read};
use super::route::{Answered, Asked, Call, Route, schema_of};
use super::{
    Admin, config, connections, controls, cores, events, messages, metrics, openapi, operations,
    pubsub_messages, queues, stats, tail,
};
use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;
use std::rc::Rc;
use std::sync::LazyLock;

/// Before the paths of the API. They are answered without it, too.
pub(super) const PREFIX: &str = "/api/v1";

pub(super) static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    let mut routes = of_server();
    routes.extend(of_queues());
    routes.extend(of_pubsub());
    routes.extend(of_tests());
    routes
});

/// Finds who answers a request, and has them do so. This is the one place that all requests of the
/// API come through.
pub(super) async fn answer(
    admin: Rc<Admin>,
    head: Parts,
    body: Bytes,
) -> AdminResult<Response<AdminBody>> {
    let path = head.uri.path();
    let path = path.strip_prefix(PREFIX).unwrap_or(path);
    let segments: Vec<String> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(decoded)
        .collect();
    let method = match head.method {
        Method::HEAD => Method::GET,
        ref method => method.clone(),
    };
    let mut others: Vec<&str> = Vec::new();
    for route in ROUTES.iter() {
        let Some(path) = route.matches(&segments) else {
            continue;
        };
        if route.method == method {
            return route.handle(admin, Call { path, head, body }).await;
        }
        others.push(route.method.as_str());
    }
    if others.is_empty() {
        return Err(AdminError::not_found(format!("there is nothing at {path}")));
    }
    Err(AdminError::wrong_method(&others.join(" or ")))
}

/// Undoes percent-encoding.
fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

const TEXT: Answered = Answered {
    status: StatusCode::OK,
    media_type: "text/plain",
    schema: None,
};
const EVENTS: Answered = Answered {
    status: StatusCode::OK,
    media_type: "text/event-stream",
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

fn of_server() -> Vec<Route> {
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

fn of_queues() -> Vec<Route> {
    vec![
        Route::new(
            Method::GET,
            "/queues",
            Read,
            ("listQueues", "List queues"),
            queues::list,
        ),
        Route::new(
            Method::POST,
            "/queues",
            Operate,
            ("createQueue", "Make a queue"),
            queues::create,
        )
        .answering(StatusCode::CREATED),
        Route::new(
            Method::GET,
            "/queues/{queue}",
            Read,
            ("getQueue", "Show a queue"),
            queues::show,
        ),
        Route::new(
            Method::PATCH,
            "/queues/{queue}",
            Operate,
            ("changeQueue", "Change attributes and tags"),
            queues::change,
        ),
        Route::new(
            Method::DELETE,
            "/queues/{queue}",
            Operate,
            ("deleteQueue", "Delete a queue with its messages"),
            queues::delete,
        ),
        Route::new(
            Method::POST,
            "/queues/{queue}/purge",
            Operate,
            ("purgeQueue", "Delete a queue's messages"),
            queues::purge,
        ),
        Route::new(
            Method::GET,
            "/queues/{queue}/messages",
            Read,
            ("peekMessages", "Look at messages without receiving them"),
            messages::peek,
        ),
        Route::new(
            Method::POST,
            "/queues/{queue}/messages",
            Operate,
            ("sendMessage", "Send a message"),
            messages::send,
        )
        .answering(StatusCode::CREATED),
        Route::new(
            Method::POST,
            "/queues/{queue}/receive",
            Operate,
            ("receiveMessages", "Receive messages"),
            messages::receive,
        ),
        Route::new(
            Method::POST,
            "/queues/{queue}/settle",
            Operate,
            (
                "settleMessage",
                "Delete a message that was received, or change how long it stays invisible",
            ),
            messages::settle,
        ),
        Route::new(
            Method::POST,
            "/queues/{queue}/move",
            Operate,
            ("moveMessages", "Move chosen messages to another queue"),
            messages::move_chosen,
        ),
        Route::new(
            Method::GET,
            "/queues/{queue}/redrive",
            Read,
            ("listRedrives", "A dead-letter queue's move tasks"),
            messages::redrives,
        ),
        Route::new(
            Method::POST,
            "/queues/{queue}/redrive",
            Operate,
            (
                "redriveQueue",
                "Move all messages of a dead-letter queue back, or elsewhere",
            ),
            messages::redrive,
        )
        .answering(StatusCode::ACCEPTED),
        Route::raw(
            Method::GET,
            "/queues/{queue}/tail",
            Read,
            (
                "tailQueue",
                "Follow what is sent to a queue without taking it, as server-sent events: `message`, `missed`, `end`",
            ),
            EVENTS,
            tail::queue,
        ),
    ]
}

fn of_pubsub() -> Vec<Route> {
    vec![
        Route::new(
            Method::GET,
            "/topics",
            Read,
            ("listTopics", "List topics"),
            topics::list,
        ),
        Route::new(
            Method::POST,
            "/topics",
            Operate,
            ("createTopic", "Make a topic"),
            topics::create,
        )
        .answering(StatusCode::CREATED),
        Route::new(
            Method::GET,
            "/topics/{topic}",
            Read,
            ("getTopic", "Show a topic"),
            topics::show,
        ),
        Route::new(
            Method::PATCH,
            "/topics/{topic}",
            Operate,
            ("changeTopic", "Change a topic"),
            topics::change,
        ),
        Route::new(
            Method::DELETE,
            "/topics/{topic}",
            Operate,
            ("deleteTopic", "Delete a topic"),
            topics::delete,
        ),
        Route::new(
            Method::POST,
            "/topics/{topic}/publish",
            Operate,
            ("publishMessages", "Publish messages"),
            pubsub_messages::publish,
        )
        .answering(StatusCode::CREATED),
        Route::raw(
            Method::GET,
            "/topics/{topic}/tail",
            Read,
            (
                "tailTopic",
                "Follow what is published to a topic, as server-sent events: `message`, `missed`, `end`",
            ),
            EVENTS,
            tail::topic,
        ),
        Route::new(
            Method::GET,
            "/subscriptions",
            Read,
            (
                "listSubscriptions",
                "List subscriptions with their backlogs",
            ),
            subscriptions::list,
        ),
        Route::new(
            Method::POST,
            "/subscriptions",
            Operate,
            ("createSubscription", "Make a subscription"),
            subscriptions::create,
        )
        .answering(StatusCode::CREATED),
        Route::new(
            Method::GET,
            "/subscriptions/{subscription}",
            Read,
            ("getSubscription", "Show a subscription"),
            subscriptions::show,
        ),
        Route::new(
            Method::PATCH,
            "/subscriptions/{subscription}",
            Operate,
            ("changeSubscription", "Change a subscription"),
            subscriptions::change,
        ),
        Route::new(
            Method::DELETE,
            "/subscriptions/{subscription}",
            Operate,
            ("deleteSubscription", "Delete a subscription"),
            subscriptions::delete,
        ),
        Route::new(
            Method::POST,
            "/subscriptions/{subscription}/purge",
            Operate,
            (
                "purgeSubscription",
                "Acknowledge all messages published so far",
            ),
            pubsub_messages::purge,
        ),
        Route::new(
            Method::POST,
            "/subscriptions/{subscription}/pull",
            Operate,
            ("pullMessages", "Pull messages"),
            pubsub_messages::pull,
        ),
        Route::new(
            Method::POST,
            "/subscriptions/{subscription}/settle",
            Operate,
            (
                "settleDeliveries",
                "Acknowledge messages, or change their ack deadline",
            ),
            pubsub_messages::settle,
        ),
        Route::new(
            Method::POST,
            "/subscriptions/{subscription}/seek",
            Operate,
            ("seekSubscription", "Seek to a time or to a snapshot"),
            pubsub_messages::seek,
        ),
        Route::new(
            Method::POST,
            "/subscriptions/{subscription}/detach",
            Operate,
            (
                "detachSubscription",
                "Cut a subscription off its topic and drop its messages",
            ),
            pubsub::detach,
        ),
        Route::raw(
            Method::GET,
            "/subscriptions/{subscription}/tail",
            Read,
            (
                "tailSubscription",
                "Follow what is published for a subscription without taking it, as server-sent events: `message`, `missed`, `end`",
            ),
            EVENTS,
            tail::subscription,
        ),
        Route::new(
            Method::GET,
            "/snapshots",
            Read,
            ("listSnapshots", "List snapshots"),
            snapshots::list,
        ),
        Route::new(
            Method::POST,
            "/snapshots",
            Operate,
            (
                "createSnapshot",
                "Make a snapshot; its definition has the subscription's full name",
            ),
            snapshots::create,
        )
        .answering(StatusCode::CREATED),
        Route::new(
            Method::GET,
            "/snapshots/{snapshot}",
            Read,
            ("getSnapshot", "Show a snapshot"),
            snapshots::show,
        ),
        Route::new(
            Method::PATCH,
            "/snapshots/{snapshot}",
            Operate,
            ("changeSnapshot", "Change a snapshot"),
            snapshots::change,
        ),
        Route::new(
            Method::DELETE,
            "/snapshots/{snapshot}",
            Operate,
            ("deleteSnapshot", "Delete a snapshot"),
            snapshots::delete,
        ),
        Route::new(
            Method::GET,
            "/schemas",
            Read,
            ("listSchemas", "List schemas"),
            schemas::list,
        ),
        Route::new(
            Method::POST,
            "/schemas",
            Operate,
            ("createSchema", "Make a schema"),
            schemas::create,
        )
        .answering(StatusCode::CREATED),
        Route::new(
            Method::GET,
            "/schemas/{schema}",
            Read,
            ("getSchema", "Show a schema"),
            schemas::show,
        ),
        Route::new(
            Method::POST,
            "/schemas/{schema}/commit",
            Operate,
            ("commitSchema", "Give a schema a new revision"),
            schemas::commit,
        ),
        Route::new(
            Method::DELETE,
            "/schemas/{schema}",
            Operate,
            ("deleteSchema", "Delete a schema"),
            schemas::delete,
        ),
    ]
}

fn of_tests() -> Vec<Route> {
    use controls::{clock, reset};
    vec![
        Route::new(
            Method::GET,
            "/test/clock",
            Read,
            ("getClock", "A test server's clock"),
            clock::show,
        ),
        Route::new(
            Method::POST,
            "/test/clock/stop",
            Administer,
            ("stopClock", "Stop the clock"),
            clock::stop,
        ),
        Route::new(
            Method::POST,
            "/test/clock/resume",
            Administer,
            ("resumeClock", "Let the clock go on"),
            clock::resume,
        ),
        Route::new(
            Method::POST,
            "/test/clock/advance",
            Administer,
            ("advanceClock", "Have time pass at once"),
            clock::advance,
        ),
        Route::new(
            Method::POST,
            "/test/clock/set",
            Administer,
            ("setClock", "Have time pass at once up to a time"),
            clock::set,
        ),
        Route::new(
            Method::POST,
            "/test/reset",
            Administer,
            (
                "resetServer",
                "Delete everything, or what one account, region or project has",
            ),
            reset::reset,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_route_can_be_reached_and_has_a_name_of_its_own() {
        let names: BTreeSet<_> = ROUTES.iter().map(|route| route.operation).collect();
        assert_eq!(names.len(), ROUTES.len());
        for route in ROUTES.iter() {
            let segments: Vec<String> = route
                .path
                .split('/')
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect();
            let found = ROUTES
                .iter()
                .find(|other| other.method == route.method && other.matches(&segments).is_some());
            let found = found.map(|found| found.operation);
            assert_eq!(found, Some(route.operation), "{} is hidden", route.path);
            assert!(
                route.scope == Read || route.method != Method::GET,
                "{}",
                route.path
            );
        }
    }
}
