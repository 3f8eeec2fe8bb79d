//! Telling whoever started the server how it is, where they asked: systemd's notification protocol
//! (sd_notify(3)), by `NOTIFY_SOCKET` and `WATCHDOG_USEC`.
//!
//! Hazard: the socket may be full, and its reader stuck. So a thread of its own writes there.

use crate::mesh::Mesh;
use crate::runtime::{sleep, spawn_local, timeout};
use lclq_shards::command::{Command, QueueCommand, Reply};
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// News that may wait to be told. There are four kinds of them.
const WAITING_MAX: usize = 8;
/// Signs of life in the time within which one is wanted.
const SIGNS: u32 = 3;

/// What can be told.
#[derive(Clone, Copy, Debug)]
pub(super) enum News {
    /// Clients are answered.
    Ready,
    /// All shards answer.
    Alive,
    /// No more is accepted.
    Stopping,
}

/// The way to whoever started the server.
#[derive(Clone, Debug)]
pub(super) struct Supervisor {
    news: SyncSender<News>,
    /// Within which a sign of life is wanted.
    alive_within: Option<Duration>,
}

impl Supervisor {
    /// Nobody, where nobody asked.
    pub fn asked_for() -> io::Result<Option<Self>> {
        if std::env::var_os("NOTIFY_SOCKET").is_none() {
            return Ok(None);
        }
        let (news, to_tell) = sync_channel(WAITING_MAX);
        std::thread::Builder::new()
            .name("lclq-supervisor".to_owned())
            .spawn(move || tell(&to_tell))?;
        Ok(Some(Self {
            news,
            alive_within: alive_within(),
        }))
    }

    /// Tells it as soon as it is listened to, and nobody waits for that.
    pub fn tell(&self, news: News) {
        let _ = self.news.try_send(news);
    }

    /// Gives signs of life from the calling core for as long as every shard answers.
    pub fn watch(self, mesh: Mesh) {
        let Some(within) = self.alive_within else {
            return;
        };
        let pause = within / (SIGNS + 1);
        spawn_local(async move {
            loop {
                if matches!(timeout(pause, all_answer(&mesh)).await, Ok(true)) {
                    self.tell(News::Alive);
                }
                sleep(pause).await;
            }
        });
    }
}

async fn all_answer(mesh: &Mesh) -> bool {
    for shard in (0..mesh.shards()).filter(|shard| mesh.runs(*shard)) {
        let command = Command::Queue(Box::new(QueueCommand::Stats));
        if !matches!(mesh.call(shard, command).await, Reply::Stats(_)) {
            return false;
        }
    }
    true
}

#[cfg(target_os = "linux")]
fn alive_within() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

#[cfg(target_os = "linux")]
fn tell(news: &Receiver<News>) {
    use sd_notify::NotifyState;
    while let Ok(news) = news.recv() {
        let state = match news {
            News::Ready => NotifyState::Ready,
            News::Alive => NotifyState::Watchdog,
            News::Stopping => NotifyState::Stopping,
        };
        if let Err(error) = sd_notify::notify(&[state]) {
            tracing::warn!(%error, ?news, "the supervisor can't be told");
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn alive_within() -> Option<Duration> {
    None
}

#[cfg(not(target_os = "linux"))]
fn tell(news: &Receiver<News>) {
    while news.recv().is_ok() {}
}
