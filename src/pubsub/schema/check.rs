//! Checks a request's messages against the revisions of a schema.

use super::{MessageEncoding, MismatchError, SchemaCache, SchemaKind};
use bytes::Bytes;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Time for one request's messages, ms. What isn't checked by then is refused.
const CHECK_MS_MAX: u64 = 10_000;

/// One revision that messages may match.
#[derive(Clone, Debug)]
pub struct Revision {
    pub id: String,
    pub kind: SchemaKind,
    pub definition: String,
}

/// Messages to be checked.
pub struct Check {
    /// The core's compiled schemas.
    pub cache: Arc<Mutex<SchemaCache>>,
    /// What the cache knows the schema by: another one of its name is another.
    pub schema: String,
    /// Newest first.
    pub revisions: Vec<Revision>,
    pub encoding: MessageEncoding,
    pub messages: Vec<Bytes>,
}

/// No revision matches a message.
#[derive(Debug)]
pub struct Mismatch {
    /// Place of the revision that was tried last; `None` where there was none to try.
    pub revision: Option<usize>,
    pub why: MismatchError,
}

impl Check {
    /// Bytes that are looked at, at most.
    pub fn bytes(&self) -> usize {
        let messages: usize = self.messages.iter().map(Bytes::len).sum();
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let new: usize = self
            .revisions
            .iter()
            .filter(|revision| !cache.has(&self.schema, &revision.id))
            .map(|revision| revision.definition.len())
            .sum();
        messages * self.revisions.len() + new
    }

    /// Finds for each message the newest revision that it matches; answers their places.
    ///
    /// # Errors
    /// If a message matches none: why the last one tried doesn't.
    pub fn run(&self) -> Result<Vec<usize>, Mismatch> {
        let until = Instant::now() + Duration::from_millis(CHECK_MS_MAX);
        let mut matched = Vec::with_capacity(self.messages.len());
        for message in &self.messages {
            matched.push(self.newest_match(message, until)?);
        }
        Ok(matched)
    }

    fn newest_match(&self, message: &[u8], until: Instant) -> Result<usize, Mismatch> {
        let mut mismatch = Mismatch {
            revision: None,
            why: MismatchError::new("the topic's schema has no revision for it"),
        };
        for (place, revision) in self.revisions.iter().enumerate() {
            mismatch.revision = Some(place);
            if Instant::now() >= until {
                mismatch.why = MismatchError(format!(
                    "checking the request's messages took more than {CHECK_MS_MAX} ms"
                ));
                break;
            }
            match self.matches(revision, message) {
                Ok(()) => return Ok(place),
                Err(why) => mismatch.why = why,
            }
        }
        Err(mismatch)
    }

    fn matches(&self, revision: &Revision, message: &[u8]) -> Result<(), MismatchError> {
        let compiled = SchemaCache::get(
            &self.cache,
            &self.schema,
            &revision.id,
            revision.kind,
            &revision.definition,
        );
        let compiled = compiled.map_err(|error| MismatchError(error.to_string()))?;
        compiled.validate(self.encoding, message)
    }
}
