//! Requests of this core that have no answer yet.

use lclq_shards::command::{Reply, Token};
use std::task::{Context, Poll, Waker};

/// Bits of a token: core (12), kind (1), place (19), generation (32). The generation keeps an
/// answer that comes after its request was dropped from reaching the next user of the place.
const CORE_SHIFT: u32 = 52;
const TRANSFER_BIT: u64 = 1 << 51;
const PLACE_SHIFT: u32 = 32;
const PLACE_MASK: u64 = (super::REQUESTS_OPEN_MAX as u64) - 1;

/// Stands in a lane for answers in place of a token: the core is to say when it has written what came
/// before. No transfer has it, whose places are zero.
pub(super) const WRITTEN_TOKEN: Token = TRANSFER_BIT | 1 << PLACE_SHIFT;

/// The core that a token's answer goes to.
pub(super) fn core_of(token: Token) -> usize {
    (token >> CORE_SHIFT) as usize
}

/// The token of a transfer between shards; its answer goes to the sending shard.
pub(super) fn transfer_token(core: usize, source: u16) -> Token {
    (core as u64) << CORE_SHIFT | TRANSFER_BIT | u64::from(source)
}

/// Whether a token is that of a transfer.
pub fn is_transfer(token: Token) -> bool {
    token & TRANSFER_BIT != 0
}

/// The sending shard, if the token is that of a transfer.
pub(super) fn transfer_source(token: Token) -> Option<u16> {
    (token & TRANSFER_BIT != 0).then_some(token as u16)
}

enum State {
    Free {
        next: u32,
    },
    Waiting {
        waker: Option<Waker>,
        long_poll: bool,
    },
    Answered(Reply),
}

/// What a request was that is forgotten.
#[must_use]
pub(super) enum Forgotten {
    /// Without an answer.
    Waiting,
    /// Answered, with this, which its asker had not taken.
    Answered(Reply),
    /// Not open any more.
    Nothing,
}

struct Place {
    generation: u32,
    state: State,
}

/// Open requests, addressed by token.
pub(super) struct Pending {
    core: u64,
    places: Vec<Place>,
    free: u32,
}

const NONE: u32 = u32::MAX;

impl Pending {
    pub fn new(core: usize) -> Self {
        Self {
            core: (core as u64) << CORE_SHIFT,
            places: Vec::new(),
            free: NONE,
        }
    }

    /// A place for a request, or `None` where too many are open.
    pub fn open(&mut self, long_poll: bool) -> Option<Token> {
        let state = State::Waiting {
            waker: None,
            long_poll,
        };
        let place = if self.free != NONE {
            let place = self.free;
            let State::Free { next } =
                std::mem::replace(&mut self.places[place as usize].state, state)
            else {
                unreachable!("a free place is in use")
            };
            self.free = next;
            place
        } else {
            if self.places.len() >= super::REQUESTS_OPEN_MAX {
                return None;
            }
            self.places.push(Place {
                generation: 0,
                state,
            });
            (self.places.len() - 1) as u32
        };
        let generation = u64::from(self.places[place as usize].generation);
        Some(self.core | u64::from(place) << PLACE_SHIFT | generation)
    }

    fn find(&mut self, token: Token) -> Option<(u32, &mut Place)> {
        let place = (token >> PLACE_SHIFT & PLACE_MASK) as u32;
        let found = self.places.get_mut(place as usize)?;
        (found.generation == token as u32).then_some((place, found))
    }

    /// Whether somebody waits for an answer.
    pub fn is_waiting(&mut self, token: Token) -> bool {
        let found = self.find(token);
        found.is_some_and(|(_, place)| matches!(place.state, State::Waiting { .. }))
    }

    /// Brings an answer. Gives it back where nobody waits for it any more.
    pub fn answer(&mut self, token: Token, reply: Reply) -> Result<(), Reply> {
        let Some((_, place)) = self.find(token) else {
            return Err(reply);
        };
        match std::mem::replace(&mut place.state, State::Answered(reply)) {
            State::Waiting { waker, .. } => {
                if let Some(waker) = waker {
                    waker.wake();
                }
                Ok(())
            }
            before => {
                let State::Answered(reply) = std::mem::replace(&mut place.state, before) else {
                    unreachable!("just put there")
                };
                Err(reply)
            }
        }
    }

    /// Takes the answer if it is there and frees the place; otherwise remembers whom to wake.
    pub fn poll(&mut self, token: Token, cx: &mut Context<'_>) -> Poll<Reply> {
        let Some((place, found)) = self.find(token) else {
            unreachable!("polled after it was answered")
        };
        match &mut found.state {
            State::Waiting { waker, .. } => {
                match waker {
                    Some(waker) => waker.clone_from(cx.waker()),
                    None => *waker = Some(cx.waker().clone()),
                }
                Poll::Pending
            }
            State::Answered(_) => {
                let Some(State::Answered(reply)) = self.close(place) else {
                    unreachable!("just seen")
                };
                Poll::Ready(reply)
            }
            State::Free { .. } => unreachable!("polled after it was answered"),
        }
    }

    /// Forgets a request whose asker has gone.
    pub fn forget(&mut self, token: Token) -> Forgotten {
        let Some((place, _)) = self.find(token) else {
            return Forgotten::Nothing;
        };
        match self.close(place) {
            Some(State::Waiting { .. }) => Forgotten::Waiting,
            Some(State::Answered(reply)) => Forgotten::Answered(reply),
            _ => Forgotten::Nothing,
        }
    }

    /// Tokens of the long polls that wait.
    pub fn long_polls(&self) -> Vec<Token> {
        let mut tokens = Vec::new();
        for (at, place) in self.places.iter().enumerate() {
            if matches!(
                place.state,
                State::Waiting {
                    long_poll: true,
                    ..
                }
            ) {
                let generation = u64::from(place.generation);
                tokens.push(self.core | (at as u64) << PLACE_SHIFT | generation);
            }
        }
        tokens
    }

    fn close(&mut self, place: u32) -> Option<State> {
        let found = &mut self.places[place as usize];
        found.generation = found.generation.wrapping_add(1);
        let state = std::mem::replace(&mut found.state, State::Free { next: self.free });
        self.free = place;
        Some(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_answer_does_not_reach_the_next_request() {
        let mut pending = Pending::new(3);
        let first = pending.open(false).unwrap();
        assert_eq!(core_of(first), 3);
        assert!(matches!(pending.forget(first), Forgotten::Waiting));
        let second = pending.open(false).unwrap();
        assert_ne!(first, second);
        assert!(pending.answer(first, Reply::Done).is_err());
        assert!(pending.answer(second, Reply::Done).is_ok());
        let mut cx = Context::from_waker(Waker::noop());
        assert!(matches!(
            pending.poll(second, &mut cx),
            Poll::Ready(Reply::Done)
        ));
    }

    #[test]
    fn an_answer_that_was_not_taken_comes_back() {
        let mut pending = Pending::new(0);
        let token = pending.open(true).unwrap();
        assert!(pending.answer(token, Reply::Done).is_ok());
        assert!(matches!(
            pending.forget(token),
            Forgotten::Answered(Reply::Done)
        ));
        assert!(matches!(pending.forget(token), Forgotten::Nothing));
        assert!(matches!(
            pending.answer(token, Reply::Done),
            Err(Reply::Done)
        ));
    }

    #[test]
    fn transfer_tokens_name_their_shard() {
        let token = transfer_token(5, 77);
        assert_eq!((core_of(token), transfer_source(token)), (5, Some(77)));
        assert_eq!(transfer_source(Pending::new(5).open(false).unwrap()), None);
    }
}
