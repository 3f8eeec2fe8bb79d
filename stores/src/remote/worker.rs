//! Serves one shard's log: keeps a connection, sends requests in order without waiting for answers,
//! and answers every one.

use super::backend::{Backend, Link as _, Question};
use super::limits::{CONNECTION_WAIT, RECONNECT_PAUSE_MAX, RECONNECT_PAUSE_MIN, REFUSED_PAUSE};
use super::log::{End, Request};
use super::progress::Waiting;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use lclq_shards::journal::{Answer, Ticket};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::{sleep, sleep_until};

/// Shards whose pauses differ, so that they don't all come back at once.
const PAUSE_STEPS: u32 = 16;

/// A request, whether it is an append, and its answer.
type Answered = (Ticket, bool, Answer);
/// A request that is under way.
type UnderWay = BoxFuture<'static, Answered>;

/// Whether there is more to do.
enum Next {
    Reconnect,
    /// Nobody asks any more.
    End,
}

/// Serves one shard's log.
pub(super) struct Worker<B> {
    backend: Arc<B>,
    shard: u16,
    end: End,
    /// Requests that wait for a connection, by the time they were asked; no more than a log has open.
    waiting: VecDeque<Request>,
    /// Appends among all requests that are not answered.
    appends: Waiting,
    pause: Duration,
    /// Why there is no connection.
    words: Box<str>,
}

impl<B: Backend> Worker<B> {
    pub fn new(backend: Arc<B>, shard: u16, end: End, grace: Duration) -> Self {
        Self {
            backend,
            shard,
            end,
            waiting: VecDeque::new(),
            appends: Waiting::new(grace),
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
    async fn connect(&mut self) -> Option<(Arc<B::Session>, B::Link)> {
        loop {
            let (backend, shard, pause) = (self.backend.clone(), self.shard, self.pause);
            let connecting = async move {
                sleep(pause).await;
                backend.connect(shard).await
            };
            tokio::pin!(connecting);
            let opened = loop {
                let first = self.waiting.front();
                let until = first.map(|first| first.asked_at + CONNECTION_WAIT);
                tokio::select! {
                    opened = &mut connecting => break opened,
                    request = self.end.requests.recv() => self.enqueue(request?),
                    () = at(until) => self.give_up_first(),
                    () = at(self.appends.look_at(&self.end.progress)) => self.look(),
                }
            };
            self.pause_longer();
            match opened {
                Ok(connected) => {
                    self.end.progress.connected();
                    return Some(connected);
                }
                Err(words) => self.words = words,
            }
        }
    }

    fn pause_longer(&mut self) {
        let pause = (self.pause * 2).clamp(RECONNECT_PAUSE_MIN, RECONNECT_PAUSE_MAX);
        let step = u32::from(self.shard) % PAUSE_STEPS;
        self.pause = pause + pause * step / PAUSE_STEPS;
    }

    fn enqueue(&mut self, request: Request) {
        if matches!(request.question, Question::Append(_)) {
            self.appends.asked(request.asked_at);
        }
        self.waiting.push_back(request);
    }

    /// An append has waited for as long as clients are to wait: its log is told.
    fn look(&mut self) {
        self.appends.look(&self.end.progress);
        (self.end.wake)();
    }

    fn give_up_first(&mut self) {
        if let Some(request) = self.waiting.pop_front() {
            let words = self.words.clone();
            let is_append = matches!(request.question, Question::Append(_));
            self.say(request.ticket, is_append, Answer::Unknown(words));
            (self.end.wake)();
        }
    }

    /// Until the connection is of no more use, or nobody asks any more.
    async fn serve(&mut self, session: &Arc<B::Session>, mut link: B::Link) -> Next {
        let mut under_way = FuturesUnordered::<UnderWay>::new();
        let next = loop {
            while let Some(request) = self.waiting.pop_front() {
                self.begin(request, session, &mut under_way);
            }
            if B::is_spent(session) {
                break Next::Reconnect;
            }
            tokio::select! {
                biased;
                Some(answered) = under_way.next() => {
                    self.take(answered);
                    while let Some(Some(answered)) = under_way.next().now_or_never() {
                        self.take(answered);
                    }
                    (self.end.wake)();
                }
                request = self.end.requests.recv() => match request {
                    Some(request) => self.enqueue(request),
                    None => break Next::End,
                },
                () = at(self.appends.look_at(&self.end.progress)) => self.look(),
                words = link.ended() => {
                    self.words = words;
                    break Next::Reconnect;
                }
            }
        };
        // What is still under way learns that there is no connection, and of that nobody knows.
        drop(link);
        while let Some(answered) = under_way.next().await {
            self.take(answered);
        }
        (self.end.wake)();
        next
    }

    /// Sends a request: a future that was polled once has put its statement on the way. So they go in
    /// the order in which they were asked.
    fn begin(
        &mut self,
        request: Request,
        session: &Arc<B::Session>,
        under_way: &mut FuturesUnordered<UnderWay>,
    ) {
        let Request {
            ticket,
            question,
            asked_at,
        } = request;
        let (session, shard) = (session.clone(), self.shard);
        let progress = self.end.progress.clone();
        let is_append = matches!(question, Question::Append(_));
        let mut work: UnderWay = Box::pin(async move {
            let answer = B::answer(&session, shard, question).await;
            if is_append && answer == Answer::Appended {
                progress.took(asked_at.elapsed());
            }
            if matches!(answer, Answer::Unknown(_)) && !B::is_spent(&session) {
                // The store says no, such as for want of a right: whoever asks will ask again at once.
                sleep(REFUSED_PAUSE).await;
            }
            (ticket, is_append, answer)
        });
        match (&mut work).now_or_never() {
            Some(answered) => {
                self.take(answered);
                (self.end.wake)();
            }
            None => under_way.push(work),
        }
    }

    fn take(&mut self, (ticket, is_append, answer): Answered) {
        if !matches!(answer, Answer::Unknown(_)) {
            // It works: the next pause is a short one.
            self.pause = Duration::ZERO;
            self.end.progress.answered();
        }
        self.say(ticket, is_append, answer);
    }

    /// There is room for as many answers as are open. Without a log nobody wants them.
    fn say(&mut self, ticket: Ticket, is_append: bool, answer: Answer) {
        if is_append {
            let is_acknowledged = answer == Answer::Appended;
            self.appends.answered(is_acknowledged, &self.end.progress);
        }
        let _ = self.end.answers.try_send((ticket, answer));
    }
}

async fn at(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until.into()).await,
        None => std::future::pending().await,
    }
}
