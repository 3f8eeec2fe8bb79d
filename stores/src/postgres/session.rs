//! A connection that is ready for a shard's statements.

use super::limits::{CONNECT_WAIT, STATEMENT_MS};
use super::risks;
use super::settings::{Pooling, PostgresSettings};
use super::statements::Statements;
use super::tls::Tls;
use crate::Risk;
use std::fmt::Write as _;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use tokio::task::JoinHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::{AsyncMessage, Client, Connection, Error, SimpleQueryMessage, Socket};

/// The server's function that warns when it no longer waits for a standby. Messages are translated,
/// and this isn't.
const STANDBY_WAIT_ROUTINE: &str = "SyncRepWaitForLSN";

/// A position that no trim has said anything about.
pub(super) const NOT_TRIMMED: i64 = -1;

/// Has the server notice when this machine has vanished: after 6 s where the connection is idle, and after 15 s where
/// this side takes nothing. Else what was cut off keeps its sessions for hours, and a server has few.
const NOTICE_SILENCE: &str = "SELECT set_config(name, wanted.value, false) FROM pg_settings \
     JOIN (VALUES ('tcp_keepalives_idle', '3'), ('tcp_keepalives_interval', '1'), ('tcp_keepalives_count', '3'), \
     ('tcp_user_timeout', '15000')) AS wanted (name, value) USING (name)";

/// A connection's own task. It ends with this.
pub(super) struct Link {
    task: JoinHandle<Box<str>>,
}

impl crate::remote::Link for Link {
    async fn ended(&mut self) -> Box<str> {
        match (&mut self.task).await {
            Ok(words) => words,
            Err(_) => "the connection's task ended".into(),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a shard asks with.
pub(super) struct Session {
    pub client: Client,
    pub statements: Statements,
    /// Someone has seen that it is of no more use.
    pub is_spent: AtomicBool,
    /// Position below which its trims have left nothing.
    pub trimmed: AtomicI64,
}

/// A step of connecting. A server may take a connection and never say a word.
async fn in_time<T>(step: impl Future<Output = Result<T, Error>>) -> Result<T, Box<str>> {
    let done = tokio::time::timeout(CONNECT_WAIT, step).await;
    let done = done.map_err(|_| Box::from("the database took too long to connect to"))?;
    done.map_err(|error| words(&error))
}

/// Connects, without anything prepared.
pub(super) async fn connect(
    settings: &PostgresSettings,
    tls: &Tls,
) -> Result<(Client, Link), Box<str>> {
    let (client, connection) = in_time(settings.config().connect(tls.clone())).await?;
    let task = tokio::spawn(drive(connection));
    let link = Link { task };
    match settings.pooling() {
        Pooling::Session => set_up(&client).await?,
        Pooling::Transaction => check(&client).await?,
    }
    Ok((client, link))
}

async fn set_up(client: &Client) -> Result<(), Box<str>> {
    // Plans are kept, and these were made while the log was empty: then a scan looks as good as the
    // index. The isolation is what the lock of an append relies on.
    let session = format!(
        "SET statement_timeout = {STATEMENT_MS}; SET enable_seqscan = off; SET jit = off; \
         SET default_transaction_isolation = 'read committed'"
    );
    in_time(client.batch_execute(&session)).await?;
    // Where the server knows none of it, it goes without.
    let _ = in_time(client.batch_execute(NOTICE_SILENCE)).await;
    Ok(())
}

/// Nothing can be set where the next transaction meets another session, and what is would be everybody's. Statements
/// are planned each time they are asked, so plans are no worry; the isolation is the database's.
async fn check(client: &Client) -> Result<(), Box<str>> {
    let said = in_time(client.simple_query("SHOW default_transaction_isolation")).await?;
    let isolation = said.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    match isolation {
        Some("read committed") => Ok(()),
        other => Err(format!(
            "default_transaction_isolation is {:?}, and with pooling=transaction has to be 'read committed'",
            other.unwrap_or_default()
        )
        .into()),
    }
}

/// Connects and prepares; says what is risky about the server, too.
pub(super) async fn open(
    settings: &PostgresSettings,
    tls: &Tls,
) -> Result<(Arc<Session>, Link, Vec<Risk>), Box<str>> {
    let (client, link) = connect(settings, tls).await?;
    let statements = in_time(Statements::new(&client, settings)).await?;
    let risks = in_time(risks::find(&client)).await?;
    let session = Session {
        client,
        statements,
        is_spent: AtomicBool::new(false),
        trimmed: AtomicI64::new(NOT_TRIMMED),
    };
    Ok((Arc::new(session), link, risks))
}

impl Session {
    /// What it answers from now on is not to be relied on.
    pub fn spend(&self) {
        self.is_spent.store(true, Ordering::Relaxed);
    }
}

/// Drives a connection until it ends; says why.
async fn drive<T>(mut connection: Connection<Socket, T>) -> Box<str>
where
    T: tokio_postgres::tls::TlsStream + Unpin,
{
    loop {
        match poll_fn(|context| connection.poll_message(context)).await {
            None => return "the connection was closed".into(),
            Some(Err(error)) => return words(&error),
            // Somebody has cancelled a commit's wait for its standby. The server goes on to say that
            // all is well: it must not be heard.
            Some(Ok(AsyncMessage::Notice(notice)))
                if notice.routine() == Some(STANDBY_WAIT_ROUTINE) =>
            {
                return "a commit didn't wait for its standby".into();
            }
            Some(Ok(_)) => {}
        }
    }
}

/// Whether what was prepared isn't known, or somebody else has prepared it: a pooler has put another session in place
/// of this one.
pub(super) fn is_of_another_session(code: &SqlState) -> bool {
    [
        SqlState::INVALID_SQL_STATEMENT_NAME,
        SqlState::DUPLICATE_PSTATEMENT,
    ]
    .contains(code)
}

/// What went wrong, in the database's words: its message alone, since details quote rows.
pub(super) fn words(error: &Error) -> Box<str> {
    if let Some(of_database) = error.as_db_error() {
        let code = of_database.code();
        let hint = match is_of_another_session(code) {
            true => {
                "; behind a pooler with pool_mode=transaction the URL must say pooling=transaction"
            }
            false => "",
        };
        return format!("{} ({}){hint}", of_database.message(), code.code()).into();
    }
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(of) = cause {
        // Writing to a string can't fail.
        let _ = write!(words, ": {of}");
        cause = of.source();
    }
    words.into()
}
