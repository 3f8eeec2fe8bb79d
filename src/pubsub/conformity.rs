//! Publishing to a topic that transforms messages or demands a schema: messages are taken apart,
//! changed, checked, and put together again.

use super::core::{Pubsub, TopicInfo, decode_spec, leaf};
use super::error::{
    PubsubError, PubsubResult, failed_because, invalid_because, not_found, schema_violation,
};
use super::proto::schema::Type;
use super::proto::{Encoding, ListSchemaRevisionsResponse, PubsubMessage, Schema, SchemaSettings};
use super::publish::check_message;
use super::schema::{MessageEncoding, MismatchError, SchemaKind, allowed_revisions};
use super::transform::{TransformMessage, TransformMetadata};
use bytes::Bytes;
use lclq_shards::pubsub::command::Kind;
use prost::Message;

/// What a topic's schema reads as once the schema is deleted.
const DELETED_SCHEMA: &str = "_deleted-schema_";

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
            self.check_schema(info, settings, &mut messages).await?;
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
        info: &TopicInfo,
        settings: &SchemaSettings,
        messages: &mut [Option<PubsubMessage>],
    ) -> PubsubResult<()> {
        if settings.schema == DELETED_SCHEMA {
            return Err(failed_because("The topic's schema has been deleted."));
        }
        let encoding = match settings.encoding() {
            Encoding::Binary => MessageEncoding::Binary,
            Encoding::Json | Encoding::Unspecified => MessageEncoding::Json,
        };
        // Asked for every time: another core may have made or deleted a revision just now.
        let resource = self
            .find(Kind::Schema, &settings.schema)
            .await?
            // One that was deleted and made again is another.
            .filter(|resource| resource.id == info.schema_id)
            .ok_or_else(|| not_found(leaf(&settings.schema)))?;
        let kept: ListSchemaRevisionsResponse = decode_spec(&resource)?;
        let allowed = allowed_revisions(
            &kept.schemas,
            |revision| &revision.revision_id,
            &settings.first_revision_id,
            &settings.last_revision_id,
        );
        for message in messages.iter_mut().flatten() {
            let mut matched = None;
            let mut last = None;
            for revision in allowed.iter() {
                match self.check_revision(settings, revision, encoding, &message.data) {
                    Ok(()) => {
                        matched = Some(revision);
                        break;
                    }
                    Err(error) => last = Some((revision, error)),
                }
            }
            let Some(revision) = matched else {
                return Err(match last {
                    Some((revision, why)) => {
                        schema_refusal(&settings.schema, revision, encoding, &why)
                    }
                    None => failed_because("The topic's schema has no revision that it allows."),
                });
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
        settings: &SchemaSettings,
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
            &settings.schema,
            // A schema that was deleted and made anew has other ids; ids alone are random enough.
            &revision.revision_id,
            kind,
            &revision.definition,
        );
        let compiled = compiled.map_err(|error| MismatchError(error.to_string()))?;
        compiled.validate(encoding, data)
    }
}

/// The refusal of a message that `revision` of the schema `name`, the last that was tried, doesn't
/// allow.
pub(super) fn schema_refusal(
    name: &str,
    revision: &Schema,
    encoding: MessageEncoding,
    why: &MismatchError,
) -> PubsubError {
    let revision_info = format!(
        "Could not validate message with any schema revision for schema: {name}, last checked \
         revision: revision_id={} failed with status: {why}.",
        revision.revision_id
    );
    schema_violation(violation_reason(revision, encoding), revision_info)
}

/// The refusal of a message that a schema without a name doesn't allow.
pub(super) fn nameless_schema_refusal(
    schema: &Schema,
    encoding: MessageEncoding,
    why: &MismatchError,
) -> PubsubError {
    let info = format!("Could not validate message with the schema given: {why}.");
    schema_violation(violation_reason(schema, encoding), info)
}

fn violation_reason(schema: &Schema, encoding: MessageEncoding) -> &'static str {
    match (encoding, schema.r#type()) {
        (MessageEncoding::Json, Type::ProtocolBuffer) => "INVALID_JSON_PROTO_MESSAGE",
        (MessageEncoding::Binary, Type::ProtocolBuffer) => "INVALID_BINARY_PROTO_MESSAGE",
        (MessageEncoding::Json, Type::Avro | Type::Unspecified) => "INVALID_JSON_AVRO_MESSAGE",
        (MessageEncoding::Binary, Type::Avro | Type::Unspecified) => "INVALID_BINARY_AVRO_MESSAGE",
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
