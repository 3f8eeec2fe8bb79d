//! Several cores' memories and several shards in one deterministic world: changes, deletions and
//! uses of a few names, and messages that take any time between cores.
//!
//! The promise: whatever a core decides from what it remembers, no change that had been answered
//! before the use began is missing from it.

use super::ownership::{Owner, Ownership};
use super::remembered::{Bounds, Definition, Remembered};
use super::versions::{Stamp, Versions};
use lclq_shards::command::{Command, QueueCommand, QueueRef, Reply, Token};
use lclq_shards::pubsub::command::{AdminCommand, Kind, PubsubCommand, Resource, SharedBytes};
use lclq_shards::pubsub::{SubscriptionSettings, TopicSettings};
use lclq_shards::{NameBucket, NameSpace, Outgoing, QueueName, ShardConfig, ShardHost, shard_of};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

const SEEDS_DEFAULT: u64 = 300;
const STEPS: usize = 1500;
const CORES: usize = 3;
const SHARDS: u16 = 4;
/// Calls of clients under way at once.
const CALLS_MAX: usize = 12;

/// What is done wrong on purpose, to see that it is noticed.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Mistake {
    None,
    /// Versions are advanced some time after the answer has left.
    AdvancesLate,
    /// What is remembered is stamped when the answer is there.
    StampsLate,
    /// Nobody asks whether what is remembered is current.
    NeverLooks,
}

/// What tells one definition of a name from another; `None` where there is nothing of the name.
type State = Option<(u16, u32, u64, u32)>;

#[derive(Clone, Debug)]
struct Found {
    state: State,
    resource: Option<Box<Resource>>,
}

struct Known {
    stamp: Stamp,
    state: State,
}

impl Definition for Known {
    fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    fn bytes(&self) -> usize {
        size_of::<Self>()
    }

    fn is_checked_by_its_shard(&self) -> bool {
        false
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Doing {
    Use,
    Create,
    Change,
    Delete,
}

/// A client's call, first looking the name up, then changing it.
struct Call {
    core: usize,
    name: usize,
    doing: Doing,
    /// Up to where the name's history had been answered when the call began.
    since: usize,
    stamp: Stamp,
    /// Answers to come.
    open: usize,
    found: Option<Found>,
    changing: bool,
}

enum Message {
    Request(u16, Token, Command),
    Reply(Token, Reply),
}

struct Name {
    space: NameSpace,
    text: String,
    /// Every definition that it has had.
    history: Vec<State>,
    /// Up to where clients have been answered.
    answered: usize,
    /// Someone is making it: the service lets nobody else do so meanwhile.
    being_made: bool,
}

struct World {
    random: SmallRng,
    mistake: Mistake,
    now: u64,
    ownership: Ownership,
    versions: Arc<Versions>,
    hosts: Vec<ShardHost>,
    remembered: Vec<Remembered<Box<str>, Known>>,
    lanes: BTreeMap<(usize, usize), VecDeque<Message>>,
    /// Buckets of shards that have not been told of yet: a mistake.
    late: VecDeque<u16>,
    names: Vec<Name>,
    calls: BTreeMap<Token, Call>,
    /// Where in a name's history the change of a call under way stands.
    made: BTreeMap<Token, usize>,
    next_token: Token,
    /// Decisions from what was remembered.
    remembered_uses: usize,
    missed: Option<String>,
}

fn queue_name(text: &str) -> QueueName {
    QueueName::new("r", "a", text)
}

fn admin(command: AdminCommand) -> Command {
    Command::Pubsub(Box::new(PubsubCommand::Admin(Box::new(command))))
}

fn queue(command: QueueCommand) -> Command {
    Command::Queue(Box::new(command))
}

fn kind(space: NameSpace) -> Kind {
    match space {
        NameSpace::Subscription => Kind::Subscription,
        NameSpace::Schema => Kind::Schema,
        _ => Kind::Topic,
    }
}

fn state_of(resource: &Resource) -> State {
    Some((resource.shard, resource.slot, resource.id, resource.version))
}

fn state_of_queue(queue: QueueRef) -> State {
    Some((queue.shard, queue.slot, queue.id, 0))
}

impl Name {
    fn bucket(&self) -> NameBucket {
        match self.space {
            NameSpace::Queue => NameBucket::of(self.space, &queue_name(&self.text).key()),
            space => NameBucket::of(space, &self.text),
        }
    }

    fn home(&self) -> u16 {
        match self.space {
            NameSpace::Queue => queue_name(&self.text).shard(SHARDS),
            _ => shard_of(self.text.as_bytes(), SHARDS),
        }
    }

    fn look_up(&self) -> Command {
        match self.space {
            NameSpace::Queue => queue(QueueCommand::Resolve(queue_name(&self.text))),
            space => admin(AdminCommand::Get {
                kind: kind(space),
                name: (*self.text).into(),
            }),
        }
    }

    fn create(&self, topic: &str) -> Command {
        let (name, spec) = ((*self.text).into(), SharedBytes::from([]));
        match self.space {
            NameSpace::Queue => queue(QueueCommand::Create {
                name: queue_name(&self.text),
                attributes: Default::default(),
                tags: Default::default(),
                recreate_after_ms: 0,
            }),
            NameSpace::Subscription => admin(AdminCommand::CreateSubscription {
                name,
                topic: topic.into(),
                spec,
                settings: SubscriptionSettings::default(),
            }),
            NameSpace::Schema => admin(AdminCommand::PutSchema {
                name,
                version: None,
                spec,
            }),
            _ => admin(AdminCommand::CreateTopic {
                name,
                spec,
                settings: TopicSettings { retention_ms: None },
            }),
        }
    }

    fn change(&self, found: &Found) -> Command {
        let (name, spec) = ((*self.text).into(), SharedBytes::from([]));
        let (shard, slot, id, version) = found.state.expect("found");
        match self.space {
            NameSpace::Queue => queue(QueueCommand::Purge {
                queue: QueueRef { shard, slot, id },
                interval_ms: 0,
            }),
            NameSpace::Subscription => admin(AdminCommand::UpdateSubscription {
                name,
                version,
                spec,
                settings: SubscriptionSettings::default(),
            }),
            NameSpace::Schema => admin(AdminCommand::PutSchema {
                name,
                version: Some(version),
                spec,
            }),
            _ => admin(AdminCommand::UpdateTopic {
                name,
                version,
                spec,
                settings: TopicSettings { retention_ms: None },
            }),
        }
    }

    fn delete(&self, found: &Found) -> Command {
        let (shard, slot, id, _) = found.state.expect("found");
        match self.space {
            NameSpace::Queue => queue(QueueCommand::Delete(QueueRef { shard, slot, id })),
            space => admin(AdminCommand::Delete {
                kind: kind(space),
                name: (*self.text).into(),
            }),
        }
    }
}

impl World {
    fn new(seed: u64, mistake: Mistake) -> Self {
        let versions = Arc::<Versions>::default();
        let name = |space, text: String| Name {
            space,
            text,
            history: vec![None],
            answered: 0,
            being_made: false,
        };
        let mut names: Vec<Name> = (0..3)
            .map(|n| name(NameSpace::Topic, format!("topic-{n}")))
            .collect();
        names.extend((0..2).map(|n| name(NameSpace::Subscription, format!("subscription-{n}"))));
        names.extend((0..2).map(|n| name(NameSpace::Queue, format!("queue-{n}"))));
        names.push(name(NameSpace::Schema, "schema".into()));
        let bounds = Bounds {
            // Some are forgotten now and then.
            names_max: 6,
            bytes_max: 1 << 20,
        };
        Self {
            random: SmallRng::seed_from_u64(seed),
            mistake,
            now: 1_000_000,
            ownership: Ownership::deal(SHARDS, CORES),
            hosts: (0..SHARDS)
                .map(|shard| ShardHost::in_memory(ShardConfig::new(shard, SHARDS), 1_000_000))
                .collect(),
            remembered: (0..CORES)
                .map(|_| Remembered::new(versions.clone(), bounds))
                .collect(),
            versions,
            lanes: BTreeMap::new(),
            late: VecDeque::new(),
            names,
            calls: BTreeMap::new(),
            made: BTreeMap::new(),
            next_token: 1,
            remembered_uses: 0,
            missed: None,
        }
    }

    fn step(&mut self) {
        self.now += self.random.random_range(0..3);
        let busy: Vec<(usize, usize)> = self
            .lanes
            .iter()
            .filter(|(_, lane)| !lane.is_empty())
            .map(|(lane, _)| *lane)
            .collect();
        match self.random.random_range(0..10) {
            0..5 if !busy.is_empty() => {
                let lane = busy[self.random.random_range(0..busy.len())];
                let message = self.lanes.get_mut(&lane).and_then(VecDeque::pop_front);
                match message.expect("not empty") {
                    Message::Request(shard, token, command) => self.apply(shard, token, command),
                    Message::Reply(token, reply) => self.answered(token, reply),
                }
            }
            5 => {
                let shard = self.random.random_range(0..SHARDS);
                self.hosts[usize::from(shard)].tick(self.now);
                self.pump(shard);
            }
            6 => {
                if let Some(shard) = self.late.pop_front() {
                    let versions = &self.versions;
                    self.hosts[usize::from(shard)]
                        .take_changed_names(|bucket| versions.advance(bucket));
                }
            }
            _ if self.calls.len() < CALLS_MAX => self.begin(),
            _ => {}
        }
    }

    fn begin(&mut self) {
        let core = self.random.random_range(0..CORES);
        let at = self.random.random_range(0..self.names.len());
        let doing = match self.random.random_range(0..10) {
            0..6 => Doing::Use,
            6..8 => Doing::Create,
            8 => Doing::Change,
            _ => Doing::Delete,
        };
        let name = &mut self.names[at];
        if doing == Doing::Create && std::mem::replace(&mut name.being_made, true) {
            return;
        }
        let name = &self.names[at];
        let since = name.answered;
        if doing == Doing::Use
            && let Some(known) = self.remembered(core, &name.text)
        {
            self.remembered_uses += 1;
            return self.decided(at, since, known.state, "remembered");
        }
        let shards = match name.space {
            NameSpace::Subscription => 0..SHARDS,
            _ => name.home()..name.home() + 1,
        };
        let token = self.next_token;
        self.next_token += 1;
        let call = Call {
            core,
            name: at,
            doing,
            since,
            stamp: self.versions.stamp(name.bucket()),
            open: shards.len(),
            found: None,
            changing: false,
        };
        let commands: Vec<_> = shards.map(|shard| (shard, name.look_up())).collect();
        self.calls.insert(token, call);
        for (shard, command) in commands {
            self.send(core, shard, token, command);
        }
    }

    fn remembered(&self, core: usize, text: &str) -> Option<Rc<Known>> {
        match self.mistake {
            Mistake::NeverLooks => self.remembered[core].get_stale(text),
            _ => self.remembered[core].get(text),
        }
    }

    /// A command on its way: at once to a shard of the same core.
    fn send(&mut self, core: usize, shard: u16, token: Token, command: Command) {
        let Owner::Core(owner) = self.ownership.owner(shard) else {
            unreachable!("cores have them all")
        };
        if owner == core {
            return self.apply(shard, token, command);
        }
        let lane = self.lanes.entry((core, owner)).or_default();
        lane.push_back(Message::Request(shard, token, command));
    }

    fn apply(&mut self, shard: u16, token: Token, command: Command) {
        self.hosts[usize::from(shard)].apply(self.now, token, command);
        self.pump(shard);
    }

    fn pump(&mut self, shard: u16) {
        loop {
            let host = &mut self.hosts[usize::from(shard)];
            let outgoing = if self.mistake == Mistake::AdvancesLate {
                if host.has_changed_names() {
                    self.late.push_back(shard);
                }
                host.next_outgoing()
            } else {
                self.versions.next_outgoing(host)
            };
            let Some(Outgoing::Reply(token, reply)) = outgoing else {
                return;
            };
            self.note_change(shard, token, &reply);
            let core = self.calls[&token].core;
            let Owner::Core(owner) = self.ownership.owner(shard) else {
                unreachable!("cores have them all")
            };
            if owner == core {
                self.answered(token, reply);
            } else {
                let lane = self.lanes.entry((owner, core)).or_default();
                lane.push_back(Message::Reply(token, reply));
            }
        }
    }

    /// A shard has answered: if that was a change, it is history.
    fn note_change(&mut self, shard: u16, token: Token, reply: &Reply) {
        let call = &self.calls[&token];
        if !call.changing {
            return;
        }
        let name = &mut self.names[call.name];
        let state = match reply {
            Reply::Resource(resource) => state_of(resource),
            Reply::Queue(queue) => state_of_queue(*queue),
            Reply::Done if call.doing == Doing::Delete => None,
            Reply::Done => {
                let host = &self.hosts[usize::from(shard)];
                let found = host.shard().find_queue(&queue_name(&name.text));
                state_of_queue(found.expect("it was purged"))
            }
            _ => return,
        };
        name.history.push(state);
        self.made.insert(token, name.history.len() - 1);
    }

    fn answered(&mut self, token: Token, reply: Reply) {
        let call = self.calls.get_mut(&token).expect("under way");
        if call.changing {
            let call = self.calls.remove(&token).expect("under way");
            let name = &mut self.names[call.name];
            if call.doing == Doing::Create {
                name.being_made = false;
            }
            if let Some(at) = self.made.remove(&token) {
                name.answered = name.answered.max(at);
            }
            return;
        }
        match reply {
            Reply::Resource(resource) => {
                call.found = Some(Found {
                    state: state_of(&resource),
                    resource: Some(resource),
                });
            }
            Reply::Queue(queue) => {
                call.found = Some(Found {
                    state: state_of_queue(queue),
                    resource: None,
                });
            }
            Reply::Refused(_) => {}
            reply => panic!("{reply:?}"),
        }
        call.open -= 1;
        if call.open == 0 {
            self.looked_up(token);
        }
    }

    fn looked_up(&mut self, token: Token) {
        let call = self.calls.get_mut(&token).expect("under way");
        let (at, core, doing, since) = (call.name, call.core, call.doing, call.since);
        let (found, mut stamp) = (call.found.take(), call.stamp);
        let name = &self.names[at];
        match (doing, found) {
            (Doing::Use, found) => {
                self.calls.remove(&token);
                if self.mistake == Mistake::StampsLate {
                    stamp = self.versions.stamp(name.bucket());
                }
                if let Some(Found { state, .. }) = &found {
                    let state = *state;
                    let bytes = name.text.len();
                    let known = Rc::new(Known { stamp, state });
                    self.remembered[core].insert(name.text.as_str(), bytes, known);
                }
                self.decided(at, since, found.and_then(|found| found.state), "found");
            }
            (Doing::Create, None) => {
                call.changing = true;
                let topic = format!("topic-{}", self.random.random_range(0..3));
                let shard = match name.space {
                    NameSpace::Subscription => shard_of(topic.as_bytes(), SHARDS),
                    _ => name.home(),
                };
                let command = name.create(&topic);
                self.send(core, shard, token, command);
            }
            (Doing::Change | Doing::Delete, Some(found)) => {
                call.changing = true;
                let command = match doing {
                    Doing::Change => name.change(&found),
                    _ => name.delete(&found),
                };
                let at = found.resource.map(|resource| resource.shard);
                let shard = at.unwrap_or(name.home());
                self.send(core, shard, token, command);
            }
            (doing, _) => {
                self.calls.remove(&token);
                if doing == Doing::Create {
                    self.names[at].being_made = false;
                }
            }
        }
    }

    /// A call that began when its name's history had been answered up to `since` takes a name to
    /// stand for `state`.
    fn decided(&mut self, at: usize, since: usize, state: State, how: &str) {
        let name = &self.names[at];
        if !name.history[since..].contains(&state) {
            let missed = format!(
                "{:?} {} {how} as {state:?}, but {:?} was answered",
                name.space, name.text, name.history[since]
            );
            self.missed.get_or_insert(missed);
        }
    }
}

/// What a run missed, and how many uses were answered from memory.
fn run(seed: u64, mistake: Mistake) -> (Option<String>, usize) {
    let mut world = World::new(seed, mistake);
    for _ in 0..STEPS {
        world.step();
        if world.missed.is_some() {
            break;
        }
    }
    (world.missed, world.remembered_uses)
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn no_decision_misses_a_change_that_was_answered() {
    let one = setting("LCLQ_SIMULATION_SEED");
    let seeds = setting("LCLQ_SIMULATION_SEEDS").unwrap_or(SEEDS_DEFAULT);
    let mut uses = 0;
    for seed in one.map_or(0..seeds, |seed| seed..seed + 1) {
        let (missed, remembered) = run(seed, Mistake::None);
        assert_eq!(missed, None, "LCLQ_SIMULATION_SEED={seed}");
        uses += remembered;
    }
    assert!(uses > 0, "memory was never used");
}

#[test]
fn mistakes_are_noticed() {
    for mistake in [
        Mistake::AdvancesLate,
        Mistake::StampsLate,
        Mistake::NeverLooks,
    ] {
        let noticed = (0..SEEDS_DEFAULT).any(|seed| run(seed, mistake).0.is_some());
        assert!(noticed, "{mistake:?} went unnoticed");
    }
}
