//! Who asked for messages, as far as messages' journeys tell it: a number for each, which the engine
//! keeps with what it gave.

use super::Understood;
use std::cell::Cell;
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

/// The number under which the server asks for its own sake: operators by the admin API.
pub const ITSELF: u32 = u32::MAX;
/// Clients that are remembered. Those of more have been forgotten when somebody asks.
const ASKERS_MAX: usize = 16_384;

/// A client.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Asker {
    /// Where its connection comes from.
    pub peer: Option<SocketAddr>,
    /// What it calls itself.
    pub user_agent: Option<Box<str>>,
    /// The access key of its requests. Not checked.
    pub access_key: Option<Box<str>>,
}

/// The clients of a process, and their numbers.
#[derive(Clone, Debug, Default)]
pub struct Askers(Arc<Mutex<Numbered>>);

#[derive(Debug, Default)]
struct Numbered {
    numbers: HashMap<Asker, u32>,
    /// Of this generation, in order: the first has the number after `before`.
    askers: Vec<Asker>,
    before: u32,
}

impl Askers {
    /// The number of who sent a request; not 0, which is nobody's.
    pub(super) fn number_of(&self, understood: &Understood) -> u32 {
        let caller = &understood.caller;
        let asker = Asker {
            peer: caller.peer,
            user_agent: caller.user_agent.clone(),
            access_key: understood.access_key.clone(),
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = all.numbers.get(&asker) {
            return *number;
        }
        if all.askers.len() >= ASKERS_MAX {
            // Numbers go on, so that one that was kept names nobody else.
            all.before = all.before.wrapping_add(ASKERS_MAX as u32);
            all.numbers.clear();
            all.askers.clear();
        }
        let number = all.before.wrapping_add(all.askers.len() as u32 + 1);
        all.numbers.insert(asker.clone(), number);
        all.askers.push(asker);
        number
    }

    /// Who has a number, if that is still known.
    pub fn of(&self, number: u32) -> Option<Asker> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = number.checked_sub(all.before)?.checked_sub(1)?;
        all.askers.get(at as usize).cloned()
    }
}

thread_local! {
    static ASKER: Cell<u32> = const { Cell::new(0) };
}

/// For whom the running request is carried out; 0 where nobody wants to know.
#[inline]
pub fn asker() -> u32 {
    ASKER.get()
}

/// Carries something out for a client with this number.
pub async fn asking<F: Future>(number: u32, run: F) -> F::Output {
    let mut run = pin!(run);
    poll_fn(|context| {
        let before = ASKER.replace(number);
        let polled = run.as_mut().poll(context);
        ASKER.set(before);
        polled
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Caller;
    use crate::observe::{Operation, Wire};
    use futures_util::FutureExt;

    fn request_of(port: u16) -> Understood {
        Understood {
            operation: Operation::SQS_UNKNOWN,
            wire: Wire::Json,
            resource: String::new(),
            caller: Caller {
                peer: Some(([127, 0, 0, 1], port).into()),
                ..Caller::default()
            },
            access_key: None,
            bytes: 0,
        }
    }

    #[test]
    fn a_client_keeps_its_number_until_it_is_forgotten() {
        let askers = Askers::default();
        let first = askers.number_of(&request_of(1));
        assert_ne!(first, 0);
        assert_eq!(askers.number_of(&request_of(1)), first);
        assert_eq!(askers.of(first).unwrap().peer.unwrap().port(), 1);
        for port in 2..=ASKERS_MAX as u16 + 1 {
            assert_ne!(askers.number_of(&request_of(port)), first);
        }
        assert_eq!(askers.of(first), None);
        let again = askers.number_of(&request_of(1));
        assert_eq!(askers.of(again).unwrap().peer.unwrap().port(), 1);
        assert_eq!(askers.of(0), None);
    }

    #[test]
    fn who_asks_is_known_while_a_request_runs_and_not_beside_it() {
        let inner = async {
            let outer = asker();
            let inside = asking(2, async { asker() }).await;
            (outer, inside, asker())
        };
        assert_eq!(asking(1, inner).now_or_never(), Some((1, 2, 1)));
        assert_eq!(asker(), 0);
    }
}
