//! A line of JSON for each request, for those who ask for it.

use super::{Answer, Understood};
use crate::log::LineFile;
use crate::pubsub::civil_time::CivilTime;
use serde::Serialize;
use std::io;
use std::path::Path;

/// How a request ended whose client didn't wait for the answer, or couldn't.
const GIVEN_UP: &str = "given_up";

/// Where lines go.
#[derive(Clone, Debug)]
pub struct AccessLog(LineFile);

/// A line. Its members are in docs/access-log.md.
#[derive(Serialize)]
struct Line<'a> {
    time: String,
    dialect: &'static str,
    wire: &'static str,
    operation: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    resource: &'a str,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    duration_us: u64,
    bytes_in: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_out: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<&'a str>,
}

impl AccessLog {
    /// Writes to a file, behind what it has; `-` is standard output.
    ///
    /// # Errors
    /// Where it can't be opened, or a thread can't be started.
    pub fn open(path: &Path) -> io::Result<Self> {
        LineFile::open(path, "lclq-access-log").map(Self)
    }

    pub(super) fn note(
        &self,
        understood: &Understood,
        answer: Option<&Answer<'_>>,
        at: u64,
        duration_us: u64,
    ) {
        let caller = &understood.caller;
        let line = Line {
            time: CivilTime::from_millis(at).rfc3339_millis(),
            dialect: understood.operation.dialect().name(),
            wire: understood.wire.name(),
            operation: understood.operation.name(),
            resource: &understood.resource,
            outcome: answer.map_or(GIVEN_UP, |answer| answer.outcome.name()),
            error: answer.and_then(|answer| answer.error),
            duration_us,
            bytes_in: understood.bytes,
            bytes_out: answer.map(|answer| answer.bytes),
            request_id: answer.and_then(|answer| answer.request_id),
            peer: caller.peer.map(|peer| peer.to_string()),
            access_key: understood.access_key.as_deref(),
            user_agent: caller.user_agent.as_deref(),
            trace: caller
                .traceparent
                .as_deref()
                .or(caller.amazon_trace.as_deref()),
        };
        self.0.push(&line);
    }

    pub(super) fn reopen(&self) {
        self.0.reopen();
    }

    pub(super) fn flush(&self) {
        self.0.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Caller;
    use crate::observe::{Operation, Outcome, Wire};
    use crate::sqs::Action;
    use serde_json::{Value, json};

    fn read(path: &Path) -> Vec<Value> {
        let text = std::fs::read_to_string(path).unwrap();
        let lines = text.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn requests_become_lines_and_files_may_be_moved() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("access.log");
        let log = AccessLog::open(&path).unwrap();
        let understood = Understood {
            operation: Operation::sqs(Action::SendMessage),
            wire: Wire::Json,
            resource: "line\nbreak".to_owned(),
            caller: Caller {
                peer: Some("127.0.0.1:4711".parse().unwrap()),
                ..Caller::default()
            },
            access_key: Some("AKIA".into()),
            bytes: 12,
        };
        let answer = Answer {
            outcome: Outcome::Refused,
            error: Some("QueueDoesNotExist"),
            request_id: Some("r"),
            bytes: 34,
        };
        log.note(&understood, Some(&answer), 0, 56);
        log.flush();
        let expected = json!({
            "time": "1970-01-01T00:00:00Z", "dialect": "sqs", "wire": "json",
            "operation": "SendMessage", "resource": "line\nbreak", "outcome": "client_error",
            "error": "QueueDoesNotExist", "duration_us": 56, "bytes_in": 12, "bytes_out": 34,
            "request_id": "r", "peer": "127.0.0.1:4711", "access_key": "AKIA",
        });
        assert_eq!(read(&path), [expected]);
        let moved = directory.path().join("access.log.1");
        std::fs::rename(&path, &moved).unwrap();
        log.reopen();
        log.note(&understood, None, 1, 2);
        log.flush();
        assert_eq!(read(&moved).len(), 1);
        let [line] = &read(&path)[..] else {
            panic!("one line");
        };
        assert_eq!(line["outcome"], "given_up");
    }
}
