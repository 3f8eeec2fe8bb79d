//! One server at a time, or one cluster: a lock that a server's session holds for as long as it lives, and that
//! servers of a cluster share.
//!
//! Nothing that is kept depends on it, since each log is its own fence: a server that goes on without
//! the lock is fenced off by the one that comes after it. The lock keeps two servers that were started
//! by mistake from taking the logs from each other for good.

use super::session::{self, Link, words};
use super::settings::{Pooling, PostgresSettings};
use super::tls::Tls;
use crate::NodeError;
use crate::remote::{Facts, Link as _, RECONNECT_PAUSE_MAX, Usage, succeed};
use tokio::time::sleep;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

/// What both of two numbers of the lock are made of.
const LOCK: &str = "hashtextextended('lclq server ' || $1, 0)";

/// A session that has the lock, or had it.
pub(super) struct Guard {
    /// While it is there, the session is.
    _client: Client,
    link: Link,
}

impl Guard {
    /// Waits until the lock is free, for some seconds.
    pub async fn take(
        settings: &PostgresSettings,
        tls: &Tls,
        usage: &Usage,
        facts: &Facts,
    ) -> Result<Self, NodeError> {
        let (client, link) = connect(settings, tls, usage)
            .await
            .map_err(|words| NodeError::Store(words.into_string()))?;
        let look = async || {
            if is_locked(&client, settings, usage)
                .await
                .map_err(database)?
            {
                return Ok(None);
            }
            let holder = holder(&client, settings).await.map_err(database)?;
            Ok(Some(holder.unwrap_or_else(|| "another lclq".to_owned())))
        };
        succeed(settings.place(), facts, look).await?;
        Ok(Self {
            _client: client,
            link,
        })
    }

    /// Takes it again whenever its session was lost, as soon as it is free.
    pub async fn keep(&mut self, settings: &PostgresSettings, tls: &Tls, usage: &Usage) {
        loop {
            let _ = self.link.ended().await;
            while !self.take_again(settings, tls, usage).await {
                sleep(RECONNECT_PAUSE_MAX).await;
            }
        }
    }

    async fn take_again(&mut self, settings: &PostgresSettings, tls: &Tls, usage: &Usage) -> bool {
        let Ok((client, link)) = connect(settings, tls, usage).await else {
            return false;
        };
        let is_locked = is_locked(&client, settings, usage).await.unwrap_or(false);
        if is_locked {
            (self._client, self.link) = (client, link);
        }
        is_locked
    }
}

async fn connect(
    settings: &PostgresSettings,
    tls: &Tls,
    usage: &Usage,
) -> Result<(Client, Link), Box<str>> {
    let (client, link) = session::connect(settings, tls).await?;
    let (local, begun) = match settings.pooling() {
        Pooling::Session => ("", Ok(())),
        // One that never ends has a session to itself.
        Pooling::Transaction => ("LOCAL", client.batch_execute("BEGIN").await),
    };
    begun.map_err(|error| words(&error))?;
    if let Some(owner) = usage.owner() {
        let named = format!("SET {local} application_name = 'lclq on {owner}'");
        let _ = client.batch_execute(&named).await;
    }
    Ok((client, link))
}

async fn is_locked(
    client: &Client,
    settings: &PostgresSettings,
    usage: &Usage,
) -> Result<bool, Error> {
    let shared = if usage.is_together() { "_shared" } else { "" };
    let of = match settings.pooling() {
        Pooling::Session => "",
        Pooling::Transaction => "_xact",
    };
    let take = format!("SELECT pg_try_advisory{of}_lock{shared}({LOCK})");
    let schema = (&settings.schema() as _, Type::TEXT);
    let row = client.query_typed_one(&take, &[schema]).await?;
    row.try_get(0)
}

/// Who has it, in its own words and by its address, as far as this user may know.
async fn holder(client: &Client, settings: &PostgresSettings) -> Result<Option<String>, Error> {
    let who = format!(
        "SELECT a.application_name || coalesce(' at ' || host(a.client_addr), '') \
         FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid \
         WHERE l.locktype = 'advisory' AND l.granted AND l.database = \
         (SELECT oid FROM pg_database WHERE datname = current_database()) \
         AND l.classid::bigint = ({LOCK} >> 32) & 4294967295 \
         AND l.objid::bigint = {LOCK} & 4294967295 AND l.objsubid = 1 LIMIT 1"
    );
    let schema = (&settings.schema() as _, Type::TEXT);
    let row = client.query_typed_opt(&who, &[schema]).await?;
    row.map(|row| row.try_get(0)).transpose()
}

fn database(error: Error) -> NodeError {
    NodeError::Store(words(&error).into())
}
