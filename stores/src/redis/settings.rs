//! Which Redis, and how it is reached.

use crate::NodeError;
use crate::settings::Common;
use redis::{ConnectionAddr, IntoConnectionInfo as _, RedisConnectionInfo};
use std::fmt;
use std::time::Duration;

/// What keys begin with where nobody says.
const PREFIX: &str = "lclq";
/// Bytes of a prefix.
const PREFIX_BYTES_MAX: usize = 63;
/// Replicas that may be waited for.
const REPLICAS_MAX: u8 = 16;

/// Which Redis or Valkey, and how it is reached. What it prints about itself has no password.
#[derive(Clone)]
pub struct RedisSettings {
    connection: RedisConnectionInfo,
    host: String,
    port: u16,
    is_secret: bool,
    prefix: String,
    replicas: u8,
    common: Common,
}

impl RedisSettings {
    /// Takes a URL, `redis://user:password@host:port/database`, or `rediss://` for TLS. `sslrootcert`
    /// names a PEM file of roots to trust instead of the system's; `prefix` is what keys begin with
    /// instead of `lclq`; `wait` is a number of replicas that must say that they have a record before it
    /// counts. Of a cluster any server will do. Without a number of `shards`, they are what the store was
    /// made for; a new one is made for 64.
    ///
    /// # Errors
    ///
    /// If the URL or the file can't be read, if roots are named for a connection in clear text, or if
    /// there are no shards or more than [`crate::LOG_SHARDS_MAX`].
    pub fn new(url: &str, shards: Option<u16>) -> Result<Self, NodeError> {
        let wrong = |what: &str| NodeError::Settings(format!("the URL of Redis: {what}"));
        let (scheme, rest) = url
            .split_once("://")
            .ok_or_else(|| wrong("it has no scheme"))?;
        let is_secret = match scheme {
            "redis" | "valkey" => false,
            "rediss" | "valkeys" => true,
            _ => return Err(wrong("it begins with none of redis:// and rediss://")),
        };
        let (base, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let own = OwnParameters::of(parameters).map_err(|what| wrong(&what))?;
        if own.root_file.is_some() && !is_secret {
            return Err(wrong("sslrootcert is for rediss://"));
        }
        // TLS is ours: the client knows the plain scheme alone. Its words may quote the password.
        let plain = format!("redis://{base}");
        let info = plain
            .as_str()
            .into_connection_info()
            .map_err(|_| wrong("it can't be read as redis://user:password@host:port/database"))?;
        let ConnectionAddr::Tcp(host, port) = info.addr().clone() else {
            return Err(wrong("it has no host"));
        };
        Ok(Self {
            connection: info.redis_settings().clone().set_skip_set_lib_name(),
            host,
            port,
            is_secret,
            prefix: own.prefix.unwrap_or(PREFIX).to_owned(),
            replicas: own.replicas,
            common: Common::new(shards, own.root_file)?,
        })
    }

    /// Clients wait so long for a store that doesn't answer; then they are refused until it does.
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.common.grace = grace;
        self
    }

    /// A store in which nothing is yet is an error: nothing is made or changed.
    #[must_use]
    pub fn as_it_is(mut self) -> Self {
        self.common.makes = false;
        self
    }

    /// Host, port, database and prefix, for people.
    pub fn place(&self) -> String {
        format!(
            "Redis at {}:{}, database {}, keys {{{}...",
            self.host,
            self.port,
            self.connection.db(),
            self.prefix
        )
    }

    pub(super) fn connection(&self) -> &RedisConnectionInfo {
        &self.connection
    }

    pub(super) fn host(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    pub(super) fn is_secret(&self) -> bool {
        self.is_secret
    }

    /// Replicas that must have a record before it counts.
    pub(super) fn replicas(&self) -> u8 {
        self.replicas
    }

    pub(super) fn common(&self) -> &Common {
        &self.common
    }

    /// A key of the whole store. All such keys are on one server of a cluster.
    pub(super) fn common_key(&self, name: &str) -> String {
        format!("{{{}}}:{name}", self.prefix)
    }

    /// A shard's log and its head, which are on one server of a cluster.
    pub(super) fn keys(&self, shard: u16) -> Keys {
        let tag = format!("{{{}:{shard}}}", self.prefix);
        Keys {
            log: format!("{tag}:log"),
            head: format!("{tag}:head"),
        }
    }
}

/// Keys of one shard.
pub(super) struct Keys {
    pub log: String,
    pub head: String,
}

impl fmt::Debug for RedisSettings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("RedisSettings")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("user", &self.connection.username())
            .field("database", &self.connection.db())
            .field("prefix", &self.prefix)
            .field("shards", &self.common.shards)
            .finish_non_exhaustive()
    }
}

/// What the client doesn't know of.
#[derive(Default)]
struct OwnParameters<'a> {
    root_file: Option<&'a str>,
    prefix: Option<&'a str>,
    replicas: u8,
}

impl<'a> OwnParameters<'a> {
    fn of(parameters: &'a str) -> Result<Self, String> {
        let mut own = Self::default();
        for parameter in parameters.split('&').filter(|given| !given.is_empty()) {
            match parameter.split_once('=') {
                Some(("sslrootcert", file)) => own.root_file = Some(file),
                Some(("prefix", prefix)) if is_prefix(prefix) => own.prefix = Some(prefix),
                Some(("prefix", _)) => {
                    let bytes = PREFIX_BYTES_MAX;
                    return Err(format!(
                        "prefix is 1 to {bytes} letters, digits, '-', '_' and '.'"
                    ));
                }
                Some(("wait", replicas)) => {
                    let number = replicas.parse().ok().filter(|of| *of <= REPLICAS_MAX);
                    own.replicas = number.ok_or_else(|| {
                        format!("wait is a number of replicas, 0 to {REPLICAS_MAX}")
                    })?;
                }
                _ => return Err("it takes sslrootcert, prefix and wait, and no other".to_owned()),
            }
        }
        Ok(own)
    }
}

fn is_prefix(prefix: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=PREFIX_BYTES_MAX).contains(&prefix.len()) && prefix.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_all_and_its_password_is_not_printed() {
        let url = "rediss://me:hu%20sh@one:6380/3?prefix=staging&wait=2";
        let settings = RedisSettings::new(url, Some(4)).unwrap();
        assert_eq!(settings.host(), ("one", 6_380));
        assert!(settings.is_secret());
        assert_eq!(settings.connection().password(), Some("hu sh"));
        assert_eq!(settings.replicas(), 2);
        assert_eq!(settings.keys(5).log, "{staging:5}:log");
        assert_eq!(settings.common_key("server"), "{staging}:server");
        let place = "Redis at one:6380, database 3, keys {staging...";
        assert_eq!(settings.place(), place);
        let printed = format!("{settings:?}");
        assert!(!printed.contains("hu"), "{printed}");
    }

    #[test]
    fn what_cannot_be_used_is_said_without_the_password() {
        for wrong in [
            "redis://me:hush@one:port",
            "redis://me:hush@",
            "http://me:hush@one",
            "redis://me:hush@one/x",
            "redis://me:hush@one?prefix=a{b",
            "redis://me:hush@one?prefix=",
            "redis://me:hush@one?wait=many",
            "redis://me:hush@one?wait=17",
            "redis://me:hush@one?hush=1",
            "rediss://me:hush@one?sslrootcert=/nowhere",
            "redis://me:hush@one?sslrootcert=/nowhere",
            "me:hush@one",
        ] {
            let error = RedisSettings::new(wrong, None).unwrap_err();
            assert!(!error.to_string().contains("hush"), "{error}");
            assert!(!format!("{error:?}").contains("hush"), "{error:?}");
        }
        let clear = "redis://me:hush@one?sslrootcert=/nowhere";
        let error = RedisSettings::new(clear, None).unwrap_err().to_string();
        assert!(error.contains("sslrootcert is for rediss://"), "{error}");
        assert!(RedisSettings::new("redis://one", Some(0)).is_err());
    }
}
