//! Which database, and how it is reached.

use super::PostgresError;
use super::limits::{
    CONNECT_TIMEOUT, KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_RETRIES, UNACKNOWLEDGED_WAIT,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use std::fmt;
use tokio_postgres::Config;
use tokio_postgres::config::TargetSessionAttrs;

/// Logs that a database may be made for, one per shard.
pub const LOG_SHARDS_MAX: u16 = 4_096;
/// Bytes of a schema's name, as PostgreSQL has it.
const SCHEMA_NAME_BYTES_MAX: usize = 63;
/// Certificates that a file of roots may have.
const ROOTS_MAX: usize = 1_024;

/// Which database, and how it is reached. What it prints about itself has no password.
#[derive(Clone)]
pub struct PostgresSettings {
    config: Config,
    schema: String,
    shards: u16,
    roots: Option<Vec<CertificateDer<'static>>>,
}

impl PostgresSettings {
    /// Takes a URL, `postgres://user:password@host:port,other:port/database?sslmode=require`, or the
    /// form `host=... user=...`, with libpq's parameters. Of several hosts that one is used which can be
    /// written to. A server's certificate is always checked where TLS is used; `sslmode=verify-full`
    /// means the same as `require`. In a URL, `sslrootcert` names a PEM file of roots to trust instead of
    /// the system's.
    ///
    /// # Errors
    ///
    /// If the URL or the file can't be read, or there are no shards or more than [`LOG_SHARDS_MAX`].
    pub fn new(url: &str, shards: u16) -> Result<Self, PostgresError> {
        if !(1..=LOG_SHARDS_MAX).contains(&shards) {
            let bounds = format!("shards are 1 to {LOG_SHARDS_MAX}");
            return Err(PostgresError::Settings(bounds));
        }
        let (url, root_file) = without_tls_files(url);
        let mut config: Config = url.parse().map_err(|error| {
            // Its words name parameters, and no values.
            PostgresError::Settings(format!("the database's URL: {error}"))
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
        Ok(Self {
            config,
            schema: "lclq".to_owned(),
            shards,
            roots: root_file.as_deref().map(read_roots).transpose()?,
        })
    }

    /// Another schema than `lclq`: several clusters may be in one database.
    ///
    /// # Errors
    ///
    /// Unless the name is of lower-case letters, digits and `_`, begins with none of the digits nor with
    /// `pg_`, and has at most 63 bytes.
    pub fn in_schema(mut self, schema: &str) -> Result<Self, PostgresError> {
        let is_begun = schema.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
        let is_of = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !is_begun
            || !schema.chars().all(is_of)
            || schema.starts_with("pg_")
            || schema.len() > SCHEMA_NAME_BYTES_MAX
        {
            let name = format!("{schema:?} can't be a schema's name here");
            return Err(PostgresError::Settings(name));
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

    pub(super) fn shards(&self) -> u16 {
        self.shards
    }

    pub(super) fn roots(&self) -> Option<&[CertificateDer<'static>]> {
        self.roots.as_deref()
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
            .field("shards", &self.shards)
            .finish_non_exhaustive()
    }
}

/// Takes out of a URL what the client doesn't know: the file of roots, and the names of modes that
/// check more than `require` does in libpq.
fn without_tls_files(url: &str) -> (String, Option<String>) {
    let Some((base, parameters)) = url.split_once('?') else {
        return (url.to_owned(), None);
    };
    if !base.starts_with("postgres://") && !base.starts_with("postgresql://") {
        return (url.to_owned(), None);
    }
    let mut root_file = None;
    let mut kept = Vec::new();
    for parameter in parameters.split('&') {
        match parameter.split_once('=') {
            Some(("sslrootcert", file)) => root_file = Some(file.to_owned()),
            Some(("sslmode", "verify-full" | "verify-ca")) => kept.push("sslmode=require"),
            _ => kept.push(parameter),
        }
    }
    (format!("{base}?{}", kept.join("&")), root_file)
}

fn read_roots(file: &str) -> Result<Vec<CertificateDer<'static>>, PostgresError> {
    let broken = |error| PostgresError::Settings(format!("sslrootcert {file}: {error}"));
    let found = CertificateDer::pem_file_iter(file).map_err(broken)?;
    let roots: Result<Vec<_>, _> = found.take(ROOTS_MAX).collect();
    let roots = roots.map_err(broken)?;
    if roots.is_empty() {
        let none = format!("sslrootcert {file}: there is no certificate in it");
        return Err(PostgresError::Settings(none));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "postgres://me:hush@one:5433,two:5434/logs?sslmode=verify-full";

    #[test]
    fn a_password_is_not_printed() {
        let settings = PostgresSettings::new(URL, 4).unwrap();
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
            let error = PostgresSettings::new(broken, 4).unwrap_err();
            assert!(!error.to_string().contains("hush"), "{error}");
            assert!(!format!("{error:?}").contains("hush"), "{error:?}");
        }
    }

    #[test]
    fn schemas_are_names_that_need_no_quotes() {
        let settings = PostgresSettings::new(URL, 4).unwrap();
        for good in ["lclq", "_2", "staging_1"] {
            settings.clone().in_schema(good).unwrap();
        }
        for bad in ["", "1a", "a\"b", "A", "pg_x", "a-b", &"x".repeat(64)] {
            assert!(settings.clone().in_schema(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn shards_are_bounded() {
        assert!(PostgresSettings::new(URL, 0).is_err());
        assert!(PostgresSettings::new(URL, LOG_SHARDS_MAX + 1).is_err());
    }
}
