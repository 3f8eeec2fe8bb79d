//! ReceiveMessage.

use super::send::shown_sequence;
use super::{Members, Output, url_of};
use crate::interceptors::asker;
use crate::sqs::body::as_text;
use crate::sqs::decode::{Int, List, Text};
use crate::sqs::encode::{Encoder, decimal, uuid};
use crate::sqs::error::{
    SqsError, SqsResult, received_messages_out_of_bounds, received_timeout_out_of_bounds, stopping,
    wait_out_of_bounds,
};
use crate::sqs::intercepted::Watch;
use crate::sqs::limits::{RECEIVED_MESSAGES_MAX, VISIBILITY_TIMEOUT_S_MAX, WAIT_S_MAX};
use crate::sqs::message_attributes::{Attributes, TRACE_HEADER};
use crate::sqs::production::Turn;
use crate::sqs::request::ReceiveMessage;
use crate::sqs::server::{Scope, Sqs};
use crate::sqs::target::{Target, unexpected};
use lclq_shards::command::{Command, Delivery, LeaseRef, MessageState, Peeked, Receive, Reply};
use lclq_shards::{HANDLE_CHARS, Receipt, Section};
use smallvec::SmallVec;
use std::rc::Rc;

fn ranged(
    value: Option<Int>,
    range: std::ops::RangeInclusive<i64>,
    out_of_bounds: fn(i64) -> SqsError,
) -> SqsResult<Option<u32>> {
    match value {
        None => Ok(None),
        Some(Int(number)) if range.contains(&number) => Ok(Some(number as u32)),
        Some(Int(number)) => Err(out_of_bounds(number)),
    }
}

/// A receive that only has to be carried out. It owns all it needs: whoever waits for a message
/// should not keep the request in memory.
pub struct Plan {
    target: Rc<Target>,
    command: Command,
    wanted: Vec<String>,
    wanted_attributes: Box<[String]>,
    /// What the production profile has become of it.
    turn: Option<Box<Turn>>,
}

fn owned(names: Option<List<Text<'_>>>) -> Vec<String> {
    names
        .unwrap_or_default()
        .into_iter()
        .map(|name| name.0.into_owned())
        .collect()
}

/// Checks a receive.
pub async fn plan(sqs: &Sqs, scope: &Scope<'_>, input: ReceiveMessage<'_>) -> SqsResult<Plan> {
    let target = sqs.target(scope, url_of(&input.queue_url)).await?;
    let messages_max = ranged(
        input.max_number_of_messages,
        1..=RECEIVED_MESSAGES_MAX,
        received_messages_out_of_bounds,
    )?;
    let wait_s = ranged(input.wait_time_seconds, 0..=WAIT_S_MAX, wait_out_of_bounds)?;
    let visibility_timeout_s = ranged(
        input.visibility_timeout,
        0..=VISIBILITY_TIMEOUT_S_MAX,
        received_timeout_out_of_bounds,
    )?;
    let mut receive = Receive {
        queue: target.queue(),
        messages_max: messages_max.unwrap_or(1) as u8,
        visibility_timeout_s,
        wait_s,
        attempt: input.receive_request_attempt_id.as_deref().map(Into::into),
        client: asker(),
    };
    let turn = match scope.watch {
        Some(_) => Box::pin(sqs.turn(scope, &target, &mut receive)).await?,
        None => None,
    };
    let mut wanted = owned(input.attribute_names);
    wanted.extend(owned(input.message_system_attribute_names));
    let wanted_attributes = owned(input.message_attribute_names).into_boxed_slice();
    Ok(Plan {
        target,
        command: Command::Receive(receive),
        wanted,
        wanted_attributes,
        turn: turn.map(Box::new),
    })
}

/// Carries a receive out.
pub async fn receive(
    sqs: &Sqs,
    plan: Plan,
    watch: Option<&Watch>,
    out: &mut Output,
) -> SqsResult<()> {
    let Plan {
        target,
        command,
        wanted,
        wanted_attributes,
        turn,
    } = plan;
    if turn.as_ref().is_some_and(|turn| turn.finds_nothing()) {
        out.write(Received::nothing(sqs, &target));
        return Ok(());
    }
    let deliveries = match sqs.ask(&target, command).await {
        Ok(Reply::Received(deliveries)) => match turn {
            Some(turn) => Box::pin(sqs.dealt(&target, *turn, deliveries)).await,
            None => deliveries,
        },
        Ok(other) => return Err(unexpected(&other)),
        // A long poll that a shutdown ends is answered like one that found nothing.
        Err(error) if error == stopping() => SmallVec::new(),
        Err(error) => return Err(error),
    };
    if let Some(received) = watch.and_then(|watch| watch.received.as_ref()) {
        let traces = deliveries.iter();
        let traces = traces.filter_map(|delivery| delivery.payload.text(Section::Trace));
        received.borrow_mut().extend(traces.map(Into::into));
    }
    out.write(Received {
        sqs,
        target: &target,
        deliveries,
        wanted,
        wanted_attributes,
        looked_at: Vec::new(),
    });
    Ok(())
}

/// Messages that were looked at, not received.
pub struct Looked<'r> {
    pub sqs: &'r Sqs,
    pub target: Rc<Target>,
    pub messages: Vec<Peeked>,
}

impl Looked<'_> {
    /// Writes them as a receive would, with all attributes.
    pub fn write(&self, out: &mut Output) {
        let deliveries = self.messages.iter().map(|message| Delivery {
            shard: self.target.queue().shard,
            payload: message.payload.clone(),
            lease: LeaseRef {
                sequence: message.sequence,
                slot: 0,
                receive_count: message.receive_count,
                received_at: 0,
            },
            first_received_at: message.first_received_at.unwrap_or(0),
        });
        out.write(Received {
            sqs: self.sqs,
            target: &self.target,
            deliveries: deliveries.collect(),
            wanted: vec!["All".to_owned()],
            wanted_attributes: Box::new(["All".to_owned()]),
            looked_at: self.messages.iter().map(|message| message.state).collect(),
        });
    }
}

struct Received<'r> {
    sqs: &'r Sqs,
    target: &'r Target,
    deliveries: SmallVec<[Delivery; 1]>,
    wanted: Vec<String>,
    wanted_attributes: Box<[String]>,
    /// Of messages that were looked at and not received: their states.
    looked_at: Vec<MessageState>,
}

/// What stands for the receipt handle of a message that was not received.
const NO_HANDLE: &str = "SQS/BACKDOOR/ACCESS";

/// What a message takes in an answer beside its body, with the usual attributes, bytes.
const MESSAGE_BYTES: usize = 320;

impl Members for Received<'_> {
    fn bytes_more(&self) -> usize {
        let bodies = self
            .deliveries
            .iter()
            .map(|delivery| delivery.payload.body().len());
        bodies.sum::<usize>() + self.deliveries.len() * MESSAGE_BYTES
    }

    fn write<E: Encoder>(&self, encoder: &mut E) {
        if self.deliveries.is_empty() {
            return encoder.absent("Messages");
        }
        encoder.structures(
            "Messages",
            "Message",
            self.deliveries.iter().enumerate(),
            |encoder, (at, delivery)| {
                self.write_message(encoder, delivery, self.looked_at.get(at).copied());
            },
        );
    }
}

impl<'r> Received<'r> {
    fn nothing(sqs: &'r Sqs, target: &'r Target) -> Self {
        Self {
            sqs,
            target,
            deliveries: SmallVec::new(),
            wanted: Vec::new(),
            wanted_attributes: Box::default(),
            looked_at: Vec::new(),
        }
    }

    fn write_message<E: Encoder>(
        &self,
        encoder: &mut E,
        delivery: &Delivery,
        looked_at: Option<MessageState>,
    ) {
        let payload = &delivery.payload;
        encoder.plain("MessageId", |out| uuid(out, payload.id()));
        match looked_at {
            None => encoder.plain("ReceiptHandle", |out| self.write_handle(delivery, out)),
            Some(_) => encoder.text("ReceiptHandle", NO_HANDLE),
        }
        encoder.plain("MD5OfBody", |out| {
            crate::hex::write(out, &payload.body_md5())
        });
        // The body came in as text.
        encoder.text("Body", &as_text(payload.body()));
        if self.wanted.is_empty() {
            encoder.absent("Attributes");
        } else {
            self.write_system_attributes(encoder, delivery, looked_at);
        }
        if let Some(packed) = payload.section(Section::Attributes)
            && !self.wanted_attributes.is_empty()
        {
            let selected = Attributes::unpack(packed).select(&self.wanted_attributes);
            if !selected.is_empty() {
                encoder.plain("MD5OfMessageAttributes", |out| {
                    crate::hex::write(out, &selected.md5())
                });
                return selected.write(encoder);
            }
        }
        encoder.absent("MD5OfMessageAttributes");
        encoder.absent("MessageAttributes");
    }

    fn write_handle(&self, delivery: &Delivery, out: &mut Vec<u8>) {
        out.reserve(HANDLE_CHARS);
        let queue = self.target.queue();
        let lease = &delivery.lease;
        self.sqs.signer.seal(
            &Receipt {
                shard: queue.shard,
                queue_id: queue.id,
                sequence: lease.sequence,
                slot: lease.slot,
                receive_count: lease.receive_count,
                received_at: lease.received_at,
            },
            out,
        );
    }

    fn write_system_attributes<E: Encoder>(
        &self,
        encoder: &mut E,
        delivery: &Delivery,
        looked_at: Option<MessageState>,
    ) {
        let payload = &delivery.payload;
        let number = |value: u64| {
            let mut digits = Vec::with_capacity(20);
            decimal(&mut digits, value);
            String::from_utf8(digits).unwrap_or_default()
        };
        let all = self.wanted.iter().any(|name| name == "All");
        let mut found: SmallVec<[(&str, String); 8]> = SmallVec::new();
        let mut offer = |name: &'static str, value: &dyn Fn() -> Option<String>| {
            if (all || self.wanted.iter().any(|wanted| wanted == name))
                && let Some(value) = value()
            {
                found.push((name, value));
            }
        };
        let text = |section| move || payload.text(section).map(str::to_owned);
        let fifo = self.target.is_fifo();
        offer("SenderId", &|| Some(self.target.name.account.to_string()));
        offer("SentTimestamp", &|| Some(number(payload.sent_at())));
        offer("ApproximateReceiveCount", &|| {
            Some(number(u64::from(delivery.lease.receive_count)))
        });
        offer("ApproximateFirstReceiveTimestamp", &|| {
            Some(number(delivery.first_received_at))
        });
        offer("SequenceNumber", &|| {
            fifo.then(|| {
                number(shown_sequence(
                    payload.shown_sequence(delivery.lease.sequence),
                ))
            })
        });
        offer("MessageDeduplicationId", &text(Section::Deduplication));
        offer("MessageGroupId", &text(Section::Group));
        offer(TRACE_HEADER, &text(Section::Trace));
        offer("DeadLetterQueueSourceArn", &text(Section::DeadLetterSource));
        if let Some(state) = looked_at {
            let is = |other| (state == other).to_string();
            found.push(("IsVisible", is(MessageState::Visible)));
            found.push(("IsDelayed", is(MessageState::Delayed)));
        }
        if found.is_empty() {
            encoder.absent("Attributes");
        } else {
            encoder.map(
                "Attributes",
                "Attribute",
                ("Name", "Value"),
                found.iter().map(|(name, value)| (*name, value.as_str())),
            );
        }
    }
}
