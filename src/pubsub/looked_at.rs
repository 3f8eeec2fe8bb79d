//! What operators see of messages and try on them: binary data as JSON by the schema that it was checked
//! against, and what transforms would make of a message.

use super::PubsubEndpoint;
use super::conformity::checked_against;
use super::schema::{MessageEncoding, SchemaKind, ShownSchema};
use super::transform::{Transform, TransformError, TransformMessage, Transformed};
use bytes::Bytes;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// Bytes of one message that is shown as JSON.
const DECODED_BYTES_MAX: usize = 64 << 10;
/// Schemas that one look needs at most; messages of more are shown as they are.
const SCHEMAS_MAX: usize = 20;

/// A message that is looked at.
pub struct LookedAt {
    pub attributes: Vec<(String, String)>,
    pub data: Bytes,
}

impl PubsubEndpoint {
    /// Messages' binary data as JSON, or why it can't be; `None` of those that were checked against no
    /// schema, were in JSON anyway, or whose schema is gone.
    pub async fn decoded(&self, messages: Vec<LookedAt>) -> Vec<Option<Result<Value, String>>> {
        let mut definitions: HashMap<(String, String), Option<(SchemaKind, String)>> =
            HashMap::new();
        let (mut wanted, mut bytes) = (Vec::new(), 0);
        for (at, message) in messages.iter().enumerate() {
            let checked = checked_against(&message.attributes);
            let Some(checked) = checked.filter(|one| one.encoding == MessageEncoding::Binary)
            else {
                continue;
            };
            let key = (checked.schema.to_owned(), checked.revision.to_owned());
            if !definitions.contains_key(&key) {
                if definitions.len() >= SCHEMAS_MAX {
                    continue;
                }
                let found = self.definition(&key.0, &key.1).await;
                bytes += found.as_ref().map_or(0, |(_, text)| text.len());
                definitions.insert(key.clone(), found);
            }
            bytes += message.data.len();
            wanted.push((at, key, message.data.clone()));
        }
        let mut all = vec![None; messages.len()];
        if wanted.is_empty() {
            return all;
        }
        let work = move || {
            // Once for all messages of a schema.
            let compiled = definitions.into_iter().filter_map(|(key, definition)| {
                let (kind, definition) = definition?;
                let schema = ShownSchema::compile(kind, &definition);
                Some((key, schema.map_err(|error| error.to_string())))
            });
            let schemas: HashMap<_, _> = compiled.collect();
            let decode = |(at, key, data): (usize, _, Bytes)| {
                let schema = schemas.get(&key)?.as_ref();
                let outcome = if data.len() > DECODED_BYTES_MAX {
                    Err(format!("longer than {DECODED_BYTES_MAX} bytes"))
                } else {
                    let schema = schema.map_err(String::clone);
                    schema.and_then(|schema| schema.show(&data).map_err(|error| error.to_string()))
                };
                Some((at, outcome))
            };
            wanted.into_iter().filter_map(decode).collect::<Vec<_>>()
        };
        let decoded = self.pubsub().outside.workbench.run(bytes, work).await;
        for (at, outcome) in decoded.unwrap_or_default() {
            all[at] = Some(outcome);
        }
        all
    }

    async fn definition(&self, schema: &str, revision: &str) -> Option<(SchemaKind, String)> {
        let info = self.pubsub().schema(schema).await.ok()?;
        let mut revisions = info.newest_first.iter();
        let found = revisions.find(|one| one.revision_id == revision)?;
        Some((SchemaKind::of(found.r#type())?, found.definition.clone()))
    }

    /// What transforms would make of messages; nothing is published.
    ///
    /// # Errors
    /// If the transforms themselves are wrong: their form, or code that doesn't run.
    pub async fn transformed(
        &self,
        transforms: Arc<[Transform]>,
        messages: Vec<TransformMessage>,
    ) -> Result<Vec<Transformed>, TransformError> {
        let transformer = &self.pubsub().transformer;
        transformer.check(&transforms).await?;
        Ok(transformer.run(&transforms, messages).await)
    }
}
