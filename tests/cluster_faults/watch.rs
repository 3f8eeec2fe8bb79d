//! Whoever sees how long requests take, which ones are refused, and what has gone wrong.

use crate::support::{Answer, Client};
use serde_json::Value;
use std::any::Any;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a request waits for a shard that nobody runs, and a second. A long poll may wait for its own time besides.
const ANSWERED_MAX: Duration = Duration::from_secs(11);
/// Failures that are told.
const FAILURES_MAX: usize = 20;

/// Figures of one fault.
#[derive(Default, Clone)]
pub struct Figures {
    pub answered: u64,
    pub refused: u64,
    pub longest: Duration,
    /// Of what was carried out.
    pub longest_done: Duration,
}

/// What happened to a node.
#[derive(Clone, Copy)]
enum Node {
    /// It is dead or stands still, so it owes nobody an answer.
    Struck,
    /// It was until then.
    Well(Instant),
}

#[derive(Default)]
struct Seen {
    figures: Figures,
    nodes: HashMap<SocketAddr, Node>,
    failures: Vec<String>,
}

/// Hears of all requests.
#[derive(Default)]
pub struct Watch(Mutex<Seen>);

impl Watch {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A node is about to die or to stand still.
    pub fn strike(&self, node: SocketAddr) {
        self.seen().nodes.insert(node, Node::Struck);
    }

    /// It answers again.
    pub fn is_well(&self, node: SocketAddr) {
        self.seen().nodes.insert(node, Node::Well(Instant::now()));
    }

    /// A request that a client sent at `asked` has come to this.
    pub fn note(
        &self,
        client: &Client,
        request: &Value,
        asked: Instant,
        answer: &io::Result<Answer>,
    ) {
        let (took, node) = (asked.elapsed(), client.address());
        let mut seen = self.seen();
        match seen.nodes.get(&node) {
            Some(Node::Struck) => return,
            Some(Node::Well(since)) if asked <= *since => return,
            // A connection to the process that was there before.
            Some(Node::Well(since)) if answer.is_err() && client.opened() <= Some(*since) => return,
            _ => {}
        }
        let wait = request["WaitTimeSeconds"].as_u64().unwrap_or_default();
        let took = took.saturating_sub(Duration::from_secs(wait));
        let figures = &mut seen.figures;
        figures.longest = figures.longest.max(took);
        let what = match answer {
            Ok(answer) if answer.status == 503 => {
                figures.refused += 1;
                answer.text()
            }
            Ok(_) => {
                figures.answered += 1;
                figures.longest_done = figures.longest_done.max(took);
                "done".to_owned()
            }
            Err(error) => format!("{error}"),
        };
        if took > ANSWERED_MAX {
            let queue = &request["QueueUrl"];
            seen.fail(format!("{node} took {took:?} for {queue}: {what:.200}"));
        } else if answer.is_err() {
            seen.fail(format!("{node}, which is well, gave no answer: {what}"));
        }
    }

    /// Figures since the last call.
    pub fn figures(&self) -> Figures {
        std::mem::take(&mut self.seen().figures)
    }

    /// What has gone wrong so far.
    pub fn failures(&self) -> Vec<String> {
        self.seen().failures.clone()
    }

    /// Does something whose panic is a failure.
    pub fn over(&self, work: impl FnOnce()) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
            self.seen().fail(words(&*panic));
        }
    }
}

impl Seen {
    fn fail(&mut self, failure: String) {
        if self.failures.len() < FAILURES_MAX {
            self.failures.push(failure);
        }
    }
}

/// What a panic said.
pub fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without words").to_owned()
}
