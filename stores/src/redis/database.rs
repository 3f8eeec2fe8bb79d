//! The server behind a node's logs.

use super::guard::Guard;
use super::making;
use super::members::Members;
use super::risks;
use super::session::{self, Link, Session};
use super::settings::RedisSettings;
use super::work;
use crate::NodeError;
use crate::remote::{Backend, Beat, Cluster, Facts, Notice, Question, Usage, Wish};
use crate::tls::{Roots, client_config};
use lclq_shards::journal::Answer;
use rustls::ClientConfig;
use std::sync::Arc;

/// What all connections of one node have in common.
pub(super) struct Redis {
    settings: RedisSettings,
    tls: Arc<ClientConfig>,
    facts: Facts,
}

impl Redis {
    pub fn new(
        settings: RedisSettings,
        notice: Arc<dyn Fn(Notice) + Send + Sync>,
    ) -> Result<Self, NodeError> {
        let roots = match &settings.common().roots {
            Some(named) => Roots::These(named),
            None if settings.is_secret() => Roots::TheSystems,
            None => Roots::Nobody,
        };
        Ok(Self {
            tls: client_config(roots, "sslrootcert")?,
            settings,
            facts: Facts::new(notice),
        })
    }
}

impl Backend for Redis {
    type Session = Session;
    type Link = Link;
    type Guard = Guard;
    type Members = Members;

    fn facts(&self) -> &Facts {
        &self.facts
    }

    async fn make(&self) -> Result<(), NodeError> {
        let key = self.settings.common_key("cluster");
        let connected = session::connect(&self.settings, &self.tls, &key).await;
        let (client, _link) = connected.map_err(|trouble| NodeError::Unreachable {
            place: self.settings.place(),
            words: trouble.words(),
        })?;
        let risks = risks::find(&client).await.map_err(making::store)?;
        let cluster = making::make(&self.settings, &self.tls, &client).await?;
        self.facts.is(cluster);
        self.facts.found(risks);
        Ok(())
    }

    async fn take(&self, usage: &Usage) -> Result<Guard, NodeError> {
        Guard::take(&self.settings, &self.tls, usage, &self.facts).await
    }

    async fn keep(self: Arc<Self>, mut guard: Guard, usage: Usage) {
        guard.keep(&self.settings, &self.tls, &usage).await;
    }

    async fn join(&self) -> Result<(Members, Link), Box<str>> {
        let key = self.settings.common_key("nodes");
        let connected = session::connect(&self.settings, &self.tls, &key).await;
        let (client, link) = connected.map_err(|trouble| trouble.words())?;
        Ok((Members::new(client, &self.settings), link))
    }

    async fn beat(&self, members: &Members, beat: &Beat) -> Result<Cluster, Box<str>> {
        members.beat(beat).await.map_err(|trouble| trouble.words())
    }

    async fn look(&self, members: &Members) -> Result<Cluster, Box<str>> {
        members.look().await.map_err(|trouble| trouble.words())
    }

    async fn wish(&self, members: &Members, wish: &Wish) -> Result<(), Box<str>> {
        members.wish(wish).await.map_err(|trouble| trouble.words())
    }

    async fn leave(&self, members: &Members, node: &str) -> Result<(), Box<str>> {
        members.leave(node).await.map_err(|trouble| trouble.words())
    }

    async fn connect(&self, shard: u16) -> Result<(Arc<Session>, Link), Box<str>> {
        let opened = session::open(&self.settings, &self.tls, shard).await;
        let (session, link, risks) = opened.map_err(|trouble| trouble.words())?;
        self.facts.found(risks);
        Ok((session, link))
    }

    async fn answer(session: &Session, _shard: u16, question: Question) -> Answer {
        work::answer(session, question).await
    }

    fn is_spent(session: &Session) -> bool {
        session.is_spent()
    }
}
