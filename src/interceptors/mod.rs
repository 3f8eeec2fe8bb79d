//! What hangs on requests besides figures: faults, the production profile, the access log.
//!
//! A dialect asks in its one place where a request has been understood, and only while there is
//! anything to ask: without, that is one look at a flag.

mod access_log;
mod askers;
mod audit_log;
mod carried;
mod refusals;

pub use access_log::AccessLog;
pub use askers::{Asker, Askers, ITSELF, asker, asking};
pub use audit_log::{Administered, AuditLog};
pub use carried::{carried, carrying};
pub use refusals::{About, Refusal, Refusals, Refused};

use crate::faults::Faults;
use crate::http::{Caller, Watched};
use crate::observe::{Operation, Outcome, Wire};
use crate::otlp::{Exporter, LINKS_MAX, SpanContext, Tracer};
use crate::profile::Profile;
use crate::regions::Regions;
use crate::runtime::wall_clock;
use std::cell::RefCell;
use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// How long the end of the process waits for a collector.
const OTLP_FLUSH_TIME_MAX: Duration = Duration::from_secs(2);

/// Reasons to watch requests; see [`Watched`].
pub mod reason {
    /// There are fault rules.
    pub const FAULTS: u32 = 1;
    /// There is an access log.
    pub const ACCESS_LOG: u32 = 2;
    /// The production profile is on.
    pub const PROFILE: u32 = 4;
    /// Messages' journeys are kept, with who had them.
    pub const JOURNEYS: u32 = 8;
    /// There is an audit log.
    pub const AUDIT_LOG: u32 = 16;
    /// Somebody decides what who asks may do.
    pub const ACCESS: u32 = 32;
    /// There are regions.
    pub const REGIONS: u32 = 64;
}

/// What hangs on the requests of a process.
#[derive(Clone, Debug)]
pub struct Interceptors {
    /// Whether anything does.
    pub watched: Watched,
    /// What requests suffer.
    pub faults: Faults,
    /// What was refused because of who asked.
    pub refusals: Refusals,
    /// What happens to them as it does in production.
    pub profile: Profile,
    /// How far they have to go.
    pub regions: Regions,
    access_log: Arc<OnceLock<AccessLog>>,
    audit_log: Arc<OnceLock<AuditLog>>,
    tracer: Arc<OnceLock<Tracer>>,
    askers: Arc<OnceLock<Askers>>,
}

impl Default for Interceptors {
    fn default() -> Self {
        let watched = Watched::default();
        Self {
            faults: Faults::watching(watched.clone()),
            profile: Profile::watching(watched.clone()),
            regions: Regions::watching(watched.clone()),
            watched,
            access_log: Arc::default(),
            audit_log: Arc::default(),
            tracer: Arc::default(),
            askers: Arc::default(),
            refusals: Refusals::default(),
        }
    }
}

/// A request as it has been understood.
#[derive(Debug)]
pub struct Understood {
    /// What is asked.
    pub operation: Operation,
    /// How it came.
    pub wire: Wire,
    /// A queue's name, or a full name; empty where it names none.
    pub resource: String,
    /// Who asks.
    pub caller: Caller,
    /// The access key that it was signed with. Not checked.
    pub access_key: Option<Box<str>>,
    /// Bytes of its body.
    pub bytes: usize,
}

/// What came of a request.
#[derive(Debug)]
pub struct Answer<'a> {
    /// How it ended.
    pub outcome: Outcome,
    /// The dialect's own code of its error.
    pub error: Option<&'a str>,
    /// Its id, where the dialect gives one.
    pub request_id: Option<&'a str>,
    /// Bytes of the answer's body; of a stream, none.
    pub bytes: usize,
}

/// A request that is being carried out. Dropped without an answer, nobody waits for one any more.
#[derive(Debug)]
pub struct Begun<'i> {
    interceptors: &'i Interceptors,
    understood: Understood,
    since: Instant,
    /// ms since 1970.
    at: u64,
    asker: u32,
    answered: bool,
    /// Spans of the messages that it is about.
    links: RefCell<Vec<SpanContext>>,
}

impl Interceptors {
    /// Has requests noted in a file from now on; see [`AccessLog::open`].
    ///
    /// # Errors
    /// Where that can't be written.
    pub fn start_access_log(&self, path: &Path) -> io::Result<()> {
        let log = AccessLog::open(path)?;
        self.access_log.get_or_init(|| log);
        self.watched.set(reason::ACCESS_LOG, true);
        Ok(())
    }

    /// Has changes and refusals noted in a file from now on; see [`AuditLog::open`].
    ///
    /// # Errors
    /// Where that can't be written.
    pub fn start_audit_log(&self, path: &Path) -> io::Result<()> {
        let log = AuditLog::open(path)?;
        self.audit_log.get_or_init(|| log);
        self.watched.set(reason::AUDIT_LOG, true);
        Ok(())
    }

    /// Has it decided from now on what who asks may do.
    pub fn start_deciding(&self) {
        self.watched.set(reason::ACCESS, true);
    }

    /// Takes down that a request was refused because of who sent it, or would have been.
    #[cold]
    pub fn refused(&self, refusal: &Refusal<'_>) {
        let refused = self.refusals.note(refusal);
        if let Some(log) = self.audit_log.get() {
            log.note_refusal(&refused);
        }
    }

    /// Takes down that something was asked of the admin endpoint that was to change anything.
    pub fn administered(&self, change: &Administered<'_>) {
        if let Some(log) = self.audit_log.get() {
            log.note_administered(change);
        }
    }

    /// Has requests told to a collector from now on.
    pub fn start_tracing(&self, tracer: Tracer) {
        let tracer = self.tracer.get_or_init(|| tracer).clone();
        self.watched.trace(move |headers| tracer.records(headers));
    }

    /// Has clients numbered from now on, for messages' journeys.
    pub fn start_journeys(&self) {
        self.askers.get_or_init(Askers::default);
        self.watched.set(reason::JOURNEYS, true);
    }

    /// Clients by their numbers, if journeys are kept.
    pub fn askers(&self) -> Option<&Askers> {
        self.askers.get()
    }

    /// Where a collector's news are left, if there is one.
    pub fn exporter(&self) -> Option<Exporter> {
        self.tracer.get().map(|tracer| tracer.exporter().clone())
    }

    /// A request is understood, and will be carried out. `since` is when it had come.
    pub fn begin(&self, understood: Understood, since: Instant) -> Begun<'_> {
        Begun {
            interceptors: self,
            asker: self
                .askers
                .get()
                .map_or(0, |askers| askers.number_of(&understood)),
            understood,
            since,
            at: wall_clock(),
            answered: false,
            links: RefCell::default(),
        }
    }

    /// Whether there are files that [`Interceptors::reopen`] is for.
    pub fn has_files(&self) -> bool {
        self.access_log.get().is_some() || self.audit_log.get().is_some()
    }

    /// Files that are written to are opened anew, since somebody may have moved them.
    pub fn reopen(&self) {
        if let Some(log) = self.access_log.get() {
            log.reopen();
        }
        if let Some(log) = self.audit_log.get() {
            log.reopen();
        }
    }

    /// Waits a moment until what was noted is written.
    pub fn flush(&self) {
        if let Some(log) = self.access_log.get() {
            log.flush();
        }
        if let Some(log) = self.audit_log.get() {
            log.flush();
        }
        if let Some(tracer) = self.tracer.get() {
            tracer.exporter().flush(OTLP_FLUSH_TIME_MAX);
        }
    }
}

impl Begun<'_> {
    /// The request.
    pub fn understood(&self) -> &Understood {
        &self.understood
    }

    /// The number of who asks, for [`asking`]; 0 where nobody wants to know.
    pub fn asker(&self) -> u32 {
        self.asker
    }

    /// Takes down that it is about a message with this trace context, if it is traced.
    pub fn is_about(&self, trace: &str) {
        if !self.understood.caller.traced {
            return;
        }
        let mut links = self.links.borrow_mut();
        if links.len() < LINKS_MAX
            && let Some(context) = SpanContext::of(trace)
        {
            links.push(context);
        }
    }

    /// It is answered.
    pub fn answered(mut self, answer: &Answer<'_>) {
        self.answered = true;
        self.note(Some(answer));
    }

    fn note(&self, answer: Option<&Answer<'_>>) {
        if let Some(log) = self.interceptors.access_log.get() {
            let us = self.since.elapsed().as_micros() as u64;
            log.note(&self.understood, answer, self.at, us);
        }
        if let Some(log) = self.interceptors.audit_log.get() {
            log.note(&self.understood, answer, self.at);
        }
        if self.understood.caller.traced
            && let Some(tracer) = self.interceptors.tracer.get()
        {
            let took_ns = self.since.elapsed().as_nanos() as u64;
            let start_ns = self.at * 1_000_000;
            let links = self.links.borrow();
            tracer.tell(&self.understood, answer, start_ns, took_ns, &links);
        }
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.note(None);
        }
    }
}
