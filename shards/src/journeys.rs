//! Where messages went: a bounded ring of what became of them, for those who asked for one to be kept.
//!
//! Without it each step costs one look at a flag. Nothing of it is durable: a restart begins anew.

use crate::Millis;
use crate::message::Message;
use crate::pubsub::state::EntryState;
use crate::shard::Shard;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::collections::hash_map::{Entry, HashMap};
use std::sync::Arc;

/// Events that a shard keeps at most, whatever it was asked for. They take some 100 B each.
pub const JOURNEY_EVENTS_MAX: usize = 1 << 20;
/// Names of places that are remembered, so that events share them.
const NAMES_MAX: usize = 4096;

/// A message, as its clients know it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Traveller {
    /// By the id that SQS gives it.
    Sent([u8; 16]),
    /// By its sequence number in this shard, which its Pub/Sub id tells.
    Published(u64),
}

/// What became of a message.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Step {
    /// Sent to a queue.
    Sent,
    /// Sent once more within the deduplication interval: nothing was added.
    SentAgain,
    /// Published to a topic.
    Published,
    /// Came into a queue from another: as a dead letter or by a move task.
    Arrived,
    /// Its delay is over.
    Available,
    /// Given to a client.
    Received {
        /// For the how-manieth time.
        count: u32,
        /// Until when it is invisible to others, or is to be acknowledged, ms since 1970.
        until: Millis,
        /// Who asked; 0 where nobody said. What numbers mean is the asker's.
        client: u32,
    },
    /// Kept invisible until then, or its deadline moved, ms since 1970.
    Extended(Millis),
    /// Its receiver gave it back.
    Returned,
    /// Given back since it reached nobody: the client had gone.
    Undelivered,
    /// Its receiver neither finished it nor asked for more time.
    LeaseExpired,
    /// Deleted by its receiver.
    Deleted,
    /// Acknowledged.
    Acknowledged,
    /// Moved to another queue or topic; where SQS gives it a new id, this one.
    Moved(Box<str>, Option<[u8; 16]>),
    /// Dropped: older than its queue or subscription keeps messages.
    Expired,
    /// Dropped for others: there was no memory left.
    Evicted,
    /// Gone with its queue or subscription, or purged.
    Purged,
    /// To be delivered from now on, as a seek said.
    SoughtBack,
    /// Acknowledged by a seek.
    SoughtPast,
}

/// A step of a message's journey.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct JourneyEvent {
    /// Which message.
    pub traveller: Traveller,
    /// When, ms since 1970.
    pub at: Millis,
    /// A queue's ARN, or the full name of a topic or subscription.
    #[serde(with = "crate::wire::text")]
    pub place: Arc<str>,
    /// What.
    pub step: Step,
}

/// What a shard still knows of a message.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Journey {
    /// In the order in which it happened.
    pub events: Vec<JourneyEvent>,
    /// From when on events are kept, ms since 1970; `None` where no events are kept.
    pub kept_since: Option<Millis>,
}

/// Where something happened, by what it is and its id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    Queue(u64),
    Topic(u64),
    Subscription(u64),
}

pub(crate) struct Journeys {
    events_max: usize,
    events: VecDeque<JourneyEvent>,
    names: HashMap<Place, Arc<str>>,
    since: Millis,
    /// For whom messages are being leased.
    pub client: u32,
}

impl Journeys {
    pub fn new(events_max: usize, now: Millis) -> Self {
        Self {
            events_max: events_max.min(JOURNEY_EVENTS_MAX),
            events: VecDeque::new(),
            names: HashMap::new(),
            since: now,
            client: 0,
        }
    }

    /// Whether any are kept.
    #[inline]
    pub fn are_kept(&self) -> bool {
        self.events_max > 0
    }

    #[cold]
    pub fn note(
        &mut self,
        traveller: Traveller,
        at: Millis,
        place: Place,
        name: impl FnOnce() -> String,
        step: Step,
    ) {
        if self.names.len() >= NAMES_MAX {
            self.names.clear();
        }
        let place = match self.names.entry(place) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(new) => new.insert(name().into()).clone(),
        };
        if self.events.len() >= self.events_max
            && let Some(oldest) = self.events.pop_front()
        {
            self.since = self.since.max(oldest.at);
        }
        self.events.push_back(JourneyEvent {
            traveller,
            at,
            place,
            step,
        });
    }

    /// O(events kept).
    pub fn of(&self, traveller: Traveller) -> Journey {
        let events = self.events.iter();
        Journey {
            events: events
                .filter(|event| event.traveller == traveller)
                .cloned()
                .collect(),
            kept_since: self.are_kept().then_some(self.since),
        }
    }

    /// Who received messages of these ids last; 0 where that is not known. O(events kept + ids).
    pub fn receivers(&self, ids: &[[u8; 16]]) -> Vec<u32> {
        let mut wanted: HashMap<[u8; 16], Option<u32>> = ids.iter().map(|id| (*id, None)).collect();
        let mut left = wanted.len();
        for event in self.events.iter().rev() {
            if left == 0 {
                break;
            }
            let (Traveller::Sent(id), Step::Received { client, .. }) =
                (&event.traveller, &event.step)
            else {
                continue;
            };
            if let Some(found) = wanted.get_mut(id).filter(|found| found.is_none()) {
                *found = Some(*client);
                left -= 1;
            }
        }
        let of = |id| wanted.get(id).copied().flatten().unwrap_or_default();
        ids.iter().map(of).collect()
    }
}

impl Shard {
    /// Takes down what becomes of a message of a queue.
    #[inline]
    pub(crate) fn note_message(&mut self, slot: u32, step: impl FnOnce(&Message) -> Step) {
        if self.journeys.are_kept() {
            let message = &self.messages[slot];
            let (queue, id) = (message.queue, message.payload.id());
            let step = step(message);
            self.note_sent(queue, id, step);
        }
    }

    #[cold]
    fn note_sent(&mut self, queue: u32, id: [u8; 16], step: Step) {
        let queue = &self.queues[queue];
        let (place, name) = (Place::Queue(queue.id), || queue.cold.name.arn());
        let traveller = Traveller::Sent(id);
        self.journeys.note(traveller, self.now, place, name, step);
    }

    /// Takes down that a message was sent once more.
    #[inline]
    pub(crate) fn note_duplicate(&mut self, queue: u32, id: [u8; 16]) {
        if self.journeys.are_kept() {
            self.note_sent(queue, id, Step::SentAgain);
        }
    }

    /// Takes down what becomes of a message of a subscription.
    #[inline]
    pub(crate) fn note_entry(&mut self, slot: u32, step: impl FnOnce() -> Step) {
        if self.journeys.are_kept() {
            self.note_entry_step(slot, step());
        }
    }

    #[cold]
    fn note_entry_step(&mut self, slot: u32, step: Step) {
        let ps = &self.pubsub;
        let entry = &ps.entries[slot];
        let subscription = &ps.subscriptions[entry.subscription];
        if subscription.snapshot_expires_at.is_some() {
            return;
        }
        let place = Place::Subscription(subscription.id);
        let name = || subscription.name.to_string();
        let traveller = Traveller::Published(ps.stored[entry.stored].sequence);
        self.journeys.note(traveller, self.now, place, name, step);
    }

    /// Takes down that a message with this sequence number was published.
    #[inline]
    pub(crate) fn note_published(&mut self, topic: u32, sequence: u64) {
        if self.journeys.are_kept() {
            let topic = &self.pubsub.topics[topic];
            let (place, name) = (Place::Topic(topic.id), || topic.name.to_string());
            let traveller = Traveller::Published(sequence);
            let step = Step::Published;
            self.journeys.note(traveller, self.now, place, name, step);
        }
    }

    /// Takes down what becomes of a message of a subscription that has not acknowledged it.
    #[inline]
    pub(crate) fn note_unacked(&mut self, slot: u32, step: Step) {
        if self.journeys.are_kept() && self.pubsub.entries[slot].state != EntryState::Acked {
            self.note_entry_step(slot, step);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_keeps_the_last_and_says_since_when() {
        let mut journeys = Journeys::new(3, 5);
        let note = |journeys: &mut Journeys, id: u8, at, step| {
            let traveller = Traveller::Sent([id; 16]);
            journeys.note(traveller, at, Place::Queue(1), || "q".to_owned(), step);
        };
        assert_eq!(journeys.of(Traveller::Sent([1; 16])).kept_since, Some(5));
        note(&mut journeys, 1, 10, Step::Sent);
        note(&mut journeys, 2, 11, Step::Sent);
        note(&mut journeys, 1, 12, Step::Deleted);
        note(&mut journeys, 2, 13, Step::Deleted);
        let journey = journeys.of(Traveller::Sent([1; 16]));
        let steps: Vec<_> = journey.events.iter().map(|event| &event.step).collect();
        assert_eq!(
            (steps, journey.kept_since),
            (vec![&Step::Deleted], Some(10))
        );
        let places: Vec<_> = journeys.events.iter().map(|event| &event.place).collect();
        assert!(places.windows(2).all(|two| Arc::ptr_eq(two[0], two[1])));
        let received = |client| Step::Received {
            count: 1,
            until: 20,
            client,
        };
        for client in [7, 8] {
            note(&mut journeys, 3, 14, received(client));
        }
        assert_eq!(journeys.receivers(&[[1; 16], [3; 16], [3; 16]]), [0, 8, 8]);
        assert!(!Journeys::new(0, 5).are_kept());
        assert_eq!(
            Journeys::new(0, 5).of(Traveller::Published(1)).kept_since,
            None
        );
    }
}
