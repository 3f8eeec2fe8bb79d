//! A restart goes on with what there was, on another number of cores, too.

use super::support::{Client, Server};
use super::{Postgres, create, delete, drain, on, receive, send, store, url};
use serde_json::{Value, json};

/// Sends to a FIFO queue; answers the sequence number.
fn send_in_group(client: &mut Client, body: &str) -> u128 {
    let request = json!({
        "QueueUrl": url("q.fifo"), "MessageBody": body, "MessageGroupId": "g",
        "MessageDeduplicationId": body,
    });
    let answer = client.ok("SendMessage", &request);
    answer["SequenceNumber"].as_str().unwrap().parse().unwrap()
}

fn pubsub(server: &Server, method: &str, path: &str, body: &Value) -> Value {
    let path = format!("/v1/projects/local/{path}");
    let answer = server.pubsub_client().rest(method, &path, body);
    answer.unwrap().ok()
}

fn pull(server: &Server) -> Vec<Value> {
    let request = json!({ "maxMessages": 10, "returnImmediately": true });
    let answer = pubsub(server, "POST", "subscriptions/readers:pull", &request);
    answer["receivedMessages"]
        .as_array()
        .cloned()
        .unwrap_or_default()
}

#[test]
fn everything_lives_on_with_other_cores() {
    let postgres = Postgres::shared();
    let store = store(&postgres);
    let server = on(&store)
        .flag("--cores", "2")
        .flag("--shards", "5")
        .start();
    let mut client = server.client();
    let queues: Vec<String> = (0..12).map(|n| format!("queue-{n}")).collect();
    for queue in &queues {
        create(&mut client, queue);
        send(&mut client, queue, queue);
    }
    create(&mut client, "q.fifo");
    let first = send_in_group(&mut client, "one");
    create(&mut client, "held");
    send(&mut client, "held", "x");
    let held = receive(&mut client, "held");
    pubsub(&server, "PUT", "topics/news", &json!({}));
    let subscription = json!({ "topic": "projects/local/topics/news" });
    pubsub(&server, "PUT", "subscriptions/readers", &subscription);
    let published = json!({ "messages": [{ "data": "aGVsbG8=" }, { "data": "dHdv" }] });
    pubsub(&server, "POST", "topics/news:publish", &published);
    let pulled = pull(&server);
    assert_eq!(pulled.len(), 2);
    let ack = json!({ "ackIds": [pulled[0]["ackId"]] });
    pubsub(&server, "POST", "subscriptions/readers:acknowledge", &ack);
    server.stop();

    for cores in ["1", "3"] {
        let server = on(&store).flag("--cores", cores).start();
        let mut client = server.client();
        let list = client.ok("ListQueues", &json!({}));
        assert_eq!(list["QueueUrls"].as_array().unwrap().len(), 14);
        // What was sent before is known, and numbers go on.
        assert_eq!(send_in_group(&mut client, "one"), first);
        assert!(send_in_group(&mut client, &format!("again-{cores}")) > first);
        // A lease outlives its server.
        assert!(receive(&mut client, "held").is_empty());
        server.kill();
    }

    let server = on(&store).start();
    let mut client = server.client();
    for queue in &queues {
        assert_eq!(drain(&mut client, queue), [queue.as_str()]);
    }
    delete(&mut client, "held", &held[0]);
    assert_eq!(super::held(&mut client, "held"), "0");
    let bodies: Vec<Value> = receive(&mut client, "q.fifo")
        .iter()
        .map(|message| message["Body"].clone())
        .collect();
    assert_eq!(bodies, ["one", "again-1", "again-3"]);
    let modify = json!({ "ackIds": [pulled[1]["ackId"]], "ackDeadlineSeconds": 0 });
    pubsub(
        &server,
        "POST",
        "subscriptions/readers:modifyAckDeadline",
        &modify,
    );
    let left = pull(&server);
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(
        left[0]["message"]["messageId"],
        pulled[1]["message"]["messageId"]
    );
    server.stop();
}
