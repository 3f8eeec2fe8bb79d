//! When a core's shards have to do something by themselves.

use super::Mesh;
use crate::runtime::{Sleep, wall_clock, wall_clock_stepped};
use lclq_shards::Millis;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

/// Time after which a far deadline is looked at again, ms.
const LOOK_MS_MAX: Millis = 5_000;
/// The same where there is no deadline, ms.
const LOOK_MS_MAX_IDLE: Millis = 60_000;

impl Mesh {
    /// Makes sure that the shards are ticked by `due`.
    pub(super) fn tick_by(&self, due: Millis) {
        if due < self.inner.tick_at.get() {
            self.inner.tick_at.set(due);
            if let Some(waker) = &*self.inner.ticker.borrow() {
                waker.wake_by_ref();
            }
        }
    }

    /// Has this core's shards deal with what is due. Answers when the next is.
    pub(super) fn tick_hosts(&self, now: Millis) -> Millis {
        let mut next = Millis::MAX;
        for shard in 0..self.shards() {
            if let Some(host) = self.inner.hosts.borrow_mut().of(shard) {
                if host.next_due().is_some_and(|due| due <= now) {
                    host.tick(now);
                }
                host.flush();
                next = next.min(host.next_due().unwrap_or(Millis::MAX));
            }
        }
        self.inner.tick_at.set(next);
        for shard in 0..self.shards() {
            if self.inner.ownership.is_of_core(shard, self.inner.core) {
                self.pump(shard, now);
            }
        }
        self.flush_replies();
        self.inner.tick_at.get()
    }

    /// Ticks this core's shards when a deadline is due; sleeps otherwise.
    pub(super) async fn keep_time(self) {
        loop {
            let now = wall_clock();
            if self.inner.tick_at.get() <= now {
                if self.tick_hosts(now) <= now {
                    crate::runtime::yield_now().await;
                }
                continue;
            }
            let at = self.inner.tick_at.get();
            if self.inner.core == 0
                && let Some(ahead_ms) = wall_clock_stepped()
            {
                tracing::warn!(
                    ahead_ms,
                    "the wall clock was set; times here go on as they were until a restart"
                );
            }
            // The timer stands still while the machine is suspended, the deadline doesn't.
            let look_ms_max = if at == Millis::MAX {
                LOOK_MS_MAX_IDLE
            } else {
                LOOK_MS_MAX
            };
            let pause = Duration::from_millis((at - now).min(look_ms_max));
            let mut sleep = pin!(Sleep::until(Instant::now() + pause));
            poll_fn(|cx| {
                if self.inner.tick_at.get() < at {
                    return Poll::Ready(());
                }
                *self.inner.ticker.borrow_mut() = Some(cx.waker().clone());
                sleep.as_mut().poll(cx)
            })
            .await;
        }
    }
}
