//! What is done for each request, on one session.

use super::limits::{READ_ROWS_MAX, STATEMENT_WAIT, TRIM_POSITIONS_MAX};
use super::query::{Parameters, Query};
use super::session::{NOT_TRIMMED, Session, is_of_another_session, words};
use crate::remote::{Numbers, Question, nearest, place};
use lclq_shards::journal::{Answer, Append, LogRecord, Place};
use std::sync::atomic::Ordering;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Error, Row};

/// Why a statement came to nothing.
enum Trouble {
    Database(Error),
    Late,
    /// The database holds what this program can't have written.
    Foreign(String),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl Trouble {
    /// Whether another connection would do better.
    fn spends_session(&self) -> bool {
        match self {
            Self::Late => true,
            Self::Foreign(_) => false,
            Self::Database(error) => match error.code() {
                None => true,
                // It has become a standby, or is on its way down.
                Some(code) => {
                    *code == SqlState::READ_ONLY_SQL_TRANSACTION
                        || code.code().starts_with("57P")
                        || is_of_another_session(code)
                }
            },
        }
    }

    fn into_words(self) -> Box<str> {
        match self {
            Self::Database(error) => words(&error),
            Self::Late => "the database took too long".into(),
            Self::Foreign(what) => what.into(),
        }
    }
}

/// Does what is asked.
pub(super) async fn answer(session: &Session, shard: i32, question: Question) -> Answer {
    let done = match question {
        Question::Tail => tail(session, shard).await,
        Question::Append(append) => add(session, shard, &append).await,
        Question::Read { from, bytes_max } => read(session, shard, from, bytes_max).await,
        Question::Trim { below, provided } => trim(session, shard, below, provided).await,
    };
    done.unwrap_or_else(|trouble| {
        if trouble.spends_session() {
            session.spend();
        }
        Answer::Unknown(trouble.into_words())
    })
}

async fn rows(session: &Session, query: &Query, with: Parameters<'_>) -> Result<Vec<Row>, Trouble> {
    let rows = query.rows(&session.client, with);
    let done = tokio::time::timeout(STATEMENT_WAIT, rows).await;
    Ok(done.map_err(|_| Trouble::Late)??)
}

async fn execute(session: &Session, query: &Query, with: Parameters<'_>) -> Result<u64, Trouble> {
    let execute = query.execute(&session.client, with);
    let done = tokio::time::timeout(STATEMENT_WAIT, execute).await;
    Ok(done.map_err(|_| Trouble::Late)??)
}

fn foreign(what: &str, shard: i32) -> Trouble {
    Trouble::Foreign(format!("the log of shard {shard} {what}"))
}

fn place_of(row: &Row, shard: i32) -> Result<Place, Trouble> {
    let (position, epoch) = (row.try_get(0)?, row.try_get(1)?);
    place(position, epoch).ok_or_else(|| foreign("has a negative number", shard))
}

fn record_of(row: &Row, shard: i32) -> Result<LogRecord, Trouble> {
    let place = place_of(row, shard)?;
    let bytes: &[u8] = row.try_get(2)?;
    Ok(LogRecord {
        place,
        bytes: bytes.into(),
    })
}

async fn tail(session: &Session, shard: i32) -> Result<Answer, Trouble> {
    let last = rows(session, &session.statements.tail, &[&shard]).await?;
    // Not even its foot: somebody has deleted rows. It must not be taken for a new log.
    let last = last.first().ok_or_else(|| foreign("is gone", shard))?;
    let last = record_of(last, shard)?;
    Ok(Answer::Tail((last.place.position > 0).then_some(last)))
}

async fn add(session: &Session, shard: i32, append: &Append) -> Result<Answer, Trouble> {
    let bytes = &*append.record.bytes;
    if let Some(of) = Numbers::of(append) {
        let before = of.position - 1;
        let with: Parameters<'_> = &[
            &shard,
            &before,
            &of.epoch_before,
            &of.position,
            &of.epoch,
            &bytes,
        ];
        match execute(session, &session.statements.append, with).await {
            Ok(1) => return Ok(Answer::Appended),
            // What it must follow isn't there, or was trimmed behind it.
            Ok(_) => {}
            Err(Trouble::Database(error)) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => {}
            Err(trouble) => return Err(trouble),
        }
    }
    let Place { position, epoch } = append.record.place;
    let (position, epoch) = (nearest(position), nearest(epoch));
    let with: Parameters<'_> = &[&shard, &position, &epoch, &bytes];
    let found = rows(session, &session.statements.look, with).await?;
    let found = found.first().ok_or_else(|| foreign("is gone", shard))?;
    if found.try_get(2)? && append.record.place.position > 0 {
        return Ok(Answer::Present);
    }
    let last = place_of(found, shard)?;
    let tail = (last.position > 0).then_some(last);
    Ok(Answer::Refused { tail })
}

async fn read(
    session: &Session,
    shard: i32,
    from: u64,
    bytes_max: usize,
) -> Result<Answer, Trouble> {
    // Not the foot.
    let from = nearest(from.max(1));
    let bytes_max = i64::try_from(bytes_max).unwrap_or(i64::MAX);
    let with: Parameters<'_> = &[&shard, &from, &bytes_max, &READ_ROWS_MAX];
    let found = rows(session, &session.statements.read, with).await?;
    let records = found.iter().map(|row| record_of(row, shard));
    Ok(Answer::Records(records.collect::<Result<_, _>>()?))
}

/// Piece by piece, each of which checks what the whole is under. It begins where the last one ended.
async fn trim(
    session: &Session,
    shard: i32,
    below: u64,
    provided: Place,
) -> Result<Answer, Trouble> {
    if below > provided.position {
        return Ok(Answer::Trimmed);
    }
    let trimmed = &session.trimmed;
    let mut from = trimmed.load(Ordering::Relaxed);
    if from == NOT_TRIMMED {
        let first = rows(session, &session.statements.first, &[&shard]).await?;
        let first = first.first().ok_or_else(|| foreign("is gone", shard))?;
        from = first.try_get(0)?;
    }
    let (below, position) = (nearest(below), nearest(provided.position));
    let epoch = nearest(provided.epoch);
    while from < below {
        let end = below.min(from.saturating_add(TRIM_POSITIONS_MAX));
        let with: Parameters<'_> = &[&shard, &from, &end, &position, &epoch];
        if execute(session, &session.statements.trim, with).await? == 0 {
            // Not under this condition, or there is nothing: the next one finds out where to begin.
            trimmed.store(NOT_TRIMMED, Ordering::Relaxed);
            return Ok(Answer::Trimmed);
        }
        from = end;
        trimmed.store(from, Ordering::Relaxed);
    }
    Ok(Answer::Trimmed)
}
