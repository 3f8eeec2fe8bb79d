//! What tests written for LocalStack ask beside the service's API: `/_aws/sqs/messages` and
//! `/_localstack/health` on the SQS port.

mod support;

use serde_json::{Value, json};
use support::{Answer, Client, Launch, Server};

const PATH: &str = "/_aws/sqs/messages";

fn url(queue: &str) -> String {
    format!("http://localhost:4566/000000000000/{queue}")
}

/// Two messages to receive and one that is delayed.
fn started() -> (Server, Client) {
    let server = Launch::new().start();
    let mut client = server.client();
    client.ok("CreateQueue", &json!({ "QueueName": "q" }));
    for (body, delay) in [("message-1", 0), ("message-2", 0), ("message-3", 60)] {
        let attributes = json!({ "kind": { "DataType": "String", "StringValue": "test" } });
        let request = json!({
            "QueueUrl": url("q"), "MessageBody": body, "DelaySeconds": delay,
            "MessageAttributes": attributes,
        });
        client.ok("SendMessage", &request);
    }
    (server, client)
}

fn look(client: &mut Client, rest: &str, accept: &str) -> Answer {
    let request =
        format!("GET {PATH}{rest} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\n\r\n");
    client.write(request.as_bytes()).unwrap();
    client.receive().unwrap()
}

fn messages(client: &mut Client, parameters: &str) -> Value {
    let rest = format!("?QueueUrl={}{parameters}", url("q"));
    let answer = look(client, &rest, "application/json").ok();
    answer["ReceiveMessageResponse"]["ReceiveMessageResult"]["Message"].clone()
}

fn attribute<'m>(message: &'m Value, name: &str) -> &'m Value {
    let attributes = message["Attribute"].as_array().expect("a list");
    let found = attributes
        .iter()
        .find(|attribute| attribute["Name"] == name);
    &found.unwrap_or_else(|| panic!("no {name} in {message}"))["Value"]
}

#[test]
fn messages_are_shown_and_stay() {
    let (server, mut client) = started();
    let shown = messages(&mut client, "");
    assert_eq!(shown.as_array().map(Vec::len), Some(2), "{shown}");
    assert_eq!(shown[0]["Body"], "message-1");
    assert_eq!(shown[0]["MD5OfBody"], "3d6b824fd8c1520e9a047d21fee6fb1f");
    assert_eq!(shown[0]["ReceiptHandle"], "SQS/BACKDOOR/ACCESS");
    assert_eq!(attribute(&shown[0], "SenderId"), "000000000000");
    assert_eq!(attribute(&shown[0], "ApproximateReceiveCount"), "0");
    assert!(attribute(&shown[0], "SentTimestamp").is_string());
    assert!(attribute(&shown[0], "ApproximateFirstReceiveTimestamp").is_string());
    let given = &shown[0]["MessageAttribute"][0];
    assert_eq!(
        (&given["Name"], &given["Value"]["StringValue"]),
        (&json!("kind"), &json!("test"))
    );
    let received = client.ok("ReceiveMessage", &json!({ "QueueUrl": url("q") }));
    assert_eq!(received["Messages"][0]["Body"], "message-1");
    // One is shown as itself and not as a list.
    assert_eq!(messages(&mut client, "")["Body"], "message-2");
    let shown = messages(&mut client, "&ShowInvisible=True&ShowDelayed=true");
    let states: Vec<(&Value, &Value, &Value)> = shown
        .as_array()
        .unwrap()
        .iter()
        .map(|message| {
            let (visible, delayed) = (
                attribute(message, "IsVisible"),
                attribute(message, "IsDelayed"),
            );
            (&message["Body"], visible, delayed)
        })
        .collect();
    let (yes, no) = (json!("true"), json!("false"));
    assert_eq!(
        states,
        [
            (&json!("message-1"), &no, &no),
            (&json!("message-2"), &yes, &no),
            (&json!("message-3"), &no, &yes),
        ]
    );
    server.stop();
}

#[test]
fn it_speaks_xml_and_is_an_endpoint_for_sdks() {
    let (server, mut client) = started();
    let answer = look(&mut client, &format!("?QueueUrl={}", url("q")), "*/*");
    let xml = String::from_utf8(answer.body).unwrap();
    assert_eq!(xml.matches("<Message>").count(), 2, "{xml}");
    assert!(xml.contains("<ReceiveMessageResponse xmlns="), "{xml}");
    assert!(
        xml.contains("<Name>ApproximateReceiveCount</Name><Value>0</Value>"),
        "{xml}"
    );
    let by_path = look(&mut client, "/us-east-1/000000000000/q", "*/*");
    assert_eq!((by_path.status, by_path.body.is_empty()), (200, false));
    // As an SDK with this path as its endpoint sends it; how many it asks for is of no account.
    let mut sent = |action: &str| {
        let body = json!({ "QueueUrl": url("q"), "MaxNumberOfMessages": 1 }).to_string();
        let request = format!(
            "POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\n\
             X-Amz-Target: AmazonSQS.{action}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        client.write(request.as_bytes()).unwrap();
        client.receive().unwrap()
    };
    let answer = sent("ReceiveMessage").ok();
    assert_eq!(answer["Messages"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        answer["Messages"][1]["Attributes"]["ApproximateReceiveCount"],
        "0"
    );
    let refused = sent("SendMessage");
    assert_eq!(refused.status, 400);
    let said = refused.json();
    assert!(
        said["__type"]
            .as_str()
            .unwrap()
            .ends_with("#InvalidRequest"),
        "{said}"
    );
    assert_eq!(
        said["message"],
        "This endpoint only accepts ReceiveMessage calls"
    );
    server.stop();
}

#[test]
fn what_is_not_there_is_said_in_json_too() {
    let (server, mut client) = started();
    for (rest, code) in [
        ("", "AWS.SimpleQueueService.NonExistentQueue"),
        (
            "?QueueUrl=http://localhost:4566/000000000000/none",
            "AWS.SimpleQueueService.NonExistentQueue",
        ),
        (
            "/us-east-2/000000000000/q",
            "AWS.SimpleQueueService.NonExistentQueue",
        ),
        ("?QueueUrl=http://localhost:4566/nonsense", "InvalidAddress"),
    ] {
        let answer = look(&mut client, rest, "application/json");
        assert!(answer.status >= 400, "{rest}");
        assert_eq!(
            answer.json()["ErrorResponse"]["Error"]["Code"],
            code,
            "{rest}"
        );
    }
    let health = client.get("/_localstack/health").unwrap().ok();
    assert_eq!(health["services"]["sqs"], "available");
    // As those ask that only want to know whether it is there.
    let head = "HEAD /_localstack/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let mut stream = std::net::TcpStream::connect(server.address()).unwrap();
    std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
    let answer = std::io::read_to_string(stream).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\n"),
        "{answer}"
    );
    server.stop();
}
