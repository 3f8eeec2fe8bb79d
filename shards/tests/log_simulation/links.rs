//! What nodes send each other, and where nothing passes.

use fastrand::Rng;
use lclq_shards::Millis;
use lclq_shards::command::Reply;
use lclq_shards::moves::Transfer;
use std::collections::VecDeque;

pub enum Frame {
    /// For the node's own seat of the transfer's target.
    Transfer(Box<Transfer>),
    /// An answer for the source's shard.
    Answer { source: u16, reply: Reply },
}

/// A connection from each node to each, itself included.
pub struct Links {
    nodes: usize,
    frames: Vec<VecDeque<Frame>>,
    cut_until: Vec<Millis>,
}

impl Links {
    pub fn new(nodes: usize) -> Self {
        Self {
            nodes,
            frames: (0..nodes * nodes).map(|_| VecDeque::new()).collect(),
            cut_until: vec![0; nodes * nodes],
        }
    }

    fn at(&self, from: usize, to: usize) -> usize {
        from * self.nodes + to
    }

    pub fn send(&mut self, from: usize, to: usize, frame: Frame) {
        let at = self.at(from, to);
        self.frames[at].push_back(frame);
    }

    /// Nothing that the one sends reaches the other before `until`. What it has sent waits.
    pub fn cut(&mut self, from: usize, to: usize, until: Millis) {
        let at = self.at(from, to);
        if from != to {
            self.cut_until[at] = self.cut_until[at].max(until);
        }
    }

    pub fn is_cut(&self, from: usize, to: usize, now: Millis) -> bool {
        self.cut_until[self.at(from, to)] > now
    }

    /// The connection between two nodes breaks, and what is on the way is lost.
    pub fn lose(&mut self, one: usize, other: usize) {
        for at in [self.at(one, other), self.at(other, one)] {
            self.frames[at].clear();
        }
    }

    /// What a node has sent may still arrive; it gets nothing more.
    pub fn ends(&mut self, node: usize, is_lost: bool) {
        for other in 0..self.nodes {
            let (to, from) = (self.at(other, node), self.at(node, other));
            self.frames[to].clear();
            if is_lost {
                self.frames[from].clear();
            }
        }
    }

    pub fn heal(&mut self) {
        self.cut_until.fill(0);
    }

    pub fn is_empty(&self) -> bool {
        self.frames.iter().all(VecDeque::is_empty)
    }

    /// The next frame of a connection on which something arrives now, and from whom to whom.
    pub fn take(
        &mut self,
        rng: &mut Rng,
        now: Millis,
        is_awake: impl Fn(usize) -> bool,
    ) -> Option<(usize, usize, Frame)> {
        let first = rng.usize(..self.frames.len());
        for step in 0..self.frames.len() {
            let at = (first + step) % self.frames.len();
            let (from, to) = (at / self.nodes, at % self.nodes);
            if self.cut_until[at] <= now
                && is_awake(to)
                && let Some(frame) = self.frames[at].pop_front()
            {
                return Some((from, to, frame));
            }
        }
        None
    }
}
