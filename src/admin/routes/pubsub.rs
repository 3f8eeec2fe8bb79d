//! Routes about topics, subscriptions, snapshots and schemas.

use super::EVENTS;
use crate::admin::pubsub::{self, schemas, snapshots, subscriptions, topics};
use crate::admin::route::Route;
use crate::admin::route::Scope::{Operate, Read};
use crate::admin::{pubsub_messages, pubsub_peek, tail};
use http::{Method, StatusCode};

pub(super) fn routes() -> Vec<Route> {
    let mut routes = of_topics();
    routes.extend(of_subscriptions());
    routes.extend(of_snapshots_and_schemas());
    routes
}

fn of_topics() -> Vec<Route> {
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
    ]
}

fn of_subscriptions() -> Vec<Route> {
    vec![
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
            Method::GET,
            "/subscriptions/{subscription}/messages",
            Read,
            (
                "peekSubscription",
                "Look at a subscription's messages without taking them",
            ),
            pubsub_peek::peek,
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
    ]
}

fn of_snapshots_and_schemas() -> Vec<Route> {
    vec![
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
