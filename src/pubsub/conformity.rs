//! Publishing to a topic that transforms messages or demands a schema: messages are taken apart,
//! changed, checked, and put together again.

use super::core::{Pubsub, TopicInfo, leaf};
use super::error::{
    PubsubResult, no_revision_allowed, not_found, not_worked_out, schema_refusal, transform_failed,
};
use super::proto::{Encoding, PubsubMessage, Schema, SchemaSettings};
use super::publish::check_message;
use super::schema::{Check, MessageEncoding, Revision, SchemaKind, allowed_revisions};
use super::transform::{TransformMessage, TransformMetadata};
use prost::Message;

/// Attributes that tell subscribers what a message was checked against.
const SCHEMA_NAME: &str = "googclient_schemaname";
const SCHEMA_ENCODING: &str = "googclient_schemaencoding";
const SCHEMA_REVISION: &str = "googclient_schemarevisionid";

impl Pubsub {
    /// Transforms messages and checks them against the topic's schema; answers them in the form in
    /// which they are stored, `None` for those that a transform has filtered out.
    pub(super) async fn conform(
        &self,
        info: &TopicInfo,
        messages: Vec<PubsubMessage>,
    ) -> PubsubResult<Vec<Option<PubsubMessage>>> {
        let mut messages: Vec<Option<PubsubMessage>> = if info.transforms.is_empty() {
            messages.into_iter().map(Some).collect()
        } else {
            self.transform_published(info, messages).await?
        };
        if let Some(settings) = &info.spec.schema_settings {
            self.check_schema(info.schema_id, settings, &mut messages)
                .await?;
        }
        Ok(messages)
    }

    async fn transform_published(
        &self,
        info: &TopicInfo,
        messages: Vec<PubsubMessage>,
    ) -> PubsubResult<Vec<Option<PubsubMessage>>> {
        let input = |message: PubsubMessage| TransformMessage {
            data: message.data,
            attributes: message.attributes.into_iter().collect(),
            metadata: TransformMetadata {
                ordering_key: message.ordering_key,
                ..TransformMetadata::default()
            },
        };
        let inputs = messages.into_iter().map(input).collect();
        let outcomes = self.transformer.run(&info.transforms, inputs).await;
        let mut transformed = Vec::with_capacity(outcomes.len());
        for outcome in outcomes {
            let outcome = outcome.map_err(|error| transform_failed(&error))?;
            let message = outcome.map(|message| PubsubMessage {
                data: message.data,
                attributes: message.attributes.into_iter().collect(),
                ordering_key: message.metadata.ordering_key,
                ..PubsubMessage::default()
            });
            if let Some(message) = &message {
                check_message(&message.encode_to_vec())?;
            }
            transformed.push(message);
        }
        Ok(transformed)
    }

    async fn check_schema(
        &self,
        schema_id: u64,
        settings: &SchemaSettings,
        messages: &mut [Option<PubsubMessage>],
    ) -> PubsubResult<()> {
        let encoding = match settings.encoding() {
            Encoding::Binary => MessageEncoding::Binary,
            Encoding::Json | Encoding::Unspecified => MessageEncoding::Json,
        };
        // One that was deleted and made again is another.
        let schema = self.schema(&settings.schema).await?;
        if schema.id != schema_id {
            return Err(not_found(leaf(&settings.schema)));
        }
        let allowed = allowed_revisions(
            &schema.newest_first,
            |revision| &revision.revision_id,
            &settings.first_revision_id,
            &settings.last_revision_id,
        );
        let revision = |schema: &Schema| {
            Some(Revision {
                id: schema.revision_id.clone(),
                kind: SchemaKind::of(schema.r#type())?,
                definition: schema.definition.clone(),
            })
        };
        let check = Check {
            cache: self.outside.schemas.clone(),
            schema: schema.cache_key.clone(),
            revisions: allowed.iter().filter_map(revision).collect(),
            encoding,
            messages: messages
                .iter()
                .flatten()
                .map(|message| message.data.clone())
                .collect(),
        };
        let tried: Vec<Revision> = check.revisions.clone();
        let matched = self
            .outside
            .workbench
            .run(check.bytes(), move || check.run())
            .await
            .map_err(not_worked_out)?
            .map_err(|mismatch| match mismatch.revision {
                Some(place) => {
                    let Revision { id, kind, .. } = &tried[place];
                    schema_refusal(&settings.schema, id, *kind, encoding, &mismatch.why)
                }
                None => no_revision_allowed(),
            })?;
        for (message, place) in messages.iter_mut().flatten().zip(matched) {
            let encoding = match encoding {
                MessageEncoding::Json => "JSON",
                MessageEncoding::Binary => "BINARY",
            };
            for (key, value) in [
                (SCHEMA_NAME, settings.schema.as_str()),
                (SCHEMA_ENCODING, encoding),
                (SCHEMA_REVISION, tried[place].id.as_str()),
            ] {
                message.attributes.insert(key.to_owned(), value.to_owned());
            }
        }
        Ok(())
    }
}

/// What a message was checked against when it was published.
pub(super) struct Checked<'a> {
    pub(super) schema: &'a str,
    pub(super) revision: &'a str,
    pub(super) encoding: MessageEncoding,
}

/// Reads what a message's attributes say about its schema, if it had one.
pub(super) fn checked_against(attributes: &[(String, String)]) -> Option<Checked<'_>> {
    let attribute = |name: &str| {
        let mut all = attributes.iter();
        all.find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    Some(Checked {
        schema: attribute(SCHEMA_NAME)?,
        revision: attribute(SCHEMA_REVISION)?,
        encoding: match attribute(SCHEMA_ENCODING)? {
            "JSON" => MessageEncoding::Json,
            "BINARY" => MessageEncoding::Binary,
            _ => return None,
        },
    })
}
