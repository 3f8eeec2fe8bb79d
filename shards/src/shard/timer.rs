//! What the deadlines of a shard are for.

/// What a deadline is for; the number is a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Timer {
    /// A message becomes visible: its lease or its delay ends.
    Visible(u32),
    /// A queue's oldest message reaches the end of its retention.
    Retention(u32),
    /// A queue's oldest deduplication id is forgotten.
    Dedup(u32),
    /// A long poll ends.
    Waiter(u32),
    /// A queue's move task takes its next step.
    Move(u32),
    /// A delivery's ack deadline or a retry delay ends.
    Entry(u32),
    /// A pull ends.
    PullWaiter(u32),
    /// A subscription's oldest message reaches the end of its retention.
    SubscriptionRetention(u32),
    /// A topic's oldest retained message reaches the end of its retention.
    TopicRetention(u32),
    /// A subscription may have been idle for too long, or a snapshot expires.
    SubscriptionExpiry(u32),
}
