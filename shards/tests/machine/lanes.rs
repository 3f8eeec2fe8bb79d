//! The lanes between cores, which are slow, stall, and lose what is in them when all cores die.

use fastrand::Rng;
use lclq_shards::Millis;
use lclq_shards::command::{Command, Reply, Token};
use std::collections::VecDeque;

pub enum Frame<C> {
    Command {
        shard: u16,
        token: Token,
        command: Command,
    },
    Cancel {
        shard: u16,
        token: Token,
    },
    /// An answer on its way to a client.
    Answer {
        call: Box<C>,
        reply: Reply,
    },
    /// An answer on its way to the shard that sent a transfer.
    TransferAnswer {
        source: u16,
        reply: Reply,
    },
}

struct Lane<C> {
    frames: VecDeque<Frame<C>>,
    stalled_until: Millis,
}

/// A lane for requests and one for replies from each core to each.
pub struct Lanes<C> {
    cores: usize,
    lanes: Vec<Lane<C>>,
    frames_max: usize,
}

impl<C> Lanes<C> {
    pub fn new(cores: usize, frames_max: usize) -> Self {
        let lanes = (0..cores * cores * 2)
            .map(|_| Lane {
                frames: VecDeque::new(),
                stalled_until: 0,
            })
            .collect();
        Self {
            cores,
            lanes,
            frames_max,
        }
    }

    fn at(&self, from: usize, to: usize, replies: bool) -> usize {
        (from * self.cores + to) * 2 + usize::from(replies)
    }

    /// Puts a request in if there is room; gives it back if not.
    pub fn request(&mut self, from: usize, to: usize, frame: Frame<C>) -> Result<(), Frame<C>> {
        let at = self.at(from, to, false);
        let frames = &mut self.lanes[at].frames;
        if frames.len() >= self.frames_max {
            return Err(frame);
        }
        frames.push_back(frame);
        Ok(())
    }

    /// Replies always find room, as in the mesh.
    pub fn reply(&mut self, from: usize, to: usize, frame: Frame<C>) {
        let at = self.at(from, to, true);
        self.lanes[at].frames.push_back(frame);
    }

    /// The next frame of a random lane that isn't stalled.
    pub fn take(&mut self, rng: &mut Rng, now: Millis) -> Option<Frame<C>> {
        let first = rng.usize(..self.lanes.len());
        for step in 0..self.lanes.len() {
            let at = (first + step) % self.lanes.len();
            let lane = &mut self.lanes[at];
            if lane.stalled_until <= now
                && let Some(frame) = lane.frames.pop_front()
            {
                return Some(frame);
            }
        }
        None
    }

    pub fn stall(&mut self, rng: &mut Rng, until: Millis) {
        let at = rng.usize(..self.lanes.len());
        self.lanes[at].stalled_until = until;
    }

    pub fn heal(&mut self) {
        for lane in &mut self.lanes {
            lane.stalled_until = 0;
        }
    }

    /// All cores die.
    pub fn drain(&mut self) -> Vec<Frame<C>> {
        self.lanes
            .iter_mut()
            .flat_map(|lane| lane.frames.drain(..))
            .collect()
    }

    pub fn is_empty(&self) -> bool {
        self.lanes.iter().all(|lane| lane.frames.is_empty())
    }
}
