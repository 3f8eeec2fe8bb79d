//! The end of a long poll while a test drives the clock.
//!
//! Hazard: a shard ends a long poll by its clock, and one that stands still never would. A client
//! waits for its answer in its own time, so the wait ends by that, too.

use crate::runtime::{Sleep, clock_driven};
use lclq_shards::command::{Command, Reply};
use lclq_shards::pubsub::command::PubsubCommand;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Longest wait that a queue may have for receives that name none, s.
const QUEUE_WAIT_S_MAX: u32 = 20;
/// What a shard's own end of the wait gets ahead.
const HEAD_START: Duration = Duration::from_millis(50);

/// When a long poll ends in its client's time, and how.
pub(super) struct RealWait {
    sleep: Sleep,
    empty: fn() -> Reply,
}

impl RealWait {
    /// For a command that may wait. `None` where the clock goes by itself, or the wait has no end.
    #[inline]
    pub fn of(command: &Command) -> Option<Box<Self>> {
        clock_driven()?;
        Self::of_driven(command)
    }

    #[cold]
    fn of_driven(command: &Command) -> Option<Box<Self>> {
        let (wait, empty): (_, fn() -> Reply) = match command {
            Command::Receive(receive) => {
                let wait_s = receive.wait_s.unwrap_or(QUEUE_WAIT_S_MAX);
                (Duration::from_secs(wait_s.into()), || {
                    Reply::Received(Default::default())
                })
            }
            Command::Pubsub(command) => match **command {
                PubsubCommand::Pull { wait_ms, .. } => {
                    let wait = Duration::from_millis(wait_ms.into());
                    (wait, || Reply::Pulled(Vec::new()))
                }
                _ => return None,
            },
            _ => return None,
        };
        Some(Box::new(Self {
            sleep: Sleep::until(Instant::now() + wait + HEAD_START),
            empty,
        }))
    }

    /// The empty answer, once it is time.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Reply> {
        Pin::new(&mut self.sleep).poll(cx).map(|()| (self.empty)())
    }
}
