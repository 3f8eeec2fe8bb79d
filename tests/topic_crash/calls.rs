//! What the clients ask, over REST, and what the ledger makes of the answers.

use super::ledger::{Delivery, Message, Seen, data, key_name};
use super::load::World;
use super::plan::is_red;
use crate::support::{Answer, Client};
use serde_json::{Value, json};
use std::io;

/// A failed call: the server has died, or is about to.
#[derive(Debug)]
pub struct Died;

impl From<io::Error> for Died {
    fn from(_: io::Error) -> Self {
        Died
    }
}

/// A message in a client's hands.
#[derive(Clone, Debug)]
pub struct Held {
    pub message: Message,
    pub ack_id: String,
}

/// Calls a method; the only failure that ends it is a server that was told to stop.
fn ask(client: &mut Client, method: &str, path: &str, body: &Value) -> Result<Answer, Died> {
    let answer = client.rest(method, path, body)?;
    let stopping = String::from_utf8_lossy(&answer.body).contains("is stopping");
    if answer.status == 503 && stopping {
        return Err(Died);
    }
    Ok(answer)
}

/// Calls a method that must succeed.
pub fn call(client: &mut Client, method: &str, path: &str, body: &Value) -> Result<Value, Died> {
    ask(client, method, path, body).map(Answer::ok)
}

pub fn publish(world: &World, client: &mut Client, messages: &[Message]) -> Result<(), Died> {
    world.ledger().publishing(messages);
    let wire = |message: &Message| {
        let colour = if is_red(*message) { "red" } else { "blue" };
        json!({
            "data": base64_simd::STANDARD.encode_to_string(data(*message)),
            "attributes": { "colour": colour },
            "orderingKey": key_name(message.1),
        })
    };
    let wire: Vec<Value> = messages.iter().map(wire).collect();
    let path = format!("/v1/{}:publish", world.topics[messages[0].0].name);
    let answer = call(client, "POST", &path, &json!({ "messages": wire }))?;
    let ids = answer["messageIds"].as_array().expect("message ids");
    assert_eq!(ids.len(), messages.len(), "{answer}");
    let mut ledger = world.ledger();
    for (message, id) in messages.iter().zip(ids) {
        ledger.published(*message, id.as_str().expect("a message id"));
    }
    Ok(())
}

pub fn pull(
    world: &World,
    client: &mut Client,
    subscription: usize,
    leased: bool,
    waits: bool,
) -> Result<Vec<Held>, Died> {
    let asked = world.tick();
    let path = format!("{}:pull", world.subscriptions[subscription].path());
    let request = json!({ "maxMessages": 20, "returnImmediately": !waits });
    let answer = call(client, "POST", &path, &request)?;
    let none = Vec::new();
    let messages = answer["receivedMessages"].as_array().unwrap_or(&none);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let seen = |delivery: &Value| {
        let message = &delivery["message"];
        let data = base64_simd::STANDARD.decode_to_vec(text(&message["data"]));
        let source = &message["attributes"]["CloudPubSubDeadLetterSourceSubscription"];
        Seen {
            data: String::from_utf8(data.expect("base64")).expect("text"),
            message_id: text(&message["messageId"]),
            key: text(&message["orderingKey"]),
            dead_letter_of: source.as_str().map(str::to_owned),
            ack_id: text(&delivery["ackId"]),
        }
    };
    let seen: Vec<Seen> = messages.iter().map(seen).collect();
    let holder = world.tick();
    let delivery = Delivery {
        subscription,
        asked,
        holder,
        leased,
        gave_back: None,
    };
    Ok(note(world, &delivery, seen))
}

/// Enters deliveries into the ledger.
pub fn note(world: &World, delivery: &Delivery, seen: Vec<Seen>) -> Vec<Held> {
    let messages = world.ledger().delivered(delivery, &seen);
    let held = messages.into_iter().zip(seen);
    held.map(|(message, seen)| Held {
        message,
        ack_id: seen.ack_id,
    })
    .collect()
}

/// An acknowledgement before that of an earlier message of the same ordering key, under
/// exactly-once delivery.
const UNORDERED: &str = "TRANSIENT_FAILURE_UNORDERED_ACK_ID";

/// What is known of the ack ids that a client uses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum AckIds {
    /// Of current deliveries: they must count.
    Current,
    /// Perhaps not current any more.
    Doubtful,
    /// From before a restart: under exactly-once they must not count.
    Late,
}

/// Acknowledges what a client holds.
pub fn acknowledge(
    world: &World,
    client: &mut Client,
    subscription: usize,
    held: &[Held],
    ids: AckIds,
) -> Result<(), Died> {
    let plan = &world.subscriptions[subscription];
    let messages: Vec<Message> = held.iter().map(|held| held.message).collect();
    let must_fail = plan.exactly_once && ids == AckIds::Late;
    if !must_fail {
        world.ledger().acknowledging(subscription, &messages);
    }
    let ack_ids: Vec<&str> = held.iter().map(|held| &*held.ack_id).collect();
    let path = format!("{}:acknowledge", plan.path());
    let answer = ask(client, "POST", &path, &json!({ "ackIds": ack_ids }))?;
    let body = answer.json();
    let refused = if answer.status == 200 {
        &Value::Null
    } else {
        let refused = &body["error"]["details"][0]["metadata"];
        // One whose ordering key has an earlier message with somebody else waits for that.
        let only_unordered = plan.ordered
            && refused
                .as_object()
                .is_some_and(|refused| refused.values().all(|why| why == UNORDERED));
        let may_fail = plan.exactly_once && (ids != AckIds::Current || only_unordered);
        assert!(may_fail, "{} refused: {body}", plan.name);
        refused
    };
    let is_refused = |ack_id: &str| refused[ack_id].is_string();
    for held in held {
        let counted = !is_refused(&held.ack_id);
        assert!(
            !(counted && must_fail),
            "an ack id of an earlier run counted: {held:?} {body}"
        );
        let mut ledger = world.ledger();
        if counted {
            ledger.acknowledged(subscription, held.message);
        } else if must_fail {
            ledger.totals.acks_refused += 1;
        } else {
            ledger.refused(subscription, held.message);
        }
    }
    Ok(())
}

/// Gives back what a client holds.
pub fn give_back(
    world: &World,
    client: &mut Client,
    subscription: usize,
    held: &[Held],
) -> Result<(), Died> {
    let messages: Vec<Message> = held.iter().map(|held| held.message).collect();
    world.ledger().releasing(subscription, &messages);
    let ack_ids: Vec<&str> = held.iter().map(|held| &*held.ack_id).collect();
    let plan = &world.subscriptions[subscription];
    let path = format!("{}:modifyAckDeadline", plan.path());
    let request = json!({ "ackIds": ack_ids, "ackDeadlineSeconds": 0 });
    let answer = ask(client, "POST", &path, &request)?;
    // Giving one of a key back takes the later ones back with it.
    let may_fail = plan.exactly_once && plan.ordered;
    assert!(may_fail || answer.status == 200, "{answer:?}");
    Ok(())
}
