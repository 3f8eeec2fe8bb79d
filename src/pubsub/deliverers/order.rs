//! One message of an ordering key at a time.
//!
//! When a message fails, its shard takes back all later ones of the key and gives them out again
//! behind it. Deliveries of those that are here, or on their way here, don't count any more: they
//! must not reach the subscriber before the failed one has.

use std::collections::{HashMap, VecDeque};

/// What to do with a message that has arrived.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::pubsub) enum Place<T> {
    /// Its turn.
    Deliver(T),
    /// Kept here until its turn comes.
    Wait,
    /// Its shard has taken it back, or is about to hear that it should.
    Discard(T),
}

/// Messages by ordering key.
pub(in crate::pubsub) struct OrderedQueue<T> {
    keys: HashMap<Box<[u8]>, VecDeque<T>>,
    waiting: usize,
    /// Keys that failed while the pull that is open may have been answered already, and the failed
    /// message's sequence number.
    suspects: HashMap<Box<[u8]>, u64>,
}

impl<T> Default for OrderedQueue<T> {
    fn default() -> Self {
        Self {
            keys: HashMap::new(),
            waiting: 0,
            suspects: HashMap::new(),
        }
    }
}

impl<T> OrderedQueue<T> {
    /// Messages that wait here.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// A message of `key` has arrived.
    pub fn arrive(&mut self, key: &[u8], sequence: u64, message: T) -> Place<T> {
        if let Some(failed) = self.suspects.get(key) {
            if sequence > *failed {
                return Place::Discard(message);
            }
            self.suspects.remove(key);
        }
        match self.keys.get_mut(key) {
            Some(queue) => {
                queue.push_back(message);
                self.waiting += 1;
                Place::Wait
            }
            None => {
                self.keys.insert(key.into(), VecDeque::new());
                Place::Deliver(message)
            }
        }
    }

    /// The message of `key` under way was acknowledged; answers the next.
    pub fn succeeded(&mut self, key: &[u8]) -> Option<T> {
        let next = self.keys.get_mut(key).and_then(VecDeque::pop_front);
        match next {
            Some(_) => self.waiting -= 1,
            None => drop(self.keys.remove(key)),
        }
        next
    }

    /// The message of `key` under way failed: drops what waits behind it. `pull_open` says whether
    /// a pull stands at the shard, whose answer may be older than the failure.
    pub fn failed(&mut self, key: &[u8], sequence: u64, pull_open: bool) {
        if let Some(dropped) = self.keys.remove(key) {
            self.waiting -= dropped.len();
        }
        if pull_open {
            self.suspects.insert(key.into(), sequence);
        }
    }

    /// The open pull's messages have all arrived: later pulls know of all failures.
    pub fn pull_ended(&mut self) {
        self.suspects.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_a_key_at_a_time() {
        let mut queue = OrderedQueue::default();
        assert_eq!(queue.arrive(b"a", 1, 1), Place::Deliver(1));
        assert_eq!(queue.arrive(b"a", 2, 2), Place::Wait);
        assert_eq!(queue.arrive(b"b", 3, 3), Place::Deliver(3));
        assert_eq!(queue.arrive(b"a", 4, 4), Place::Wait);
        assert_eq!(queue.waiting(), 2);
        assert_eq!(queue.succeeded(b"a"), Some(2));
        assert_eq!(queue.succeeded(b"a"), Some(4));
        assert_eq!(queue.succeeded(b"a"), None);
        assert_eq!(queue.arrive(b"a", 5, 5), Place::Deliver(5));
        assert_eq!(queue.waiting(), 0);
    }

    #[test]
    fn a_failure_drops_what_is_behind() {
        let mut queue = OrderedQueue::default();
        queue.arrive(b"a", 1, 1);
        queue.arrive(b"a", 2, 2);
        queue.failed(b"a", 1, true);
        assert_eq!(queue.waiting(), 0);
        // The answer on its way was older than the failure.
        assert_eq!(queue.arrive(b"a", 3, 3), Place::Discard(3));
        queue.pull_ended();
        assert_eq!(queue.arrive(b"a", 1, 1), Place::Deliver(1));
        assert_eq!(queue.arrive(b"a", 2, 2), Place::Wait);
    }

    #[test]
    fn an_answer_newer_than_the_failure_begins_with_the_failed_one() {
        let mut queue = OrderedQueue::default();
        queue.arrive(b"a", 1, 1);
        queue.failed(b"a", 1, true);
        assert_eq!(queue.arrive(b"a", 1, 1), Place::Deliver(1));
        assert_eq!(queue.arrive(b"a", 2, 2), Place::Wait);
    }

    #[test]
    fn a_message_that_is_gone_does_not_block_its_key() {
        let mut queue = OrderedQueue::default();
        queue.arrive(b"a", 1, 1);
        queue.failed(b"a", 1, false);
        assert_eq!(queue.arrive(b"a", 2, 2), Place::Deliver(2));
    }
}
