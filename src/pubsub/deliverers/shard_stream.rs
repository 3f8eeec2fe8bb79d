//! A deliverer's stream at its subscription's shard.

use crate::mesh::{Call, Mesh};
use crate::pubsub::core::{Pubsub, unexpected};
use crate::pubsub::error::PubsubResult;
use crate::runtime::{sleep, spawn_local};
use lclq_shards::command::{Command, LeaseRef, Refusal, Reply};
use lclq_shards::pubsub::command::{
    PubsubCommand, PubsubRefusal, Pulled, StreamLimits, StreamRef, SubscriptionRef,
};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Lease of what the stream is given, s. Long, because what becomes of a message is always said:
/// the stream's end gives back what it holds.
const LEASE_S: u32 = 1200;

/// Bytes of messages of one pull, unless a single message is longer.
const PULL_BYTES_MAX: u64 = 8 << 20;

/// Pause before a command is repeated that was refused.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// Times that a command is repeated.
const RETRIES_MAX: usize = 50;

/// Closed when dropped, which gives back what it holds.
pub(in crate::pubsub) struct ShardStream {
    mesh: Mesh,
    subscription: SubscriptionRef,
    stream: StreamRef,
    pull: Option<Call>,
}

/// What a pull answered.
pub(in crate::pubsub) enum Pulls {
    Messages(Vec<Pulled>),
    /// The subscription's settings have changed: look it up again.
    Changed,
    /// Deleted, detached, or the server is stopping.
    Over,
    /// Refused for now.
    Later,
}

impl ShardStream {
    /// Opens a stream of a subscription.
    pub async fn open(
        pubsub: &Pubsub,
        name: &str,
        messages_max: u64,
        bytes_max: u64,
    ) -> PubsubResult<Self> {
        let mut subscription = None;
        let known = pubsub.subscription(name).await?;
        let opened = pubsub
            .on_subscription(name, known, |info| {
                subscription = Some(info.reference);
                Ok(PubsubCommand::OpenStream {
                    subscription: info.reference,
                    limits: StreamLimits {
                        messages_max,
                        bytes_max,
                        ack_deadline_s: LEASE_S,
                    },
                    client: 0,
                })
            })
            .await?;
        match (opened, subscription) {
            (Reply::Stream(stream), Some(subscription)) => Ok(Self {
                mesh: pubsub.mesh.clone(),
                subscription,
                stream,
                pull: None,
            }),
            (reply, _) => Err(unexpected(&reply)),
        }
    }

    /// True while a pull stands at the shard.
    pub fn is_pulling(&self) -> bool {
        self.pull.is_some()
    }

    /// Asks for messages, if no pull is open.
    pub fn pull(&mut self, messages_max: u32) {
        if self.pull.is_none() {
            let command = PubsubCommand::StreamPull {
                stream: self.stream,
                messages_max,
                bytes_max: PULL_BYTES_MAX,
            };
            self.pull = Some(self.call(command));
        }
    }

    /// The open pull's answer.
    pub fn poll_pull(&mut self, cx: &mut Context<'_>) -> Poll<Pulls> {
        let Some(pull) = &mut self.pull else {
            return Poll::Pending;
        };
        let reply = std::task::ready!(Pin::new(pull).poll(cx));
        self.pull = None;
        Poll::Ready(match reply {
            Reply::Pulled(pulled) => Pulls::Messages(pulled),
            Reply::Stale(_) | Reply::Refused(Refusal::Pubsub(PubsubRefusal::Changed)) => {
                Pulls::Changed
            }
            Reply::Refused(Refusal::Pubsub(PubsubRefusal::NotFound | PubsubRefusal::Detached))
            | Reply::Refused(Refusal::Stopping) => Pulls::Over,
            _ => Pulls::Later,
        })
    }

    /// Acknowledges, on its way when this returns.
    pub fn acknowledge(&self, pubsub: &std::rc::Rc<Pubsub>, name: &str, leases: Vec<LeaseRef>) {
        self.settle(pubsub, name, move |subscription| {
            PubsubCommand::Acknowledge {
                subscription,
                leases: leases.clone(),
            }
        });
    }

    /// Sets deadlines, s from now; 0 gives back. On its way when this returns.
    pub fn modify(&self, pubsub: &std::rc::Rc<Pubsub>, name: &str, leases: Vec<(LeaseRef, u32)>) {
        self.settle(pubsub, name, move |subscription| {
            PubsubCommand::ModifyDeadline {
                subscription,
                leases: leases.clone(),
            }
        });
    }

    /// Sends a command at once, so that it is before the next pull, and sees to it in a task of its
    /// own that it isn't lost to a refusal.
    fn settle(
        &self,
        pubsub: &std::rc::Rc<Pubsub>,
        name: &str,
        command: impl Fn(SubscriptionRef) -> PubsubCommand + 'static,
    ) {
        let of = self.subscription;
        let mut call = self.call(command(of));
        let (pubsub, name) = (pubsub.clone(), name.to_owned());
        spawn_local(async move {
            for _ in 0..RETRIES_MAX {
                match call.await {
                    Reply::Stale(_) => {}
                    Reply::Refused(Refusal::Pubsub(_) | Refusal::Stopping) => return,
                    Reply::Refused(_) => sleep(RETRY_PAUSE).await,
                    _ => return,
                }
                let info = pubsub.subscription(&name).await;
                let Some(info) = info.ok().filter(|info| info.is_same(of)) else {
                    return;
                };
                let command = Command::Pubsub(Box::new(command(info.reference)));
                call = pubsub.mesh.call(info.reference.shard, command);
            }
        });
    }

    fn call(&self, command: PubsubCommand) -> Call {
        let command = Command::Pubsub(Box::new(command));
        self.mesh.call(self.stream.shard, command)
    }
}

impl Drop for ShardStream {
    fn drop(&mut self) {
        self.pull = None;
        let (mesh, stream) = (self.mesh.clone(), self.stream);
        let close = move || {
            let command = PubsubCommand::CloseStream { stream };
            mesh.call(stream.shard, Command::Pubsub(Box::new(command)))
        };
        let mut call = close();
        spawn_local(async move {
            while let Reply::Refused(Refusal::Overloaded) = call.await {
                sleep(RETRY_PAUSE).await;
                call = close();
            }
        });
    }
}
