//! Requests to shards that other nodes run, or nobody: asked there, kept until somebody has the shard, and asked
//! again of who has it.

use super::super::away::{
    ASKED_AGAIN_MAX, Asked, Away, HOLD, LOOK_PAUSE, PARKED_BYTES_MAX, PARKED_MAX, Parked, Poll,
    PollOf, bytes_of, is_repeatable,
};
use super::super::ownership::Owner;
use super::super::pending::transfer_source;
use super::{Call, Mesh};
use crate::cluster::{Joined, Link, Lost, News, command_body, decode};
use crate::runtime::{sleep, spawn_local, wall_clock};
use lclq_shards::command::{Command, Refusal, Reply, Token};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

impl Mesh {
    /// Whether several servers share the shards.
    pub fn is_clustered(&self) -> bool {
        self.inner.away.is_some()
    }

    /// How it is a node, if it is one.
    pub fn joined(&self) -> Option<&Arc<Joined>> {
        self.inner.away.as_ref().map(|away| &away.joined)
    }

    /// Whether a core of this process runs a shard.
    pub fn runs(&self, shard: u16) -> bool {
        matches!(self.owner(shard), Owner::Core(_))
    }

    /// Has a shard of this process carry out what another node asks. `None` where it isn't here.
    pub fn serve(&self, shard: u16, command: Command) -> Option<Call> {
        let away = self.inner.away.as_ref()?;
        if !self.runs(shard) {
            return None;
        }
        let call = self.call(shard, command);
        // One that is answered already comes back to nobody.
        if let Some(token) = call.token()
            && self.inner.pending.borrow_mut().is_waiting(token)
        {
            away.served.borrow_mut().insert(token);
        }
        Some(call)
    }

    /// Notes a long poll, so that it can follow its shard.
    #[cold]
    pub(super) fn note_poll(&self, away: &Away, shard: u16, token: Token, command: &Command) {
        if let Some(of) = PollOf::of(command) {
            let poll = Poll {
                shard,
                at: self.owner(shard),
                of,
                asked_at: Instant::now(),
            };
            away.polls.borrow_mut().insert(token, poll);
        }
    }

    /// Sends a command to who runs its shard, or keeps it until somebody does.
    #[cold]
    pub(super) fn pass_on(&self, shard: u16, token: Token, command: Command, asked_at: Instant) {
        let Some(away) = &self.inner.away else {
            return self.deliver(token, Reply::Refused(Refusal::Stopping));
        };
        let owner = self.owner(shard);
        if let Some(poll) = away.polls.borrow_mut().get_mut(&token) {
            poll.at = owner;
        }
        match owner {
            Owner::Core(core) if core == self.inner.core => self.apply(shard, token, command),
            Owner::Core(core) => {
                if !self.send_to_core(core, shard, token, command) {
                    self.figures().refused();
                    self.deliver(token, Reply::Refused(Refusal::Overloaded));
                }
            }
            Owner::Node(number) => self.ask_node(away, number, shard, token, command, asked_at),
            Owner::Nobody => self.park(away, shard, token, command, asked_at),
        }
    }

    /// Has other nodes look at who runs what.
    pub(super) fn poke(&self, away: &Away, numbers: &[u16]) {
        for number in numbers {
            if let Some(link) = self.link(away, *number) {
                link.look();
            }
        }
    }

    /// Ends the connection to a node that won't answer any more.
    pub(super) fn break_off(&self, away: &Away, number: u16) {
        if let Some(link) = away.links.borrow().get(&number) {
            link.break_off();
        }
    }

    /// Connects to other nodes, where it isn't yet.
    pub(super) fn reach(&self, away: &Away, numbers: &[u16]) {
        for number in numbers {
            self.link(away, *number);
        }
    }

    fn link(&self, away: &Away, number: u16) -> Option<Rc<Link>> {
        if let Some(link) = away.links.borrow().get(&number) {
            return Some(link.clone());
        }
        let peer = away.joined.peers.get(number)?;
        let link = Link::start(self, &away.joined, peer);
        away.links.borrow_mut().insert(number, link.clone());
        Some(link)
    }

    fn ask_node(
        &self,
        away: &Away,
        number: u16,
        shard: u16,
        token: Token,
        command: Command,
        asked_at: Instant,
    ) {
        let refused = Reply::Refused(Refusal::Overloaded);
        let body = match command_body(&command) {
            Ok(body) => body.into(),
            Err(error) => {
                tracing::warn!(%error, shard, "another node can't be asked");
                return self.answer_away(token, refused);
            }
        };
        let Some(link) = self.link(away, number) else {
            return self.answer_away(token, refused);
        };
        if transfer_source(token).is_some() {
            return link.transfer(token, shard, body);
        }
        let asked = Asked {
            number,
            shard,
            body: body.clone(),
            is_repeatable: is_repeatable(&command),
            asked_at,
        };
        if !link.command(token, shard, body) {
            self.figures().refused();
            return self.answer_away(token, refused);
        }
        self.figures().forwarded();
        away.asked.borrow_mut().insert(token, asked);
    }

    fn park(&self, away: &Away, shard: u16, token: Token, command: Command, asked_at: Instant) {
        if transfer_source(token).is_some() {
            // Its shard has it, and sends it again.
            return self.answer_away(token, Reply::Refused(Refusal::Unreachable));
        }
        let bytes = bytes_of(&command);
        let is_full = away.parked.borrow().len() >= PARKED_MAX
            || away.parked_bytes.get() + bytes > PARKED_BYTES_MAX;
        if is_full && !command.may_wait() {
            self.figures().refused();
            return self.answer_away(token, Reply::Refused(Refusal::Unreachable));
        }
        away.keep_parked(Parked {
            token,
            shard,
            command,
            bytes,
            asked_at,
            not_before: Instant::now() + LOOK_PAUSE / 2,
        });
        self.figures().show_parked(away.parked.borrow().len());
        if !away.looks.replace(true) {
            let mesh = self.clone();
            spawn_local(async move {
                while mesh.look_at_parked(None) {
                    sleep(LOOK_PAUSE).await;
                }
            });
        }
    }

    /// Sends what waits where somebody has the shard by now, and refuses what has waited for too long.
    /// Answers whether anything still waits. Given a shard, what waits for that one goes at once.
    fn look_at_parked(&self, of: Option<u16>) -> bool {
        let Some(away) = &self.inner.away else {
            return false;
        };
        let now = Instant::now();
        let waiting = std::mem::take(&mut *away.parked.borrow_mut());
        away.parked_bytes.set(0);
        for parked in waiting {
            if !away.waits.borrow_mut().remove(&parked.token) {
                continue;
            }
            let is_owned = self.owner(parked.shard) != Owner::Nobody;
            let is_due = of == Some(parked.shard) || parked.not_before <= now;
            let is_late = now.duration_since(parked.asked_at) >= HOLD;
            let may_wait = parked.command.may_wait();
            // Also where somebody has the shard who can't be reached.
            let refused = if is_late && !may_wait {
                Some(Reply::Refused(Refusal::Unreachable))
            } else if is_owned && is_due {
                None
            } else if let Some(reply) = self.over(away, parked.token, now) {
                Some(reply)
            } else {
                away.keep_parked(parked);
                continue;
            };
            let Parked {
                token,
                shard,
                command,
                asked_at,
                ..
            } = parked;
            match refused {
                Some(reply) => self.answer_away(token, reply),
                None if may_wait => self.came_back(shard, token, Some(Box::new(command))),
                None => self.pass_on(shard, token, command, asked_at),
            }
        }
        let left = away.parked.borrow().len();
        self.figures().show_parked(left);
        let more = left > 0;
        if of.is_none() {
            away.looks.set(more);
        }
        more
    }

    /// What a long poll is answered that has waited for as long as it was to.
    fn over(&self, away: &Away, token: Token, now: Instant) -> Option<Reply> {
        let polls = away.polls.borrow();
        let poll = polls.get(&token)?;
        poll.of.again(now.duration_since(poll.asked_at)).err()
    }

    /// Brings an answer to a request that no shard of this process has answered.
    fn answer_away(&self, token: Token, reply: Reply) {
        match transfer_source(token) {
            Some(source) => self.transfer_answered(source, reply, wall_clock()),
            None => self.deliver(token, reply),
        }
    }

    /// A command came back: its shard isn't there any more.
    #[cold]
    pub(super) fn came_back(&self, shard: u16, token: Token, command: Option<Box<Command>>) {
        let Some(away) = &self.inner.away else {
            return self.deliver(token, Reply::Refused(Refusal::Stopping));
        };
        if away.served.borrow().contains(&token) {
            self.forget_away(away, token);
            let back = Reply::Elsewhere(shard, None);
            // Who asked knows better where to ask.
            let _ = self.inner.pending.borrow_mut().answer(token, back);
            return;
        }
        if !self.inner.pending.borrow_mut().is_waiting(token) {
            return;
        }
        let again = match away.polls.borrow().get(&token) {
            Some(poll) => poll.of.again(poll.asked_at.elapsed()),
            None => match command {
                Some(command) => Ok(*command),
                None => Err(Reply::Refused(Refusal::Unreachable)),
            },
        };
        match again {
            Ok(command) => self.pass_on(shard, token, command, Instant::now()),
            Err(reply) => self.deliver(token, reply),
        }
    }

    /// Another node has answered; or it doesn't run the shard.
    pub fn answered_by(&self, link: &Link, token: Token, reply: Option<Reply>) {
        let Some(away) = &self.inner.away else {
            return;
        };
        if transfer_source(token).is_some() {
            let reply = reply.unwrap_or(Reply::Refused(Refusal::Unreachable));
            return self.answer_away(token, reply);
        }
        let asked = away.asked.borrow_mut().remove(&token);
        if let Some(asked) = &asked {
            link.closed(asked.body.len());
        }
        match (asked, reply) {
            (_, Some(reply)) => self.deliver(token, reply),
            (Some(asked), None) => {
                let at = Owner::Node(link.peer().number);
                if self.inner.ownership.change(asked.shard, at, Owner::Nobody) {
                    away.joined.tell(News::Look);
                }
                self.ask_again(asked, token);
            }
            (None, None) => {}
        }
    }

    /// Asks what was asked of another node once more.
    fn ask_again(&self, asked: Asked, token: Token) {
        if !self.inner.pending.borrow_mut().is_waiting(token) {
            return;
        }
        match decode::<Command>(&asked.body) {
            Ok(command) if command.may_wait() => self.came_back(asked.shard, token, None),
            Ok(command) => self.pass_on(asked.shard, token, command, asked.asked_at),
            Err(error) => {
                tracing::error!(%error, "a command of this node's own can't be read");
                self.deliver(token, Reply::Refused(Refusal::Unreachable));
            }
        }
    }

    /// A connection has ended. What may be asked again is, once there is another or another node has the
    /// shard; of the rest nobody knows.
    pub fn link_lost(&self, link: &Rc<Link>, lost: Lost) {
        let Some(away) = &self.inner.away else {
            return;
        };
        let number = link.peer().number;
        tracing::debug!(node = &*link.peer().node, error = %lost.0, "the connection to a node is lost");
        away.links.borrow_mut().remove(&number);
        away.joined.tell(News::Suspect(number));
        let of_node = |(token, asked): (&Token, &Asked)| (asked.number == number).then_some(*token);
        let tokens: Vec<Token> = away.asked.borrow().iter().filter_map(of_node).collect();
        for token in tokens {
            let asked = away.asked.borrow_mut().remove(&token);
            let Some(asked) = asked else { continue };
            let is_in_doubt = !asked.is_repeatable && link.is_greeted();
            let is_late = asked.asked_at.elapsed() >= ASKED_AGAIN_MAX;
            match decode::<Command>(&asked.body) {
                Ok(command) if !is_in_doubt && (!is_late || command.may_wait()) => {
                    if self.inner.pending.borrow_mut().is_waiting(token) {
                        self.park(away, asked.shard, token, command, asked.asked_at);
                    }
                }
                _ => self.deliver(token, Reply::Refused(Refusal::Unreachable)),
            }
        }
        // Any of their transfers may have been on the way; what arrived is told from what comes again.
        let now = wall_clock();
        for host in self.inner.hosts.borrow_mut().iter_mut() {
            host.transfer_failed(now);
            if let Some(due) = host.next_due() {
                self.tick_by(due);
            }
        }
    }

    /// A request is given up by who asked. Answers whether there is no more to do about it.
    #[cold]
    pub(super) fn give_up_away(&self, away: &Away, token: Token) -> bool {
        self.forget_away(away, token);
        let asked = away.asked.borrow_mut().remove(&token);
        if let Some(asked) = asked {
            let link = away.links.borrow().get(&asked.number).cloned();
            if let Some(link) = link {
                link.closed(asked.body.len());
                link.cancel(token);
            }
            return true;
        }
        away.waits.borrow_mut().remove(&token)
    }

    /// A request is answered, or nobody waits for it.
    pub(super) fn forget_away(&self, away: &Away, token: Token) {
        away.polls.borrow_mut().remove(&token);
        away.served.borrow_mut().remove(&token);
    }

    /// Somebody else runs a shard from now on, or nobody: what waits there follows it.
    pub(super) fn follow(&self, shard: u16) {
        let Some(away) = &self.inner.away else {
            return;
        };
        let owner = self.owner(shard);
        let moved = |(token, poll): (&Token, &Poll)| {
            (poll.shard == shard && poll.at != owner).then_some(*token)
        };
        let moved: Vec<Token> = away.polls.borrow().iter().filter_map(moved).collect();
        for token in moved {
            let asked = away.asked.borrow_mut().remove(&token);
            if let Some(asked) = asked
                && let Some(link) = away.links.borrow().get(&asked.number)
            {
                link.closed(asked.body.len());
                link.cancel(token);
            }
            let is_parked = away.waits.borrow().contains(&token);
            if !is_parked {
                self.came_back(shard, token, None);
            }
        }
        if owner != Owner::Nobody {
            self.look_at_parked(Some(shard));
        }
    }
}
