//! The services of the contracts, a file per noun. Methods on hot paths are elsewhere: see
//! [`super::core`].

mod delivery;
mod iam;
mod ingestion;
mod masks;
mod pages;
mod resources;
mod rules;
mod schemas;
mod snapshots;
mod subscriptions;
mod topics;
mod transforms;

pub(super) use resources::shard_kind;
pub(super) use topics::Beside;
pub(super) use transforms::steps;

use bytes::Bytes;
use std::future::Future;
use std::rc::Rc;

use super::core::Pubsub;
use super::error::PubsubResult;
use super::proto::iam::{
    GetIamPolicyRequest, IamPolicy, Policy, SetIamPolicyRequest, TestIamPermissionsRequest,
    TestIamPermissionsResponse,
};
use super::proto::{
    CommitSchemaRequest, CreateSchemaRequest, CreateSnapshotRequest, DeleteSchemaRequest,
    DeleteSchemaRevisionRequest, DeleteSnapshotRequest, DeleteSubscriptionRequest,
    DeleteTopicRequest, DetachSubscriptionRequest, DetachSubscriptionResponse, GetSchemaRequest,
    GetSnapshotRequest, GetSubscriptionRequest, GetTopicRequest, ListSchemaRevisionsRequest,
    ListSchemaRevisionsResponse, ListSchemasRequest, ListSchemasResponse, ListSnapshotsRequest,
    ListSnapshotsResponse, ListSubscriptionsRequest, ListSubscriptionsResponse,
    ListTopicSnapshotsRequest, ListTopicSnapshotsResponse, ListTopicSubscriptionsRequest,
    ListTopicSubscriptionsResponse, ListTopicsRequest, ListTopicsResponse, ModifyPushConfigRequest,
    Publisher, RollbackSchemaRequest, Schema, SchemaService, SeekRequest, SeekResponse, Snapshot,
    Subscriber, Subscription, Topic, UpdateSnapshotRequest, UpdateSubscriptionRequest,
    UpdateTopicRequest, ValidateMessageRequest, ValidateMessageResponse, ValidateSchemaRequest,
    ValidateSchemaResponse,
};
use crate::grpc::{Encoded, Replies, Requests};
use crate::regions::entered;

impl Publisher for Pubsub {
    async fn create_topic(self: Rc<Self>, request: Topic) -> PubsubResult<Topic> {
        Pubsub::create_topic(&self, request).await
    }

    async fn update_topic(self: Rc<Self>, request: UpdateTopicRequest) -> PubsubResult<Topic> {
        Pubsub::update_topic(&self, request).await
    }

    async fn publish(self: Rc<Self>, request: Bytes) -> PubsubResult<Encoded> {
        self.publish_encoded(request).await
    }

    async fn get_topic(self: Rc<Self>, request: GetTopicRequest) -> PubsubResult<Topic> {
        Pubsub::get_topic(&self, request).await
    }

    async fn list_topics(
        self: Rc<Self>,
        request: ListTopicsRequest,
    ) -> PubsubResult<ListTopicsResponse> {
        Pubsub::list_topics(&self, request).await
    }

    async fn list_topic_subscriptions(
        self: Rc<Self>,
        request: ListTopicSubscriptionsRequest,
    ) -> PubsubResult<ListTopicSubscriptionsResponse> {
        Pubsub::list_topic_subscriptions(&self, request).await
    }

    async fn list_topic_snapshots(
        self: Rc<Self>,
        request: ListTopicSnapshotsRequest,
    ) -> PubsubResult<ListTopicSnapshotsResponse> {
        Pubsub::list_topic_snapshots(&self, request).await
    }

    async fn delete_topic(self: Rc<Self>, request: DeleteTopicRequest) -> PubsubResult<()> {
        Pubsub::delete_topic(&self, request).await
    }

    async fn detach_subscription(
        self: Rc<Self>,
        request: DetachSubscriptionRequest,
    ) -> PubsubResult<DetachSubscriptionResponse> {
        Pubsub::detach_subscription(&self, request).await
    }
}

impl Subscriber for Pubsub {
    async fn create_subscription(
        self: Rc<Self>,
        request: Subscription,
    ) -> PubsubResult<Subscription> {
        Pubsub::create_subscription(self, request).await
    }

    async fn get_subscription(
        self: Rc<Self>,
        request: GetSubscriptionRequest,
    ) -> PubsubResult<Subscription> {
        Pubsub::get_subscription(&self, request).await
    }

    async fn update_subscription(
        self: Rc<Self>,
        request: UpdateSubscriptionRequest,
    ) -> PubsubResult<Subscription> {
        Pubsub::update_subscription(&self, request).await
    }

    async fn list_subscriptions(
        self: Rc<Self>,
        request: ListSubscriptionsRequest,
    ) -> PubsubResult<ListSubscriptionsResponse> {
        Pubsub::list_subscriptions(&self, request).await
    }

    async fn delete_subscription(
        self: Rc<Self>,
        request: DeleteSubscriptionRequest,
    ) -> PubsubResult<()> {
        Pubsub::delete_subscription(&self, request).await
    }

    async fn modify_ack_deadline(self: Rc<Self>, request: Bytes) -> PubsubResult<Encoded> {
        self.modify_ack_deadline_encoded(request).await
    }

    async fn acknowledge(self: Rc<Self>, request: Bytes) -> PubsubResult<Encoded> {
        self.acknowledge_encoded(request).await
    }

    async fn pull(self: Rc<Self>, request: Bytes) -> PubsubResult<Encoded> {
        self.pull_encoded(request).await
    }

    fn streaming_pull(
        self: Rc<Self>,
        requests: Requests<Bytes>,
        replies: Replies<Encoded>,
    ) -> impl Future<Output = PubsubResult<()>> {
        // Known as the call comes, which is over when the stream begins.
        let region = entered();
        self.streaming_pull_encoded(requests, replies, region)
    }

    async fn modify_push_config(
        self: Rc<Self>,
        request: ModifyPushConfigRequest,
    ) -> PubsubResult<()> {
        Pubsub::modify_push_config(&self, request).await
    }

    async fn get_snapshot(self: Rc<Self>, request: GetSnapshotRequest) -> PubsubResult<Snapshot> {
        Pubsub::get_snapshot(&self, request).await
    }

    async fn list_snapshots(
        self: Rc<Self>,
        request: ListSnapshotsRequest,
    ) -> PubsubResult<ListSnapshotsResponse> {
        Pubsub::list_snapshots(&self, request).await
    }

    async fn create_snapshot(
        self: Rc<Self>,
        request: CreateSnapshotRequest,
    ) -> PubsubResult<Snapshot> {
        Pubsub::create_snapshot(self, request).await
    }

    async fn update_snapshot(
        self: Rc<Self>,
        request: UpdateSnapshotRequest,
    ) -> PubsubResult<Snapshot> {
        Pubsub::update_snapshot(&self, request).await
    }

    async fn delete_snapshot(self: Rc<Self>, request: DeleteSnapshotRequest) -> PubsubResult<()> {
        Pubsub::delete_snapshot(&self, request).await
    }

    async fn seek(self: Rc<Self>, request: SeekRequest) -> PubsubResult<SeekResponse> {
        Pubsub::seek(&self, request).await
    }
}

impl SchemaService for Pubsub {
    async fn create_schema(self: Rc<Self>, request: CreateSchemaRequest) -> PubsubResult<Schema> {
        Pubsub::create_schema(&self, request).await
    }

    async fn get_schema(self: Rc<Self>, request: GetSchemaRequest) -> PubsubResult<Schema> {
        Pubsub::get_schema(&self, request).await
    }

    async fn list_schemas(
        self: Rc<Self>,
        request: ListSchemasRequest,
    ) -> PubsubResult<ListSchemasResponse> {
        Pubsub::list_schemas(&self, request).await
    }

    async fn list_schema_revisions(
        self: Rc<Self>,
        request: ListSchemaRevisionsRequest,
    ) -> PubsubResult<ListSchemaRevisionsResponse> {
        Pubsub::list_schema_revisions(&self, request).await
    }

    async fn commit_schema(self: Rc<Self>, request: CommitSchemaRequest) -> PubsubResult<Schema> {
        Pubsub::commit_schema(&self, request).await
    }

    async fn rollback_schema(
        self: Rc<Self>,
        request: RollbackSchemaRequest,
    ) -> PubsubResult<Schema> {
        Pubsub::rollback_schema(&self, request).await
    }

    async fn delete_schema_revision(
        self: Rc<Self>,
        request: DeleteSchemaRevisionRequest,
    ) -> PubsubResult<Schema> {
        Pubsub::delete_schema_revision(&self, request).await
    }

    async fn delete_schema(self: Rc<Self>, request: DeleteSchemaRequest) -> PubsubResult<()> {
        Pubsub::delete_schema(&self, request).await
    }

    async fn validate_schema(
        self: Rc<Self>,
        request: ValidateSchemaRequest,
    ) -> PubsubResult<ValidateSchemaResponse> {
        Pubsub::validate_schema(&self, request).await
    }

    async fn validate_message(
        self: Rc<Self>,
        request: ValidateMessageRequest,
    ) -> PubsubResult<ValidateMessageResponse> {
        Pubsub::validate_message(&self, request).await
    }
}

impl IamPolicy for Pubsub {
    async fn set_iam_policy(self: Rc<Self>, request: SetIamPolicyRequest) -> PubsubResult<Policy> {
        Pubsub::set_iam_policy(&self, request).await
    }

    async fn get_iam_policy(self: Rc<Self>, request: GetIamPolicyRequest) -> PubsubResult<Policy> {
        Pubsub::get_iam_policy(&self, request).await
    }

    async fn test_iam_permissions(
        self: Rc<Self>,
        request: TestIamPermissionsRequest,
    ) -> PubsubResult<TestIamPermissionsResponse> {
        Pubsub::test_iam_permissions(&self, request).await
    }
}
