//! Fetching an issuer's keys. It blocks, which is for the issuer's thread alone.

use super::url::{check_keys, configuration_of, is_here};
use serde::Deserialize;
use std::path::Path;
use std::time::Duration;
use ureq::Agent;

/// For one document, from the look-up of the name to the last byte, s.
const DOCUMENT_SECONDS_MAX: u64 = 5;

/// What an issuer may tell of itself.
const CONFIGURATION_BYTES_MAX: u64 = 64 << 10;

/// What its keys may take, with certificates that some put beside them.
const KEYS_BYTES_MAX: u64 = 256 << 10;

/// What is logged of a text that somebody else wrote.
const QUOTED_CHARS_MAX: usize = 200;

/// Where an issuer's keys come from.
pub(super) struct Source {
    issuer: String,
    agent: Agent,
}

/// What is looked at of what an issuer tells of itself.
#[derive(Deserialize)]
struct Configuration {
    issuer: String,
    jwks_uri: String,
}

impl Source {
    /// Of an issuer; `authorities` are trusted besides the system's, a PEM file.
    ///
    /// # Errors
    /// That file can't be used.
    pub fn new(issuer: &str, authorities: Option<&Path>) -> Result<Self, String> {
        let config = Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(DOCUMENT_SECONDS_MAX)))
            .http_status_as_error(false)
            // An issuer says where its keys are; who answers in its place says nothing.
            .max_redirects(0)
            .user_agent(concat!("lclq/", env!("CARGO_PKG_VERSION")));
        // A proxy doesn't know this machine's own addresses.
        let config = if is_here(issuer) {
            config.proxy(None)
        } else {
            config
        };
        let tls = crate::tls::client_besides(authorities).map_err(|error| error.to_string())?;
        Ok(Self {
            issuer: issuer.to_owned(),
            agent: config.tls_config(tls).build().into(),
        })
    }

    /// The key set's text.
    ///
    /// # Errors
    /// Why it can't be had, in words.
    pub fn key_set(&self) -> Result<String, String> {
        let at = configuration_of(&self.issuer);
        let text = self.document(&at, CONFIGURATION_BYTES_MAX)?;
        let told: Configuration =
            serde_json::from_str(&text).map_err(|error| format!("{at}: {error}"))?;
        if told.issuer != self.issuer {
            let other = quoted(&told.issuer);
            return Err(format!("{at}: it calls itself {other}"));
        }
        check_keys(&told.jwks_uri, &self.issuer)
            .map_err(|why| format!("{at}: jwks_uri {}: {why}", quoted(&told.jwks_uri)))?;
        self.document(&told.jwks_uri, KEYS_BYTES_MAX)
    }

    fn document(&self, url: &str, bytes_max: u64) -> Result<String, String> {
        let failed = |error: ureq::Error| match error {
            ureq::Error::BodyExceedsLimit(bytes) => {
                format!("{}: it has more than {bytes} bytes", quoted(url))
            }
            error => format!("{}: {error}", quoted(url)),
        };
        let asked = self.agent.get(url).header("accept", "application/json");
        let mut answer = asked.call().map_err(failed)?;
        if answer.status() != 200 {
            return Err(format!("{}: status {}", quoted(url), answer.status()));
        }
        let body = answer.body_mut().with_config().limit(bytes_max);
        body.read_to_string().map_err(failed)
    }
}

fn quoted(text: &str) -> String {
    text.chars().take(QUOTED_CHARS_MAX).collect()
}
