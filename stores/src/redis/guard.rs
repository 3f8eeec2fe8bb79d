//! One server at a time, or one cluster: a key that a server's connection holds for as long as it lives, and
//! servers of a cluster together.
//!
//! Nothing that is kept depends on it, since each log is its own fence: a server that goes on without
//! the key is fenced off by the one that comes after it. The key keeps two servers that were started by
//! mistake from taking the logs from each other for good.

use super::limits::{LEASE_MS, RENEWAL_PAUSE};
use super::making::store;
use super::scripts;
use super::session::{self, Client, Link, Trouble, odd};
use super::settings::RedisSettings;
use crate::NodeError;
use crate::remote::{Facts, RECONNECT_PAUSE_MAX, Usage, succeed};
use redis::{Cmd, Value};
use rustls::ClientConfig;
use std::fmt::Write as _;
use std::sync::Arc;
use tokio::time::sleep;

/// What all servers of a cluster claim the store with: no connection's number, no name, and words.
const SHARED_CLAIM: &str = "0 - a cluster of lclq's servers";
/// Random bytes in a connection's name.
const NAME_BYTES: usize = 12;

/// A connection that has the key, or had it.
pub(super) struct Guard {
    client: Client,
    /// While it is there, the connection is.
    _link: Link,
    claim: String,
}

impl Guard {
    /// Waits until the key is free, for some seconds.
    pub async fn take(
        settings: &RedisSettings,
        tls: &Arc<ClientConfig>,
        usage: &Usage,
        facts: &Facts,
    ) -> Result<Self, NodeError> {
        let guard = Self::connect(settings, tls, usage).await.map_err(store)?;
        let look = async || guard.holder(settings).await.map_err(store);
        succeed(settings.place(), facts, look).await?;
        Ok(guard)
    }

    /// Claims it, from one that is gone, too; answers who has it unless this has, for people.
    async fn holder(&self, settings: &RedisSettings) -> Result<Option<String>, Trouble> {
        let Some(holder) = self.claim(settings, "").await? else {
            return Ok(None);
        };
        if !self.lives(&holder).await? && self.claim(settings, &holder).await?.is_none() {
            return Ok(None);
        }
        let name = holder.splitn(3, ' ').nth(2).unwrap_or("another lclq");
        Ok(Some(name.to_owned()))
    }

    /// Says again and again that it has the key; takes it again whenever its connection was lost.
    pub async fn keep(&mut self, settings: &RedisSettings, tls: &Arc<ClientConfig>, usage: &Usage) {
        loop {
            sleep(RENEWAL_PAUSE).await;
            // Where another has it by now, the logs say so.
            if self.claim(settings, "").await.is_ok() {
                continue;
            }
            let before = self.claim.clone();
            loop {
                if let Ok(guard) = Self::connect(settings, tls, usage).await {
                    *self = guard;
                    if self.claim(settings, &before).await.is_ok() {
                        break;
                    }
                }
                sleep(RECONNECT_PAUSE_MAX).await;
            }
        }
    }

    async fn connect(
        settings: &RedisSettings,
        tls: &Arc<ClientConfig>,
        usage: &Usage,
    ) -> Result<Self, Trouble> {
        let key = settings.common_key("server");
        let (client, link) = session::connect(settings, tls, &key).await?;
        let mut random = [0; NAME_BYTES];
        getrandom::fill(&mut random).map_err(|error| Trouble::Foreign(error.to_string()))?;
        let mut name = "lclq-".to_owned();
        for byte in random {
            // Writing to a string can't fail.
            let _ = write!(name, "{byte:02x}");
        }
        let mut named = Cmd::new();
        named.arg("CLIENT").arg("SETNAME").arg(&name);
        let mut number = Cmd::new();
        number.arg("CLIENT").arg("ID");
        let number = match client.ask_if_allowed(&named).await? {
            Some(_) => client.ask_if_allowed(&number).await?,
            None => None,
        };
        // 0 is no connection's number: then the key's time alone tells.
        let number = match number {
            Some(Value::Int(number)) => number,
            _ => 0,
        };
        Ok(Self {
            client,
            _link: link,
            claim: match usage {
                Usage::Together(_) => SHARED_CLAIM.to_owned(),
                Usage::Alone(owner) => format!("{number} {name} lclq on {owner}"),
                Usage::Beside => format!("{number} {name} lclq"),
            },
        })
    }

    /// Claims it, from this holder too; answers who has it unless this has.
    async fn claim(&self, settings: &RedisSettings, from: &str) -> Result<Option<String>, Trouble> {
        let mut command = Cmd::new();
        command.arg("EVAL").arg(scripts::CLAIM).arg(1);
        command.arg(settings.common_key("server"));
        command.arg(&self.claim).arg(LEASE_MS).arg(from);
        let Value::BulkString(holder) = self.client.ask_soon(&command).await? else {
            return Err(odd("who has the store"));
        };
        let holder = String::from_utf8(holder).map_err(|_| odd("who has the store"))?;
        Ok((holder != self.claim).then_some(holder))
    }

    /// Whether a holder's connection is there. If that can't be seen, it is.
    async fn lives(&self, holder: &str) -> Result<bool, Trouble> {
        let mut words = holder.split(' ');
        let (Some(number), Some(name)) = (words.next(), words.next()) else {
            return Ok(true);
        };
        if number == "0" {
            return Ok(true);
        }
        let mut list = Cmd::new();
        list.arg("CLIENT").arg("LIST").arg("ID").arg(number);
        let text = match self.client.ask_if_allowed(&list).await? {
            Some(Value::BulkString(text)) => String::from_utf8_lossy(&text).into_owned(),
            _ => return Ok(true),
        };
        let named = format!("name={name}");
        Ok(text.split_ascii_whitespace().any(|word| word == named))
    }
}
