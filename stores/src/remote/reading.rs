//! Reading a log without owning it, for people.

use super::log::{RemoteLog, Wake};
use lclq_shards::journal::{Answer, LogRecord, LogStore as _, Ticket};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

/// Bytes that are read at once.
const READ_BYTES_MAX: usize = 1 << 20;
/// What an answer may take. A request that waits for a connection is answered sooner.
const ANSWER_WAIT: Duration = Duration::from_millis(30_000);

/// Why a log could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The store says no; in its words.
    #[error("{0}")]
    Store(Box<str>),
    /// The store took too long, or takes up no more logs.
    #[error("the store didn't answer")]
    Silent,
    /// Whoever takes the records can't go on.
    #[error("{0}")]
    Taker(#[from] io::Error),
}

/// Visits the records from a position on, up to the one that is the last when this begins. Blocks.
pub(crate) fn read(
    open: impl FnOnce(Wake) -> Option<RemoteLog>,
    from: u64,
    each: &mut dyn FnMut(&LogRecord) -> io::Result<()>,
) -> Result<(), ReadError> {
    let (ring, answered) = sync_channel(1);
    let wake: Wake = Arc::new(move || {
        let _ = ring.try_send(());
    });
    let mut log = open(wake).ok_or(ReadError::Silent)?;
    let ticket = log.tail();
    let Answer::Tail(Some(tail)) = answer(&mut log, ticket, &answered)? else {
        return Ok(());
    };
    let mut next = from;
    while next <= tail.place.position {
        let ticket = log.read(next, READ_BYTES_MAX);
        let Answer::Records(records) = answer(&mut log, ticket, &answered)? else {
            return Ok(());
        };
        let Some(last) = records.last() else {
            return Ok(());
        };
        next = last.place.position + 1;
        for record in &records {
            each(record)?;
        }
    }
    Ok(())
}

fn answer(
    log: &mut RemoteLog,
    ticket: Ticket,
    answered: &Receiver<()>,
) -> Result<Answer, ReadError> {
    loop {
        match log.poll() {
            Some((of, Answer::Unknown(words))) if of == ticket => {
                return Err(ReadError::Store(words));
            }
            Some((of, answer)) if of == ticket => return Ok(answer),
            Some(_) => {}
            None => {
                let waited = answered.recv_timeout(ANSWER_WAIT);
                waited.map_err(|_| ReadError::Silent)?;
            }
        }
    }
}
