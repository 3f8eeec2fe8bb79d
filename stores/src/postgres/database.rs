//! The database behind a node's logs.

use super::PostgresError;
use super::guard::Guard;
use super::risks::{self, Risk};
use super::schema::{self, Cluster};
use super::session::{self, Link, Session};
use super::settings::PostgresSettings;
use super::tls::Tls;
use super::work;
use crate::remote::{Backend, Notice, Owner, Question, START_WAIT};
use lclq_shards::journal::Answer;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What all connections of one node have in common.
pub(super) struct Database {
    settings: PostgresSettings,
    tls: Tls,
    cluster: OnceLock<Cluster>,
    risks: Mutex<BTreeSet<Risk>>,
    notice: Arc<dyn Fn(Notice) + Send + Sync>,
    /// Who it is that must be the only one, if anybody must.
    alone: Option<Owner>,
    guard: Mutex<Option<Guard>>,
}

impl Database {
    pub fn new(
        settings: PostgresSettings,
        notice: Arc<dyn Fn(Notice) + Send + Sync>,
        alone: Option<Owner>,
    ) -> Result<Self, PostgresError> {
        Ok(Self {
            tls: Tls::new(&settings)?,
            settings,
            cluster: OnceLock::new(),
            risks: Mutex::default(),
            notice,
            alone,
            guard: Mutex::default(),
        })
    }

    /// What the database says of itself. Until it was asked, nothing.
    pub fn cluster(&self) -> Cluster {
        self.cluster.get().copied().unwrap_or_default()
    }

    pub fn risks(&self) -> Vec<Risk> {
        let risks = self.risks.lock().unwrap_or_else(PoisonError::into_inner);
        risks.iter().copied().collect()
    }

    /// Remembers what was found on a server, beside what was found before, and tells what is new.
    fn found(&self, risks: Vec<Risk>) {
        for risk in risks {
            let mut known = self.risks.lock().unwrap_or_else(PoisonError::into_inner);
            if known.insert(risk) {
                drop(known);
                (self.notice)(Notice::Risk(risk.to_string()));
            }
        }
    }

    async fn make(&self) -> Result<(), PostgresError> {
        let unreachable = |words: Box<str>| PostgresError::Unreachable {
            place: self.settings.place(),
            words,
        };
        let connected = session::connect(&self.settings, &self.tls).await;
        let (mut client, _link) = connected.map_err(unreachable)?;
        let cluster = schema::make(&mut client, &self.settings).await?;
        let _ = self.cluster.set(cluster);
        let words = |error| PostgresError::Database(session::words(&error).into_string());
        self.found(risks::find(&client).await.map_err(words)?);
        Ok(())
    }
}

impl Backend for Database {
    type Session = Session;
    type Link = Link;
    type Error = PostgresError;

    async fn begin(&self) -> Result<(), PostgresError> {
        let making = tokio::time::timeout(START_WAIT, self.make()).await;
        making.unwrap_or(Err(PostgresError::Late(START_WAIT.as_secs())))?;
        if let Some(owner) = &self.alone {
            let guard = Guard::take(&self.settings, &self.tls, owner, &*self.notice).await?;
            *self.guard.lock().unwrap_or_else(PoisonError::into_inner) = Some(guard);
        }
        Ok(())
    }

    async fn go_on(self: Arc<Self>) {
        let guard = self
            .guard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let (Some(mut guard), Some(owner)) = (guard, &self.alone) {
            guard.keep(&self.settings, &self.tls, owner).await;
        }
    }

    async fn connect(&self) -> Result<(Arc<Session>, Link), Box<str>> {
        let (session, link, risks) = session::open(&self.settings, &self.tls).await?;
        self.found(risks);
        Ok((session, link))
    }

    async fn answer(session: &Session, shard: u16, question: Question) -> Answer {
        work::answer(session, i32::from(shard), question).await
    }

    fn is_spent(session: &Session) -> bool {
        session.is_spent.load(Ordering::Relaxed)
    }
}
