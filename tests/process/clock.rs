//! The wall clock is set while the server runs, and between two runs.

use super::*;
use support::shim::Clock;

const HOUR_S: i64 = 3600;
const DAY_S: i64 = 24 * HOUR_S;
/// How much later than it should something may happen on a busy machine.
const LATE_MAX: Duration = Duration::from_secs(4);

fn receive_request(queue: &str, wait_s: u32) -> Value {
    json!({ "QueueUrl": url(queue), "WaitTimeSeconds": wait_s, "VisibilityTimeout": 3,
            "AttributeNames": ["All"] })
}

fn bodies(answer: &Value) -> Vec<&str> {
    let messages = answer["Messages"].as_array();
    let messages = messages.into_iter().flatten();
    messages
        .map(|message| message["Body"].as_str().unwrap())
        .collect()
}

/// Asks for something that takes `time_s` and sees that it takes no longer.
#[track_caller]
fn takes(time_s: u64, what: &str, ask: impl FnOnce()) {
    let asked = Instant::now();
    ask();
    let (took, due) = (asked.elapsed(), Duration::from_secs(time_s));
    assert!(took + Duration::from_millis(100) >= due, "{what}: {took:?}");
    assert!(took <= due + LATE_MAX, "{what}: {took:?}");
}

#[test]
fn time_goes_on_when_the_clock_is_set() {
    for ahead_s in [-HOUR_S, -10 * DAY_S, HOUR_S, 10 * DAY_S] {
        let clock = Clock::new();
        let server = clock.given_to(Launch::new()).start();
        let mut client = server.client();
        for queue in ["leased", "empty", "delayed", "plain"] {
            create(&mut client, queue);
        }
        client.ok("SendMessage", &send_request("leased", "lease"));
        let before = client.ok("ReceiveMessage", &receive_request("leased", 0));
        assert_eq!(bodies(&before), ["lease"], "{ahead_s}");
        let delayed =
            json!({ "QueueUrl": url("delayed"), "MessageBody": "delay", "DelaySeconds": 2 });
        client.ok("SendMessage", &delayed);

        clock.set(ahead_s);
        // A lease from before ends when it should.
        takes(3, "a lease", || {
            let again = client.ok("ReceiveMessage", &receive_request("leased", 20));
            assert_eq!(bodies(&again), ["lease"], "{ahead_s}");
        });
        let answer = client.ok("ReceiveMessage", &receive_request("delayed", 0));
        assert_eq!(bodies(&answer), ["delay"], "{ahead_s}");
        // So does a poll that begins now.
        takes(2, "a poll", || {
            let answer = client.ok("ReceiveMessage", &receive_request("empty", 2));
            assert_eq!(bodies(&answer), [""; 0], "{ahead_s}");
        });
        // What is sent now is there, and its time is later than that of what was sent before.
        client.ok("SendMessage", &send_request("plain", "sent"));
        let after = client.ok("ReceiveMessage", &receive_request("plain", 0));
        assert_eq!(bodies(&after), ["sent"], "{ahead_s}");
        let sent_at = |answer: &Value| -> u64 {
            let time = &answer["Messages"][0]["Attributes"]["SentTimestamp"];
            time.as_str().unwrap().parse().unwrap()
        };
        let passed = sent_at(&after) - sent_at(&before);
        assert!((4000..60_000).contains(&passed), "{ahead_s}: {passed} ms");
        server.stop();
    }
}

#[test]
fn published_messages_come_when_the_clock_is_set() {
    for ahead_s in [-10 * DAY_S, 10 * DAY_S] {
        let clock = Clock::new();
        let server = clock.given_to(Launch::new()).start();
        let mut client = server.pubsub_client();
        let topic = "/v1/projects/p/topics/topic";
        let subscription = "/v1/projects/p/subscriptions/sub-1";
        client.rest("PUT", topic, &json!({})).unwrap().ok();
        let request = json!({ "topic": "projects/p/topics/topic", "ackDeadlineSeconds": 10 });
        client.rest("PUT", subscription, &request).unwrap().ok();
        clock.set(ahead_s);
        let message = json!({ "messages": [{ "data": "YQ==" }] });
        let publish = format!("{topic}:publish");
        client.rest("POST", &publish, &message).unwrap().ok();
        let pull = format!("{subscription}:pull");
        for (what, time_s) in [("a message", 0), ("a lease", 10)] {
            takes(time_s, what, || {
                let answer = client.rest("POST", &pull, &json!({ "maxMessages": 1 }));
                let answer = answer.unwrap().ok();
                let messages = answer["receivedMessages"].as_array();
                assert_eq!(messages.map(Vec::len), Some(1), "{ahead_s}: {answer}");
            });
        }
        server.stop();
    }
}

#[test]
fn a_restart_after_the_clock_was_set_back_leaves_nothing_hanging() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let clock = Clock::new();
    let server = clock.given_to(started_on(&data)).start();
    let mut client = server.client();
    for queue in ["delayed", "leased", "plain"] {
        create(&mut client, queue);
    }
    let short = json!({ "QueueName": "short", "Attributes": { "MessageRetentionPeriod": "60" } });
    client.ok("CreateQueue", &short);
    client.ok("SendMessage", &send_request("short", "kept"));
    client.ok("SendMessage", &send_request("plain", "first"));
    client.ok("SendMessage", &send_request("leased", "lease"));
    client.ok("ReceiveMessage", &receive_request("leased", 0));
    let delayed = json!({ "QueueUrl": url("delayed"), "MessageBody": "delay", "DelaySeconds": 3 });
    client.ok("SendMessage", &delayed);
    server.stop();

    clock.set(-10 * DAY_S);
    let mut server = clock.given_to(started_on(&data)).start();
    let mut client = server.client();
    let answer = client.ok("ReceiveMessage", &receive_request("delayed", 15));
    assert_eq!(bodies(&answer), ["delay"], "the delay begins anew at worst");
    let answer = client.ok("ReceiveMessage", &receive_request("leased", 15));
    assert_eq!(bodies(&answer), ["lease"]);
    client.ok("SendMessage", &send_request("plain", "second"));
    let mut kept = drain(&mut client, "plain");
    kept.sort();
    assert_eq!(kept, ["first", "second"]);
    // Nothing shown lies in the future of the clock that everybody sees now.
    let answer = client.ok("ReceiveMessage", &receive_request("short", 0));
    let sent = &answer["Messages"][0]["Attributes"]["SentTimestamp"];
    let sent: u64 = sent.as_str().unwrap().parse().unwrap();
    let since_1970 = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64;
    assert!(sent as i64 <= since_1970 - 10 * DAY_S * 1000, "{sent}");
    assert!(!server.stderr().contains("panicked"), "{}", server.stderr());
    server.stop();
}

#[test]
fn a_restart_after_the_clock_was_set_forward_ends_what_is_over() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let clock = Clock::new();
    let server = clock.given_to(started_on(&data)).start();
    let mut client = server.client();
    let short = json!({ "QueueName": "short", "Attributes": { "MessageRetentionPeriod": "3600" } });
    client.ok("CreateQueue", &short);
    create(&mut client, "long");
    client.ok("SendMessage", &send_request("short", "over"));
    let delayed = json!({ "QueueUrl": url("long"), "MessageBody": "stays", "DelaySeconds": 900 });
    client.ok("SendMessage", &delayed);
    server.stop();

    clock.set(DAY_S);
    let server = clock.given_to(started_on(&data)).start();
    let mut client = server.client();
    let answer = client.ok("ReceiveMessage", &receive_request("short", 0));
    assert_eq!(bodies(&answer), [""; 0], "its retention is over");
    let answer = client.ok("ReceiveMessage", &receive_request("long", 0));
    assert_eq!(bodies(&answer), ["stays"], "its delay is over");
    server.stop();
}

#[test]
fn the_log_says_that_the_clock_was_set() {
    let clock = Clock::new();
    let mut server = clock.given_to(Launch::new()).start();
    let mut client = server.client();
    create(&mut client, "q");
    clock.set(-HOUR_S);
    client.ok("ReceiveMessage", &receive_request("q", 1));
    client.ok("ReceiveMessage", &receive_request("q", 1));
    let log = server.stderr();
    assert_eq!(log.matches("the wall clock was set").count(), 1, "{log}");
    assert!(log.contains("ahead_ms=-3"), "{log}");
    server.stop();
}
