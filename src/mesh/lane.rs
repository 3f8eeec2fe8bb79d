//! One direction between two cores: a bounded single-producer single-consumer ring, and behind it a
//! queue for what doesn't fit.

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
    /// The answers are written that came before [`super::pending::WRITTEN_TOKEN`].
    AnswersWritten,
}

pub(super) type Answer = (Token, Reply);

// Frames are copied into and out of the ring: growing one by accident would cost every request.
const _: () = assert!(size_of::<Request>() <= 136);
const _: () = assert!(size_of::<Answer>() <= 136);

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

    /// Sends, or keeps the frame until there is room; gives it back if `kept_max` are kept already.
    pub fn try_send(&mut self, frame: T, kept_max: usize) -> Result<(), T> {
        // Never past those that are kept: a cancellation must not come before what it cancels.
        let frame = if self.overflow.is_empty() {
            match self.push(frame) {
                Ok(()) => return Ok(()),
                Err(frame) => frame,
            }
        } else {
            frame
        };
        if self.overflow.len() >= kept_max {
            return Err(frame);
        }
        self.overflow.push_back(frame);
        Ok(())
    }

    fn push(&mut self, frame: T) -> Result<(), T> {
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
        if let Err(frame) = self.push(frame) {
            self.overflow.push_back(frame);
        }
    }

    /// Wakes the receiver though there is nothing new for it in this lane.
    pub fn ring(&self) {
        self.bell.ring();
    }

    /// Sends what was kept, as far as there is room, and wakes the receiver if it has something to
    /// find. Answers whether frames are still kept.
    pub fn flush(&mut self) -> bool {
        while let Some(frame) = self.overflow.pop_front() {
            if let Err(frame) = self.push(frame) {
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

/// The receiving end. It tells when its sender has to be rung, which may have kept frames that found
/// no room.
pub(super) struct Receiver<T> {
    ring: rtrb::Consumer<T>,
    /// Since the sender was last to be rung.
    taken: usize,
}

impl<T> Receiver<T> {
    pub fn new(ring: rtrb::Consumer<T>) -> Self {
        Self { ring, taken: 0 }
    }

    pub fn pop(&mut self) -> Option<T> {
        let frame = self.ring.pop().ok()?;
        self.taken += 1;
        Some(frame)
    }

    /// How many are there.
    pub fn len(&self) -> usize {
        self.ring.slots()
    }

    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// Whether the sender is to be rung. How full the ring looks doesn't tell: both ends may see an
    /// old state of the other's. But a sender that waits for room has put in, since it was last rung,
    /// as many frames as the ring holds, and half of them are taken sooner or later.
    pub fn owes_ring(&mut self) -> bool {
        let owes = self.taken >= self.ring.buffer().capacity().div_ceil(2);
        if owes {
            self.taken = 0;
        }
        owes
    }
}
