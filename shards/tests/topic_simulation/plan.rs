//! What one seed means for topics and subscriptions.

use fastrand::Rng;
use lclq_shards::pubsub::{DeadLetterSettings, RetrySettings, SubscriptionSettings, TopicSettings};
use lclq_shards::{Eviction, shard_of};

#[derive(Clone, Debug)]
pub struct TopicPlan {
    pub name: String,
    /// Where it is, and all that belongs to it.
    pub shard: u16,
    pub settings: TopicSettings,
    /// It is the dead-letter topic of some subscriptions, and may not be there for a while.
    pub dead_letters: bool,
}

#[derive(Clone, Debug)]
pub struct SubscriptionPlan {
    pub name: String,
    pub topic: usize,
    /// The class of messages that its filter lets pass.
    pub class: Option<&'static str>,
    pub settings: SubscriptionSettings,
    /// Its dead-letter topic.
    pub dead_letters_to: Option<usize>,
}

#[derive(Clone, Debug)]
pub struct Plan {
    pub shards: u16,
    pub cores: usize,
    pub steps: usize,
    pub durable: bool,
    pub tail_batches_max: usize,
    pub lane_frames_max: usize,
    pub topics: Vec<TopicPlan>,
    pub subscriptions: Vec<SubscriptionPlan>,
    pub calls_open_max: usize,
    pub leases_max: usize,
    pub publish: u32,
    pub pull: u32,
    pub stream: u32,
    pub close: u32,
    pub acknowledge: u32,
    pub modify: u32,
    pub delete: u32,
    pub update: u32,
    pub detach: u32,
    pub delete_topic: u32,
    pub seek: u32,
    pub snapshot: u32,
    pub make_dead_topic: u32,
    pub cancel: u32,
    pub frames: u32,
    pub disk: u32,
    pub time: u32,
    pub stall: u32,
    pub disk_fails: u32,
    pub crash_one: u32,
    pub crash_all: u32,
    pub long_pauses: bool,
    pub stale_leases: bool,
    /// Retentions of minutes, which change.
    pub short_retentions: bool,
    /// How long snapshots live, ms.
    pub snapshot_ms: u64,
    /// Subscriptions seek to snapshots of others of their topic.
    pub others_snapshots: bool,
    pub update_topic: u32,
    /// The clock may have been set when everything starts again.
    pub clock_steps: bool,
    /// Clients acknowledge later deliveries before earlier ones.
    pub skips_acks: bool,
    /// Memory of one shard, with queues beside the topics.
    pub memory_bytes_max: u64,
    pub eviction: Eviction,
    pub neighbours: u32,
}

/// A lifetime that no run sees the end of, ms.
const WEEK_MS: u64 = 7 * 24 * 3_600_000;

pub const CLASSES: [&str; 3] = ["a", "b", "c"];
pub const KEYS: [&str; 3] = ["k0", "k1", "k2"];

impl Plan {
    pub fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed ^ 0x7070_6963);
        let on = |rng: &mut Rng, weight: u32| if rng.u8(..10) < 6 { weight } else { 0 };
        let durable = rng.u8(..10) > 0;
        let tail_batches_max = if durable && rng.u8(..5) == 0 {
            rng.usize(1..4)
        } else {
            0
        };
        let mut plan = Self {
            shards: rng.u16(2..=8),
            cores: rng.usize(1..=4),
            steps: rng.usize(1000..6000),
            durable,
            tail_batches_max,
            lane_frames_max: rng.usize(4..40),
            topics: Vec::new(),
            subscriptions: Vec::new(),
            calls_open_max: rng.usize(2..30),
            leases_max: rng.usize(5..150),
            publish: rng.u32(5..30),
            pull: rng.u32(5..30),
            stream: on(&mut rng, 10),
            close: on(&mut rng, 2),
            acknowledge: rng.u32(2..20),
            modify: on(&mut rng, 6),
            delete: on(&mut rng, 1),
            update: 0,
            detach: 0,
            delete_topic: 0,
            seek: on(&mut rng, 1),
            snapshot: on(&mut rng, 1),
            make_dead_topic: on(&mut rng, 2),
            cancel: on(&mut rng, 2),
            frames: rng.u32(40..150),
            disk: rng.u32(20..80),
            time: rng.u32(5..40),
            stall: on(&mut rng, 2),
            disk_fails: on(&mut rng, u32::from(durable)),
            crash_one: if durable && rng.bool() {
                rng.u32(1..4)
            } else {
                0
            },
            crash_all: if durable && (tail_batches_max > 0 || rng.bool()) {
                2
            } else {
                0
            },
            long_pauses: rng.bool(),
            stale_leases: rng.bool(),
            short_retentions: false,
            snapshot_ms: WEEK_MS,
            others_snapshots: false,
            update_topic: 0,
            clock_steps: false,
            skips_acks: false,
            memory_bytes_max: u64::MAX,
            eviction: Eviction::Reject,
            neighbours: 0,
        };
        for _ in 0..rng.usize(1..=3) {
            plan.add_topic(&mut rng);
        }
        plan.update = on(&mut rng, 1);
        plan.detach = u32::from(rng.u8(..4) == 0);
        plan.delete_topic = u32::from(rng.u8(..4) == 0);
        // Last, so that what other features make of a seed stays as it is.
        plan.short_retentions = rng.u8(..4) == 0;
        plan.others_snapshots = rng.bool();
        if rng.u8(..3) == 0 {
            plan.snapshot_ms = rng.u64(20_000..400_000);
        }
        plan.update_topic = if plan.short_retentions {
            on(&mut rng, 1)
        } else {
            0
        };
        let expire = rng.u8(..5) == 0;
        for subscription in &mut plan.subscriptions {
            if plan.short_retentions && rng.bool() {
                subscription.settings.retention_ms = rng.u64(60_000..600_000);
            }
            if expire && rng.bool() {
                subscription.settings.expiration_ms = Some(rng.u64(60_000..600_000));
            }
        }
        plan.clock_steps = plan.crash_all > 0 && rng.u8(..3) == 0;
        plan.skips_acks = rng.u8(..3) == 0;
        if tail_batches_max == 0 && !plan.clock_steps && rng.u8(..6) == 0 {
            plan.neighbours = rng.u32(5..20);
            plan.memory_bytes_max = rng.u64(10_000..60_000);
            plan.eviction = match rng.u8(..3) {
                0 => Eviction::Reject,
                1 => Eviction::OldestFirst,
                _ => Eviction::LeastRecentlyUsed,
            };
        }
        plan
    }

    fn add_topic(&mut self, rng: &mut Rng) {
        let (topic, salt) = (self.topics.len(), rng.u16(..));
        let retention_ms = (rng.u8(..3) == 0).then_some(WEEK_MS);
        let shards = self.shards;
        let plan = |name: String, settings, dead_letters| TopicPlan {
            shard: shard_of(name.as_bytes(), shards),
            name,
            settings,
            dead_letters,
        };
        let name = format!("projects/p/topics/t{topic}-{salt}");
        self.topics
            .push(plan(name, TopicSettings { retention_ms }, false));
        let dead = rng.bool().then(|| {
            let name = format!("projects/p/topics/dead{topic}-{salt}");
            self.topics.push(plan(name, TopicSettings::default(), true));
            topic + 1
        });
        for _ in 0..rng.usize(1..=4) {
            let at = self.subscriptions.len();
            let class = (rng.u8(..3) == 0).then(|| CLASSES[rng.usize(..3)]);
            let dead_letters_to = dead.filter(|_| rng.bool());
            let retry = (rng.u8(..3) == 0).then(|| RetrySettings {
                backoff_ms_min: rng.u64(..2000),
                backoff_ms_max: rng.u64(2000..20_000),
            });
            let settings = SubscriptionSettings {
                ack_deadline_s: rng.u32(10..40),
                ordering: rng.bool(),
                exactly_once: rng.bool(),
                filter: class
                    .map_or(String::new(), |class| format!("attributes.c = \"{class}\""))
                    .into(),
                retain_acked: rng.u8(..3) == 0,
                expiration_ms: None,
                dead_letter: dead_letters_to.map(|topic| DeadLetterSettings {
                    topic: self.topics[topic].name.as_str().into(),
                    attempts_max: rng.u32(1..4),
                }),
                retry,
                ..Default::default()
            };
            self.subscriptions.push(SubscriptionPlan {
                name: format!("projects/p/subscriptions/s{at}"),
                topic,
                class,
                settings,
                dead_letters_to,
            });
        }
        if let Some(dead) = dead {
            let at = self.subscriptions.len();
            self.subscriptions.push(SubscriptionPlan {
                name: format!("projects/p/subscriptions/s{at}"),
                topic: dead,
                class: None,
                settings: SubscriptionSettings {
                    expiration_ms: None,
                    ..Default::default()
                },
                dead_letters_to: None,
            });
        }
    }

    /// A retention that a topic may be given.
    pub fn some_topic_retention(rng: &mut Rng) -> Option<u64> {
        match rng.u8(..3) {
            0 => None,
            1 => Some(WEEK_MS),
            _ => Some(rng.u64(60_000..600_000)),
        }
    }

    /// Whether messages may be dropped to make room.
    pub fn evicts(&self) -> bool {
        self.eviction != Eviction::Reject
    }

    /// The shard of a topic and all that belongs to it.
    pub fn shard_of(&self, topic: usize) -> u16 {
        self.topics[topic].shard
    }
}
