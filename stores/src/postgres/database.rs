//! The database behind a node's logs.

use super::guard::Guard;
use super::risks;
use super::schema;
use super::session::{self, Link, Session};
use super::settings::PostgresSettings;
use super::tls::Tls;
use super::work;
use crate::NodeError;
use crate::remote::{Backend, Facts, Notice, Owner, Question, START_WAIT};
use lclq_shards::journal::Answer;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

/// What all connections of one node have in common.
pub(super) struct Database {
    settings: PostgresSettings,
    tls: Tls,
    facts: Facts,
    /// Who it is that must be the only one, if anybody must.
    alone: Option<Owner>,
    guard: Mutex<Option<Guard>>,
}

impl Database {
    pub fn new(
        settings: PostgresSettings,
        notice: Arc<dyn Fn(Notice) + Send + Sync>,
        alone: Option<Owner>,
    ) -> Result<Self, NodeError> {
        Ok(Self {
            tls: Tls::new(&settings)?,
            settings,
            facts: Facts::new(notice),
            alone,
            guard: Mutex::default(),
        })
    }

    async fn make(&self) -> Result<(), NodeError> {
        let unreachable = |words: Box<str>| NodeError::Unreachable {
            place: self.settings.place(),
            words,
        };
        let connected = session::connect(&self.settings, &self.tls).await;
        let (mut client, _link) = connected.map_err(unreachable)?;
        let cluster = schema::make(&mut client, &self.settings).await?;
        self.facts.is(cluster);
        let words = |error| NodeError::Store(session::words(&error).into_string());
        self.facts.found(risks::find(&client).await.map_err(words)?);
        Ok(())
    }
}

impl Backend for Database {
    type Session = Session;
    type Link = Link;

    fn facts(&self) -> &Facts {
        &self.facts
    }

    async fn begin(&self) -> Result<(), NodeError> {
        let making = tokio::time::timeout(START_WAIT, self.make()).await;
        making.unwrap_or(Err(NodeError::Late(START_WAIT.as_secs())))?;
        if let Some(owner) = &self.alone {
            let guard = Guard::take(&self.settings, &self.tls, owner, &self.facts).await?;
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

    async fn connect(&self, _shard: u16) -> Result<(Arc<Session>, Link), Box<str>> {
        let (session, link, risks) = session::open(&self.settings, &self.tls).await?;
        self.facts.found(risks);
        Ok((session, link))
    }

    async fn answer(session: &Session, shard: u16, question: Question) -> Answer {
        work::answer(session, i32::from(shard), question).await
    }

    fn is_spent(session: &Session) -> bool {
        session.is_spent.load(Ordering::Relaxed)
    }
}
