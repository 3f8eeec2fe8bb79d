//! Serves one shard's log: keeps a connection, sends requests in order without waiting for answers,
//! and answers every one.

use super::limits::{CONNECTION_WAIT, RECONNECT_PAUSE_MAX, RECONNECT_PAUSE_MIN};
use super::log::{End, Request};
use super::node::Shared;
use super::session::{self, Link, Session};
use super::work::{NOT_TRIMMED, Question, Trimmed, answer};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use lclq_shards::journal::{Answer, Ticket};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::time::{sleep, sleep_until};

/// Shards whose pauses differ, so that they don't all come back at once.
const PAUSE_STEPS: u32 = 16;

/// A request that is under way.
type UnderWay = BoxFuture<'static, (Ticket, Answer)>;

/// Whether there is more to do.
enum Next {
    Reconnect,
    /// Nobody asks any more.
    End,
}

/// Serves one shard's log.
pub(super) struct Worker {
    shared: Arc<Shared>,
    shard: i32,
    end: End,
    /// Requests that wait for a connection, by the time they were asked; no more than a log has open.
    waiting: VecDeque<Request>,
    pause: Duration,
    /// Why there is no connection.
    words: Box<str>,
}

impl Worker {
    pub fn new(shared: Arc<Shared>, shard: i32, end: End) -> Self {
        Self {
            shared,
            shard,
            end,
            waiting: VecDeque::new(),
            pause: Duration::ZERO,
            words: "there is no connection yet".into(),
        }
    }

    /// Until the log is dropped.
    pub async fn run(mut self) {
        while let Some((session, link)) = self.connect().await {
            match self.serve(&session, link).await {
                Next::Reconnect => {}
                Next::End => return,
            }
        }
    }

    /// Tries until there is a connection; `None` once nobody asks any more.
    async fn connect(&mut self) -> Option<(Arc<Session>, Link)> {
        loop {
            let (shared, pause) = (self.shared.clone(), self.pause);
            let connecting = async move {
                sleep(pause).await;
                session::open(&shared.settings, &shared.tls).await
            };
            tokio::pin!(connecting);
            let opened = loop {
                let first = self.waiting.front();
                let until = first.map(|first| first.asked_at + CONNECTION_WAIT);
                tokio::select! {
                    opened = &mut connecting => break opened,
                    request = self.end.requests.recv() => self.waiting.push_back(request?),
                    () = at(until) => self.give_up_first(),
                }
            };
            self.pause_longer();
            match opened {
                Ok((session, link, risks)) => {
                    self.shared.found(risks);
                    return Some((session, link));
                }
                Err(words) => self.words = words,
            }
        }
    }

    fn pause_longer(&mut self) {
        let pause = (self.pause * 2).clamp(RECONNECT_PAUSE_MIN, RECONNECT_PAUSE_MAX);
        let step = self.shard.unsigned_abs() % PAUSE_STEPS;
        self.pause = pause + pause * step / PAUSE_STEPS;
    }

    fn give_up_first(&mut self) {
        if let Some(request) = self.waiting.pop_front() {
            let words = self.words.clone();
            self.say(request.ticket, Answer::Unknown(words));
            (self.end.wake)();
        }
    }

    /// Until the connection is of no more use, or nobody asks any more.
    async fn serve(&mut self, session: &Arc<Session>, mut link: Link) -> Next {
        let trimmed = Arc::new(Trimmed::new(NOT_TRIMMED));
        let mut under_way = FuturesUnordered::<UnderWay>::new();
        let next = loop {
            while let Some(request) = self.waiting.pop_front() {
                self.begin(request, session, &trimmed, &mut under_way);
            }
            if session.is_spent.load(Ordering::Relaxed) {
                break Next::Reconnect;
            }
            tokio::select! {
                biased;
                Some((ticket, answer)) = under_way.next() => {
                    self.take(ticket, answer);
                    while let Some(Some((ticket, answer))) = under_way.next().now_or_never() {
                        self.take(ticket, answer);
                    }
                    (self.end.wake)();
                }
                request = self.end.requests.recv() => match request {
                    Some(request) => self.waiting.push_back(request),
                    None => break Next::End,
                },
                words = link.ended() => {
                    self.words = words;
                    break Next::Reconnect;
                }
            }
        };
        // What is still under way learns that there is no connection, and of that nobody knows.
        drop(link);
        while let Some((ticket, answer)) = under_way.next().await {
            self.take(ticket, answer);
        }
        (self.end.wake)();
        next
    }

    /// Sends a request: a future that was polled once has put its statement on the way. So they go in
    /// the order in which they were asked.
    fn begin(
        &mut self,
        request: Request,
        session: &Arc<Session>,
        trimmed: &Arc<Trimmed>,
        under_way: &mut FuturesUnordered<UnderWay>,
    ) {
        let Request {
            ticket,
            question,
            asked_at,
        } = request;
        let (session, trimmed, shard) = (session.clone(), trimmed.clone(), self.shard);
        let round_trip = self.end.round_trip.clone();
        let is_append = matches!(question, Question::Append(_));
        let mut work: UnderWay = Box::pin(async move {
            let answer = answer(&session, shard, &trimmed, question).await;
            if is_append && answer == Answer::Appended {
                round_trip.took(asked_at.elapsed());
            }
            (ticket, answer)
        });
        match (&mut work).now_or_never() {
            Some((ticket, answer)) => {
                self.take(ticket, answer);
                (self.end.wake)();
            }
            None => under_way.push(work),
        }
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        if !matches!(answer, Answer::Unknown(_)) {
            // It works: the next pause is a short one.
            self.pause = Duration::ZERO;
        }
        self.say(ticket, answer);
    }

    /// There is room for as many answers as are open. Without a log nobody wants them.
    fn say(&self, ticket: Ticket, answer: Answer) {
        let _ = self.end.answers.try_send((ticket, answer));
    }
}

async fn at(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until.into()).await,
        None => std::future::pending().await,
    }
}
