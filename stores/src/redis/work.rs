//! What is done for each request, on one session.

use super::limits::{READ_RECORDS_MAX, REPLICAS_WAIT_MS, TRIM_POSITIONS_MAX};
use super::session::{Session, Trouble, odd};
use crate::remote::{Numbers, Question};
use lclq_shards::journal::{Answer, Append, LogRecord, Place};
use redis::{Cmd, ErrorKind, ServerErrorKind, Value};

/// A place at which no log ends.
const NOWHERE: &str = "";

impl Trouble {
    /// Whether another connection would do better.
    fn spends_session(&self) -> bool {
        match self {
            Self::Late | Self::Io(_) => true,
            Self::Foreign(_) => false,
            Self::Redis(error) => match error.kind() {
                // It is a replica by now, has lost its scripts, or has given the log to another server.
                ErrorKind::Server(kind) => matches!(
                    kind,
                    ServerErrorKind::ReadOnly
                        | ServerErrorKind::NoScript
                        | ServerErrorKind::Moved
                        | ServerErrorKind::Ask
                        | ServerErrorKind::MasterDown
                        | ServerErrorKind::BusyLoading
                ),
                // A code that the client doesn't know: the server refuses.
                ErrorKind::Extension => false,
                _ => true,
            },
        }
    }
}

/// Does what is asked.
pub(super) async fn answer(session: &Session, question: Question) -> Answer {
    let done = match question {
        Question::Tail => tail(session).await,
        Question::Append(append) => add(session, &append).await,
        Question::Read { from, bytes_max } => read(session, from, bytes_max).await,
        Question::Trim { below, provided } => trim(session, below, provided).await,
    };
    done.unwrap_or_else(|trouble| {
        if trouble.spends_session() {
            session.spend();
        }
        Answer::Unknown(trouble.words())
    })
}

fn script(session: &Session, hash: &str) -> Cmd {
    let mut command = Cmd::new();
    command.arg("EVALSHA").arg(hash).arg(2);
    command.arg(&session.keys.log).arg(&session.keys.head);
    command
}

fn id(place: Place) -> String {
    format!("{}-{}", place.position, place.epoch)
}

fn bytes(value: Value) -> Result<Vec<u8>, Trouble> {
    match value {
        Value::BulkString(bytes) => Ok(bytes),
        Value::SimpleString(text) => Ok(text.into_bytes()),
        _ => Err(odd("a record")),
    }
}

fn place(value: Value) -> Result<Place, Trouble> {
    let text = String::from_utf8(bytes(value)?).map_err(|_| odd("a place"))?;
    let (position, epoch) = text.split_once('-').ok_or_else(|| odd("a place"))?;
    Ok(Place {
        position: position.parse().map_err(|_| odd("a position"))?,
        epoch: epoch.parse().map_err(|_| odd("an epoch"))?,
    })
}

fn records(value: Value) -> Result<Vec<LogRecord>, Trouble> {
    let Value::Array(values) = value else {
        return Err(odd("records"));
    };
    let mut records = Vec::with_capacity(values.len() / 2);
    let mut values = values.into_iter();
    while let Some(of_place) = values.next() {
        let data = values.next().ok_or_else(|| odd("records"))?;
        records.push(LogRecord {
            place: place(of_place)?,
            bytes: bytes(data)?.into(),
        });
    }
    Ok(records)
}

async fn tail(session: &Session) -> Result<Answer, Trouble> {
    let command = script(session, &session.scripts.tail);
    let found = records(session.client.ask(&command).await?)?;
    Ok(Answer::Tail(found.into_iter().next()))
}

async fn add(session: &Session, append: &Append) -> Result<Answer, Trouble> {
    let before = match (Numbers::of(append), append.after) {
        (None, _) => NOWHERE.to_owned(),
        (Some(_), None) => "0-0".to_owned(),
        (Some(_), Some(after)) => id(after),
    };
    let mut command = script(session, &session.scripts.append);
    command.arg(before).arg(id(append.record.place));
    command.arg(&*append.record.bytes);
    let answered = match session.replicas {
        0 => session.client.ask(&command).await?,
        replicas => {
            let mut both = redis::Pipeline::with_capacity(2);
            both.add_command(command);
            both.cmd("WAIT").arg(replicas).arg(REPLICAS_WAIT_MS);
            let mut answers = session.client.ask_all(&both, 2).await?.into_iter();
            let (Some(added), Some(waited)) = (answers.next(), answers.next()) else {
                return Err(odd("an append"));
            };
            let added = added?;
            // Only what this adds has to be on replicas. It is there, and may be lost: it counts behind
            // one that they have.
            if added == Value::Int(1) {
                let Value::Int(have) = waited? else {
                    return Err(odd("how many replicas have a record"));
                };
                if have < i64::from(replicas) {
                    let words = format!("{have} of {replicas} replicas have the record");
                    return Ok(Answer::Unknown(words.into()));
                }
            }
            added
        }
    };
    Ok(match answered {
        Value::Int(1) => Answer::Appended,
        // Position 0 is the log's foot, and no record.
        Value::Int(0) if append.record.place.position > 0 => Answer::Present,
        tail => {
            let last = place(tail)?;
            let tail = (last.position > 0).then_some(last);
            Answer::Refused { tail }
        }
    })
}

async fn read(session: &Session, from: u64, bytes_max: usize) -> Result<Answer, Trouble> {
    let mut command = script(session, &session.scripts.read);
    command
        .arg(from.max(1))
        .arg(bytes_max)
        .arg(READ_RECORDS_MAX);
    Ok(Answer::Records(records(
        session.client.ask(&command).await?,
    )?))
}

/// Piece by piece, each of which checks what the whole is under. It begins where the last one ended.
async fn trim(session: &Session, below: u64, provided: Place) -> Result<Answer, Trouble> {
    if below > provided.position {
        return Ok(Answer::Trimmed);
    }
    loop {
        let mut command = script(session, &session.scripts.trim);
        command.arg(below).arg(id(provided)).arg(TRIM_POSITIONS_MAX);
        let low = bytes(session.client.ask(&command).await?)?;
        let low = String::from_utf8(low).map_err(|_| odd("a position"))?;
        // Without a number the condition doesn't hold.
        if low.parse().map_or(true, |low: u64| low >= below) {
            return Ok(Answer::Trimmed);
        }
    }
}
