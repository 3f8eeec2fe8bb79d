//! Figures of single queues, topics and subscriptions, in slices.

use super::Shard;
use crate::Millis;
use crate::command::Counts;
use crate::figures::{FiguresOf, FiguresPage, ResourceFigures};
use crate::pubsub::command::Kind;
use crate::pubsub::state::EntryState;
use crate::slab::NONE;
use std::ops::Bound;

/// Acknowledged messages of a subscription that one look for its oldest other one goes past. The
/// next look goes on from there.
const ACKED_PASSED_MAX: usize = 1024;

impl Shard {
    /// Figures of at most so many of a kind, in order of key.
    pub(crate) fn figures(
        &mut self,
        of: FiguresOf,
        after: Option<Box<str>>,
        figures_max: usize,
    ) -> FiguresPage {
        match of {
            FiguresOf::Queues => self.figures_of_queues(after, figures_max),
            FiguresOf::Topics => self.figures_of_pubsub(Kind::Topic, after, figures_max),
            FiguresOf::Subscriptions => {
                self.figures_of_pubsub(Kind::Subscription, after, figures_max)
            }
        }
    }

    fn figures_of_queues(&self, after: Option<Box<str>>, figures_max: usize) -> FiguresPage {
        let from = match after {
            Some(after) => Bound::Excluded(String::from(after)),
            None => Bound::Unbounded,
        };
        let mut page = FiguresPage::default();
        let mut last = None;
        for (key, slot) in self.names.range((from, Bound::Unbounded)).take(figures_max) {
            let queue = &self.queues[*slot];
            let oldest = queue.ages.head;
            page.figures.push(ResourceFigures {
                id: queue.cold.name.arn().into(),
                counts: queue.counts,
                bytes: queue.bytes,
                oldest_at: (oldest != NONE).then(|| self.messages[oldest].payload.sent_at()),
                groups: queue.groups.len() as u64,
                streams: 0,
                traffic: queue.traffic,
            });
            last = Some(key);
        }
        if page.figures.len() == figures_max {
            page.next = last.map(|key| key.as_str().into());
        }
        page
    }

    fn figures_of_pubsub(
        &mut self,
        kind: Kind,
        after: Option<Box<str>>,
        figures_max: usize,
    ) -> FiguresPage {
        let from = match after {
            Some(after) => Bound::Excluded((kind, after)),
            None => Bound::Included((kind, "".into())),
        };
        let named = self.pubsub.names.range((from, Bound::Unbounded));
        let slots: Vec<(Box<str>, u32)> = named
            .take_while(|((of, _), _)| *of == kind)
            .take(figures_max)
            .map(|((_, name), slot)| (name.clone(), *slot))
            .collect();
        let mut page = FiguresPage::default();
        if slots.len() == figures_max {
            page.next = slots.last().map(|(name, _)| name.clone());
        }
        for (id, slot) in slots {
            page.figures.push(match kind {
                Kind::Topic => self.figures_of_topic(id, slot),
                _ => self.figures_of_subscription(id, slot),
            });
        }
        page
    }

    fn figures_of_topic(&self, id: Box<str>, slot: u32) -> ResourceFigures {
        let topic = &self.pubsub.topics[slot];
        ResourceFigures {
            id,
            counts: Counts::default(),
            bytes: 0,
            oldest_at: None,
            groups: topic.attached.into(),
            streams: 0,
            traffic: topic.traffic,
        }
    }

    fn figures_of_subscription(&mut self, id: Box<str>, slot: u32) -> ResourceFigures {
        let oldest_at = self.oldest_unacked_at(slot);
        let subscription = &self.pubsub.subscriptions[slot];
        ResourceFigures {
            id,
            counts: Counts {
                visible: subscription.available,
                in_flight: subscription.outstanding,
                delayed: 0,
            },
            bytes: 0,
            oldest_at,
            groups: subscription.groups.len() as u64,
            streams: subscription.streams.len() as u64,
            traffic: subscription.traffic,
        }
    }

    /// When the oldest message was published that a subscription has not acknowledged. Where many
    /// acknowledged ones are retained before it, the answer is too early until enough looks have gone
    /// past them.
    fn oldest_unacked_at(&mut self, slot: u32) -> Option<Millis> {
        let ps = &mut self.pubsub;
        let subscription = &mut ps.subscriptions[slot];
        if subscription.available + subscription.outstanding == 0 {
            return None;
        }
        if subscription.unacked_from == NONE {
            subscription.unacked_from = subscription.entries.head;
        }
        for _ in 0..ACKED_PASSED_MAX {
            let Some(entry) = ps.entries.get(subscription.unacked_from) else {
                break;
            };
            if entry.state != EntryState::Acked || entry.newer == NONE {
                break;
            }
            subscription.unacked_from = entry.newer;
        }
        let entry = ps.entries.get(subscription.unacked_from)?;
        Some(ps.stored[entry.stored].published_at)
    }
}
