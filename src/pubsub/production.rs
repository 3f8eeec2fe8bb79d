//! What the production profile does to topics and subscriptions: messages that come twice, lost
//! acknowledgements, pulls that get less than there is, quotas.

use super::core::{Pubsub, SubscriptionInfo};
use crate::chance::Chance;
use crate::interceptors::{ITSELF, asker};
use crate::observe::Operation;
use crate::profile::Active;
use crate::runtime::{sleep, spawn_local};
use lclq_shards::command::{Command, LeaseRef};
use lclq_shards::pubsub::command::{PubsubCommand, Pulled, SubscriptionRef};
use std::cell::Cell;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
/// Methods that quotas on administration don't count.
const OF_MESSAGES: &[&str] = &[
    "Publish",
    "Pull",
    "StreamingPull",
    "Acknowledge",
    "ModifyAckDeadline",
];

/// Whether a request is within its project's quotas.
pub(super) fn admits(active: &Active, operation: Operation, resource: &str) -> bool {
    if OF_MESSAGES.contains(&operation.name()) {
        return true;
    }
    let project = resource.split('/').nth(1).unwrap_or_default();
    let many = active.pubsub().admin_requests_per_minute;
    active.admits("administration", project, many, MINUTE)
}

impl Pubsub {
    /// The profile, unless it is an operator who asks: what is looked at by the admin API is as it is.
    fn active_profile(&self) -> Option<Active> {
        self.profile.active().filter(|_| asker() != ITSELF)
    }

    /// How many messages a pull gets at most that asks for so many.
    pub(super) fn pulls_at_most(&self, subscription: &str, asked: u32, waits: bool) -> u32 {
        let Some(active) = self.active_profile() else {
            return asked;
        };
        let chance = active.chance("pull", subscription);
        if !waits && chance.of(0) < active.pubsub().empty {
            active.did("empty pulls", 1);
            0
        } else if asked > 1 && chance.of(1) < active.pubsub().fewer {
            active.did("pulls with fewer messages", 1);
            1 + chance.up_to(2, u64::from(asked) - 2) as u32
        } else {
            asked
        }
    }

    /// Has messages that are delivered come once more while they are leased.
    pub(super) fn deliver_again(&self, info: &SubscriptionInfo, pulled: &[Pulled]) {
        let Some(active) = self.active_profile() else {
            return;
        };
        if pulled.is_empty() || info.settings.exactly_once {
            return;
        }
        let chance = active.chance("delivery", &info.spec.name);
        if chance.of(0) >= active.pubsub().duplicated {
            return;
        }
        active.did("messages delivered twice", pulled.len());
        let leases = pulled.iter().map(|pulled| (pulled.lease, 0)).collect();
        let after = Duration::from_millis(chance.up_to(1, active.pubsub().again_ms_max));
        let (mesh, subscription) = (self.mesh.clone(), info.reference);
        spawn_local(async move {
            sleep(after).await;
            let again = PubsubCommand::ModifyDeadline {
                subscription,
                leases,
            };
            // Those that are acknowledged by then don't come again.
            mesh.call(subscription.shard, Command::Pubsub(Box::new(again)))
                .await;
        });
    }

    /// Whether the acknowledgements of a request are lost, and by which chance.
    pub(super) fn loses(&self, subscription: &str, acknowledgements: usize) -> Option<Lost> {
        let active = self.active_profile()?;
        let chance = active.chance("acknowledgement", subscription);
        (chance.of(0) < active.pubsub().acknowledgements_lost).then_some(Lost {
            active,
            chance,
            acknowledgements: Cell::new(acknowledgements),
        })
    }
}

/// Acknowledgements that are lost.
pub(super) struct Lost {
    active: Active,
    chance: Chance,
    /// Those that are not counted yet: a command is made anew where its subscription has changed.
    acknowledgements: Cell<usize>,
}

impl Lost {
    /// What becomes of them instead: their messages come again.
    pub(super) fn instead(
        &self,
        subscription: SubscriptionRef,
        leases: &[(LeaseRef, u32)],
    ) -> PubsubCommand {
        let lost = self.acknowledgements.take();
        self.active.did("acknowledgements lost", lost);
        let within = self.active.pubsub().again_ms_max / 1000;
        let seconds = self.chance.up_to(1, within) as u32;
        PubsubCommand::ModifyDeadline {
            subscription,
            leases: leases.iter().map(|(lease, _)| (*lease, seconds)).collect(),
        }
    }
}
