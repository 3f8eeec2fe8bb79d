//! Starts a task for every subscription of this core's shards that delivers by itself.

use super::signal::Signal;
use crate::pubsub::core::{Pubsub, SubscriptionInfo, decode_spec};
use crate::pubsub::error::PubsubResult;
use crate::pubsub::proto::Subscription;
use crate::pubsub::{export, push};
use crate::runtime::{doorbell, sleep, spawn_local};
use lclq_shards::command::Reply;
use lclq_shards::pubsub::command::{AdminCommand, Kind};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

/// Subscriptions that are looked at in one step at start.
const SCAN_MAX: usize = 256;

/// Pause after something that should not fail has failed.
const FAILED_PAUSE: Duration = Duration::from_secs(1);

type Tasks = Rc<RefCell<HashMap<Box<str>, Rc<Signal>>>>;

impl Pubsub {
    /// Starts this core's deliverers, and those to come.
    pub fn start_deliverers(self: &Rc<Self>) {
        let pubsub = self.clone();
        let core = pubsub.mesh.core();
        let (bell, mut waiter) = doorbell();
        pubsub.outside.hub.attach(core, bell);
        let tasks = Tasks::default();
        self.follow_shards(&tasks);
        spawn_local(async move {
            while let Err(error) = pubsub.scan(&tasks).await {
                tracing::warn!(?error, "can't look for push subscriptions yet");
                sleep(FAILED_PAUSE).await;
            }
            loop {
                for name in pubsub.outside.hub.take(core) {
                    pubsub.look_at(&tasks, &name);
                }
                waiter.wait().await;
            }
        });
    }

    /// Looks again whenever this core has got a shard, or another node has changed something in one.
    fn follow_shards(self: &Rc<Self>, tasks: &Tasks) {
        if !self.mesh.is_clustered() {
            return;
        }
        let (bell, mut waiter) = doorbell();
        self.mesh.when_shards_change(bell);
        let (pubsub, tasks) = (self.clone(), tasks.clone());
        spawn_local(async move {
            loop {
                waiter.wait().await;
                for task in tasks.borrow().values() {
                    task.set();
                }
                while let Err(error) = pubsub.scan(&tasks).await {
                    tracing::warn!(?error, "can't look for push subscriptions yet");
                    sleep(FAILED_PAUSE).await;
                }
            }
        });
    }

    /// Starts deliverers of the subscriptions that are there already.
    async fn scan(self: &Rc<Self>, tasks: &Tasks) -> PubsubResult<()> {
        let own = self.mesh.own_stats();
        for (shard, _) in own {
            let mut after: Option<Box<str>> = None;
            loop {
                let command = AdminCommand::List {
                    kind: Kind::Subscription,
                    prefix: "".into(),
                    after: after.take(),
                    resources_max: SCAN_MAX,
                };
                let Ok(Reply::Resources(found)) = self.admin(shard, command).await? else {
                    break;
                };
                for resource in &found {
                    let spec: Subscription = decode_spec(resource)?;
                    if self.delivers(&spec) {
                        self.look_at(tasks, &resource.name);
                    }
                }
                match found.last() {
                    Some(last) if found.len() == SCAN_MAX => after = Some(last.name.clone()),
                    _ => break,
                }
            }
        }
        Ok(())
    }

    /// Tells a subscription's task that it has changed, or starts one.
    fn look_at(self: &Rc<Self>, tasks: &Tasks, name: &str) {
        if let Some(task) = tasks.borrow().get(name) {
            return task.set();
        }
        let signal = Rc::new(Signal::default());
        tasks.borrow_mut().insert(name.into(), signal.clone());
        let (pubsub, tasks, name) = (self.clone(), tasks.clone(), Box::<str>::from(name));
        spawn_local(async move {
            // It is taken from the table in the same step that finds nothing to do, so that no
            // change is missed.
            loop {
                let Some(info) = pubsub.deliverable(&name).await else {
                    // Changed since it was looked up?
                    if signal.take() {
                        continue;
                    }
                    break;
                };
                let outcome = if push_endpoint(&info.spec).is_some() {
                    push::pusher::run(&pubsub, &name, &info, &signal).await
                } else {
                    export::exporter::run(&pubsub, &name, &info, &signal).await
                };
                if let Err(error) = outcome {
                    tracing::warn!(subscription = &*name, ?error, "a deliverer has failed");
                    sleep(FAILED_PAUSE).await;
                }
            }
            tasks.borrow_mut().remove(&name);
            pubsub.outside.push_seen.forget(&name);
        });
    }

    /// A subscription that delivers by itself, as it is now.
    async fn deliverable(&self, name: &str) -> Option<Rc<SubscriptionInfo>> {
        let info = self.subscription(name).await.ok()?;
        let is_own = !self.mesh.is_clustered() || self.is_own(&info);
        (is_own && !info.settings.detached && self.delivers(&info.spec)).then_some(info)
    }

    fn delivers(&self, spec: &Subscription) -> bool {
        push_endpoint(spec).is_some()
            || self.outside.store.is_some() && spec.cloud_storage_config.is_some()
    }
}

fn push_endpoint(spec: &Subscription) -> Option<&str> {
    let endpoint = &spec.push_config.as_ref()?.push_endpoint;
    (!endpoint.is_empty()).then_some(endpoint)
}
