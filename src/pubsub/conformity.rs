//! Publishing to a topic that transforms messages or demands a schema: messages are taken apart,
//! changed, checked, and put together again.

use super::core::{Pubsub, TopicInfo};
use super::error::{
    PubsubResult, failed_because, invalid_because, schema_violation, storage_unavailable,
};
use super::proto::schema::Type;
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
        let revision = |schema: &Schema| {
            let kind = match schema.r#type() {
                Type::Avro => SchemaKind::Avro,
                Type::ProtocolBuffer => SchemaKind::ProtocolBuffer,
                Type::Unspecified => return None,
            };
            Some(Revision {
                id: schema.revision_id.clone(),
                kind,
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
        let ids: Vec<String> = check
            .revisions
            .iter()
            .map(|revision| revision.id.clone())
            .collect();
        let matched = self
            .outside
            .workbench
            .run(check.bytes(), move || check.run())
            .await
            .map_err(storage_unavailable)?
            .map_err(schema_violation)?;
        for (message, place) in messages.iter_mut().flatten().zip(matched) {
            let encoding = match encoding {
                MessageEncoding::Json => "JSON",
                MessageEncoding::Binary => "BINARY",
            };
            for (key, value) in [
                (SCHEMA_NAME, settings.schema.as_str()),
                (SCHEMA_ENCODING, encoding),
                (SCHEMA_REVISION, ids[place].as_str()),
            ] {
                message.attributes.insert(key.to_owned(), value.to_owned());
            }
        }
        Ok(())
    }
}
