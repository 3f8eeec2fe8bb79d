//! Topics.

use lclq_shards::pubsub::TopicSettings;
use lclq_shards::pubsub::command::{AdminCommand, Kind, Resource, SharedBytes};
use prost::Message;
use std::collections::BTreeMap;

use super::ingestion::check_ingestion;
use super::masks::{Fields, take_field, take_part};
use super::rules::{check_labels, check_retention, millis, to_std};
use super::transforms::check_transforms;
use crate::pubsub::core::{Pubsub, decode_spec, leaf, pubsub_refused};
use crate::pubsub::error::{PubsubResult, invalid_argument, not_found};
use crate::pubsub::names;
use crate::pubsub::proto::{
    DeleteTopicRequest, DetachSubscriptionRequest, DetachSubscriptionResponse, Encoding,
    GetTopicRequest, ListTopicSnapshotsRequest, ListTopicSnapshotsResponse,
    ListTopicSubscriptionsRequest, ListTopicSubscriptionsResponse, ListTopicsRequest,
    ListTopicsResponse, Topic, UpdateTopicRequest, topic,
};
use crate::regions::entered;

/// What a topic's schema reads as once the schema is deleted.
const DELETED_SCHEMA: &str = "_deleted-schema_";

const FIELDS: Fields = Fields {
    request: "UpdateTopicRequest",
    resource: "Topic",
    immutable: &["name", "kms_key_name", "satisfies_pzs", "state", "tags"],
};

/// What is kept with a topic beside itself, in the same encoded message: decoding that as a topic
/// skips this.
#[derive(Clone, PartialEq, Message)]
pub(in crate::pubsub) struct Beside {
    /// Id of its schema, 0 without; another schema of the same name is another schema.
    #[prost(uint64, tag = "1000")]
    pub schema_id: u64,
    /// The region by which it was made, empty where there were none.
    #[prost(string, tag = "1001")]
    pub region: String,
}

impl Beside {
    pub fn of(resource: &Resource) -> Self {
        Self::decode(&*resource.spec).unwrap_or_default()
    }
}

fn topic_spec(topic: &Topic, beside: &Beside) -> SharedBytes {
    let mut bytes = topic.encode_to_vec();
    bytes.extend(beside.encode_to_vec());
    bytes.into()
}

fn settings(topic: &Topic) -> TopicSettings {
    TopicSettings {
        retention_ms: topic
            .message_retention_duration
            .as_ref()
            .and_then(to_std)
            .map(millis),
    }
}

/// Checks everything that a topic alone tells, and clears what only the server sets.
fn normalise(topic: &mut Topic) -> PubsubResult<()> {
    topic.satisfies_pzs = false;
    topic.state = topic::State::Unspecified.into();
    check_labels(&topic.labels)?;
    if let Some(retention) = &topic.message_retention_duration {
        check_retention(retention)?;
    }
    if let Some(source) = &mut topic.ingestion_data_source_settings {
        check_ingestion(source)?;
    }
    check_transforms(&topic.message_transforms)
}

fn apply(path: &str, from: &Topic, to: &mut Topic) -> bool {
    match path {
        "labels" => take_field!(from, to, labels),
        "message_storage_policy" => take_field!(from, to, message_storage_policy),
        "message_storage_policy.allowed_persistence_regions" => {
            take_part!(from, to, message_storage_policy.allowed_persistence_regions)
        }
        "message_storage_policy.enforce_in_transit" => {
            take_part!(from, to, message_storage_policy.enforce_in_transit)
        }
        "schema_settings" => take_field!(from, to, schema_settings),
        "schema_settings.schema" => take_part!(from, to, schema_settings.schema),
        "schema_settings.encoding" => take_part!(from, to, schema_settings.encoding),
        "schema_settings.first_revision_id" => {
            take_part!(from, to, schema_settings.first_revision_id)
        }
        "schema_settings.last_revision_id" => {
            take_part!(from, to, schema_settings.last_revision_id)
        }
        "message_retention_duration" => take_field!(from, to, message_retention_duration),
        "ingestion_data_source_settings" => take_field!(from, to, ingestion_data_source_settings),
        "message_transforms" => take_field!(from, to, message_transforms),
        _ => false,
    }
}

/// Ids of schemas that one answer asks for more than once.
pub(super) type SeenSchemas = BTreeMap<String, Option<u64>>;

impl Pubsub {
    pub(super) async fn create_topic(&self, mut topic: Topic) -> PubsubResult<Topic> {
        names::parse(names::Kind::Topic, &topic.name)?;
        let beside = Beside {
            schema_id: self.check_schema_settings(&topic).await?,
            region: entered().as_deref().unwrap_or_default().to_owned(),
        };
        normalise(&mut topic)?;
        self.try_transforms(&topic.message_transforms).await?;
        let command = AdminCommand::CreateTopic {
            name: (*topic.name).into(),
            spec: topic_spec(&topic, &beside),
            settings: settings(&topic),
        };
        let resource = self
            .for_resource(self.home_shard(&topic.name), command)
            .await?
            .map_err(|refusal| pubsub_refused(refusal, &topic.name))?;
        self.show_topic(&resource, &mut SeenSchemas::new()).await
    }

    pub(super) async fn get_topic(&self, request: GetTopicRequest) -> PubsubResult<Topic> {
        names::parse(names::Kind::Topic, &request.topic)?;
        let resource = self.existing(Kind::Topic, &request.topic).await?;
        self.show_topic(&resource, &mut SeenSchemas::new()).await
    }

    pub(super) async fn update_topic(&self, request: UpdateTopicRequest) -> PubsubResult<Topic> {
        let update = &request.topic.unwrap_or_default();
        names::parse(names::Kind::Topic, &update.name)?;
        let mask = request.update_mask.as_ref();
        let paths = || mask.iter().flat_map(|mask| &mask.paths);
        let schema_changes = paths().any(|path| path.starts_with("schema_settings"));
        let names_schema =
            paths().any(|path| matches!(&**path, "schema_settings" | "schema_settings.schema"));
        let derive = async |resource: Resource| {
            let mut topic: Topic = decode_spec(&resource)?;
            let transforms = topic.message_transforms.clone();
            FIELDS.apply(mask, |path| apply(path, update, &mut topic))?;
            let mut beside = Beside::of(&resource);
            if schema_changes {
                let id = self.check_schema_settings(&topic).await?;
                if !names_schema && id != beside.schema_id {
                    // The topic's own was deleted; one made since is another.
                    let settings = topic.schema_settings.as_ref();
                    let name = settings.map_or("", |settings| &settings.schema);
                    return Err(not_found(leaf(name)));
                }
                beside.schema_id = id;
            }
            normalise(&mut topic)?;
            if topic.message_transforms != transforms {
                self.try_transforms(&topic.message_transforms).await?;
            }
            Ok(AdminCommand::UpdateTopic {
                name: resource.name,
                version: resource.version,
                spec: topic_spec(&topic, &beside),
                settings: settings(&topic),
            })
        };
        let resource = self.change(Kind::Topic, &update.name, derive).await?;
        self.show_topic(&resource, &mut SeenSchemas::new()).await
    }

    pub(super) async fn list_topics(
        &self,
        request: ListTopicsRequest,
    ) -> PubsubResult<ListTopicsResponse> {
        let (found, next_page_token) = self
            .list(
                Kind::Topic,
                &request.project,
                request.page_size,
                &request.page_token,
            )
            .await?;
        let mut seen = SeenSchemas::new();
        let mut topics = Vec::with_capacity(found.len());
        for resource in &found {
            topics.push(self.show_topic(resource, &mut seen).await?);
        }
        Ok(ListTopicsResponse {
            topics,
            next_page_token,
        })
    }

    pub(super) async fn list_topic_subscriptions(
        &self,
        request: ListTopicSubscriptionsRequest,
    ) -> PubsubResult<ListTopicSubscriptionsResponse> {
        let (subscriptions, next_page_token) = self
            .list_of_topic(
                &request.topic,
                Kind::Subscription,
                request.page_size,
                &request.page_token,
            )
            .await?;
        Ok(ListTopicSubscriptionsResponse {
            subscriptions,
            next_page_token,
        })
    }

    pub(super) async fn list_topic_snapshots(
        &self,
        request: ListTopicSnapshotsRequest,
    ) -> PubsubResult<ListTopicSnapshotsResponse> {
        let (snapshots, next_page_token) = self
            .list_of_topic(
                &request.topic,
                Kind::Snapshot,
                request.page_size,
                &request.page_token,
            )
            .await?;
        Ok(ListTopicSnapshotsResponse {
            snapshots,
            next_page_token,
        })
    }

    pub(super) async fn delete_topic(&self, request: DeleteTopicRequest) -> PubsubResult<()> {
        names::parse(names::Kind::Topic, &request.topic)?;
        self.delete(Kind::Topic, &request.topic).await
    }

    pub(super) async fn detach_subscription(
        &self,
        request: DetachSubscriptionRequest,
    ) -> PubsubResult<DetachSubscriptionResponse> {
        let name = &request.subscription;
        names::parse(names::Kind::Subscription, name)?;
        let shard = self.existing(Kind::Subscription, name).await?.shard;
        let command = AdminCommand::Detach {
            name: (**name).into(),
        };
        self.done(shard, command)
            .await?
            .map_err(|refusal| pubsub_refused(refusal, name))?;
        Ok(DetachSubscriptionResponse {})
    }

    /// Checks that a topic's schema and its revisions exist. Answers the schema's id, 0 without.
    async fn check_schema_settings(&self, topic: &Topic) -> PubsubResult<u64> {
        let Some(settings) = &topic.schema_settings else {
            return Ok(0);
        };
        names::parse(names::Kind::Schema, &settings.schema)?;
        let (resource, schema) = self.schema_revisions(&settings.schema).await?;
        if !matches!(settings.encoding(), Encoding::Json | Encoding::Binary) {
            return Err(invalid_argument("schema_settings.encoding"));
        }
        for revision in [&settings.first_revision_id, &settings.last_revision_id] {
            if !revision.is_empty() {
                schema.find(revision)?;
            }
        }
        Ok(resource.id)
    }

    /// A topic as it is answered.
    pub(super) async fn show_topic(
        &self,
        resource: &Resource,
        seen: &mut SeenSchemas,
    ) -> PubsubResult<Topic> {
        let mut topic: Topic = decode_spec(resource)?;
        // Says how ingestion does.
        if topic.ingestion_data_source_settings.is_some() {
            topic.state = topic::State::Active.into();
        }
        // Only ever given, never shown.
        topic.tags.clear();
        if let Some(settings) = &mut topic.schema_settings {
            let now = match seen.get(&settings.schema) {
                Some(id) => *id,
                None => {
                    let schema = self.find(Kind::Schema, &settings.schema).await?;
                    let id = schema.map(|schema| schema.id);
                    seen.insert(settings.schema.clone(), id);
                    id
                }
            };
            if now != Some(Beside::of(resource).schema_id) {
                settings.schema = DELETED_SCHEMA.into();
            }
        }
        Ok(topic)
    }
}
