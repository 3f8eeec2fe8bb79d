//! Which store, and how it is reached.

use crate::tls::read_roots;
use crate::{NodeError, PostgresSettings, RedisSettings};
use rustls_pki_types::CertificateDer;
use std::time::Duration;

/// Logs that a store may be made for, one per shard.
pub const LOG_SHARDS_MAX: u16 = 4_096;
/// Shards of a store that is made without a number of them: more than nodes that it may come to have.
const SHARDS_DEFAULT: u16 = 64;
/// How long clients wait for a store that doesn't answer, where nobody says.
const GRACE: Duration = Duration::from_millis(5_000);
/// Schemes of URLs that name a store.
const SCHEMES: [(&str, bool); 6] = [
    ("postgres://", true),
    ("postgresql://", true),
    ("redis://", false),
    ("rediss://", false),
    ("valkey://", false),
    ("valkeys://", false),
];

/// Which store, and how it is reached. What it prints about itself has no password.
#[derive(Clone, Debug)]
pub enum StoreSettings {
    /// A PostgreSQL database.
    Postgres(PostgresSettings),
    /// Redis or Valkey.
    Redis(RedisSettings),
}

impl From<PostgresSettings> for StoreSettings {
    fn from(settings: PostgresSettings) -> Self {
        Self::Postgres(settings)
    }
}

impl From<RedisSettings> for StoreSettings {
    fn from(settings: RedisSettings) -> Self {
        Self::Redis(settings)
    }
}

impl StoreSettings {
    /// Whether a text begins as a store's URL does.
    pub fn is_url(text: &str) -> bool {
        SCHEMES.iter().any(|(scheme, _)| text.starts_with(scheme))
    }

    /// Takes a store's URL, as [`PostgresSettings::new`] and [`RedisSettings::new`] do.
    ///
    /// # Errors
    ///
    /// As there, or if the URL is of no known scheme.
    pub fn new(url: &str, shards: Option<u16>) -> Result<Self, NodeError> {
        let mut schemes = SCHEMES.iter();
        match schemes.find(|(scheme, _)| url.starts_with(scheme)) {
            Some((_, true)) => PostgresSettings::new(url, shards).map(Self::Postgres),
            Some((_, false)) => RedisSettings::new(url, shards).map(Self::Redis),
            None => {
                let expected = "a store's URL begins with postgres:// or redis://";
                Err(NodeError::Settings(expected.to_owned()))
            }
        }
    }

    /// Clients wait so long for a store that doesn't answer; then they are refused until it does.
    #[must_use]
    pub fn with_grace(self, grace: Duration) -> Self {
        match self {
            Self::Postgres(settings) => Self::Postgres(settings.with_grace(grace)),
            Self::Redis(settings) => Self::Redis(settings.with_grace(grace)),
        }
    }

    /// A store in which nothing is yet, or an older version's, is an error: nothing is made or changed.
    #[must_use]
    pub fn as_it_is(self) -> Self {
        match self {
            Self::Postgres(settings) => Self::Postgres(settings.as_it_is()),
            Self::Redis(settings) => Self::Redis(settings.as_it_is()),
        }
    }

    /// Its name in figures.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Postgres(_) => "postgres",
            Self::Redis(_) => "redis",
        }
    }
}

/// What settings of all stores have.
#[derive(Clone)]
pub(crate) struct Common {
    /// Shards that are asked for; `None`: as many as the store has.
    pub shards: Option<u16>,
    /// How long clients wait for a store that doesn't answer.
    pub grace: Duration,
    /// Whether what isn't there is made.
    pub makes: bool,
    /// Whom to trust instead of whom the system trusts.
    pub roots: Option<Vec<CertificateDer<'static>>>,
}

impl Common {
    /// Sees that the number of shards is one that a store may have, and reads the file of roots.
    pub fn new(shards: Option<u16>, root_file: Option<&str>) -> Result<Self, NodeError> {
        if shards.is_some_and(|shards| !(1..=LOG_SHARDS_MAX).contains(&shards)) {
            let bounds = format!("shards are 1 to {LOG_SHARDS_MAX}");
            return Err(NodeError::Settings(bounds));
        }
        let roots = root_file.map(|file| read_roots("sslrootcert", file));
        Ok(Self {
            shards,
            grace: GRACE,
            makes: true,
            roots: roots.transpose()?,
        })
    }

    /// Shards of a store that is made.
    pub fn shards_of_new(&self) -> u16 {
        self.shards.unwrap_or(SHARDS_DEFAULT)
    }
}
