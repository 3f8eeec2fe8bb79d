//! Fifty tests at once that all use the same names, each in a sandbox of its own.

mod support;

use lclq::proto::google::pubsub::v1 as pb;
use lclq_testkit::{ControlError, Server};
use serde_json::json;
use std::time::Duration;
use support::{Outcome, PubSub, receive, send, sqs};

const MESSAGES: usize = 5;

fn run(test: impl Future<Output = Outcome<()>>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime
        .expect("a runtime")
        .block_on(test)
        .expect("the test passes");
}

async fn queue_has_what_its_test_has_sent(number: usize) -> Outcome<()> {
    let sandbox = lclq_testkit::sandbox()?;
    let client = sqs(&sandbox, 3);
    assert!(receive(&client, "orders").await?.is_empty());
    let sent: Vec<String> = (0..MESSAGES).map(|n| format!("{number}/{n}")).collect();
    for body in &sent {
        send(&client, "orders", body, 0).await?;
    }
    assert_eq!(receive(&client, "orders").await?, sent);
    assert!(receive(&client, "orders").await?.is_empty());
    Ok(sandbox.reset()?)
}

async fn topic_has_what_its_test_has_published(number: usize) -> Outcome<()> {
    let sandbox = lclq_testkit::sandbox()?;
    let pubsub = PubSub::new(&sandbox)?;
    let data = number.to_string();
    pubsub.publish("events", &data).await?;
    assert_eq!(pubsub.pull("events").await?, [data]);
    Ok(sandbox.reset()?)
}

/// One function of the test harness for each, so that it runs them at once.
macro_rules! tests {
    ($test:ident: $($name:ident = $number:literal)*) => {
        $(#[test] fn $name() { run($test($number)); })*
    };
}

tests! { queue_has_what_its_test_has_sent:
    queue_00 = 0 queue_01 = 1 queue_02 = 2 queue_03 = 3 queue_04 = 4
    queue_05 = 5 queue_06 = 6 queue_07 = 7 queue_08 = 8 queue_09 = 9
    queue_10 = 10 queue_11 = 11 queue_12 = 12 queue_13 = 13 queue_14 = 14
    queue_15 = 15 queue_16 = 16 queue_17 = 17 queue_18 = 18 queue_19 = 19
    queue_20 = 20 queue_21 = 21 queue_22 = 22 queue_23 = 23 queue_24 = 24
    queue_25 = 25 queue_26 = 26 queue_27 = 27 queue_28 = 28 queue_29 = 29
    queue_30 = 30 queue_31 = 31 queue_32 = 32 queue_33 = 33 queue_34 = 34
    queue_35 = 35 queue_36 = 36 queue_37 = 37 queue_38 = 38
}

tests! { topic_has_what_its_test_has_published:
    topic_0 = 0 topic_1 = 1 topic_2 = 2 topic_3 = 3 topic_4 = 4 topic_5 = 5 topic_6 = 6
}

#[test]
fn an_hour_passes_at_once_on_this_server_alone() {
    run(async {
        let server = Server::start()?;
        let other = Server::start()?;
        let (here, there) = (sqs(&server.sandbox(), 3), sqs(&other.sandbox(), 3));
        for client in [&here, &there] {
            send(client, "orders", "later", 900).await?;
            assert!(receive(client, "orders").await?.is_empty());
        }
        server.clock().advance(Duration::from_secs(3600))?;
        assert_eq!(receive(&here, "orders").await?, ["later"]);
        assert!(receive(&there, "orders").await?.is_empty());
        // A further one begins with a clock of its own and leaves that of others as it is.
        let third = Server::start()?;
        other.clock().advance(Duration::from_secs(901))?;
        assert_eq!(receive(&there, "orders").await?, ["later"]);
        let third = sqs(&third.sandbox(), 3);
        send(&third, "orders", "later", 900).await?;
        assert!(receive(&third, "orders").await?.is_empty());
        Ok(())
    });
}

#[test]
fn the_sdk_tries_again() {
    run(async {
        let server = Server::start()?;
        let client = sqs(&server.sandbox(), 3);
        let effect = json!({ "error": { "code": "InternalFailure" } });
        let rule =
            json!({ "dialect": "sqs", "action": "SendMessage", "times": 1, "effect": effect });
        let name = server.faults().set(&rule)?;
        send(&client, "orders", "twice", 0).await?;
        let all = server.faults().list()?;
        assert_eq!(
            (&all[0]["name"], &all[0]["fired"]),
            (&json!(name), &json!(1))
        );
        server.faults().remove(&name)?;
        assert!(server.faults().list()?.is_empty());
        assert_eq!(receive(&client, "orders").await?, ["twice"]);
        Ok(())
    });
}

#[test]
fn without_controls_the_clock_is_refused() {
    let server = Server::start_with(&["--test-controls=false"]).expect("a server");
    let refused = server.clock().stop();
    assert!(
        matches!(refused, Err(ControlError::Refused { .. })),
        "{refused:?}"
    );
    server.stop().expect("it ends in peace");
}

#[test]
fn functions_of_users_are_refused() {
    run(async {
        let server = Server::start()?;
        let pubsub = PubSub::new(&server.sandbox())?;
        let function = pb::JavaScriptUdf {
            function_name: "f".to_owned(),
            code: "function f(message) { return message; }".to_owned(),
        };
        let transform = pb::MessageTransform {
            transform: Some(pb::message_transform::Transform::JavascriptUdf(function)),
            ..pb::MessageTransform::default()
        };
        let topic = pb::Topic {
            name: pubsub.topic_name("events"),
            message_transforms: vec![transform],
            ..pb::Topic::default()
        };
        let method = "/google.pubsub.v1.Publisher/CreateTopic";
        let made = pubsub.call::<_, pb::Topic>(method, topic).await;
        let outcome = match made {
            Err(status) => Err(status.into()),
            Ok(_) => pubsub.publish("events", "hello").await,
        };
        let error = outcome.expect_err("this program isn't lclq").to_string();
        assert!(error.contains("isn't lclq"), "{error}");
        Ok(())
    });
}
