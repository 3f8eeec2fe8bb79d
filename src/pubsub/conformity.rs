//! Publishing to a topic that transforms messages or demands a schema: messages are taken apart,
//! changed, checked, and put together again.

use super::core::{Pubsub, SchemaInfo, TopicInfo};
use super::error::{PubsubResult, failed_because, invalid_because, schema_violation};
use super::proto::schema::Type;
use super::proto::{Encoding, PubsubMessage, Schema, SchemaSettings};
use super::publish::check_message;
use super::schema::{MessageEncoding, MismatchError, SchemaKind, allowed_revisions};
use super::transform::{TransformMessage, TransformMetadata};
use bytes::Bytes;
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
            let outcome = outcome.map_err(|error| {
                invalid_because(format!("Failed to apply the message transform: {error}"))
            })?;
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
        let schema = self.schema(&settings.schema).await?;
        // One of the same name that was made later is another.
        if schema.id != schema_id {
            return Err(failed_because("The topic's schema has been deleted."));
        }
        let allowed = allowed_revisions(
            &schema.newest_first,
            |revision| &revision.revision_id,
            &settings.first_revision_id,
            &settings.last_revision_id,
        );
        for message in messages.iter_mut().flatten() {
            let mut matched = None;
            let mut mismatch = None;
            for revision in allowed.iter() {
                match self.check_revision(&schema, revision, encoding, &message.data) {
                    Ok(()) => {
                        matched = Some(revision);
                        break;
                    }
                    // The newest revision's reason is the one to know.
                    Err(error) => drop(mismatch.get_or_insert(error)),
                }
            }
            let Some(revision) = matched else {
                let none = MismatchError("the topic's schema has no revision for it".to_owned());
                return Err(schema_violation(mismatch.unwrap_or(none)));
            };
            let encoding = match encoding {
                MessageEncoding::Json => "JSON",
                MessageEncoding::Binary => "BINARY",
            };
            for (key, value) in [
                (SCHEMA_NAME, settings.schema.as_str()),
                (SCHEMA_ENCODING, encoding),
                (SCHEMA_REVISION, revision.revision_id.as_str()),
            ] {
                message.attributes.insert(key.to_owned(), value.to_owned());
            }
        }
        Ok(())
    }

    fn check_revision(
        &self,
        schema: &SchemaInfo,
        revision: &Schema,
        encoding: MessageEncoding,
        data: &Bytes,
    ) -> Result<(), MismatchError> {
        let kind = match revision.r#type() {
            Type::Avro => SchemaKind::Avro,
            Type::ProtocolBuffer => SchemaKind::ProtocolBuffer,
            Type::Unspecified => return Err(MismatchError("the schema has no type".to_owned())),
        };
        let compiled = self.outside.schemas.borrow_mut().get(
            &schema.cache_key,
            &revision.revision_id,
            kind,
            &revision.definition,
        );
        let compiled = compiled.map_err(|error| MismatchError(error.to_string()))?;
        compiled.validate(encoding, data)
    }
}
