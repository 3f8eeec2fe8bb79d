//! Exports of servers that have something to do, and imports that are killed.

#[path = "export/shared.rs"]
mod shared;
mod support;

use serde_json::{Value, json};
use shared::{export, file, import, launch, run};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use support::{Client, Launch, Server};

#[test]
fn under_load_each_message_is_there_once_up_to_a_moment() {
    let file = file();
    let from = launch("3").start();
    let mut sqs = from.client();
    let made = sqs.ok("CreateQueue", &json!({ "QueueName": "busy" }));
    let url = made["QueueUrl"].as_str().unwrap().to_owned();
    let body = "x".repeat(2_000);
    let send = |sqs: &mut Client, n: usize| {
        let entries: Vec<Value> = (0..10)
            .map(|at| json!({ "Id": at.to_string(), "MessageBody": format!("{} {body}", n + at) }))
            .collect();
        sqs.ok(
            "SendMessageBatch",
            &json!({ "QueueUrl": url, "Entries": entries }),
        );
    };
    for n in (0..5_000).step_by(10) {
        send(&mut sqs, n);
    }
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let mut sender = from.client();
        let (send, stop) = (&send, &stop);
        scope.spawn(move || {
            let mut n = 5_000;
            while !stop.load(Ordering::Relaxed) {
                send(&mut sender, n);
                n += 10;
            }
        });
        let mut consumer = from.client();
        let url = url.clone();
        scope.spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let request = json!({ "QueueUrl": url, "MaxNumberOfMessages": 10 });
                let received = consumer.ok("ReceiveMessage", &request);
                for message in received["Messages"].as_array().into_iter().flatten() {
                    let receipt = &message["ReceiptHandle"];
                    let request = json!({ "QueueUrl": url, "ReceiptHandle": receipt });
                    consumer.ok("DeleteMessage", &request);
                }
            }
        });
        export(&from, &file.path);
        stop.store(true, Ordering::Relaxed);
    });
    let into = launch("1").start();
    import(&into, &file.path, &[]);
    let mut numbers = Vec::new();
    let mut admin = into.admin_client();
    let mut after = String::new();
    loop {
        let path = format!("/api/v1/queues/busy/messages?max=100{after}");
        let page = admin.get(&path).unwrap().ok();
        for message in page["messages"].as_array().unwrap() {
            let body = message["body"].as_str().unwrap();
            let number: usize = body.split(' ').next().unwrap().parse().unwrap();
            numbers.push(number);
        }
        match &page["next"] {
            Value::Null => break,
            next => after = format!("&after={}", next.to_string().trim_matches('"')),
        }
    }
    // Sent in order by one client, taken in order by another: at any moment those between two
    // numbers were there, each once, and none else, but for the few that were just being taken.
    assert!(
        numbers.windows(2).all(|pair| pair[0] < pair[1]),
        "in order and once"
    );
    let (first, last) = (numbers[0], numbers[numbers.len() - 1]);
    assert!(last >= 4_999, "{last}");
    assert!(
        last - first + 1 - numbers.len() <= 10,
        "{first} to {last} are {}",
        numbers.len()
    );
    from.stop();
    into.stop();
}

#[test]
fn an_import_that_is_killed_leaves_whole_messages() {
    let file = file();
    let from = launch("2").start();
    let mut sqs = from.client();
    let made = sqs.ok("CreateQueue", &json!({ "QueueName": "big" }));
    let url = made["QueueUrl"].as_str().unwrap().to_owned();
    for n in (0..4_000).step_by(10) {
        let entries: Vec<Value> = (0..10)
            .map(|at| {
                json!({
                    "Id": at.to_string(),
                    "MessageBody": format!("{}-{}", n + at, "y".repeat(3_000)),
                })
            })
            .collect();
        sqs.ok(
            "SendMessageBatch",
            &json!({ "QueueUrl": url, "Entries": entries }),
        );
    }
    export(&from, &file.path);
    let directory = tempfile::tempdir().unwrap();
    let into = launch("2").data_dir(directory.path()).start();
    let count = |server: &Server| {
        let stats = server.admin_client().get("/api/v1/stats").unwrap().ok();
        stats["visible"].as_u64().unwrap()
    };
    std::thread::scope(|scope| {
        let importing = scope.spawn(|| {
            run(
                &into,
                &[
                    "import",
                    file.path.to_str().unwrap(),
                    "--on-conflict",
                    "skip",
                ],
            )
        });
        let until = Instant::now() + Duration::from_secs(60);
        while count(&into) < 200 {
            assert!(Instant::now() < until, "nothing comes");
        }
        into.kill_now();
        let _ = importing.join();
    });
    into.kill();
    let into = Launch::new().data_dir(directory.path()).start();
    let kept = count(&into);
    assert!((1..=4_000).contains(&kept), "{kept}");
    // Each is whole: its text is as long as it was.
    let page = into
        .admin_client()
        .get("/api/v1/queues/big/messages?max=100");
    for message in page.unwrap().ok()["messages"].as_array().unwrap() {
        let body = message["body"].as_str().unwrap();
        assert_eq!(body.split_once('-').unwrap().1.len(), 3_000);
    }
    // And it can be had again, whole.
    let done = import(&into, &file.path, &["--on-conflict", "replace"]);
    assert_eq!(done["messages"], 4_000, "{done}");
    assert_eq!(count(&into), 4_000);
    from.stop();
    into.stop();
}

/// Makes queues until there are two on different shards, and answers their URLs.
fn on_two_shards(server: &Server) -> (String, String) {
    let mut sqs = server.client();
    let mut make = |name: &str| {
        let made = sqs.ok("CreateQueue", &json!({ "QueueName": name }));
        made["QueueUrl"].as_str().unwrap().to_owned()
    };
    let of = |name: &str| lclq_shards::QueueName::new("us-east-1", "000000000000", name).shard(3);
    let (from, into) = (make("dead"), "back");
    let into = (0..100)
        .map(|n| format!("{into}{n}"))
        .find(|name| of(name) != of("dead"))
        .expect("names spread over shards");
    (from, make(&into))
}

#[test]
fn what_moves_between_shards_is_in_an_export_once() {
    const MESSAGES: u64 = 3_000;
    let from = launch("3").start();
    let (dead, back) = on_two_shards(&from);
    let mut sqs = from.client();
    // A queue is a dead-letter queue by being named as one.
    let policy = json!({
        "deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead", "maxReceiveCount": 3,
    });
    let attributes = json!({ "RedrivePolicy": policy.to_string() });
    sqs.ok(
        "SetQueueAttributes",
        &json!({ "QueueUrl": back, "Attributes": attributes }),
    );
    for _ in 0..MESSAGES / 10 {
        let entries: Vec<Value> = (0..10)
            .map(|at| json!({ "Id": at.to_string(), "MessageBody": "moving" }))
            .collect();
        let batch = json!({ "QueueUrl": dead, "Entries": entries });
        sqs.ok("SendMessageBatch", &batch);
    }
    let name = back.rsplit('/').next().unwrap();
    sqs.ok(
        "StartMessageMoveTask",
        &json!({
            "SourceArn": "arn:aws:sqs:us-east-1:000000000000:dead",
            "DestinationArn": format!("arn:aws:sqs:us-east-1:000000000000:{name}"),
            "MaxNumberOfMessagesPerSecond": 500,
        }),
    );
    let mut is_moving = 0;
    for _ in 0..10 {
        let file = file();
        let exported = export(&from, &file.path);
        assert_eq!(exported["messages"], MESSAGES, "{exported}");
        let into = launch("2").start();
        import(&into, &file.path, &[]);
        let count = |name: &str| {
            let path = format!("/api/v1/queues/{name}");
            let queue = into.admin_client().get(&path).unwrap().ok();
            queue["visible"].as_u64().unwrap()
        };
        // The task runs on there.
        let (left, moved) = (count("dead"), count(name));
        is_moving += u64::from(left > 0 && moved > 0);
        let until = Instant::now() + Duration::from_secs(20);
        while count("dead") + count(name) != MESSAGES {
            assert!(Instant::now() < until, "some are on their way for ever");
        }
        into.stop();
    }
    assert!(is_moving > 0, "no export met the move");
    from.stop();
}
