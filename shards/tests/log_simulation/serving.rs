//! What seats do: they answer clients, write to their logs and send each other dead letters.

use super::chain::Had;
use super::clients::{Asked, Call, number_in};
use super::links::Frame;
use super::owners::is_safe;
use super::world::{Arrived, World, taken_out};
use crate::common::log_owner::kept_by;
use crate::{Checked, Mutant, Violation, check};
use lclq_shards::command::*;
use lclq_shards::journal::Kept;
use lclq_shards::moves::{Transfer, TransferAck};
use lclq_shards::{Outgoing, ShardHost};

impl World {
    /// Brings a call to a seat.
    pub fn call(&mut self, seat: usize, asked: Asked, command: Command) -> Checked {
        let (token, clock) = (self.token(), self.clock(seat));
        let by = self.rng.usize(..self.nodes.len());
        if self.links.is_cut(by, self.node_of(seat), self.now) {
            self.lost(&asked);
            return Ok(());
        }
        self.note(|| format!("#{token} at {}: {asked:?}", self.name(seat)));
        self.calls.insert(token, Call { seat, by, asked });
        if let Some(host) = self.seats[seat].host() {
            host.apply(clock, token, command);
        }
        if self.rng.u8(..4) > 0 {
            self.flush(seat, false)?;
        }
        self.pump(seat)
    }

    /// Asks what is answered at once, unless the seat can't answer any more.
    pub fn look(&mut self, seat: usize, command: Command) -> Result<Option<Reply>, Violation> {
        let (token, clock) = (self.token(), self.clock(seat));
        self.pump(seat)?;
        let Some(host) = self.seats[seat].host() else {
            return Ok(None);
        };
        host.apply(clock, token, command);
        let mut found = None;
        while let Some(outgoing) = self.seats[seat].host().and_then(ShardHost::next_outgoing) {
            match outgoing {
                Outgoing::Reply(of, reply) if of == token => found = Some(reply),
                other => self.goes_out(seat, other)?,
            }
        }
        if found.is_none() {
            let (asked, by) = (Asked::Anything, self.node_of(seat));
            self.calls.insert(token, Call { seat, by, asked });
        }
        Ok(found)
    }

    /// Closes a batch, perhaps, having looked at what it makes; with `polls` after taking up what the
    /// journal has to say.
    pub fn flush(&mut self, seat: usize, polls: bool) -> Checked {
        let now = self.clock(seat);
        let config = self.plan.config(self.shard_of(seat));
        let Some(before) = self.seats[seat].seen() else {
            return Ok(());
        };
        let Some(host) = self.seats[seat].host() else {
            return Ok(());
        };
        let kept: Kept = kept_by(host);
        if polls {
            host.poll_journal();
        } else {
            host.flush();
        }
        let Some(seen) = self.seats[seat].seen() else {
            return Ok(());
        };
        if let Some(place) = seen.latest
            && seen.batches > before.batches
        {
            let had = Had { kept, config, now };
            self.line(seat).chain.closes(place, had);
        }
        self.worth.laps += u64::from(seen.low > before.low);
        if self.plan.lag_max == 0 && seen.acknowledged != before.acknowledged {
            is_safe(self.log(seat), &seen)?;
        }
        Ok(())
    }

    pub fn pump(&mut self, seat: usize) -> Checked {
        while let Some(outgoing) = self.seats[seat].host().and_then(ShardHost::next_outgoing) {
            self.goes_out(seat, outgoing)?;
        }
        if self.seats[seat].is_fenced() {
            self.note(|| format!("{} is fenced off", self.name(seat)));
            self.worth.fenced += 1;
            self.ends(seat, false);
        }
        Ok(())
    }

    pub fn goes_out(&mut self, seat: usize, outgoing: Outgoing) -> Checked {
        let (token, reply) = match outgoing {
            Outgoing::Transfer(transfer) => return self.send_transfer(seat, transfer),
            Outgoing::Reply(token, reply) => (token, reply),
        };
        if let Some(arrived) = self.transfers.remove(&token) {
            self.answer_transfer(arrived, reply);
            return Ok(());
        }
        let Some(call) = self.calls.remove(&token) else {
            return Err(format!("an answer to nothing, #{token}: {reply:?}"));
        };
        if self
            .links
            .is_cut(self.node_of(call.seat), call.by, self.now)
        {
            self.note(|| format!("#{token} is answered, and the answer is lost: {reply:?}"));
            self.lost(&call.asked);
            return Ok(());
        }
        self.note(|| format!("#{token} answered by {}: {reply:?}", self.name(seat)));
        self.answered(call, reply)
    }

    pub fn poll(&mut self, seat: usize) -> Checked {
        if !self.is_awake(seat) {
            return Ok(());
        }
        let (clock, sabotage) = (self.clock(seat), self.sabotage());
        let config = self.plan.config(self.shard_of(seat));
        if let Some(epoch) = self.seats[seat].take(config, clock, sabotage)? {
            self.note(|| format!("{} is the owner, in epoch {epoch}", self.name(seat)));
            self.worth.take_overs += 1;
            check(self.line(seat).epochs.insert(epoch), || {
                format!("epoch {epoch} is given out a second time")
            })?;
        }
        if let Some(host) = self.seats[seat].host() {
            host.tick(clock);
            self.flush(seat, true)?;
        }
        self.pump(seat)
    }

    /// A dead letter is on its way to whom its shard's owner believes to own the other.
    fn send_transfer(&mut self, seat: usize, transfer: Box<Transfer>) -> Checked {
        let (source, target) = (transfer.source, transfer.target);
        check(source == self.shard_of(seat) && source != target, || {
            format!("{transfer:?} of {}", self.name(seat))
        })?;
        let number = number_in(transfer.payload.body())?;
        let told = (transfer.number, transfer.returned);
        self.note(|| format!("{} sends {number} to {target}: {told:?}", self.name(seat)));
        self.worth.transfers += 1;
        let epoch = self.epoch_of(seat)?;
        // An owner that goes on where a later one's records were lost has lower numbers than that one had: what it
        // sends may be taken for what came before.
        if epoch < self.line(seat).lost_epoch {
            self.oracle.may_be_lost(number)?;
        }
        if transfer.returned {
            self.oracle.returned(number)?;
        } else {
            self.oracle.moved(number, epoch)?;
        }
        let owners: Vec<usize> = self.owners(target).collect();
        let newest = self.newest_owner(target);
        let to = match newest {
            Some(newest) if self.rng.u8(..5) > 0 => newest,
            Some(_) => owners[self.rng.usize(..owners.len())],
            None => {
                self.transfer_failed(seat);
                return Ok(());
            }
        };
        let (from, to) = (self.node_of(seat), self.node_of(to));
        self.links.send(from, to, Frame::Transfer(transfer));
        Ok(())
    }

    fn transfer_failed(&mut self, seat: usize) {
        let clock = self.clock(seat);
        if let Some(host) = self.seats[seat].host() {
            host.transfer_failed(clock);
        }
    }

    /// A node's connection to another is gone, and who knows what of its transfers has arrived.
    pub fn connection_is_lost(&mut self, node: usize) {
        for shard in 0..self.plan.shards {
            let seat = self.seat(node, shard);
            self.transfer_failed(seat);
        }
    }

    /// A seat takes nothing any more.
    pub fn transfers_are_refused(&mut self, seat: usize) {
        for arrived in taken_out(&mut self.transfers, |arrived| arrived.seat == seat) {
            self.answer_transfer(arrived, Reply::Refused(Refusal::Unreachable));
        }
    }

    fn answer_transfer(&mut self, arrived: Arrived, reply: Reply) {
        let from = self.node_of(arrived.seat);
        let source = arrived.source;
        self.links
            .send(from, arrived.from, Frame::Answer { source, reply });
    }

    /// Something arrives that one node has sent another. Answers whether there was anything.
    pub fn deliver_frame(&mut self) -> Result<bool, Violation> {
        let (now, nodes) = (self.now, &self.nodes);
        let is_awake = |node: usize| nodes[node].sleeps_until <= now;
        let Some((from, to, frame)) = self.links.take(&mut self.rng, now, is_awake) else {
            return Ok(false);
        };
        match frame {
            Frame::Transfer(transfer) => {
                let (source, seat) = (transfer.source, self.seat(to, transfer.target));
                let (token, clock) = (self.token(), self.clock(seat));
                self.note(|| format!("transfer {} is at {}", transfer.number, self.name(seat)));
                let arrived = Arrived { seat, source, from };
                let ack = TransferAck {
                    source,
                    target: transfer.target,
                    up_to: transfer.number,
                };
                let Some(host) = self.seats[seat].host() else {
                    self.answer_transfer(arrived, Reply::Refused(Refusal::Unreachable));
                    return Ok(true);
                };
                host.apply(clock, token, Command::Transfer(transfer));
                if self.mutant == Mutant::AnswersTransfersAtOnce {
                    self.answer_transfer(arrived, Reply::Transferred(ack));
                } else {
                    self.transfers.insert(token, arrived);
                }
                self.flush(seat, false)?;
                self.pump(seat)?;
            }
            Frame::Answer { source, reply } => {
                let seat = self.seat(to, source);
                match reply {
                    Reply::Transferred(ack) => {
                        if let Some(host) = self.seats[seat].host() {
                            host.acked(ack);
                        }
                        self.flush(seat, false)?;
                    }
                    _ => self.transfer_failed(seat),
                }
                self.pump(seat)?;
            }
        }
        Ok(true)
    }
}
