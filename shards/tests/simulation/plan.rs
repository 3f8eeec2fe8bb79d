//! What one seed means: which features a run uses, and how often what fails.
//!
//! Every seed enables a random part of everything, since features that are always on hide each
//! other: a run that purges all the time never sees a long backlog.

use fastrand::Rng;
use lclq_shards::attributes::{AttributeMap, QueueAttribute};
use lclq_shards::{Eviction, QueueName};

/// One queue of a run. Its type is fixed by its name; it may be deleted and made again.
#[derive(Clone, Debug)]
pub struct QueuePlan {
    pub name: QueueName,
    pub fifo: bool,
    pub dedup_per_group: bool,
    pub delay_s: u32,
    pub retention_s: u32,
    pub visibility_s: u32,
    pub dead_letters_to: Option<usize>,
    pub max_receive_count: u32,
    /// Queues between which messages may move share this number.
    pub component: usize,
}

#[derive(Clone, Debug)]
pub struct Plan {
    pub shards: u16,
    pub cores: usize,
    pub steps: usize,
    pub durable: bool,
    /// Batches that a machine crash may take back; 0 where the durability is `full`.
    pub tail_batches_max: usize,
    pub in_flight_max: u64,
    pub memory_bytes_max: u64,
    pub eviction: Eviction,
    pub lane_frames_max: usize,
    pub queues: Vec<QueuePlan>,
    pub groups: usize,
    pub calls_open_max: usize,
    // Weights of what clients do; 0 where the run does without.
    pub send: u32,
    pub receive: u32,
    pub delete: u32,
    pub change: u32,
    pub purge: u32,
    pub delete_queue: u32,
    pub move_task: u32,
    pub cancel_move: u32,
    pub cancel_poll: u32,
    pub touch_attributes: u32,
    pub retention_changes: bool,
    /// The clock may have been set when everything starts again.
    pub clock_steps: bool,
    /// Delays of queues change.
    pub delay_changes: bool,
    /// Clients go while they are answered; what they would have had is given back.
    pub goes: bool,
    // Weights of what the world does.
    pub frames: u32,
    pub disk: u32,
    pub time: u32,
    pub stall: u32,
    pub disk_fails: u32,
    pub crash_one: u32,
    pub crash_all: u32,
    // Chances.
    pub delays: bool,
    pub repeats: bool,
    pub long_polls: bool,
    pub attempts: bool,
    pub stale_handles: bool,
    pub long_pauses: bool,
    pub slow_disk: bool,
    pub handles_max: usize,
}

impl Plan {
    /// The plan of `seed`.
    pub fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let on = |rng: &mut Rng, weight: u32| if rng.u8(..10) < 6 { weight } else { 0 };
        let durable = rng.u8(..10) > 0;
        let tail_batches_max = if durable && rng.u8(..4) == 0 {
            rng.usize(1..4)
        } else {
            0
        };
        let bounded = tail_batches_max == 0 && rng.u8(..12) == 0;
        let mut plan = Self {
            shards: rng.u16(2..=8),
            cores: rng.usize(1..=4),
            steps: rng.usize(2000..12_000),
            durable,
            tail_batches_max,
            in_flight_max: if rng.u8(..8) == 0 {
                rng.u64(2..20)
            } else {
                120_000
            },
            memory_bytes_max: if bounded {
                rng.u64(2000..20_000)
            } else {
                u64::MAX
            },
            eviction: match rng.u8(..3) {
                0 => Eviction::Reject,
                1 => Eviction::OldestFirst,
                _ => Eviction::LeastRecentlyUsed,
            },
            lane_frames_max: rng.usize(2..40),
            queues: Vec::new(),
            groups: rng.usize(1..8),
            calls_open_max: rng.usize(2..30),
            send: rng.u32(5..30),
            receive: rng.u32(5..30),
            delete: rng.u32(2..20),
            change: on(&mut rng, 6),
            // What is lost with a tail is the last moments; queues and purges are not among what
            // the oracle can then still tell from messages.
            purge: on(&mut rng, u32::from(tail_batches_max == 0)),
            delete_queue: on(&mut rng, u32::from(tail_batches_max == 0)),
            move_task: on(&mut rng, 2),
            cancel_move: on(&mut rng, 1),
            cancel_poll: on(&mut rng, 2),
            touch_attributes: on(&mut rng, 1),
            retention_changes: false,
            clock_steps: false,
            delay_changes: false,
            goes: false,
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
                rng.u32(1..3)
            } else {
                0
            },
            delays: rng.bool(),
            repeats: rng.bool(),
            long_polls: rng.u8(..10) < 7,
            attempts: rng.bool(),
            stale_handles: rng.bool(),
            long_pauses: rng.bool(),
            slow_disk: rng.bool(),
            handles_max: rng.usize(5..200),
        };
        let dead_letters = rng.u8(..10) < 6;
        for at in 0..rng.usize(1..=6) {
            plan.add_queues(&mut rng, at, dead_letters);
        }
        // Last, so that what other features make of a seed stays as it is.
        plan.retention_changes = rng.u8(..4) == 0;
        plan.clock_steps = plan.crash_all > 0 && rng.u8(..3) == 0;
        plan.delay_changes = tail_batches_max == 0 && rng.u8(..3) == 0;
        if plan.delay_changes {
            plan.touch_attributes = plan.touch_attributes.max(rng.u32(1..4));
        }
        plan.goes = rng.u8(..3) == 0;
        plan
    }

    /// Adds a queue, and perhaps its dead-letter queue.
    fn add_queues(&mut self, rng: &mut Rng, at: usize, dead_letters: bool) {
        let fifo = rng.bool();
        let suffix = if fifo { ".fifo" } else { "" };
        // Names spread over the shards by hash, so let the seed vary them.
        let salt = rng.u16(..);
        let component = self.queues.len();
        let mut queue = QueuePlan {
            name: name(&format!("q{at}-{salt}{suffix}")),
            fifo,
            dedup_per_group: rng.bool(),
            delay_s: if self.delays && rng.u8(..4) == 0 {
                rng.u32(1..10)
            } else {
                0
            },
            retention_s: if rng.u8(..6) == 0 {
                rng.u32(60..400)
            } else {
                345_600
            },
            visibility_s: rng.u32(1..40),
            dead_letters_to: None,
            max_receive_count: rng.u32(1..4),
            component,
        };
        if dead_letters && rng.bool() {
            queue.dead_letters_to = Some(component + 1);
            self.queues.push(queue.clone());
            queue.name = name(&format!("dlq{at}-{salt}{suffix}"));
            queue.dead_letters_to = None;
        }
        self.queues.push(queue);
    }

    /// Attributes with which a queue is made.
    pub fn attributes(&self, queue: &QueuePlan) -> AttributeMap {
        use QueueAttribute::*;
        let mut map = AttributeMap::new();
        if queue.fifo {
            map.insert(FifoQueue, "true".to_owned());
            if queue.dedup_per_group {
                map.insert(DeduplicationScope, "messageGroup".to_owned());
            }
        }
        map.insert(DelaySeconds, queue.delay_s.to_string());
        map.insert(MessageRetentionPeriod, queue.retention_s.to_string());
        map.insert(VisibilityTimeout, queue.visibility_s.to_string());
        if let Some(target) = queue.dead_letters_to {
            let policy = format!(
                r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":{}}}"#,
                self.queues[target].name.arn(),
                queue.max_receive_count
            );
            map.insert(RedrivePolicy, policy);
        }
        map
    }

    /// Whether messages of a queue can come to others, or from them.
    pub fn messages_move(&self, queue: usize) -> bool {
        let component = self.queues[queue].component;
        self.queues
            .iter()
            .filter(|other| other.component == component)
            .count()
            > 1
    }

    /// Whether messages may be dropped to make room.
    pub fn evicts(&self) -> bool {
        self.memory_bytes_max != u64::MAX && self.eviction != Eviction::Reject
    }
}

fn name(name: &str) -> QueueName {
    QueueName::new("us-east-1", "000000000000", name)
}
