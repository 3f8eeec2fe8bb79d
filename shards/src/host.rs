//! A shard with its journal: replies go out once what they promise is durable.

use crate::Millis;
use crate::command::pubsub::{AdminCommand, PubsubCommand};
use crate::command::{Command, QueueCommand, Refusal, Reply, ShardStats, Token};
use crate::definitions::{NameBucket, NameChanges};
use crate::journal::{Batch, Carried, Completion, Journal, JournalError};
use crate::moves::{Transfer, TransferAck};
use crate::shard::{Hold, Lap, Shard, ShardConfig};
use std::collections::VecDeque;

/// Time before transfers that a target could not take are sent again, ms.
const RESEND_MS: Millis = 200;

/// What leaves a shard.
#[derive(Debug)]
pub enum Outgoing {
    /// A reply to a command.
    Reply(Token, Reply),
    /// A message for another shard; answer with [`ShardHost::acked`] or
    /// [`ShardHost::transfer_failed`].
    Transfer(Box<Transfer>),
}

/// Runs one shard. The caller brings commands, time and journal completions in, and takes
/// [`Outgoing`]s out; it decides when a batch is closed by calling [`ShardHost::flush`].
pub struct ShardHost {
    shard: Shard,
    journal: Option<Box<dyn Journal>>,
    epoch: u64,
    /// Number of the open batch.
    open: u64,
    /// The batches under way: their numbers and the first sequence number that each may hold. One at
    /// most, unless the journal has room for more.
    under_way: VecDeque<(u64, u64)>,
    /// Outgoings that wait for a batch, in order of its number.
    held: VecDeque<(u64, Outgoing)>,
    ready: VecDeque<Outgoing>,
    /// The journal could not write; until it can, nothing is promised.
    down: Option<String>,
    /// Another owner has the shard, in this epoch: nothing is carried out any more.
    fenced: Option<u64>,
    resend_at: Option<Millis>,
    /// How far what batches carry along has come.
    lap: Option<Lap>,
}

/// A shard that was loaded by one thread to be run by another.
pub struct LoadedHost(ShardHost);

/// All of a [`ShardHost`] but its journal, which is a trait object.
const _: () = {
    const fn is_send<T: Send>() {}
    is_send::<(
        Shard,
        VecDeque<(u64, Outgoing)>,
        Option<String>,
        Option<Lap>,
    )>();
};

// SAFETY: its journal can be sent, since `open` takes no other; so can all else in it, as is checked above.
unsafe impl Send for LoadedHost {}

impl LoadedHost {
    /// Like [`ShardHost::open`].
    pub fn open(
        config: ShardConfig,
        journal: Box<dyn Journal + Send>,
        now: Millis,
    ) -> Result<Self, JournalError> {
        ShardHost::open(config, journal, now).map(Self)
    }

    /// The owner's epoch.
    pub fn epoch(&self) -> u64 {
        self.0.epoch()
    }

    /// The shard, to be run.
    pub fn into_host(self) -> ShardHost {
        self.0
    }
}

impl ShardHost {
    /// A shard that keeps nothing.
    pub fn in_memory(mut config: ShardConfig, now: Millis) -> Self {
        config.durable = false;
        Self::with(Shard::new(config, now), None, 0)
    }

    /// A shard that takes up what its journal kept.
    pub fn open(
        mut config: ShardConfig,
        mut journal: Box<dyn Journal>,
        now: Millis,
    ) -> Result<Self, JournalError> {
        config.durable = true;
        let mut shard = Shard::new(config, now);
        shard.keeps_leases = journal.holds_exclusive_receives();
        let mut state = Default::default();
        let epoch = journal.load(&mut |op| shard.restore(&mut state, op))?;
        shard.begin_epoch(epoch);
        shard.finish_restoring(state);
        shard.resume_moves();
        shard.settle_memory();
        let mut host = Self::with(shard, Some(journal), epoch);
        host.settle();
        Ok(host)
    }

    fn with(shard: Shard, journal: Option<Box<dyn Journal>>, epoch: u64) -> Self {
        Self {
            shard,
            journal,
            epoch,
            open: 1,
            under_way: VecDeque::new(),
            held: VecDeque::new(),
            ready: VecDeque::new(),
            down: None,
            fenced: None,
            resend_at: None,
            lap: None,
        }
    }

    /// Carries out one command; its reply comes out of [`ShardHost::next_outgoing`], now or later.
    #[inline]
    pub fn apply(&mut self, now: Millis, token: Token, command: Command) {
        // Whoever was fenced off must not even read: another owner gives the same messages out.
        if self.fenced.is_some() || (self.down.is_some() && self.is_kept(&command)) {
            self.ready
                .push_back(Outgoing::Reply(token, Reply::Refused(Refusal::JournalDown)));
            return;
        }
        self.shard.apply(now, token, command);
        self.settle();
    }

    /// Whether a command can't be answered while the journal can't write.
    fn is_kept(&self, command: &Command) -> bool {
        let exclusive = match command {
            Command::Receive(receive) => self.shard.queue_slot(receive.queue),
            Command::ChangeVisibility { queue, .. } => self.shard.queue_slot(*queue),
            _ => return is_write(command),
        };
        // What can't be given out would be kept from others meanwhile.
        let held = |slot| self.shard.lease_hold(slot, Hold::No) != Hold::No;
        exclusive.is_some_and(held)
    }

    /// Forgets a long poll whose client has gone.
    pub fn cancel(&mut self, token: Token) {
        self.shard.cancel(token);
    }

    /// Deals with what is due. Answers when to call again at the latest.
    pub fn tick(&mut self, now: Millis) -> Option<Millis> {
        if self.fenced.is_some() {
            return None;
        }
        let mut next = self.shard.tick(now);
        if let Some(at) = self.resend_at {
            if at <= now {
                self.resend_at = None;
                for outbox in &self.shard.outboxes {
                    let oldest = outbox.oldest();
                    let again = outbox
                        .waiting
                        .iter()
                        .take_while(|t| t.number <= outbox.sent_to);
                    self.ready.extend(again.cloned().map(|mut transfer| {
                        transfer.oldest = oldest;
                        Outgoing::Transfer(transfer)
                    }));
                }
            } else {
                next = Some(next.map_or(at, |next| next.min(at)));
            }
        }
        self.settle();
        next
    }

    /// When [`ShardHost::tick`] has something to do next.
    pub fn next_due(&self) -> Option<Millis> {
        if self.fenced.is_some() {
            return None;
        }
        match (self.shard.next_due(), self.resend_at) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// Gives up messages where the memory that shards share is short, other shards have less than
    /// their share of it and this one has more. Answers whether there is more to give up.
    pub fn give_way(&mut self) -> bool {
        // What can't be journalled would come back.
        if self.down.is_some() || !self.shard.give_way() {
            return false;
        }
        true
    }

    /// A transfer has arrived and is durable at its target.
    pub fn acked(&mut self, ack: TransferAck) {
        self.shard.transfer_acked(ack);
    }

    /// A transfer could not be handed over; it is sent again in a moment.
    pub fn transfer_failed(&mut self, now: Millis) {
        self.resend_at.get_or_insert(now + RESEND_MS);
    }

    /// Closes the open batch and hands it to the journal, unless one is under way and the journal has
    /// no room for another.
    pub fn flush(&mut self) {
        let Some(journal) = &mut self.journal else {
            return;
        };
        if self.fenced.is_some() || !self.shard.has_ops() {
            return;
        }
        if !self.under_way.is_empty() && !journal.room() {
            return;
        }
        let first = self.shard.batch_first_sequence;
        let ops = self.shard.take_ops();
        let number = self.open;
        self.under_way.push_back((number, first));
        self.open += 1;
        let bytes = journal.lap_bytes(&ops, self.shard.resident_bytes);
        let batch = Batch { number, ops };
        if bytes == 0 {
            return journal.commit(self.epoch, batch);
        }
        let shard = &self.shard;
        let lap = self.lap.get_or_insert_with(|| shard.begin_lap());
        let mut pieces = Vec::new();
        let is_round = shard.lap_step(lap, bytes, &mut pieces);
        if is_round {
            self.lap = None;
        }
        journal.commit_carrying(self.epoch, batch, Carried { pieces, is_round });
    }

    /// Takes up what the journal has to say, and goes on writing.
    pub fn poll_journal(&mut self) {
        while let Some(completion) = self.journal.as_mut().and_then(|journal| journal.poll()) {
            match completion {
                Completion::Committed(number) => {
                    let first = self.under_way.pop_front();
                    debug_assert_eq!(first.map(|(under_way, _)| under_way), Some(number));
                    self.down = None;
                    while self.held.front().is_some_and(|(batch, _)| *batch <= number) {
                        let (_, outgoing) = self.held.pop_front().expect("just seen");
                        self.release(outgoing);
                    }
                }
                Completion::Failed(_, error) => {
                    self.down = Some(error.to_string());
                    // What was promised to nobody stays to be written; clients learn that now.
                    let ready = &mut self.ready;
                    self.held.retain(|(_, outgoing)| match outgoing {
                        Outgoing::Transfer(_) => true,
                        Outgoing::Reply(token, _) => {
                            let refused = Reply::Refused(Refusal::JournalDown);
                            ready.push_back(Outgoing::Reply(*token, refused));
                            false
                        }
                    });
                    break;
                }
                Completion::Fenced { epoch } => {
                    self.fence(epoch);
                    return;
                }
            }
        }
        self.flush();
    }

    /// Ends what this owner does with the shard. What it promised to nobody, the other owner may have
    /// done or not; transfers are the other owner's now.
    fn fence(&mut self, epoch: u64) {
        self.fenced = Some(epoch);
        self.down = Some(format!("the shard has another owner, in epoch {epoch}"));
        self.under_way.clear();
        self.resend_at = None;
        let waiting = std::mem::take(&mut self.ready).into_iter();
        let held = self.held.drain(..).map(|(_, outgoing)| outgoing);
        let replies = waiting.chain(held).filter_map(|outgoing| match outgoing {
            Outgoing::Transfer(_) => None,
            Outgoing::Reply(token, _) => {
                let refused = Reply::Refused(Refusal::JournalDown);
                Some(Outgoing::Reply(token, refused))
            }
        });
        self.ready = replies.collect();
    }

    /// The epoch of the shard's other owner, once there is one. The host is of no use then.
    pub fn fenced(&self) -> Option<u64> {
        self.fenced
    }

    /// The owner's epoch, which numbers this take-over of the shard.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Ends what this owner does with the shard, whoever has it next: refuses what is still held.
    pub fn give_up(&mut self) {
        self.fence(self.epoch);
    }

    /// Whether definitions have changed that [`ShardHost::take_changed_names`] has not told of.
    #[inline]
    pub fn has_changed_names(&self) -> bool {
        self.shard.changed_names.any()
    }

    /// Tells in which buckets definitions have changed since it was last asked, each once.
    ///
    /// Whoever remembers definitions must hear of it before [`ShardHost::next_outgoing`] is sent out:
    /// what an answer says holds for everybody who hears it.
    pub fn take_changed_names(&mut self, each: impl FnMut(NameBucket)) {
        self.shard.changed_names.take(each);
    }

    /// The changes of definitions since they were last asked for, the first of them by name.
    pub fn take_changes(&mut self) -> NameChanges {
        self.shard.changed_names.take_changes()
    }

    /// The next thing to send out.
    #[inline]
    pub fn next_outgoing(&mut self) -> Option<Outgoing> {
        if self.journal.is_none()
            && let Some(effect) = self.shard.effects.pop_front()
        {
            return Some(Outgoing::Reply(effect.token, effect.reply));
        }
        self.ready.pop_front()
    }

    /// Whether everything is durable and nothing waits to go out.
    pub fn is_idle(&self) -> bool {
        self.under_way.is_empty()
            && self.held.is_empty()
            && self.ready.is_empty()
            && self.shard.effects.is_empty()
            && (self.journal.is_none() || !self.shard.has_ops())
    }

    /// Messages that were sent to other shards and have not surely arrived there.
    pub fn on_their_way(&self) -> usize {
        let outboxes = self.shard.outboxes.iter();
        outboxes.map(|outbox| outbox.waiting.len()).sum()
    }

    /// Why the journal can't write at the moment, if it can't.
    pub fn down(&self) -> Option<&str> {
        self.down.as_deref()
    }

    /// The shard, to look at.
    pub fn shard(&self) -> &Shard {
        &self.shard
    }

    /// Counts over the shard.
    pub fn stats(&self) -> ShardStats {
        self.shard.stats()
    }

    /// Sorts what the shard put out into what may go and what has to wait.
    #[inline]
    fn settle(&mut self) {
        if self.journal.is_none() {
            // Replies have nothing to wait for: they go out from where they are.
            for transfer in std::mem::take(&mut self.shard.outgoing) {
                self.release(Outgoing::Transfer(transfer));
            }
            return;
        }
        self.shard.prove_ownership();
        let latest = if self.shard.has_ops() {
            Some(self.open)
        } else {
            self.under_way.back().map(|(number, _)| *number)
        };
        for effect in self.shard.effects.drain(..) {
            let batch = match effect.hold {
                Hold::No => None,
                Hold::UntilCommit => latest,
                Hold::UntilDurable(sequence) if sequence >= self.shard.batch_first_sequence => {
                    Some(self.open)
                }
                Hold::UntilDurable(sequence) => self
                    .under_way
                    .iter()
                    .rfind(|(_, first)| sequence >= *first)
                    .map(|(number, _)| *number),
            };
            let outgoing = Outgoing::Reply(effect.token, effect.reply);
            match batch {
                None => self.ready.push_back(outgoing),
                Some(_) if self.down.is_some() => {
                    let refused = Reply::Refused(Refusal::JournalDown);
                    self.ready.push_back(Outgoing::Reply(effect.token, refused));
                }
                Some(batch) => hold(&mut self.held, batch, outgoing),
            }
        }
        for transfer in std::mem::take(&mut self.shard.outgoing) {
            match latest {
                Some(batch) => hold(&mut self.held, batch, Outgoing::Transfer(transfer)),
                None => self.release(Outgoing::Transfer(transfer)),
            }
        }
    }

    fn release(&mut self, mut outgoing: Outgoing) {
        if let Outgoing::Transfer(transfer) = &mut outgoing {
            let outbox = &mut self.shard.outboxes[usize::from(transfer.target)];
            outbox.sent_to = transfer.number;
            transfer.oldest = outbox.oldest();
        }
        self.ready.push_back(outgoing);
    }
}

/// A reply that waits for the batch under way may come after one that waits for the open batch.
fn hold(held: &mut VecDeque<(u64, Outgoing)>, batch: u64, outgoing: Outgoing) {
    let at = held
        .iter()
        .rposition(|(other, _)| *other <= batch)
        .map_or(0, |at| at + 1);
    held.insert(at, (batch, outgoing));
}

/// Whether a command changes what is kept, beyond leases and counts.
fn is_write(command: &Command) -> bool {
    match command {
        Command::Send { .. } | Command::Delete { .. } | Command::Transfer(_) => true,
        Command::Receive(_) | Command::ChangeVisibility { .. } => false,
        Command::Pubsub(command) => match &**command {
            PubsubCommand::Publish { .. } | PubsubCommand::Acknowledge { .. } => true,
            PubsubCommand::Pull { .. }
            | PubsubCommand::ModifyDeadline { .. }
            | PubsubCommand::ReturnDeliveries { .. }
            | PubsubCommand::OpenStream { .. }
            | PubsubCommand::StreamPull { .. }
            | PubsubCommand::SetStreamDeadline { .. }
            | PubsubCommand::CloseStream { .. } => false,
            PubsubCommand::Admin(command) => !matches!(
                **command,
                AdminCommand::Get { .. }
                    | AdminCommand::List { .. }
                    | AdminCommand::ListOfTopic { .. }
                    | AdminCommand::Follow { .. }
                    | AdminCommand::Peek { .. }
                    | AdminCommand::ListStreams { .. }
                    | AdminCommand::Reserve { .. }
                    | AdminCommand::Release { .. }
            ),
        },
        Command::Queue(command) => match **command {
            QueueCommand::Create { .. }
            | QueueCommand::SetAttributes(..)
            | QueueCommand::Delete(_)
            | QueueCommand::Purge { .. }
            | QueueCommand::Tag(..)
            | QueueCommand::Untag(..)
            | QueueCommand::StartMove { .. }
            | QueueCommand::CancelMove(..)
            | QueueCommand::Import(_) => true,
            QueueCommand::Resolve(_)
            | QueueCommand::Describe(_)
            | QueueCommand::List { .. }
            | QueueCommand::ListAll { .. }
            | QueueCommand::ListSources { .. }
            | QueueCommand::ReturnDeliveries(_)
            | QueueCommand::Peek { .. }
            | QueueCommand::Follow { .. }
            | QueueCommand::ListMoves(..)
            | QueueCommand::Figures { .. }
            | QueueCommand::Stats
            | QueueCommand::Journey(_)
            | QueueCommand::Receivers(_)
            | QueueCommand::Export(_) => false,
        },
    }
}
