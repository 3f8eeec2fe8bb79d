//! Where what a shard puts out goes: replies to who asked, transfers to other shards.

use super::super::REQUESTS_KEPT_MAX;
use super::super::answers_first::WRITING_TURNS;
use super::super::lane::Request;
use super::super::ownership::Owner;
use super::super::pending::{WRITTEN_TOKEN, core_of, transfer_source};
use super::Mesh;
use crate::runtime::{spawn_local, wall_clock};
use lclq_shards::Millis;
use lclq_shards::command::{Command, LeaseRef, QueueCommand, Refusal, Reply, Token};
use lclq_shards::pubsub::command::PubsubCommand;
use std::time::{Duration, Instant};

/// Times that a shard is asked to take messages back; after that their leases end by themselves.
const RETURN_TRIES_MAX: usize = 10;
/// Pause before a shard that is overloaded is asked again.
const RETURN_PAUSE: Duration = Duration::from_millis(100);

impl Mesh {
    pub(super) fn route_reply(&self, token: Token, reply: Reply, now: Millis) {
        let core = core_of(token);
        if core != self.inner.core {
            let mut lanes = self.inner.lanes[core].borrow_mut();
            let lanes = lanes.as_mut().expect("lanes to every other core");
            lanes.replies_out.send((token, reply));
            self.inner.unflushed.set(true);
            return;
        }
        match transfer_source(token) {
            Some(source) => self.transfer_answered(source, reply, now),
            None => self.deliver(token, reply),
        }
    }

    /// Passes a delivery on, now or when the publishers have their answers.
    pub(super) fn route_delivery(&self, token: Token, reply: Reply, now: Millis) {
        let first = &self.inner.answers_first;
        let ask = |core| self.ask_when_written(core);
        let held = first.hold(core_of(token), (token, reply), now, ask);
        if let Some((token, reply)) = held {
            self.route_reply(token, reply, now);
        }
    }

    /// Asks a core to say when it has written the answers that it was given.
    pub(super) fn ask_when_written(&self, core: usize) {
        if core == self.inner.core {
            let mesh = self.clone();
            spawn_local(async move {
                write_answers().await;
                mesh.answers_written(mesh.inner.core);
                mesh.flush_replies();
            });
        } else if let Some(lanes) = &mut *self.inner.lanes[core].borrow_mut() {
            lanes.replies_out.send((WRITTEN_TOKEN, Reply::Done));
            self.inner.unflushed.set(true);
        }
    }

    /// Says to a core when this one has written the answers that it was given.
    pub(super) fn tell_when_written(&self, core: usize) {
        let mesh = self.clone();
        spawn_local(async move {
            write_answers().await;
            if let Some(lanes) = &mut *mesh.inner.lanes[core].borrow_mut() {
                // Not refused by a full lane: each core has one such question open.
                lanes.requests_out.send(Request::AnswersWritten);
                lanes.requests_out.flush();
            }
        });
    }

    pub(super) fn answers_written(&self, core: usize) {
        let first = &self.inner.answers_first;
        first.written(core, |core| self.ask_when_written(core));
        while let Some((token, delivery)) = first.next() {
            self.route_reply(token, delivery, wall_clock());
        }
    }

    pub(super) fn deliver(&self, token: Token, reply: Reply) {
        if let Some(away) = &self.inner.away {
            if let Reply::Elsewhere(shard, command) = reply {
                return self.came_back(shard, token, command);
            }
            self.forget_away(away, token);
        }
        let delivered = self.inner.pending.borrow_mut().answer(token, reply);
        if let Err(reply) = delivered {
            self.unwanted(reply);
        }
    }

    /// An answer reaches nobody, because its asker has gone: the messages in it go back.
    pub fn unwanted(&self, reply: Reply) {
        let (shard, leases): (_, Vec<LeaseRef>) = match &reply {
            Reply::Pulled(pulled) => (
                pulled.first().map(|pulled| pulled.shard),
                pulled.iter().map(|pulled| pulled.lease).collect(),
            ),
            Reply::Received(received) => (
                received.first().map(|delivery| delivery.shard),
                received.iter().map(|delivery| delivery.lease).collect(),
            ),
            _ => return,
        };
        let Some(shard) = shard else {
            return;
        };
        if self.inner.stopping.get() {
            return;
        }
        let of_queue = matches!(reply, Reply::Received(_));
        let mesh = self.clone();
        // Not at once: whoever is being dropped further up the stack may have the shards borrowed.
        spawn_local(async move {
            for _ in 0..RETURN_TRIES_MAX {
                let leases = leases.clone();
                let command = if of_queue {
                    Command::Queue(Box::new(QueueCommand::ReturnDeliveries(leases)))
                } else {
                    Command::Pubsub(Box::new(PubsubCommand::ReturnDeliveries { leases }))
                };
                match mesh.call(shard, command).await {
                    Reply::Refused(Refusal::Overloaded) => {
                        crate::runtime::sleep(RETURN_PAUSE).await;
                    }
                    _ => return,
                }
            }
        });
    }

    pub(super) fn route_transfer(&self, target: u16, token: Token, command: Command, now: Millis) {
        let Owner::Core(owner) = self.owner(target) else {
            return self.pass_on(target, token, command, Instant::now());
        };
        if owner == self.inner.core {
            // Not a nested pump: the target's own effects go out when it is pumped next, which the
            // bell sees to.
            let mut hosts = self.inner.hosts.borrow_mut();
            if let Some(host) = hosts.of(target) {
                host.apply(now, token, command);
                host.flush();
                self.inner.bell.ring();
            }
            return;
        }
        if !self.send_to_core(owner, target, token, command) {
            let source = transfer_source(token).expect("a transfer's token");
            self.transfer_answered(source, Reply::Refused(Refusal::Overloaded), now);
        }
    }

    /// Asks another core. `false` where too much waits for it already.
    pub(super) fn send_to_core(
        &self,
        core: usize,
        shard: u16,
        token: Token,
        command: Command,
    ) -> bool {
        let mut lanes = self.inner.lanes[core].borrow_mut();
        let lanes = lanes.as_mut().expect("lanes to every other core");
        let request = Request::Command {
            shard,
            token,
            command,
        };
        let sent = lanes.requests_out.try_send(request, REQUESTS_KEPT_MAX);
        lanes.requests_out.flush();
        sent.is_ok()
    }

    pub(super) fn transfer_answered(&self, source: u16, reply: Reply, now: Millis) {
        let mut hosts = self.inner.hosts.borrow_mut();
        let Some(host) = hosts.of(source) else {
            return;
        };
        match reply {
            Reply::Transferred(ack) => {
                host.acked(ack);
                host.flush();
            }
            _ => host.transfer_failed(now),
        }
        if let Some(due) = host.next_due() {
            self.tick_by(due);
        }
    }
}

/// Lets the tasks run that write what was answered.
async fn write_answers() {
    for _ in 0..WRITING_TURNS {
        crate::runtime::yield_now().await;
    }
    crate::runtime::send_written();
}
