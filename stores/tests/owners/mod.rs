//! An owner that takes a log, writes and trims, and takes it again when another has it.

use crate::contract::{append, place};
use lclq_shards::journal::{Answer, LogStore as _, Place, Ticket};
use lclq_stores::{RemoteLog, StoreNode};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Records under way at once.
const WINDOW_RECORDS_MAX: usize = 4;
/// Records that trims leave, so that there is something to be checked.
const KEPT_RECORDS: u64 = 50;
/// Acknowledged records between two trims.
const TRIM_RECORDS: u64 = 20;
/// Records that an owner writes before it lets others have a turn, at most.
const TURN_RECORDS_MAX: u64 = 400;

/// What an owner waits before it takes the log again, at most.
const PAUSE_MS_MAX: u64 = 150;

/// What owners share.
#[derive(Default)]
pub struct Chaos {
    pub is_over: AtomicBool,
    /// Highest position below which somebody has asked to trim.
    pub trimmed_below: AtomicU64,
}

/// What an owner has done.
#[derive(Default)]
pub struct Run {
    /// Places of records whose append was answered by `Appended`.
    pub acknowledged: Vec<Place>,
    pub take_overs: usize,
    pub trims: usize,
}

pub struct Owner {
    store: RemoteLog,
    random: fastrand::Rng,
    run: Run,
}

impl Owner {
    pub fn new(node: &StoreNode, seed: u64) -> Self {
        Self {
            store: node.open(0, Arc::new(|| {})).unwrap(),
            random: fastrand::Rng::with_seed(seed),
            run: Run::default(),
        }
    }

    pub fn run(mut self, chaos: &Chaos) -> Run {
        while !chaos.is_over.load(Ordering::Relaxed) {
            if let Some(fence) = self.take() {
                self.own(fence, chaos);
            }
            std::thread::sleep(Duration::from_millis(self.random.u64(..PAUSE_MS_MAX)));
        }
        self.run
    }

    /// Takes the log by a record of a new epoch behind its last one.
    fn take(&mut self) -> Option<Place> {
        let ticket = self.store.tail();
        let before = match self.wait(ticket) {
            Answer::Tail(last) => last.map_or(place(0, 0), |last| last.place),
            _ => return None,
        };
        let fence = place(before.position + 1, before.epoch + 1);
        let ticket = self
            .store
            .append(append(before.epoch, fence.position, fence.epoch));
        if self.wait(ticket) != Answer::Appended {
            return None;
        }
        self.run.acknowledged.push(fence);
        self.run.take_overs += 1;
        Some(fence)
    }

    fn wait(&mut self, ticket: Ticket) -> Answer {
        crate::contract::answer(&mut self.store, ticket)
    }

    /// Writes, several records at once, until another has the log, something is in doubt or the turn is
    /// over. What is in doubt then, the next fence settles.
    fn own(&mut self, fence: Place, chaos: &Chaos) {
        let Place { epoch, position } = fence;
        let end = position + self.random.u64(1..=TURN_RECORDS_MAX);
        let mut next = position + 1;
        let mut under_way: VecDeque<(Ticket, u64)> = VecDeque::new();
        let mut goes_on = true;
        loop {
            goes_on &= !chaos.is_over.load(Ordering::Relaxed) && next <= end;
            while goes_on && under_way.len() < WINDOW_RECORDS_MAX && next <= end {
                under_way.push_back((self.store.append(append(epoch, next, epoch)), next));
                next += 1;
            }
            if under_way.is_empty() {
                return;
            }
            let tickets: Vec<_> = under_way.iter().map(|(ticket, _)| *ticket).collect();
            let answers = crate::contract::answers(&mut self.store, &tickets);
            for ((_, position), answer) in under_way.drain(..).zip(answers) {
                if answer == Answer::Appended {
                    self.run.acknowledged.push(place(position, epoch));
                } else {
                    goes_on = false;
                }
            }
            if goes_on && next % TRIM_RECORDS < WINDOW_RECORDS_MAX as u64 {
                self.trim(place(next - 1, epoch), chaos);
            }
        }
    }

    fn trim(&mut self, last: Place, chaos: &Chaos) {
        let below = last.position.saturating_sub(KEPT_RECORDS);
        if below > 1 {
            chaos.trimmed_below.fetch_max(below, Ordering::Relaxed);
            let ticket = self.store.trim(below, last);
            self.run.trims += usize::from(self.wait(ticket) == Answer::Trimmed);
        }
    }
}
