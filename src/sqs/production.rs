//! What the production profile does to queues: messages that come twice, late, in another order or not
//! at once, counts of a while ago, purges and deletions that take their time, quotas.

use super::actions::Action;
use super::error::{SqsResult, deleted_recently, purged_recently};
use super::server::{Scope, Sqs};
use super::target::Target;
use crate::profile::Active;
use crate::runtime::{sleep, spawn_local};
use lclq_shards::QueueName;
use lclq_shards::attributes::QueueAttribute;
use lclq_shards::command::{
    Command, Counts, Delivery, Description, LeaseError, LeaseRef, QueueCommand, QueueRef, Receive,
    Reply,
};
use smallvec::SmallVec;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
/// What is under way while a deleted queue is still there.
const DELETION: &str = "deletion";
const PURGE: &str = "purge";

/// What becomes of a receive.
pub(super) struct Turn {
    active: Active,
    /// Messages that the client asked for at most.
    asked: u8,
    reorders: bool,
    /// The number of the receive of its queue decides by it.
    chance: crate::chance::Chance,
}

impl Turn {
    /// It is a short poll that finds nothing.
    pub(super) fn finds_nothing(&self) -> bool {
        self.asked == 0
    }
}

type Deliveries = SmallVec<[Delivery; 1]>;

impl Sqs {
    /// The profile, while it is on, for a client's request.
    pub(super) fn production(&self, scope: &Scope<'_>) -> Option<Active> {
        scope.watch?;
        self.interceptors.profile.active()
    }

    /// Whether a request is within its queue's quotas.
    pub(super) async fn admits(&self, active: &Active, action: Action, queue: &QueueName) -> bool {
        let kind = match action {
            Action::SendMessage | Action::SendMessageBatch => "send",
            Action::ReceiveMessage => "receive",
            Action::DeleteMessage | Action::DeleteMessageBatch => "delete",
            Action::ChangeMessageVisibility | Action::ChangeMessageVisibilityBatch => "change",
            _ => return true,
        };
        if !queue.name.ends_with(".fifo") {
            return true;
        }
        let is_fast = |description: Box<Description>| {
            let limit = QueueAttribute::FifoThroughputLimit;
            let limit = description.attributes.get(&limit).map(String::as_str);
            limit == Some("perMessageGroupId")
        };
        let described = self.describe_by_name(queue).await.ok().flatten();
        let sqs = active.sqs();
        let many = if described.is_some_and(is_fast) {
            sqs.fifo_high_throughput_requests_per_s
        } else {
            sqs.fifo_requests_per_s
        };
        active.admits(kind, &queue.key(), many, SECOND)
    }

    /// Changes what a receive asks for, and tells what is to become of its messages.
    pub(super) async fn turn(
        &self,
        scope: &Scope<'_>,
        target: &Target,
        receive: &mut Receive,
    ) -> SqsResult<Option<Turn>> {
        let Some(active) = self.production(scope) else {
            return Ok(None);
        };
        if target.is_fifo() {
            return Ok(None);
        }
        let sqs = active.sqs().clone();
        let chance = active.chance("receive", &target.name.key());
        let asked = receive.messages_max;
        let mut turn = Turn {
            active,
            asked,
            reorders: chance.of(1) < sqs.reordered,
            chance,
        };
        let waits = match receive.wait_s {
            Some(seconds) => seconds > 0,
            None => {
                let attributes = self.describe(target).await?.attributes;
                let wait = attributes.get(&QueueAttribute::ReceiveMessageWaitTimeSeconds);
                wait.is_some_and(|seconds| seconds != "0")
            }
        };
        if !waits && chance.of(2) < sqs.empty {
            turn.active.did("empty receives", 1);
            turn.asked = 0;
        } else if asked > 1 && chance.of(3) < sqs.fewer {
            turn.active.did("receives with fewer messages", 1);
            turn.asked = 1 + chance.up_to(4, u64::from(asked) - 2) as u8;
        }
        let more = if turn.reorders { sqs.reorder_depth } else { 0 };
        receive.messages_max = turn.asked.saturating_add(more);
        Ok(Some(turn))
    }

    /// What a client gets of the messages that were received for it.
    pub(super) async fn dealt(
        &self,
        target: &Target,
        turn: Turn,
        mut deliveries: Deliveries,
    ) -> Deliveries {
        let Turn {
            active,
            asked,
            reorders,
            chance,
        } = turn;
        if reorders && deliveries.len() > 1 {
            chance.shuffle(5, &mut deliveries);
            active.did("reordered receives", 1);
        }
        if deliveries.len() > asked.into() {
            let rest = deliveries.drain(usize::from(asked)..);
            let leases = rest.map(|delivery| delivery.lease).collect();
            let give_back = QueueCommand::ReturnDeliveries(leases);
            let shard = target.queue().shard;
            self.mesh
                .call(shard, Command::Queue(Box::new(give_back)))
                .await;
        }
        let share = active.sqs().duplicated;
        let mut again = SmallVec::new();
        for (at, delivery) in deliveries.iter().enumerate() {
            if chance.of(100 + at as u64) < share {
                again.push((delivery.lease, 0));
            }
        }
        active.did("messages given out twice", again.len());
        if !again.is_empty() {
            let after = Duration::from_millis(chance.up_to(6, active.sqs().again_ms_max));
            let (mesh, queue) = (self.mesh.clone(), target.queue());
            spawn_local(async move {
                sleep(after).await;
                let entries = again;
                // Those that are deleted by then don't come again.
                mesh.call(queue.shard, Command::ChangeVisibility { queue, entries })
                    .await;
            });
        }
        deliveries
    }

    /// Has some of the messages that a client deletes come once more. Answers what became of each, or
    /// nothing for those that are to be deleted.
    pub(super) async fn kept(
        &self,
        scope: &Scope<'_>,
        target: &Target,
        leases: &[LeaseRef],
    ) -> Vec<Option<Result<(), LeaseError>>> {
        let mut kept = vec![None; leases.len()];
        let Some(active) = self.production(scope) else {
            return kept;
        };
        if target.is_fifo() {
            return kept;
        }
        let key = target.name.key();
        for (lease, kept) in leases.iter().zip(&mut kept) {
            let chance = active.chance("delete", &key);
            if chance.of(0) >= active.sqs().back_after_delete {
                continue;
            }
            let seconds = chance.up_to(1, active.sqs().again_ms_max / 1000) as u32;
            let queue: QueueRef = target.queue();
            let entries = SmallVec::from_buf([(*lease, seconds)]);
            let change = Command::ChangeVisibility { queue, entries };
            // One that isn't in flight any more is deleted as it would be.
            if let Reply::Leases(results) = self.mesh.call(queue.shard, change).await
                && results.first() == Some(&Ok(()))
            {
                active.did("messages back after their deletion", 1);
                *kept = Some(Ok(()));
            }
        }
        kept
    }

    /// What is told of a queue's messages.
    pub(super) fn told(&self, scope: &Scope<'_>, target: &Target, now: Counts) -> Counts {
        match self.production(scope) {
            Some(active) => active.counts(&target.name.key(), now),
            None => now,
        }
    }

    /// Purges a queue in its own time; whether it does.
    pub(super) fn purges_later(&self, scope: &Scope<'_>, target: &Target) -> SqsResult<bool> {
        let Some(active) = self.production(scope) else {
            return Ok(false);
        };
        let takes = active.begin(PURGE, &target.name.key(), active.sqs().purge_ms_max);
        let takes = takes.ok_or_else(|| purged_recently(&target.name.name))?;
        let queue = target.queue();
        let interval_ms = 0;
        self.later(takes, QueueCommand::Purge { queue, interval_ms }, queue);
        Ok(true)
    }

    /// Deletes a queue in its own time; whether it does.
    pub(super) fn deletes_later(&self, scope: &Scope<'_>, target: &Target) -> bool {
        let Some(active) = self.production(scope) else {
            return false;
        };
        let ms_max = active.sqs().delete_queue_ms_max;
        if let Some(takes) = active.begin(DELETION, &target.name.key(), ms_max) {
            let queue = target.queue();
            self.later(takes, QueueCommand::Delete(queue), queue);
        }
        true
    }

    /// Refuses to make a queue that is being deleted.
    pub(super) fn may_be_made(&self, scope: &Scope<'_>, name: &QueueName) -> SqsResult<()> {
        match self.production(scope) {
            Some(active) if active.is_under_way(DELETION, &name.key()) => Err(deleted_recently()),
            _ => Ok(()),
        }
    }

    fn later(&self, after: Duration, command: QueueCommand, queue: QueueRef) {
        let mesh = self.mesh.clone();
        spawn_local(async move {
            sleep(after).await;
            // If there is another queue of that name by then, it isn't this one.
            mesh.call(queue.shard, Command::Queue(Box::new(command)))
                .await;
        });
    }
}
