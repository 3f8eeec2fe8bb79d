//! A shard's end: it asks and polls, and never waits.

use super::backend::Question;
use super::limits::REQUESTS_MAX;
use super::progress::Progress;
use lclq_shards::journal::{Answer, Append, LogStore, Place, Ticket};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc as blocking;
use std::time::Instant;
use tokio::sync::mpsc;

/// Called when there is an answer.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// A request on its way.
pub(super) struct Request {
    pub ticket: Ticket,
    pub question: Question,
    pub asked_at: Instant,
}

/// The thread's end of a log.
pub(super) struct End {
    pub requests: mpsc::Receiver<Request>,
    pub answers: blocking::SyncSender<(Ticket, Answer)>,
    pub wake: Wake,
    pub progress: Arc<Progress>,
}

/// A shard's log in a store behind a connection; a node makes it, such as [`crate::StoreNode::open`].
pub struct RemoteLog {
    requests: mpsc::Sender<Request>,
    answers: blocking::Receiver<(Ticket, Answer)>,
    next_ticket: Ticket,
    /// Asked for, and not polled; [`REQUESTS_MAX`] at most.
    open: VecDeque<Ticket>,
    /// Could not be asked for. As many as the caller asks for before it polls.
    not_asked: VecDeque<Ticket>,
    progress: Arc<Progress>,
    last_append_at: Option<Instant>,
}

pub(super) fn pair(wake: Wake) -> (RemoteLog, End) {
    let (requests, of_thread) = mpsc::channel(REQUESTS_MAX);
    // Room for all that is open: the thread never finds it full.
    let (answers, of_log) = blocking::sync_channel(REQUESTS_MAX);
    let progress = Arc::<Progress>::default();
    let log = RemoteLog {
        requests,
        answers: of_log,
        next_ticket: 0,
        open: VecDeque::new(),
        not_asked: VecDeque::new(),
        progress: progress.clone(),
        last_append_at: None,
    };
    let end = End {
        requests: of_thread,
        answers,
        wake,
        progress,
    };
    (log, end)
}

impl RemoteLog {
    pub(super) fn progress(&self) -> Arc<Progress> {
        self.progress.clone()
    }

    fn ask(&mut self, question: Question, asked_at: Instant) -> Ticket {
        self.next_ticket += 1;
        let ticket = self.next_ticket;
        let request = Request {
            ticket,
            question,
            asked_at,
        };
        if self.open.len() < REQUESTS_MAX && self.requests.try_send(request).is_ok() {
            self.open.push_back(ticket);
        } else {
            self.not_asked.push_back(ticket);
        }
        ticket
    }
}

impl LogStore for RemoteLog {
    fn tail(&mut self) -> Ticket {
        self.ask(Question::Tail, Instant::now())
    }

    fn append(&mut self, append: Append) -> Ticket {
        let now = Instant::now();
        self.last_append_at = Some(now);
        self.ask(Question::Append(append), now)
    }

    fn read(&mut self, from: u64, bytes_max: usize) -> Ticket {
        self.ask(Question::Read { from, bytes_max }, Instant::now())
    }

    fn trim(&mut self, below: u64, provided: Place) -> Ticket {
        self.ask(Question::Trim { below, provided }, Instant::now())
    }

    fn poll(&mut self) -> Option<(Ticket, Answer)> {
        if let Some(ticket) = self.not_asked.pop_front() {
            let words = "too many requests are open, or the thread is gone";
            return Some((ticket, Answer::Unknown(words.into())));
        }
        match self.answers.try_recv() {
            Ok((ticket, answer)) => {
                if let Some(at) = self.open.iter().position(|open| *open == ticket) {
                    self.open.remove(at);
                }
                Some((ticket, answer))
            }
            Err(blocking::TryRecvError::Empty) => None,
            Err(blocking::TryRecvError::Disconnected) => {
                let ticket = self.open.pop_front()?;
                Some((ticket, Answer::Unknown("the thread is gone".into())))
            }
        }
    }

    fn has_room(&self) -> bool {
        let pause = self.progress.append_pause();
        let is_due = |at: Instant| self.open.is_empty() || at.elapsed() >= pause;
        self.open.len() < REQUESTS_MAX && self.last_append_at.is_none_or(is_due)
    }

    fn is_overdue(&self) -> bool {
        self.progress.is_overdue()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn first() -> Append {
        let place = Place {
            position: 1,
            epoch: 1,
        };
        let record = lclq_shards::journal::LogRecord {
            place,
            bytes: b"first"[..].into(),
        };
        Append {
            after: None,
            record,
        }
    }

    #[test]
    fn appends_to_a_far_database_are_spaced() {
        let (mut log, end) = pair(Arc::new(|| {}));
        end.progress.took(Duration::from_secs(3_600));
        assert!(log.has_room(), "nothing is under way");
        let ticket = log.append(first());
        assert!(!log.has_room());
        end.answers.try_send((ticket, Answer::Appended)).unwrap();
        assert_eq!(log.poll(), Some((ticket, Answer::Appended)));
        assert!(log.has_room());
    }

    #[test]
    fn every_request_is_answered_once_without_a_thread() {
        let (mut log, end) = pair(Arc::new(|| {}));
        let mut asked: Vec<_> = (0..REQUESTS_MAX + 5).map(|_| log.tail()).collect();
        assert!(!log.has_room());
        drop(end);
        asked.push(log.append(first()));
        let mut answered = Vec::new();
        while let Some((ticket, answer)) = log.poll() {
            assert!(matches!(answer, Answer::Unknown(_)));
            answered.push(ticket);
        }
        answered.sort_unstable();
        assert_eq!(answered, asked);
    }
}
