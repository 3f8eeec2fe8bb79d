//! Which database, and how it is reached.

use super::limits::CONNECT_TIMEOUT;
use crate::NodeError;
use crate::remote::{KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_RETRIES, UNACKNOWLEDGED_WAIT};
use crate::settings::Common;
use std::fmt;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, TargetSessionAttrs};

/// The port where a URL names none.
const PORT: u16 = 5_432;
/// Bytes of a schema's name, as PostgreSQL has it.
const SCHEMA_NAME_BYTES_MAX: usize = 63;

/// What stands between here and the database, if anything does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pooling {
    /// A connection is one session for as long as it lives.
    Session,
    /// Each transaction may meet another session.
    Transaction,
}

/// Which database, and how it is reached. What it prints about itself has no password.
#[derive(Clone)]
pub struct PostgresSettings {
    config: Config,
    schema: String,
    pooling: Pooling,
    common: Common,
}

impl PostgresSettings {
    /// Takes a URL, `postgres://user:password@host:port,other:port/database?sslmode=require`, or the
    /// form `host=... user=...`, with libpq's parameters. Of several hosts that one is used which can be
    /// written to. A server's certificate is always checked where TLS is used; `sslmode=verify-full`
    /// means the same as `require`. In a URL, `sslrootcert` names a PEM file of roots to trust instead of
    /// the system's, `schema` another schema than `lclq`, and `pooling=transaction` says that a pooler in between
    /// keeps sessions for one transaction. Without a number of `shards`, they are what
    /// the database was made for; a new one is made for 64.
    ///
    /// # Errors
    ///
    /// If the URL or the file can't be read, `pooling` is neither `session` nor `transaction`, or there are no shards or more than [`crate::LOG_SHARDS_MAX`].
    pub fn new(url: &str, shards: Option<u16>) -> Result<Self, NodeError> {
        let OwnParameters {
            url,
            root_file,
            schema,
            pooling,
        } = own_parameters(url);
        let common = Common::new(shards, root_file.as_deref())?;
        let mut config: Config = url.parse().map_err(|error| {
            // Its words name parameters, and no values.
            NodeError::Settings(format!("the database's URL: {error}"))
        })?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(UNACKNOWLEDGED_WAIT);
        }
        if config.get_keepalives_interval().is_none() {
            config.keepalives_interval(KEEPALIVE_INTERVAL);
        }
        if config.get_keepalives_retries().is_none() {
            config.keepalives_retries(KEEPALIVE_RETRIES);
        }
        if config.get_application_name().is_none() {
            config.application_name("lclq");
        }
        config.keepalives_idle(KEEPALIVE_IDLE.min(config.get_keepalives_idle()));
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        if config.get_hosts().is_empty() {
            let none = "the database's URL names no host".to_owned();
            return Err(NodeError::Settings(none));
        }
        let settings = Self {
            config,
            schema: "lclq".to_owned(),
            pooling: match pooling.as_deref() {
                None | Some("session") => Pooling::Session,
                Some("transaction") => Pooling::Transaction,
                Some(other) => {
                    let other = format!("pooling={other:?}: expected session or transaction");
                    return Err(NodeError::Settings(other));
                }
            },
            common,
        };
        match schema {
            Some(schema) => settings.in_schema(&schema),
            None => Ok(settings),
        }
    }

    /// Clients wait so long for an append that isn't acknowledged, instead of 5 s.
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.common.grace = grace;
        self
    }

    /// A schema that isn't there, or is an older version's, is an error: nothing is made or changed.
    #[must_use]
    pub fn as_it_is(mut self) -> Self {
        self.common.makes = false;
        self
    }

    /// Hosts with ports, the database and the schema, for people.
    pub fn place(&self) -> String {
        let ports = self.config.get_ports();
        let hosts = self.config.get_hosts().iter().enumerate();
        let hosts: Vec<String> = hosts
            .map(|(at, host)| {
                let port = ports.get(at).or_else(|| ports.first()).unwrap_or(&PORT);
                match host {
                    Host::Tcp(name) => format!("{name}:{port}"),
                    #[cfg(unix)]
                    Host::Unix(path) => format!("{}:{port}", path.display()),
                }
            })
            .collect();
        let database = self.config.get_dbname().or_else(|| self.config.get_user());
        format!(
            "PostgreSQL at {}, database {}, schema {}",
            hosts.join(" or "),
            database.unwrap_or("of the user's name"),
            self.schema
        )
    }

    /// Another schema than `lclq`: several clusters may be in one database.
    ///
    /// # Errors
    ///
    /// Unless the name is of lower-case letters, digits and `_`, begins with none of the digits nor with
    /// `pg_`, and has at most 63 bytes.
    pub fn in_schema(mut self, schema: &str) -> Result<Self, NodeError> {
        let is_begun = schema.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
        let is_of = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !is_begun
            || !schema.chars().all(is_of)
            || schema.starts_with("pg_")
            || schema.len() > SCHEMA_NAME_BYTES_MAX
        {
            let name = format!("{schema:?} can't be a schema's name here");
            return Err(NodeError::Settings(name));
        }
        schema.clone_into(&mut self.schema);
        Ok(self)
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn schema(&self) -> &str {
        &self.schema
    }

    pub(super) fn pooling(&self) -> Pooling {
        self.pooling
    }

    pub(super) fn common(&self) -> &Common {
        &self.common
    }
}

impl fmt::Debug for PostgresSettings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("PostgresSettings")
            .field("hosts", &self.config.get_hosts())
            .field("ports", &self.config.get_ports())
            .field("user", &self.config.get_user())
            .field("database", &self.config.get_dbname())
            .field("schema", &self.schema)
            .field("pooling", &self.pooling)
            .field("shards", &self.common.shards)
            .finish_non_exhaustive()
    }
}

/// A URL without what the client doesn't know: the file of roots, the schema, the pooling, and the names of modes
/// that check more than `require` does in libpq.
struct OwnParameters {
    url: String,
    root_file: Option<String>,
    schema: Option<String>,
    pooling: Option<String>,
}

fn own_parameters(url: &str) -> OwnParameters {
    let mut own = OwnParameters {
        url: url.to_owned(),
        root_file: None,
        schema: None,
        pooling: None,
    };
    let Some((base, parameters)) = url.split_once('?') else {
        return own;
    };
    if !base.starts_with("postgres://") && !base.starts_with("postgresql://") {
        return own;
    }
    let mut kept = Vec::new();
    for parameter in parameters.split('&') {
        match parameter.split_once('=') {
            Some(("sslrootcert", file)) => own.root_file = Some(file.to_owned()),
            Some(("pooling", name)) => own.pooling = Some(name.to_owned()),
            Some(("schema", name)) => own.schema = Some(name.to_owned()),
            Some(("sslmode", "verify-full" | "verify-ca")) => kept.push("sslmode=require"),
            _ => kept.push(parameter),
        }
    }
    own.url = format!("{base}?{}", kept.join("&"));
    own
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LOG_SHARDS_MAX;

    const URL: &str = "postgres://me:hush@one:5433,two:5434/logs?sslmode=verify-full";

    #[test]
    fn a_password_is_not_printed() {
        let settings = PostgresSettings::new(URL, Some(4)).unwrap();
        let printed = format!("{settings:?}");
        assert!(
            printed.contains("two") && printed.contains("5434"),
            "{printed}"
        );
        assert!(!printed.contains("hush"), "{printed}");
        for broken in [
            "postgres://me:hush@one:port/x",
            "password=hush x",
            "host=a password='hush",
        ] {
            let error = PostgresSettings::new(broken, Some(4)).unwrap_err();
            assert!(!error.to_string().contains("hush"), "{error}");
            assert!(!format!("{error:?}").contains("hush"), "{error:?}");
        }
    }

    #[test]
    fn schemas_are_names_that_need_no_quotes() {
        let settings = PostgresSettings::new(URL, Some(4)).unwrap();
        for good in ["lclq", "_2", "staging_1"] {
            settings.clone().in_schema(good).unwrap();
        }
        for bad in ["", "1a", "a\"b", "A", "pg_x", "a-b", &"x".repeat(64)] {
            assert!(settings.clone().in_schema(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_place_is_for_people_and_a_schema_may_stand_in_the_url() {
        let settings = PostgresSettings::new(&format!("{URL}&schema=staging"), None).unwrap();
        let place = "PostgreSQL at one:5433 or two:5434, database logs, schema staging";
        assert_eq!(settings.place(), place);
        let error = PostgresSettings::new("postgres://h/x?schema=No", None).unwrap_err();
        assert!(error.to_string().contains("\"No\""), "{error}");
        let error = PostgresSettings::new("postgres://h/x?pooling=statement", None).unwrap_err();
        assert!(
            error.to_string().contains("session or transaction"),
            "{error}"
        );
        let error = PostgresSettings::new("postgres:///x", None).unwrap_err();
        assert!(error.to_string().contains("no host"), "{error}");
    }

    #[test]
    fn shards_are_bounded() {
        assert!(PostgresSettings::new(URL, Some(0)).is_err());
        assert!(PostgresSettings::new(URL, Some(LOG_SHARDS_MAX + 1)).is_err());
    }
}
