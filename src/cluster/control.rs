//! Who runs what, as one node sees it: signs of life, decisions, and orders to the cores.

use super::Joined;
use super::plan::{Decision, Mine, SILENCE_MAX, Situation};
use crate::runtime::{Shutdown, spawn_beside};
use lclq_stores::{Beat, Cluster};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

/// Between two signs of life.
const BEAT_EVERY: Duration = Duration::from_secs(1);
/// Between two that are given because something has changed.
const BEAT_PAUSE_MIN: Duration = Duration::from_millis(20);
/// Looked at so much after a node may be taken for gone, lest it is looked at just before.
const LATE: Duration = Duration::from_millis(10);
/// Time without others coming or going before shards are handed over to those who have come.
const SETTLING: Duration = Duration::from_secs(5);
/// Shards that are taken over at once.
const TAKEN_AT_ONCE_MAX: usize = 8;
/// Between a node's first sign of life and its first decision: those that start with it are seen by then.
const JOINING: Duration = Duration::from_millis(250);
/// Before a shard that could not be taken over is tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(2);
/// What reaching a node may take that is suspected to be gone.
const PROBE_WAIT: Duration = Duration::from_millis(300);
/// Time since the last sign of life that the store has taken, after which a node gives up what it runs: others are
/// about to take it. Less than their patience, by as much as clocks may differ.
const CUT_OFF: Duration = SILENCE_MAX
    .checked_sub(Duration::from_secs(1))
    .expect("it is longer");
/// Between two signs of life of a node that leaves.
const LEAVING_BEAT: Duration = Duration::from_millis(100);
/// What a node that runs nothing any more waits for requests that others sent before they heard of it.
const LINGERING: Duration = Duration::from_millis(400);
/// What a node that leaves may take to hand over what it runs.
const LEAVING_MAX: Duration = Duration::from_secs(20);

/// What control hears.
pub enum News {
    /// A shard was taken over, in this epoch; or why not.
    Opened(u16, Result<u64, String>),
    /// A shard is closed: all that it had is in the store.
    Closed(u16),
    /// Another node has a shard that this one ran, in this epoch.
    Fenced(u16, u64),
    /// The connection to a node was lost.
    Suspect(u16),
    /// Something may have changed elsewhere.
    Look,
    /// Hand over all shards, and raise the flag when that is done, or can't be.
    Drain(Shutdown),
    /// All is closed: have others know it.
    Leave(Sender<()>),
}

/// What carries orders out.
pub trait Takes: Send + Sync + 'static {
    /// Takes a shard over and gives it to its core. Blocks; answers the epoch.
    fn open(&self, shard: u16) -> Result<u64, String>;
    /// Has a shard's core close it.
    fn close(&self, shard: u16);
    /// Says that another node runs a shard, or nobody does.
    fn route(&self, shard: u16, peer: Option<u16>);
    /// Has the nodes of these numbers look.
    fn poke(&self, peers: Vec<u16>);
    /// Waits for nothing more from the node of this number.
    fn gone(&self, peer: u16);
    /// Keeps connections to the nodes of these numbers, so that it is noticed when one goes.
    fn reach(&self, peers: Vec<u16>);
    /// Number of shards.
    fn shards(&self) -> u16;
}

/// A node's control.
pub struct Control<T> {
    joined: Arc<Joined>,
    takes: Arc<T>,
    mine: BTreeMap<u16, Mine>,
    /// Shards that wait to be taken over.
    to_take: VecDeque<u16>,
    /// Shards that could not be, until when.
    failed: BTreeMap<u16, Instant>,
    /// Shards that other nodes have taken, and this one's last epochs of them.
    lost: BTreeMap<u16, u64>,
    /// Nodes that refuse connections: gone, whatever the store says.
    gone: BTreeSet<Box<str>>,
    others: BTreeSet<Box<str>>,
    changed_at: Instant,
    draining: Option<(Shutdown, Instant)>,
    nobody_takes: bool,
    /// Since when it leaves and runs nothing any more.
    empty_since: Option<Instant>,
    /// What the store says has not been told since something changed here.
    untold: bool,
    is_down: bool,
    /// When the last sign of life was sent that the store has taken.
    heard_at: Instant,
    /// When the first of the others is gone, unless it says something before.
    patience_ends: Option<Instant>,
}

impl<T: Takes> Control<T> {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where no thread can be had.
    pub fn start(joined: Arc<Joined>, takes: Arc<T>, heard: Receiver<News>) -> io::Result<()> {
        let thread = std::thread::Builder::new().name("lclq-cluster".to_owned());
        spawn_beside(thread, move || {
            let control = Self {
                joined,
                takes,
                mine: BTreeMap::new(),
                to_take: VecDeque::new(),
                failed: BTreeMap::new(),
                lost: BTreeMap::new(),
                gone: BTreeSet::new(),
                others: BTreeSet::new(),
                changed_at: Instant::now(),
                draining: None,
                nobody_takes: false,
                empty_since: None,
                untold: false,
                is_down: false,
                heard_at: Instant::now(),
                patience_ends: None,
            };
            control.run(&heard);
        })?;
        Ok(())
    }

    fn run(mut self, heard: &Receiver<News>) {
        let mut beat_at = Instant::now();
        let mut last_beat: Option<Instant> = None;
        let mut decides = false;
        loop {
            let now = Instant::now();
            if beat_at <= now {
                let is_first = last_beat.is_none();
                self.beat(is_first);
                decides = !is_first;
                last_beat = Some(now);
                beat_at = now
                    + match self.draining {
                        _ if is_first => JOINING,
                        Some(_) => LEAVING_BEAT,
                        None => BEAT_EVERY,
                    };
                // Whoever waited for the next beat would take over up to a second too late.
                if let Some(ends) = self.patience_ends.take() {
                    beat_at = beat_at.min(ends.max(now + BEAT_PAUSE_MIN));
                }
            }
            let wait = beat_at.saturating_duration_since(Instant::now());
            let mut news = match heard.recv_timeout(wait) {
                Ok(news) => Some(news),
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let mut look = false;
            while let Some(one) = news {
                match one {
                    News::Leave(done) => {
                        self.leave();
                        let _ = done.send(());
                        return;
                    }
                    other => look |= self.hear(other),
                }
                news = heard.try_recv().ok();
            }
            if look && decides {
                let soonest = last_beat.map_or(now, |last| last + BEAT_PAUSE_MIN);
                beat_at = beat_at.min(soonest);
            }
        }
    }

    /// Takes up what it hears. Answers whether to look at once.
    fn hear(&mut self, news: News) -> bool {
        match news {
            News::Opened(shard, Ok(epoch)) => {
                // Its core may have lost it before this was heard.
                match self.lost.get(&shard) {
                    Some(lost) if *lost >= epoch => self.mine.remove(&shard),
                    _ => self.mine.insert(shard, Mine::Open(epoch)),
                };
                self.untold = true;
                self.take_next();
                // One look tells of many; the last must not be kept waiting.
                true
            }
            News::Opened(shard, Err(error)) => {
                tracing::warn!(shard, error, "a shard can't be taken over yet");
                self.mine.remove(&shard);
                self.failed.insert(shard, Instant::now() + RETRY_PAUSE);
                self.take_next();
                true
            }
            News::Closed(shard) => {
                self.mine.remove(&shard);
                self.untold = true;
                true
            }
            News::Fenced(shard, epoch) => {
                tracing::warn!(shard, "another node has a shard that this one ran");
                self.lost.insert(shard, epoch);
                if self.mine.get(&shard) != Some(&Mine::Opening) {
                    self.mine.remove(&shard);
                }
                self.untold = true;
                true
            }
            News::Suspect(number) => {
                if let Some(peer) = self.joined.peers.get(number)
                    && !self.gone.contains(&peer.node)
                    && is_refused(peer.address)
                {
                    tracing::warn!(
                        node = &*peer.node,
                        address = %peer.address,
                        "a node is gone: it refuses connections"
                    );
                    self.gone.insert(peer.node.clone());
                }
                true
            }
            News::Look => true,
            News::Drain(done) => {
                self.draining = Some((done, Instant::now()));
                true
            }
            News::Leave(_) => false,
        }
    }

    /// Says that it lives. Decides nothing where it only `joins`.
    fn beat(&mut self, joins: bool) {
        let owns = self.mine.iter().filter_map(|(shard, mine)| match mine {
            Mine::Open(epoch) | Mine::Closing(epoch) => Some((*shard, *epoch)),
            Mine::Opening => None,
        });
        let beat = Beat {
            member: self.joined.member.clone(),
            draining: self.draining.is_some(),
            owns: owns.collect(),
        };
        let sent_at = Instant::now();
        match self.joined.membership.beat(beat) {
            Ok(_) if joins => self.heard_at = sent_at,
            Ok(cluster) => {
                self.heard_at = sent_at;
                let cluster = Arc::new(cluster);
                self.joined.saw(cluster.clone());
                if std::mem::take(&mut self.is_down) {
                    tracing::info!("the store answers again who is there");
                }
                let told = std::mem::take(&mut self.untold);
                self.look_at(&cluster, told);
            }
            Err(error) => {
                if !std::mem::replace(&mut self.is_down, true) {
                    tracing::warn!(%error, "the store doesn't say who is there");
                }
                if self.heard_at.elapsed() >= CUT_OFF {
                    self.give_up();
                }
            }
        }
        self.see_to_end();
    }

    /// It is cut off from the store: others are about to take what it runs, and it can't know when they have.
    fn give_up(&mut self) {
        for (shard, mine) in &mut self.mine {
            if let Mine::Open(epoch) = *mine {
                tracing::warn!(shard, "cut off from the store: a shard is given up");
                *mine = Mine::Closing(epoch);
                self.takes.close(*shard);
            }
        }
    }

    fn look_at(&mut self, cluster: &Cluster, told: bool) {
        let now = Instant::now();
        let me = self.joined.member.clone();
        self.failed.retain(|_, until| *until > now);
        let situation = Situation {
            me: &me.node,
            draining: self.draining.is_some(),
            unsettled: now.duration_since(self.changed_at) < SETTLING,
            shards: self.takes.shards(),
            mine: &self.mine,
            cluster,
            gone: &self.gone,
        };
        self.patience_ends = situation.patience().map(|left| now + left + LATE);
        let others: BTreeSet<Box<str>> = situation.others().into_keys().map(Box::from).collect();
        let Decision {
            take,
            give,
            taken,
            owners,
            nobody_takes,
        } = situation.decide();
        self.nobody_takes = nobody_takes;
        if others != self.others {
            for node in others.difference(&self.others) {
                tracing::info!(node = &**node, "a node has joined");
            }
            for node in self.others.difference(&others) {
                tracing::info!(node = &**node, "a node has gone");
                if let Some(peer) = self.joined.peers.named(node) {
                    self.takes.gone(peer.number);
                }
            }
            self.others = others;
            self.changed_at = now;
        }
        let numbers = self.numbers(cluster);
        for shard in 0..self.takes.shards() {
            if !self.mine.contains_key(&shard) {
                let owner = owners.get(&shard);
                let number = owner.and_then(|node| numbers.get(&**node).copied());
                self.takes.route(shard, number);
            }
        }
        for shard in give.into_iter().chain(taken) {
            if let Some(Mine::Open(epoch)) = self.mine.get(&shard).copied() {
                self.mine.insert(shard, Mine::Closing(epoch));
                self.takes.close(shard);
            }
        }
        // What was to be taken may be another's turn by now.
        self.to_take
            .retain(|shard| take.binary_search(shard).is_ok());
        for shard in take {
            if !self.failed.contains_key(&shard) && !self.to_take.contains(&shard) {
                self.to_take.push_back(shard);
            }
        }
        self.take_next();
        let numbers: Vec<u16> = numbers.into_values().collect();
        match told {
            true => self.takes.poke(numbers),
            false => self.takes.reach(numbers),
        }
        if self.to_take.is_empty() && !self.mine.values().any(|mine| *mine == Mine::Opening) {
            self.joined.settled.trigger();
        }
    }

    /// Numbers of the other nodes that live.
    fn numbers<'c>(&self, cluster: &'c Cluster) -> BTreeMap<&'c str, u16> {
        let mut numbers = BTreeMap::new();
        for seen in &cluster.members {
            let node = &*seen.member.node;
            if !self.others.contains(node) {
                continue;
            }
            let Ok(address) = seen.member.address.parse() else {
                tracing::warn!(
                    node,
                    address = &*seen.member.address,
                    "no address of a node"
                );
                continue;
            };
            if let Some(peer) = self.joined.peers.meet(node, address, &seen.member.key_hash) {
                numbers.insert(node, peer.number);
            }
        }
        numbers
    }

    /// Takes over what waits for it, as many at once as may be.
    fn take_next(&mut self) {
        loop {
            let opening = self.mine.values().filter(|mine| **mine == Mine::Opening);
            if opening.count() >= TAKEN_AT_ONCE_MAX {
                return;
            }
            let Some(shard) = self.to_take.pop_front() else {
                return;
            };
            if self.draining.is_some() || self.mine.contains_key(&shard) {
                continue;
            }
            self.mine.insert(shard, Mine::Opening);
            let (takes, news) = (self.takes.clone(), self.joined.news.clone());
            let thread = std::thread::Builder::new().name("lclq-take-over".to_owned());
            let begun = spawn_beside(thread, move || {
                let opened = catch_unwind(AssertUnwindSafe(|| takes.open(shard)));
                let opened = opened.unwrap_or_else(|_| Err("taking it over failed".to_owned()));
                let _ = news.send(News::Opened(shard, opened));
            });
            if let Err(error) = begun {
                self.mine.remove(&shard);
                self.failed.insert(shard, Instant::now() + RETRY_PAUSE);
                tracing::warn!(shard, %error, "no thread to take a shard over");
            }
        }
    }

    /// A node that leaves may end once it runs nothing, or nobody is there to take what it runs.
    fn see_to_end(&mut self) {
        let Some((done, since)) = &self.draining else {
            return;
        };
        let is_last = self.nobody_takes && !self.is_down;
        let now = Instant::now();
        let has_lingered = match self.mine.is_empty() && !self.untold {
            true => now.duration_since(*self.empty_since.get_or_insert(now)) >= LINGERING,
            false => false,
        };
        if has_lingered || is_last || since.elapsed() >= LEAVING_MAX {
            done.trigger();
        }
    }

    fn leave(&self) {
        if let Err(error) = self.joined.membership.leave(&self.joined.member.node) {
            tracing::warn!(%error, "the store isn't told that this node leaves");
        }
    }
}

/// Whether nobody listens there, on a machine that says so.
fn is_refused(address: SocketAddr) -> bool {
    let probed = TcpStream::connect_timeout(&address, PROBE_WAIT);
    probed.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}
