//! `lclq message`.

use super::client::Client;
use super::follow::time;
use super::output::{Column, print};
use super::{Done, Failure, path_of, say};
use crate::cli::{MessageCommand, OperateArgs, Output, PeekState};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

const MESSAGE_COLUMNS: &[Column] = &[
    Column::text("ID", "messageId"),
    Column::text("STATE", "state"),
    Column::number("RECEIVES", "receiveCount"),
    Column::text("BODY", "body"),
];

const RECEIVED_COLUMNS: &[Column] = &[
    Column::text("ID", "MessageId"),
    Column::text("BODY", "Body"),
    Column::text("RECEIPT", "ReceiptHandle"),
];

const MOVED_COLUMNS: &[Column] = &[Column::text("FROM", "from"), Column::text("TO", "to")];

const JOURNEY_COLUMNS: &[Column] = &[
    Column::text("TIME", "time"),
    Column::text("STEP", "step"),
    Column::text("WHERE", "place"),
    Column::text("DETAILS", "details"),
];

/// A step of a journey, as a table shows it.
fn journey_row(event: &Value) -> Value {
    let mut details = Vec::new();
    if let Some(count) = event["receive_count"].as_u64() {
        details.push(format!("receive {count}"));
    }
    if let Some(to) = event["to"].as_str() {
        details.push(format!("to {}", leaf(to)));
    }
    if let Some(id) = event["new_id"].as_str() {
        details.push(format!("as {id}"));
    }
    if let Some(peer) = event["by"]["peer"].as_str() {
        details.push(format!("by {peer}"));
    }
    if event["until"].is_u64() {
        details.push(format!("until {}", time(&event["until"])));
    }
    json!({
        "time": time(&event["at"]),
        "step": event["step"],
        "place": leaf(event["place"].as_str().unwrap_or_default()),
        "details": details.join(", "),
    })
}

/// A queue's name out of its ARN; other names as they are.
fn leaf(place: &str) -> &str {
    match place.strip_prefix("arn:") {
        Some(arn) => arn.rsplit(':').next().unwrap_or(place),
        None => place,
    }
}

/// Carries out a command about messages.
pub fn message(args: OperateArgs<MessageCommand>) -> Done {
    let (server, client) = (&args.server, Client::of(&args.server)?);
    match args.command {
        MessageCommand::Send {
            queue,
            body,
            group,
            deduplication,
            delay,
            attributes,
        } => {
            let mut request = json!({ "MessageBody": body });
            let attributes = attributes.into_iter().map(|(name, value)| {
                let value = json!({ "DataType": "String", "StringValue": value });
                (name, value)
            });
            request["MessageAttributes"] = attributes.collect::<serde_json::Map<_, _>>().into();
            let optional = [
                ("MessageGroupId", group.map(Value::from)),
                ("MessageDeduplicationId", deduplication.map(Value::from)),
                ("DelaySeconds", delay.map(Value::from)),
            ];
            for (name, value) in optional {
                if let Some(value) = value {
                    request[name] = value;
                }
            }
            let sent = client.post(&path_of(&queue, "/messages"), &request)?;
            print(server.output, &sent, &[Column::text("ID", "MessageId")])
        }
        MessageCommand::Peek {
            queue,
            max,
            state,
            contains,
        } => {
            let query = PeekQuery {
                state,
                contains: contains.as_deref(),
            };
            let found = peek(&client, &queue, max as usize, &query)?;
            print(server.output, &found.into(), MESSAGE_COLUMNS)
        }
        MessageCommand::Journey { message } => {
            let id = utf8_percent_encode(&message, NON_ALPHANUMERIC);
            let journey = client.get(&format!("messages/{id}/journey"), &[])?;
            match server.output {
                Output::Table => {
                    let events = journey["events"].as_array().cloned().unwrap_or_default();
                    let rows: Vec<Value> = events.iter().map(journey_row).collect();
                    print(server.output, &rows.into(), JOURNEY_COLUMNS)
                }
                _ => print(server.output, &journey, &[Column::text("ID", "message")]),
            }
        }
        MessageCommand::Move {
            queue,
            messages,
            to,
        } => {
            let body = json!({ "messages": messages, "destination": to });
            let answer = client.post(&path_of(&queue, "/move"), &body)?;
            print(server.output, &answer["moved"], MOVED_COLUMNS)?;
            match answer["left"].as_array() {
                Some(left) if !left.is_empty() => {
                    let ids: Vec<&str> = left.iter().filter_map(Value::as_str).collect();
                    Err(Failure::Missing(format!(
                        "can't be received at present: {}",
                        ids.join(", ")
                    )))
                }
                _ => Ok(()),
            }
        }
        MessageCommand::Keep {
            queue,
            receipt,
            seconds,
        } => {
            let body = json!({ "receipt": receipt, "visibility_timeout": seconds });
            client.post(&path_of(&queue, "/settle"), &body)?;
            let sentence = format!("the message stays invisible for {seconds} s");
            say(server, &sentence, &json!({ "visibility_timeout": seconds }))
        }
        MessageCommand::Receive {
            queue,
            max,
            wait,
            visibility_timeout,
        } => {
            let mut request = json!({ "MaxNumberOfMessages": max, "WaitTimeSeconds": wait });
            if let Some(seconds) = visibility_timeout {
                request["VisibilityTimeout"] = seconds.into();
            }
            let received = client.post(&path_of(&queue, "/receive"), &request)?;
            print(server.output, &received["messages"], RECEIVED_COLUMNS)
        }
        MessageCommand::Delete { queue, receipt } => {
            client.post(&path_of(&queue, "/settle"), &json!({ "receipt": receipt }))?;
            say(
                server,
                "the message is deleted",
                &json!({ "deleted": true }),
            )
        }
    }
}

struct PeekQuery<'a> {
    state: Option<PeekState>,
    contains: Option<&'a str>,
}

/// Looks on, answer by answer, until there are enough.
fn peek(
    client: &Client,
    queue: &str,
    max: usize,
    wanted: &PeekQuery<'_>,
) -> Result<Vec<Value>, Failure> {
    let state = wanted.state.map(|state| match state {
        PeekState::Visible => "visible",
        PeekState::InFlight => "in-flight",
        PeekState::Delayed => "delayed",
    });
    let (mut found, mut after) = (Vec::new(), None::<String>);
    loop {
        let left = (max - found.len()).min(1000).to_string();
        let mut query = vec![("max", left.as_str())];
        let optional = [
            ("state", state),
            ("contains", wanted.contains),
            ("after", after.as_deref()),
        ];
        query.extend(
            optional
                .iter()
                .filter_map(|(name, value)| Some((*name, (*value)?))),
        );
        let mut page = client.get(&path_of(queue, "/messages"), &query)?;
        if let Value::Array(more) = page["messages"].take() {
            found.extend(more);
        }
        after = page["next"].as_str().map(str::to_owned);
        if after.is_none() || found.len() >= max {
            return Ok(found);
        }
    }
}
