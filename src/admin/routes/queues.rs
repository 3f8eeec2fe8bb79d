//! Routes about queues and their messages.

use super::EVENTS;
use crate::admin::route::Route;
use crate::admin::route::Scope::{Operate, Read};
use crate::admin::{chosen, journeys, messages, moves, queues, tail};
use http::{Method, StatusCode};

pub(super) fn routes() -> Vec<Route> {
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
            "/queues/{queue}/messages/settle",
            Operate,
            (
                "settleChosen",
                "Delete chosen messages, or change how long they stay invisible, without receiving them",
            ),
            chosen::settle,
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
            Method::GET,
            "/messages/{message}/journey",
            Read,
            (
                "getJourney",
                "Where a message went, by its id in SQS or Pub/Sub; kept with --journey-events",
            ),
            journeys::show,
        ),
        Route::new(
            Method::POST,
            "/queues/{queue}/move",
            Operate,
            ("moveMessages", "Move chosen messages to another queue"),
            moves::move_chosen,
        ),
        Route::new(
            Method::GET,
            "/queues/{queue}/redrive",
            Read,
            ("listRedrives", "A dead-letter queue's move tasks"),
            moves::redrives,
        ),
        Route::new(
            Method::POST,
            "/queues/{queue}/redrive",
            Operate,
            (
                "redriveQueue",
                "Move all messages of a dead-letter queue back, or elsewhere",
            ),
            moves::redrive,
        )
        .answering(StatusCode::ACCEPTED),
        Route::new(
            Method::POST,
            "/queues/{queue}/redrive/cancel",
            Operate,
            (
                "cancelRedrive",
                "End a move task before it has moved all messages",
            ),
            moves::cancel,
        ),
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
