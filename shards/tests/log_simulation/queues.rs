//! The queues of a run, and where they are.

use lclq_shards::QueueName;
use lclq_shards::attributes::{AttributeMap, QueueAttribute};

#[derive(Clone, Debug)]
pub struct Queue {
    pub name: QueueName,
    pub shard: u16,
    pub fifo: bool,
    /// Where what is received too often goes: another's number, and how often is often.
    pub dead_letters_to: Option<(usize, u32)>,
}

impl Queue {
    fn on(shard: u16, shards: u16, base: &str, fifo: bool) -> Self {
        let suffix = if fifo { ".fifo" } else { "" };
        let names = (0..).map(|salt| format!("{base}-{salt}{suffix}"));
        let mut names = names.map(|name| QueueName::new("us-east-1", "000000000000", &name));
        Self {
            name: names
                .find(|name| name.shard(shards) == shard)
                .expect("some name"),
            shard,
            fifo,
            dead_letters_to: None,
        }
    }
}

/// For each source a standard and a FIFO queue and, where there is a `max_receives`, their dead-letter queues on the
/// next shard: moves within a shard are one change of one log. Those that others name come first.
pub fn queues(shards: u16, sources: u16, max_receives: u32) -> Vec<Queue> {
    let mut all = Vec::new();
    for shard in 0..sources {
        for fifo in [false, true] {
            let mut queue = Queue::on(shard, shards, "q", fifo);
            if max_receives > 0 {
                queue.dead_letters_to = Some((all.len(), max_receives));
                all.push(Queue::on((shard + 1) % shards, shards, "dead", fifo));
            }
            all.push(queue);
        }
    }
    all
}

/// Attributes with which a queue is made.
pub fn attributes(queues: &[Queue], queue: &Queue) -> AttributeMap {
    let mut map = AttributeMap::new();
    if queue.fifo {
        map.insert(QueueAttribute::FifoQueue, "true".to_owned());
    }
    if let Some((target, max)) = queue.dead_letters_to {
        let arn = queues[target].name.arn();
        let policy = format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":{max}}}"#);
        map.insert(QueueAttribute::RedrivePolicy, policy);
    }
    map
}
