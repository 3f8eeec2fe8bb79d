//! Dead letters: a message that was delivered too often goes to another topic.

use super::command::Kind;
use super::wire;
use crate::command::Token;
use crate::journeys::Step;
use crate::moves::{Address, OUTBOX_TRANSFERS_MAX, Transfer};
use crate::payload::Draft;
use crate::records::{NEVER_HAD, Op};
use crate::shard::Shard;
use crate::shard::lists::Arrival;
use crate::slab::NONE;
use crate::{Millis, Payload, shard_of};

/// Room for the attributes that are added; more is taken where a subscription's name is long.
const ATTRIBUTES_BYTES: usize = 256;

impl Shard {
    /// Moves an entry's message to a dead-letter topic. Answers `false`, with nothing done, where
    /// that isn't possible now: the topic isn't there, or too much is on its way to its shard.
    pub(super) fn dead_letter_entry(&mut self, slot: u32, topic: &str) -> bool {
        let shard = shard_of(topic.as_bytes(), self.config.shards);
        let local = shard == self.config.index;
        let target = self.pubsub.slot(Kind::Topic, topic);
        let full = self.outboxes[usize::from(shard)].waiting.len() >= OUTBOX_TRANSFERS_MAX;
        if local && target.is_none() || !local && full {
            return false;
        }
        let entry = &self.pubsub.entries[slot];
        let stored = &self.pubsub.stored[entry.stored];
        let subscription = &self.pubsub.subscriptions[entry.subscription];
        let mut parts = subscription.name.split('/');
        let (project, id) = (parts.nth(1).unwrap_or(""), parts.nth(1).unwrap_or(""));
        let attributes = [
            ("CloudPubSubDeadLetterSourceSubscription", id),
            ("CloudPubSubDeadLetterSourceSubscriptionProject", project),
            (
                "CloudPubSubDeadLetterSourceTopicPublishTime",
                &time_text(stored.published_at),
            ),
            (
                "CloudPubSubDeadLetterSourceDeliveryCount",
                &entry.failures.to_string(),
            ),
        ];
        // One that was a dead letter before says only what it is now.
        let is_own = |key: &[u8]| attributes.iter().any(|(own, _)| own.as_bytes() == key);
        let mut bytes = wire::without_attributes(&stored.bytes, is_own, ATTRIBUTES_BYTES);
        for (key, value) in attributes {
            wire::add_attribute(&mut bytes, key, value);
        }
        let from = Address::Subscription {
            subscription: subscription.name.clone(),
            id: Some(subscription.id),
        };
        let published_at = stored.published_at;
        self.note_entry(slot, || Step::Moved(topic.into(), None));
        match target.filter(|_| local) {
            Some(target) => self.publish_one(target, bytes.into()),
            None => {
                let payload = Draft {
                    sent_at: published_at,
                    body: &bytes,
                    ..Draft::default()
                }
                .build();
                let to = Address::Topic {
                    topic: topic.into(),
                };
                self.send_transfer(shard, to, from, Arrival::new(payload), None, false);
            }
        }
        let subscription = self.pubsub.entries[slot].subscription;
        self.pubsub.subscriptions[subscription]
            .traffic
            .dead_lettered += 1;
        self.counters.pubsub.dead_lettered += 1;
        self.acknowledge_entry(slot);
        true
    }

    /// A dead letter arrives from another shard, or comes back because its topic isn't there.
    pub(crate) fn accept_dead_letter(&mut self, transfer: Transfer) {
        match &transfer.to {
            Address::Topic { topic } => match self.pubsub.slot(Kind::Topic, topic) {
                Some(topic) => self.publish_one(topic, transfer.payload.body().into()),
                None => {
                    let arrival = Arrival::new(transfer.payload);
                    let (to, from) = (transfer.from, transfer.to);
                    self.send_transfer(transfer.source, to, from, arrival, None, true);
                }
            },
            Address::Subscription { subscription, id } => {
                let found = self.pubsub.slot(Kind::Subscription, subscription);
                let is_it =
                    |slot: &u32| id.is_none_or(|id| self.pubsub.subscriptions[*slot].id == id);
                match found.filter(is_it) {
                    Some(subscription) => self.take_back(subscription, &transfer.payload),
                    // The subscription is gone, and its messages with it.
                    None => self.counters.dropped += 1,
                }
            }
            Address::Queue(_) => debug_assert!(false, "queues take their own"),
        }
    }

    /// A dead letter that could not be delivered is its subscription's again.
    fn take_back(&mut self, subscription: u32, payload: &Payload) {
        let reader = &self.pubsub.subscriptions[subscription];
        if reader.settings.detached {
            return;
        }
        let topic = reader.topic;
        // It is as old as it was, or one that finds no topic again and again would live for ever.
        let published_at = payload.sent_at();
        let retention_ms = self.pubsub.topics[topic].retention_ms(&reader.settings);
        if published_at.saturating_add(retention_ms) <= self.now {
            self.counters.dropped += 1;
            return;
        }
        let sequence = self.next_sequence;
        let bytes = payload.body().into();
        self.publish_to(topic, published_at, bytes, &[subscription], true);
        if self.config.durable {
            self.keep_from_others(topic, subscription, sequence);
        }
    }

    /// What a journal keeps of a topic is every reader's unless it says otherwise: it says that all
    /// but one never had this message.
    fn keep_from_others(&mut self, topic: u32, but: u32, sequence: u64) {
        let ps = &mut self.pubsub;
        let newest = ps.topics[topic].messages.tail;
        if newest == NONE || ps.stored[newest].sequence != sequence {
            return;
        }
        let others: Vec<u64> = ps.topics[topic]
            .readers
            .iter()
            .filter(|reader| **reader != but)
            .map(|reader| ps.subscriptions[*reader].id)
            .collect();
        ps.stored[newest].has_rows |= !others.is_empty();
        for subscription_id in others {
            self.log(Op::Delivery {
                subscription_id,
                sequence,
                acked: true,
                failures: NEVER_HAD,
            });
        }
    }

    pub(crate) fn pubsub_cancel(&mut self, token: Token) {
        if let Some(slot) = self.pubsub.waiting.get(&token).copied() {
            self.end_pull_wait(slot);
        }
    }
}

/// A time as dead-letter attributes have it: `2023-11-14T22:13:20.123+00:00`.
fn time_text(at: Millis) -> String {
    let (days, ms) = ((at / 86_400_000) as i64, at % 86_400_000);
    // Civil date from days since 1970: years that begin in March make leap days come last.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}+00:00",
        ms / 3_600_000,
        ms / 60_000 % 60,
        ms / 1000 % 60,
        ms % 1000
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_the_service_writes_them() {
        assert_eq!(
            time_text(1_700_000_000_123),
            "2023-11-14T22:13:20.123+00:00"
        );
        assert_eq!(time_text(0), "1970-01-01T00:00:00.000+00:00");
        assert_eq!(time_text(951_782_400_000), "2000-02-29T00:00:00.000+00:00");
    }
}
