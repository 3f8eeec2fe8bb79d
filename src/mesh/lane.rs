//! One direction between two cores: a bounded single-producer single-consumer ring, and behind it,
//! for replies only, a queue for what doesn't fit.

use crate::runtime::Doorbell;
use lclq_shards::command::{Command, Reply, Token};
use std::collections::VecDeque;

/// What goes from the core that asks to the core that owns the shard.
pub(super) enum Request {
    Command {
        shard: u16,
        token: Token,
        command: Command,
    },
    Cancel {
        shard: u16,
        token: Token,
    },
}

pub(super) type Answer = (Token, Reply);

// Frames are copied into and out of the ring: growing one by accident would cost every request.
const _: () = assert!(std::mem::size_of::<Request>() <= 136);
const _: () = assert!(std::mem::size_of::<Answer>() <= 136);

/// The sending end. It rings its receiver when told to, so that a batch costs one ring.
pub(super) struct Sender<T> {
    ring: rtrb::Producer<T>,
    overflow: VecDeque<T>,
    bell: Doorbell,
    unrung: bool,
}

impl<T> Sender<T> {
    pub fn new(ring: rtrb::Producer<T>, bell: Doorbell) -> Self {
        Self {
            ring,
            overflow: VecDeque::new(),
            bell,
            unrung: false,
        }
    }

    /// Sends if there is room; gives the frame back if not.
    pub fn try_send(&mut self, frame: T) -> Result<(), T> {
        match self.ring.push(frame) {
            Ok(()) => {
                self.unrung = true;
                Ok(())
            }
            Err(rtrb::PushError::Full(frame)) => Err(frame),
        }
    }

    /// Sends, or keeps the frame until there is room.
    pub fn send(&mut self, frame: T) {
        if !self.overflow.is_empty() {
            return self.overflow.push_back(frame);
        }
        if let Err(frame) = self.try_send(frame) {
            self.overflow.push_back(frame);
        }
    }

    /// Wakes the receiver though there is nothing new for it in this lane.
    pub fn ring(&self) {
        self.bell.ring();
    }

    /// Wakes a receiver that sleeps, at once. Answers whether one that runs has still to be rung.
    pub fn nudge(&mut self) -> bool {
        if self.unrung && self.bell.is_parked() {
            self.unrung = false;
            self.bell.ring();
        }
        self.unrung
    }

    /// Sends what was kept, as far as there is room, and wakes the receiver if it has something to
    /// find. Answers whether frames are still kept.
    pub fn flush(&mut self) -> bool {
        while let Some(frame) = self.overflow.pop_front() {
            if let Err(frame) = self.try_send(frame) {
                self.overflow.push_front(frame);
                break;
            }
        }
        if std::mem::take(&mut self.unrung) {
            self.bell.ring();
        }
        !self.overflow.is_empty()
    }
}
