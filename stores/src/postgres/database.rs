//! The database behind a node's logs.

use super::guard::Guard;
use super::members::Members;
use super::risks;
use super::schema;
use super::session::{self, Link, Session};
use super::settings::PostgresSettings;
use super::tls::Tls;
use super::work;
use crate::NodeError;
use crate::remote::{Backend, Beat, Cluster, Facts, Notice, Question, Usage, Wish};
use lclq_shards::journal::Answer;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What all connections of one node have in common.
pub(super) struct Database {
    settings: PostgresSettings,
    tls: Tls,
    facts: Facts,
}

impl Database {
    pub fn new(
        settings: PostgresSettings,
        notice: Arc<dyn Fn(Notice) + Send + Sync>,
    ) -> Result<Self, NodeError> {
        Ok(Self {
            tls: Tls::new(&settings)?,
            settings,
            facts: Facts::new(notice),
        })
    }
}

impl Backend for Database {
    type Session = Session;
    type Link = Link;
    type Guard = Guard;
    type Members = Members;

    fn facts(&self) -> &Facts {
        &self.facts
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

    async fn take(&self, usage: &Usage) -> Result<Guard, NodeError> {
        Guard::take(&self.settings, &self.tls, usage, &self.facts).await
    }

    async fn keep(self: Arc<Self>, mut guard: Guard, usage: Usage) {
        guard.keep(&self.settings, &self.tls, &usage).await;
    }

    async fn join(&self) -> Result<(Members, Link), Box<str>> {
        let (client, link) = session::connect(&self.settings, &self.tls).await?;
        let members = Members::new(client, &self.settings).await?;
        Ok((members, link))
    }

    async fn beat(&self, members: &Members, beat: &Beat) -> Result<Cluster, Box<str>> {
        members.beat(beat).await
    }

    async fn look(&self, members: &Members) -> Result<Cluster, Box<str>> {
        members.look().await
    }

    async fn wish(&self, members: &Members, wish: &Wish) -> Result<(), Box<str>> {
        members.wish(wish).await
    }

    async fn leave(&self, members: &Members, node: &str) -> Result<(), Box<str>> {
        members.leave(node).await
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
