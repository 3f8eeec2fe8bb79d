//! Changes as shards make them, by chance.

use super::records::*;
use fastrand::Rng;
use lclq_shards::journal::*;

/// Ids of one kind of thing: none is given out twice.
#[derive(Default)]
struct Ids {
    live: Vec<u64>,
    gone: Vec<u64>,
}

impl Ids {
    fn live(&self, rng: &mut Rng) -> Option<u64> {
        rng.choice(&self.live).copied()
    }

    /// One that there is, or was: rows of what has gone may follow.
    fn known(&self, rng: &mut Rng) -> Option<u64> {
        let known: Vec<u64> = self.live.iter().chain(&self.gone).copied().collect();
        rng.choice(known)
    }

    fn drop_one(&mut self, rng: &mut Rng) -> Option<u64> {
        let at = rng.choice(0..self.live.len())?;
        let id = self.live.swap_remove(at);
        self.gone.push(id);
        Some(id)
    }
}

/// Changes as a shard might make them, of few things that come and go.
pub struct Changes {
    pub rng: Rng,
    next_id: u64,
    next_sequence: u64,
    next_number: [u64; 2],
    queues: Ids,
    topics: Ids,
    subscriptions: Ids,
}

impl Changes {
    pub fn of(round: u64) -> Self {
        Self {
            rng: Rng::with_seed(round),
            next_id: 1,
            next_sequence: 100,
            next_number: [0; 2],
            queues: Ids::default(),
            topics: Ids::default(),
            subscriptions: Ids::default(),
        }
    }

    /// A number that was given out lately, or is not yet.
    fn some_sequence(&mut self) -> u64 {
        self.rng
            .u64(self.next_sequence - 12..self.next_sequence + 2)
    }

    fn new_sequence(&mut self) -> u64 {
        self.next_sequence += self.rng.u64(1..4);
        self.next_sequence
    }

    fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    pub fn next(&mut self) -> Op {
        self.some_change().unwrap_or(Op::Nothing)
    }

    fn some_change(&mut self) -> Option<Op> {
        Some(match self.rng.u8(..24) {
            0 => {
                let id = self.new_id();
                self.queues.live.push(id);
                queue(id, 0)
            }
            // Purges go on from where the last one ended.
            1 => queue(self.queues.live(&mut self.rng)?, self.next_sequence - 3),
            2 if self.rng.bool() => Op::DropQueue(self.queues.drop_one(&mut self.rng)?),
            2..6 => {
                let sequence = self.new_sequence();
                insert(sequence, self.queues.known(&mut self.rng)?)
            }
            6 => Op::Received {
                sequence: self.some_sequence(),
                receive_count: self.rng.u32(1..9),
                first_received_at: NOW,
            },
            7 => Op::Delete(self.some_sequence()),
            8 => {
                let sequence = self.some_sequence();
                dedup(
                    sequence,
                    self.queues.known(&mut self.rng)?,
                    self.rng.u128(..3),
                )
            }
            9 | 10 => {
                let target = self.rng.u16(..2);
                let number = &mut self.next_number[usize::from(target)];
                *number += 1;
                transfer(target, *number, 1)
            }
            11 => {
                let target = self.rng.u16(..2);
                let sent = self.next_number[usize::from(target)];
                confirmed(target, self.rng.u64(..=sent))
            }
            12 => inbox(self.rng.u16(..2), self.rng.u64(..9)),
            13 => reserve(self.next_sequence + 1, self.next_id + 1),
            14 => {
                let id = self.new_id();
                self.topics.live.push(id);
                topic(id, "a")
            }
            15 => topic(self.topics.live(&mut self.rng)?, "b"),
            16 => {
                let (id, topic) = (self.new_id(), self.topics.live(&mut self.rng)?);
                self.subscriptions.live.push(id);
                subscription(id, topic, "a")
            }
            17 => match self.rng.u8(..4) {
                0 => Op::DropTopic(self.topics.drop_one(&mut self.rng)?),
                1 => Op::DropSubscription(self.subscriptions.drop_one(&mut self.rng)?),
                2 => Op::DropSchema(1),
                _ => schema(1, "a"),
            },
            18 | 19 => {
                let sequence = self.new_sequence();
                publish(sequence, self.topics.known(&mut self.rng)?)
            }
            20 => unpublish(self.some_sequence(), self.rng.bool()),
            21 | 22 => {
                let sequence = self.some_sequence();
                let subscription_id = self.subscriptions.known(&mut self.rng)?;
                delivery(
                    sequence,
                    subscription_id,
                    self.rng.bool(),
                    self.rng.u32(..4),
                )
            }
            _ => Op::ResetDeliveries {
                subscription_id: self.subscriptions.known(&mut self.rng)?,
            },
        })
    }
}
