//! Commands about queues: make, find, describe, change, purge, delete, list.

use super::{Hold, Shard};
use crate::attributes::{AttributeMap, QueueAttribute, QueueConfig, parse_redrive_policy};
use crate::command::{MessageState, Peeked, QueueCommand, QueueRef, Refusal, Reply, Token};
use crate::definitions::{Change, NameSpace};
use crate::message::State;
use crate::queue::Queue;
use crate::records::{Op, QueueRecord};
use crate::slab::NONE;
use crate::{Millis, QueueName};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::Bound;

/// Deleted names that are remembered at once (for the switchable wait before re-creation).
const DELETED_NAMES_MAX: usize = 100_000;

impl Shard {
    pub(crate) fn queue_command(&mut self, token: Token, command: QueueCommand) {
        use QueueCommand::*;
        let on = match &command {
            SetAttributes(queue, _)
            | Describe(queue)
            | Delete(queue)
            | Purge { queue, .. }
            | Tag(queue, _)
            | Untag(queue, _)
            | Peek { queue, .. }
            | Follow { queue, .. }
            | StartMove { source: queue, .. }
            | CancelMove(queue, _)
            | ListMoves(queue, _) => Some(*queue),
            _ => None,
        };
        let slot = match on {
            None => NONE,
            Some(queue) => match self.queue_slot(queue) {
                Some(slot) => slot,
                None => {
                    return self.stale(token, crate::command::Command::Queue(Box::new(command)));
                }
            },
        };
        match command {
            Resolve(name) => match self.slot_by_name(&name) {
                Some(slot) => self.reply(token, Reply::Queue(self.queue_ref(slot)), Hold::No),
                None => self.refuse(token, Refusal::NoQueue),
            },
            Create {
                name,
                attributes,
                tags,
                recreate_after_ms,
            } => {
                self.create(token, name, attributes, tags, recreate_after_ms);
            }
            SetAttributes(_, changes) => self.set_attributes(token, slot, changes),
            Describe(queue) => {
                let description = self.queues[slot].describe(queue, &self.messages);
                self.reply(token, Reply::Described(Box::new(description)), Hold::No);
            }
            Delete(_) => self.delete_queue(token, slot),
            Purge { interval_ms, .. } => self.purge(token, slot, interval_ms),
            Tag(_, tags) => {
                self.queues[slot].cold.tags.extend(tags);
                self.log_queue(slot);
                self.reply(token, Reply::Done, Hold::UntilCommit);
            }
            Untag(_, keys) => {
                for key in keys {
                    self.queues[slot].cold.tags.remove(&key);
                }
                self.log_queue(slot);
                self.reply(token, Reply::Done, Hold::UntilCommit);
            }
            List {
                region,
                account,
                prefix,
                after,
                names_max,
            } => {
                let names = self.list(&region, &account, &prefix, after.as_deref(), names_max);
                self.reply(token, Reply::Names(names), Hold::No);
            }
            ListAll { after, queues_max } => {
                let from = match &after {
                    Some(after) => Bound::Excluded(after.to_string()),
                    None => Bound::Unbounded,
                };
                let described = self
                    .names
                    .range((from, Bound::Unbounded))
                    .take(queues_max)
                    .map(|(_, slot)| {
                        self.queues[*slot].describe(self.queue_ref(*slot), &self.messages)
                    })
                    .collect();
                self.reply(token, Reply::DescribedAll(described), Hold::No);
            }
            Figures {
                of,
                after,
                figures_max,
            } => {
                let page = Box::new(self.figures(of, after, figures_max));
                self.reply(token, Reply::Figures(page), Hold::No);
            }
            ListSources {
                target,
                after,
                names_max,
            } => {
                let names = self.list_sources(&target, after.as_deref(), names_max);
                self.reply(token, Reply::Names(names), Hold::No);
            }
            Peek {
                after,
                near,
                messages_max,
                ..
            } => {
                let peeked = self.peek(slot, after, near, messages_max);
                self.reply(token, Reply::Peeked(peeked), Hold::No);
            }
            Follow {
                from, messages_max, ..
            } => {
                let id = self.queues[slot].id;
                let page = self.taps.follow(id, self.now, from, messages_max);
                self.reply(token, Reply::Passed(Box::new(page)), Hold::No);
            }
            Journey(traveller) => {
                let journey = Box::new(self.journeys.of(traveller));
                self.reply(token, Reply::Journey(journey), Hold::No);
            }
            Receivers(ids) => {
                let clients = self.journeys.receivers(&ids);
                self.reply(token, Reply::Clients(clients), Hold::No);
            }
            StartMove {
                destination,
                messages_per_s_max,
                task_id,
                ..
            } => {
                self.start_move(token, slot, destination, messages_per_s_max, task_id);
            }
            CancelMove(_, task_id) => self.cancel_move(token, slot, task_id),
            ListMoves(_, tasks_max) => {
                let moves = &self.queues[slot].cold.moves;
                let moves = moves.iter().rev().take(tasks_max).cloned().collect();
                self.reply(token, Reply::Moves(moves), Hold::No);
            }
            ReturnDeliveries(leases) => self.return_received(token, &leases),
            Export(command) => self.export(token, command),
            Import(command) => self.import(token, command),
            Stats => {
                let stats = Box::new(self.stats());
                self.reply(token, Reply::Stats(stats), Hold::No);
            }
        }
    }

    fn create(
        &mut self,
        token: Token,
        name: QueueName,
        attributes: AttributeMap,
        tags: BTreeMap<String, String>,
        recreate_after_ms: u64,
    ) {
        if let Some(slot) = self.slot_by_name(&name) {
            let existing = &self.queues[slot].cold.attributes;
            let differing = attributes.iter().find(|(attribute, value)| {
                let is = existing.get(attribute).map(String::as_str);
                !same_value(**attribute, is.or(attribute.default_value()), value)
            });
            return match differing {
                Some((attribute, _)) => self.refuse(token, Refusal::Exists(*attribute)),
                // Held: the queue may itself be on its way into the journal.
                None => self.reply(token, Reply::Queue(self.queue_ref(slot)), Hold::UntilCommit),
            };
        }
        if recreate_after_ms > 0 && self.was_deleted_within(&name, recreate_after_ms) {
            return self.refuse(token, Refusal::DeletedRecently);
        }
        let mut attributes = attributes;
        // Given as empty means not set; above it was compared as such.
        attributes.retain(|_, value| !value.is_empty());
        let id = self.take_resource_id();
        let slot = self.add_queue(QueueRecord {
            id,
            name,
            attributes,
            tags,
            created_at: self.now,
            modified_at: self.now,
            purged_below: 0,
            moves: Vec::new(),
            dedup_secret: None,
        });
        self.log_queue(slot);
        self.changed_names.was_made();
        self.reply(token, Reply::Queue(self.queue_ref(slot)), Hold::UntilCommit);
    }

    /// An id for a queue, topic, subscription or schema.
    pub(crate) fn take_resource_id(&mut self) -> u64 {
        let id = self.next_queue_id;
        self.next_queue_id += 1;
        if self.next_queue_id > self.reserved.1 {
            self.reserved.1 = self.next_queue_id + 1024;
            let (sequence, queue_id) = self.reserved;
            self.log(Op::Reserve { sequence, queue_id });
        }
        id
    }

    pub(crate) fn add_queue(&mut self, record: QueueRecord) -> u32 {
        let key = record.name.key();
        let queue = Queue::new(record);
        if let Some(redrive) = &queue.config.redrive {
            self.sources.insert((redrive.target.key(), key.clone()));
        }
        let slot = self.queues.insert(queue);
        self.names.insert(key, slot);
        slot
    }

    fn was_deleted_within(&mut self, name: &QueueName, ms: Millis) -> bool {
        let now = self.now;
        self.deleted_at
            .get(&name.key())
            .is_some_and(|at| at + ms > now)
    }

    fn set_attributes(
        &mut self,
        token: Token,
        slot: u32,
        changes: Vec<(QueueAttribute, Option<String>)>,
    ) {
        let queue = &self.queues[slot];
        let mut attributes = queue.cold.attributes.clone();
        for (attribute, value) in changes {
            match value {
                Some(value) => attributes.insert(attribute, value),
                None => attributes.remove(&attribute),
            };
        }
        let config = QueueConfig::derive(&attributes);
        if config.fifo != queue.config.fifo {
            return self.refuse(token, Refusal::FixedType);
        }
        let key = queue.cold.name.key();
        if let Some(redrive) = &queue.config.redrive {
            self.sources.remove(&(redrive.target.key(), key.clone()));
        }
        if let Some(redrive) = &config.redrive {
            self.sources.insert((redrive.target.key(), key));
        }
        let retention_changed = config.retention_s != queue.config.retention_s;
        let delay_before_s = queue.config.delay_s;
        let delay_changed = config.fifo && config.delay_s != delay_before_s;
        let now = self.now;
        let queue = &mut self.queues[slot];
        queue.config = config;
        queue.cold.attributes = attributes;
        queue.cold.modified_at = now;
        if retention_changed && queue.retention_timer != NONE {
            self.wheel.disarm(queue.retention_timer);
            let timer = self.wheel.arm(now, super::timer::Timer::Retention(slot));
            self.queues[slot].retention_timer = timer;
        }
        if delay_changed {
            self.apply_fifo_delay(slot, delay_before_s);
        }
        self.log_queue(slot);
        self.reply(token, Reply::Done, Hold::UntilCommit);
    }

    fn delete_queue(&mut self, token: Token, slot: u32) {
        let key = self.queues[slot].cold.name.key();
        if let Some(redrive) = &self.queues[slot].config.redrive {
            self.sources.remove(&(redrive.target.key(), key.clone()));
        }
        // Whoever waits on the queue learns that it is gone.
        while self.queues[slot].waiters.head != NONE {
            let waiter = self.end_wait(self.queues[slot].waiters.head);
            self.refuse(waiter.token, Refusal::NoQueue);
        }
        self.names.remove(&key);
        let change = Change::Deleted;
        self.changed_names.note(NameSpace::Queue, &key, change);
        if self.deleted_at.len() < DELETED_NAMES_MAX {
            self.deleted_at.insert(key, self.now);
        } else {
            let horizon = self.now.saturating_sub(60_000);
            self.deleted_at.retain(|_, at| *at > horizon);
        }
        self.log(Op::DropQueue(self.queues[slot].id));
        self.make_ghost(slot);
        self.reply(token, Reply::Done, Hold::UntilCommit);
    }

    /// Purging gives the queue a new place and leaves the old one, with all messages, to be emptied
    /// bit by bit: it costs the same however many there are.
    fn purge(&mut self, token: Token, slot: u32, interval_ms: u64) {
        let now = self.now;
        let purged_at = self.queues[slot].cold.purged_at;
        if interval_ms > 0 && purged_at.is_some_and(|at| at + interval_ms > now) {
            return self.refuse(token, Refusal::PurgedRecently);
        }
        let mut record = self.queues[slot].record();
        record.purged_below = self.next_sequence;
        let traffic = self.queues[slot].traffic;
        let new_slot = self.put_in_place(slot, record);
        self.queues[new_slot].cold.purged_at = Some(now);
        self.queues[new_slot].traffic = traffic;
        self.log_queue(new_slot);
        self.reply(token, Reply::Done, Hold::UntilCommit);
    }

    /// Puts an empty queue in the place of another, whose waiting receives go on. Answers its slot.
    pub(crate) fn put_in_place(&mut self, slot: u32, record: QueueRecord) -> u32 {
        let now = self.now;
        let fresh = Queue::new(record);
        let key = fresh.cold.name.key();
        if let Some(redrive) = &fresh.config.redrive {
            self.sources.insert((redrive.target.key(), key.clone()));
        }
        let new_slot = self.queues.insert(fresh);
        self.names.insert(key, new_slot);
        while self.queues[slot].waiters.head != NONE {
            let waiter = self.queues[slot].waiters.head;
            super::unlink_waiter(&mut self.waiters, &mut self.queues[slot].waiters, waiter);
            self.waiters[waiter].queue = new_slot;
            super::push_waiter(
                &mut self.waiters,
                &mut self.queues[new_slot].waiters,
                waiter,
            );
        }
        if self.queues[slot].move_timer != NONE {
            self.arm_move(new_slot, now);
        }
        self.make_ghost(slot);
        new_slot
    }

    fn make_ghost(&mut self, slot: u32) {
        self.view_queue_goes(slot);
        self.forget_use(slot);
        let queue = &mut self.queues[slot];
        queue.ghost = true;
        queue.cold.moves.clear();
        self.ghosts.push(slot);
    }

    fn list(
        &self,
        region: &str,
        account: &str,
        prefix: &str,
        after: Option<&str>,
        names_max: usize,
    ) -> Vec<Box<str>> {
        let scope = format!("{region}/{account}/");
        let wanted = format!("{scope}{prefix}");
        let from = match after {
            Some(after) if format!("{scope}{after}") >= wanted => {
                Bound::Excluded(format!("{scope}{after}"))
            }
            _ => Bound::Included(wanted.clone()),
        };
        self.names
            .range((from, Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(&wanted))
            .take(names_max)
            .map(|(key, _)| key[scope.len()..].into())
            .collect()
    }

    fn list_sources(
        &self,
        target: &QueueName,
        after: Option<&str>,
        names_max: usize,
    ) -> Vec<Box<str>> {
        let key = target.key();
        let scope = format!("{}/{}/", target.region, target.account);
        let from = match after {
            Some(after) => Bound::Excluded((key.clone(), format!("{scope}{after}"))),
            None => Bound::Included((key.clone(), String::new())),
        };
        self.sources
            .range((from, Bound::Unbounded))
            .take_while(|(of, _)| *of == key)
            .filter_map(|(_, source)| source.strip_prefix(&scope))
            .take(names_max)
            .map(Into::into)
            .collect()
    }

    fn peek(&self, slot: u32, after: u64, near: Option<u32>, messages_max: usize) -> Vec<Peeked> {
        let mut out = Vec::new();
        let near = near.and_then(|near| self.messages.get(near));
        let mut at = match near {
            Some(message) if message.queue == slot && message.sequence == after => message.newer,
            _ => self.queues[slot].ages.head,
        };
        while at != NONE && out.len() < messages_max {
            let message = &self.messages[at];
            if message.sequence > after {
                out.push(Peeked {
                    payload: message.payload.clone(),
                    sequence: message.sequence,
                    slot: at,
                    state: match message.state {
                        State::Ready => MessageState::Visible,
                        State::InFlight => MessageState::InFlight,
                        State::Delayed => MessageState::Delayed,
                    },
                    receive_count: message.receive_count,
                    first_received_at: message.first_received_at(),
                    received_at: message.received_at(),
                    due_at: (message.state != State::Ready && message.timer != NONE)
                        .then(|| self.wheel.deadline(message.timer)),
                });
            }
            at = message.newer;
        }
        out
    }

    /// Finds a queue by name; for tests and tools that hold the shard itself.
    pub fn find_queue(&self, name: &QueueName) -> Option<QueueRef> {
        self.slot_by_name(name).map(|slot| self.queue_ref(slot))
    }
}

/// Whether two values of an attribute mean the same. JSON is compared by content.
fn same_value(attribute: QueueAttribute, one: Option<&str>, other: &str) -> bool {
    use QueueAttribute::*;
    let Some(one) = one else {
        return other.is_empty() || is_implied(attribute, other);
    };
    if one == other {
        return true;
    }
    match attribute {
        RedrivePolicy => {
            let meaning = parse_redrive_policy(one);
            meaning.is_some() && meaning == parse_redrive_policy(other)
        }
        Policy | RedriveAllowPolicy => {
            let meaning = |text| serde_json::from_str(text).ok().map(policy_meaning);
            let one = meaning(one);
            one.is_some() && one == meaning(other)
        }
        _ => false,
    }
}

/// A policy without what its layout adds: lists of one are what they hold, the order of a list and
/// what is in it twice say nothing, nor does a member that is null.
fn policy_meaning(policy: Value) -> Value {
    match policy {
        Value::Array(values) => {
            let mut values: Vec<Value> = values.into_iter().map(policy_meaning).collect();
            values.sort_by_cached_key(Value::to_string);
            values.dedup();
            match values.len() {
                1 => values.remove(0),
                _ => Value::Array(values),
            }
        }
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, policy_meaning(value)))
            .collect(),
        plain => plain,
    }
}

/// Values that a queue has without having been given them.
fn is_implied(attribute: QueueAttribute, value: &str) -> bool {
    use QueueAttribute::*;
    match attribute {
        FifoQueue | ContentBasedDeduplication => value == "false",
        DeduplicationScope => value == "queue",
        FifoThroughputLimit => value == "perQueue",
        KmsDataKeyReusePeriodSeconds => value == "300",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_that_mean_the_same_are_the_same() {
        use QueueAttribute::*;
        let same = |attribute, one: &str, other: &str| same_value(attribute, Some(one), other);
        let arn = "arn:aws:sqs:us-east-1:000000000000:dead";
        assert!(same(
            RedrivePolicy,
            &format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":"1"}}"#),
            &format!(r#"{{ "maxReceiveCount": 1, "deadLetterTargetArn": "{arn}" }}"#),
        ));
        assert!(!same(
            RedrivePolicy,
            &format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":1}}"#),
            &format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":2}}"#),
        ));
        assert!(same(
            RedriveAllowPolicy,
            r#"{"redrivePermission":"byQueue","sourceQueueArns":["a","b"]}"#,
            r#"{"sourceQueueArns":["b","a"],"redrivePermission":"byQueue"}"#,
        ));
        assert!(same(
            RedriveAllowPolicy,
            r#"{"redrivePermission":"allowAll","sourceQueueArns":null}"#,
            r#"{"redrivePermission":"allowAll"}"#,
        ));
        assert!(same(
            Policy,
            r#"{"Statement":[{"Sid":"s","Action":["sqs:SendMessage"],"Principal":"*"}]}"#,
            r#"{"Statement":{"Principal":"*","Action":"sqs:SendMessage","Sid":"s"}}"#,
        ));
        assert!(!same(
            Policy,
            r#"{"Statement":[{"Sid":"s","Action":"sqs:SendMessage"}]}"#,
            r#"{"Statement":[{"Sid":"s","Action":"sqs:ReceiveMessage"}]}"#,
        ));
        assert!(!same(Policy, "{", "["));
    }
}
