//! What ends by itself: idle subscriptions, snapshots, messages past their retention, and what
//! deleted resources leave behind.

use super::state::EntryState;
use crate::journeys::Step;
use crate::shard::Shard;
use crate::shard::timer::Timer;
use crate::slab::NONE;

impl Shard {
    /// Takes apart a part of what deleted subscriptions and topics hold.
    pub(crate) fn sweep_pubsub(&mut self, mut entries_max: usize) {
        while let Some(slot) = self.pubsub.subscription_ghosts.last().copied() {
            while self.drop_oldest_entry(slot, Step::Purged) {
                entries_max -= 1;
                if entries_max == 0 {
                    return;
                }
            }
            self.pubsub.subscription_ghosts.pop();
            // Streams end when their side closes them; until then they refuse.
            if !self.pubsub.subscriptions[slot].streams.is_empty() {
                continue;
            }
            self.remove_subscription(slot);
        }
        while let Some(slot) = self.pubsub.topic_ghosts.last().copied() {
            if self.expire_retained(slot, entries_max) {
                return;
            }
            self.pubsub.topic_ghosts.pop();
            self.remove_topic_if_unused(slot);
        }
    }

    /// Notes that a subscription is in use: it does not expire for now.
    pub(super) fn note_subscription_use(&mut self, slot: u32) {
        let subscription = &mut self.pubsub.subscriptions[slot];
        subscription.last_used = self.now;
        let topic = subscription.topic;
        self.note_topic_use(topic);
    }

    /// Arms the deadline at which a subscription may have been idle for too long, or a snapshot
    /// expires.
    pub(super) fn arm_expiry(&mut self, slot: u32) {
        let subscription = &mut self.pubsub.subscriptions[slot];
        let timer = std::mem::replace(&mut subscription.expiry_timer, NONE);
        if timer != NONE {
            self.wheel.disarm(timer);
        }
        let subscription = &self.pubsub.subscriptions[slot];
        let due = match (
            subscription.snapshot_expires_at,
            subscription.settings.expiration_ms,
        ) {
            (Some(at), _) => at,
            (None, Some(idle)) => subscription.last_used.saturating_add(idle),
            (None, None) => return,
        };
        let timer = self.wheel.arm(due, Timer::SubscriptionExpiry(slot));
        self.pubsub.subscriptions[slot].expiry_timer = timer;
    }

    /// That deadline has come; its timer is gone from the wheel.
    pub(crate) fn subscription_expiry_due(&mut self, slot: u32) {
        let Some(subscription) = self.pubsub.subscriptions.get_mut(slot) else {
            return;
        };
        if subscription.ghost || subscription.expiry_timer != NONE {
            return;
        }
        if subscription.snapshot_expires_at.is_none() {
            if !subscription.streams.is_empty() || !subscription.waiters.is_empty() {
                subscription.last_used = self.now;
            }
            let idle = subscription.settings.expiration_ms.unwrap_or(u64::MAX);
            if subscription.last_used.saturating_add(idle) > self.now {
                return self.arm_expiry(slot);
            }
        }
        self.delete_subscription(slot);
    }

    /// Arms the deadline anew after the retention has changed.
    pub(super) fn rearm_subscription_retention(&mut self, slot: u32) {
        let subscription = &mut self.pubsub.subscriptions[slot];
        let timer = std::mem::replace(&mut subscription.retention_timer, NONE);
        if timer != NONE {
            self.wheel.disarm(timer);
        }
        self.arm_subscription_retention(slot);
    }

    pub(super) fn arm_subscription_retention(&mut self, slot: u32) {
        let ps = &mut self.pubsub;
        let subscription = &mut ps.subscriptions[slot];
        let oldest = subscription.entries.head;
        if subscription.retention_timer != NONE
            || oldest == NONE
            || subscription.snapshot_expires_at.is_some()
        {
            return;
        }
        let published_at = ps.stored[ps.entries[oldest].stored].published_at;
        let due = published_at + ps.topics[subscription.topic].retention_ms(&subscription.settings);
        subscription.retention_timer = self.wheel.arm(due, Timer::SubscriptionRetention(slot));
    }

    /// Drops messages that a subscription has kept for long enough, at most `messages_max`. Its
    /// timer is gone from the wheel.
    pub(crate) fn subscription_retention_due(&mut self, slot: u32, messages_max: usize) {
        if self
            .pubsub
            .subscriptions
            .get(slot)
            .is_none_or(|found| found.ghost)
        {
            return;
        }
        for _ in 0..messages_max {
            let ps = &self.pubsub;
            let subscription = &ps.subscriptions[slot];
            let oldest = subscription.entries.head;
            if oldest == NONE {
                return;
            }
            let published_at = ps.stored[ps.entries[oldest].stored].published_at;
            let topic = &ps.topics[subscription.topic];
            if published_at + topic.retention_ms(&subscription.settings) > self.now {
                break;
            }
            if ps.entries[oldest].state != EntryState::Acked {
                self.counters.dropped += 1;
            }
            self.drop_oldest_entry(slot, Step::Expired);
        }
        self.arm_subscription_retention(slot);
    }

    /// A topic's oldest retained message has been kept for long enough; the timer is gone from the
    /// wheel.
    pub(crate) fn topic_retention_due(&mut self, slot: u32, messages_max: usize) {
        if self
            .pubsub
            .topics
            .get(slot)
            .is_none_or(|found| found.deleted)
        {
            return;
        }
        self.expire_retained(slot, messages_max);
        self.arm_topic_retention(slot);
    }
}
