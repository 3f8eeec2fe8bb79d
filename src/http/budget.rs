//! The bounds on request bodies, and on large replies, that are in memory at once, over all
//! connections.
//!
//! A body of more than one piece is counted from before its second piece is read until nobody holds
//! any part of it. Small bodies draw on a reserve of their own, so that clients who send large ones
//! can't keep the others out; large ones take their turns.

use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::runtime::timeout;

/// Bodies up to here draw on the reserve.
pub const SMALL_BODY_BYTES_MAX: usize = 64 * 1024;
/// The least that all bodies may take: a large one of any size fits.
pub const BODIES_BYTES_MIN: u64 = 32 << 20;
/// What they may take where nothing else was said, bytes.
pub const BODIES_BYTES_DEFAULT: u64 = 256 << 20;
/// How long a body waits for its turn.
const WAIT_MS_MAX: u64 = 5_000;
/// What is counted by: semaphores count in 32 bits where several permits are taken at once.
const UNIT_BYTES: usize = 1024;

/// What all request bodies may take. Clones share it.
#[derive(Clone, Debug)]
pub struct BodyBudget {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
    large_units: u32,
    replies: Arc<Replies>,
    refused: Arc<AtomicU64>,
}

/// Replies that their clients have not taken yet.
#[derive(Debug)]
struct Replies {
    bytes: AtomicU64,
    bytes_max: u64,
}

/// There was no room for a body in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

/// Room for a body; given back when dropped.
#[derive(Debug)]
pub struct Admission(OwnedSemaphorePermit);

impl BodyBudget {
    /// A budget of `bytes_max`, but at least [`BODIES_BYTES_MIN`]. A quarter is the small bodies'.
    pub fn new(bytes_max: u64) -> Self {
        let bytes = bytes_max.max(BODIES_BYTES_MIN);
        let units = (bytes / UNIT_BYTES as u64).min(u64::from(u32::MAX / 8)) as u32;
        let large_units = units - units / 4;
        Self {
            small: Arc::new(Semaphore::new((units / 4) as usize)),
            large: Arc::new(Semaphore::new(large_units as usize)),
            large_units,
            refused: Arc::default(),
            replies: Arc::new(Replies {
                bytes: AtomicU64::new(0),
                bytes_max: bytes,
            }),
        }
    }

    /// Waits for room for a body of `bytes` bytes, in turn and not for ever.
    pub async fn admit(&self, bytes: usize) -> Result<Admission, Busy> {
        let units = u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX);
        let pool = if bytes <= SMALL_BODY_BYTES_MAX {
            &self.small
        } else {
            &self.large
        };
        let units = units.clamp(1, self.large_units);
        if let Ok(permit) = pool.clone().try_acquire_many_owned(units) {
            return Ok(Admission(permit));
        }
        let turn = pool.clone().acquire_many_owned(units);
        match timeout(Duration::from_millis(WAIT_MS_MAX), turn).await {
            Ok(Ok(permit)) => Ok(Admission(permit)),
            _ => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                Err(Busy)
            }
        }
    }

    /// Bodies for which no room was found in time.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Whether replies take less than they may; what makes a large one asks before it does, so that
    /// the bound is passed by no more than what is being made.
    #[inline]
    pub fn has_room_for_replies(&self) -> bool {
        self.replies.bytes.load(Ordering::Relaxed) < self.replies.bytes_max
    }

    /// Counts a reply until the last part of it is let go of. Small ones don't count.
    #[inline]
    pub fn hold_reply(&self, reply: impl Into<Bytes>) -> Bytes {
        let reply = reply.into();
        if reply.len() <= SMALL_BODY_BYTES_MAX {
            return reply;
        }
        let bytes = reply.len() as u64;
        self.replies.bytes.fetch_add(bytes, Ordering::Relaxed);
        Bytes::from_owner(HeldReply {
            reply,
            replies: self.replies.clone(),
        })
    }
}

struct HeldReply {
    reply: Bytes,
    replies: Arc<Replies>,
}

impl AsRef<[u8]> for HeldReply {
    fn as_ref(&self) -> &[u8] {
        &self.reply
    }
}

impl Drop for HeldReply {
    fn drop(&mut self) {
        let bytes = self.reply.len() as u64;
        self.replies.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Default for BodyBudget {
    fn default() -> Self {
        Self::new(BODIES_BYTES_DEFAULT)
    }
}

impl Admission {
    /// Binds the room to the body: it is given back when the last part of the body is let go of.
    pub fn hold(mut self, body: Bytes) -> Bytes {
        let units = body.len().div_ceil(UNIT_BYTES).max(1);
        let unused = self.0.num_permits().saturating_sub(units);
        drop(self.0.split(unused));
        Bytes::from_owner(Held {
            body,
            _admission: self,
        })
    }
}

struct Held {
    body: Bytes,
    _admission: Admission,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_replies_count_until_they_are_let_go_of() {
        let budget = BodyBudget::new(BODIES_BYTES_MIN);
        let small = budget.hold_reply(vec![0; SMALL_BODY_BYTES_MAX]);
        let mut large = budget.hold_reply(vec![0; BODIES_BYTES_MIN as usize]);
        assert!(!budget.has_room_for_replies());
        let last = large.split_off(10);
        drop((large, small));
        assert!(!budget.has_room_for_replies());
        drop(last);
        assert!(budget.has_room_for_replies());
    }

    fn now<T>(future: impl Future<Output = T>) -> Option<T> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match std::pin::pin!(future).poll(&mut context) {
            std::task::Poll::Ready(value) => Some(value),
            std::task::Poll::Pending => None,
        }
    }

    #[test]
    fn a_body_gives_its_room_back_with_its_last_part() {
        let budget = BodyBudget::new(0);
        let large = budget.large.available_permits();
        let admission = now(budget.admit(16 << 20)).unwrap().unwrap();
        assert_eq!(large - budget.large.available_permits(), 16 << 10);
        let body = admission.hold(Bytes::from(vec![1; 1 << 20]));
        assert_eq!(large - budget.large.available_permits(), 1 << 10);
        let part = body.slice(5..6);
        drop(body);
        assert_eq!(large - budget.large.available_permits(), 1 << 10);
        drop(part);
        assert_eq!(budget.large.available_permits(), large);
    }

    #[test]
    fn large_bodies_leave_small_ones_their_room() {
        let budget = BodyBudget::new(0);
        let all = now(budget.admit(usize::MAX)).unwrap().unwrap();
        assert_eq!(budget.large.available_permits(), 0);
        assert!(budget.large.try_acquire().is_err());
        let small = now(budget.admit(SMALL_BODY_BYTES_MAX)).unwrap().unwrap();
        drop(all);
        assert_eq!(
            budget.large.available_permits(),
            budget.large_units as usize
        );
        drop(small);
    }
}
