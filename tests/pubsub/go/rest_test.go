// The library's REST transport.
package pubsub_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"cloud.google.com/go/iam/apiv1/iampb"
	vkit "cloud.google.com/go/pubsub/v2/apiv1"
	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

var overREST = []option.ClientOption{option.WithEndpoint("http://" + endpoint), option.WithoutAuthentication()}

// failsOverREST expects an HTTP status.
func failsOverREST(t *testing.T, err error, status int) {
	t.Helper()
	var failure *googleapi.Error
	check(t, errors.As(err, &failure), fmt.Sprint("not an API error: ", err))
	equal(t, failure.Code, status, "status of "+err.Error())
}

func TestEverythingOverREST(t *testing.T) {
	t.Parallel()
	topics, err := vkit.NewTopicAdminRESTClient(ctx, overREST...)
	succeeds(t, err)
	subs, err := vkit.NewSubscriptionAdminRESTClient(ctx, overREST...)
	succeeds(t, err)
	schemas, err := vkit.NewSchemaRESTClient(ctx, overREST...)
	succeeds(t, err)
	own := "projects/" + unique("rest")
	topic, sub, snapshot := own+"/topics/topic", own+"/subscriptions/sub", own+"/snapshots/snap"

	// Publisher
	made, err := topics.CreateTopic(ctx, &pb.Topic{Name: topic, Labels: map[string]string{"a": "b"}})
	succeeds(t, err)
	equal(t, made.Labels, map[string]string{"a": "b"}, "labels")
	_, err = topics.CreateTopic(ctx, &pb.Topic{Name: topic})
	failsOverREST(t, err, 409)
	changed, err := topics.UpdateTopic(ctx, &pb.UpdateTopicRequest{
		Topic:      &pb.Topic{Name: topic, MessageRetentionDuration: durationpb.New(601*time.Second + 5)},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"message_retention_duration"}},
	})
	succeeds(t, err)
	equal(t, changed.MessageRetentionDuration.AsDuration(), 601*time.Second+5, "retention")
	equal(t, len(all(t, topics.ListTopics(ctx, &pb.ListTopicsRequest{Project: own}))), 1, "topics")
	_, err = topics.GetTopic(ctx, &pb.GetTopicRequest{Topic: own + "/topics/absent"})
	failsOverREST(t, err, 404)

	// Subscriber
	subscribed, err := subs.CreateSubscription(ctx, &pb.Subscription{
		Name: sub, Topic: topic, RetainAckedMessages: true, EnableMessageOrdering: true,
	})
	succeeds(t, err)
	equal(t, subscribed.AckDeadlineSeconds, 10, "deadline")
	equal(t, subscribed.State, pb.Subscription_ACTIVE, "state")
	updated, err := subs.UpdateSubscription(ctx, &pb.UpdateSubscriptionRequest{
		Subscription: &pb.Subscription{Name: sub, AckDeadlineSeconds: 20},
		UpdateMask:   &fieldmaskpb.FieldMask{Paths: []string{"ack_deadline_seconds"}},
	})
	succeeds(t, err)
	equal(t, updated.AckDeadlineSeconds, 20, "deadline changed")
	_, err = subs.UpdateSubscription(ctx, &pb.UpdateSubscriptionRequest{
		Subscription: &pb.Subscription{Name: sub, AckDeadlineSeconds: 9},
		UpdateMask:   &fieldmaskpb.FieldMask{Paths: []string{"ack_deadline_seconds"}},
	})
	failsOverREST(t, err, 400)
	equal(t, all(t, topics.ListTopicSubscriptions(ctx, &pb.ListTopicSubscriptionsRequest{Topic: topic})), []string{sub}, "subscriptions of the topic")
	equal(t, len(all(t, subs.ListSubscriptions(ctx, &pb.ListSubscriptionsRequest{Project: own}))), 1, "subscriptions")

	// Messages, with bytes that are no text
	published, err := topics.Publish(ctx, &pb.PublishRequest{Topic: topic, Messages: []*pb.PubsubMessage{
		{Data: []byte("\x00\xff\xfe"), Attributes: map[string]string{"k": "ü"}, OrderingKey: "key"},
	}})
	succeeds(t, err)
	pulled, err := subs.Pull(ctx, &pb.PullRequest{Subscription: sub, MaxMessages: 10})
	succeeds(t, err)
	m := pulled.ReceivedMessages[0]
	equal(t, m.Message.Data, []byte("\x00\xff\xfe"), "data")
	equal(t, m.Message.MessageId, published.MessageIds[0], "id")
	equal(t, m.Message.Attributes, map[string]string{"k": "ü"}, "attributes")
	equal(t, m.Message.OrderingKey, "key", "ordering key")
	succeeds(t, subs.ModifyAckDeadline(ctx, &pb.ModifyAckDeadlineRequest{
		Subscription: sub, AckIds: []string{m.AckId}, AckDeadlineSeconds: 60,
	}))
	succeeds(t, subs.Acknowledge(ctx, &pb.AcknowledgeRequest{Subscription: sub, AckIds: []string{m.AckId}}))
	empty, err := subs.Pull(ctx, &pb.PullRequest{Subscription: sub, MaxMessages: 1, ReturnImmediately: true})
	succeeds(t, err)
	equal(t, len(empty.ReceivedMessages), 0, "nothing left")

	// Snapshots and seek
	_, err = subs.CreateSnapshot(ctx, &pb.CreateSnapshotRequest{Name: snapshot, Subscription: sub})
	succeeds(t, err)
	_, err = subs.GetSnapshot(ctx, &pb.GetSnapshotRequest{Snapshot: snapshot})
	succeeds(t, err)
	_, err = subs.UpdateSnapshot(ctx, &pb.UpdateSnapshotRequest{
		Snapshot:   &pb.Snapshot{Name: snapshot, Labels: map[string]string{"c": "d"}},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"labels"}},
	})
	succeeds(t, err)
	equal(t, len(all(t, subs.ListSnapshots(ctx, &pb.ListSnapshotsRequest{Project: own}))), 1, "snapshots")
	equal(t, all(t, topics.ListTopicSnapshots(ctx, &pb.ListTopicSnapshotsRequest{Topic: topic})), []string{snapshot}, "snapshots of the topic")
	_, err = subs.Seek(ctx, &pb.SeekRequest{Subscription: sub, Target: &pb.SeekRequest_Time{
		Time: timestamppb.New(time.Now().Add(-time.Hour)),
	}})
	succeeds(t, err)
	again, err := subs.Pull(ctx, &pb.PullRequest{Subscription: sub, MaxMessages: 1})
	succeeds(t, err)
	equal(t, again.ReceivedMessages[0].Message.MessageId, published.MessageIds[0], "replayed")
	_, err = subs.Seek(ctx, &pb.SeekRequest{Subscription: sub, Target: &pb.SeekRequest_Snapshot{Snapshot: snapshot}})
	succeeds(t, err)
	succeeds(t, subs.DeleteSnapshot(ctx, &pb.DeleteSnapshotRequest{Snapshot: snapshot}))

	// Push settings and policies
	succeeds(t, subs.ModifyPushConfig(ctx, &pb.ModifyPushConfigRequest{
		Subscription: sub, PushConfig: &pb.PushConfig{PushEndpoint: "http://127.0.0.1:9/"},
	}))
	succeeds(t, subs.ModifyPushConfig(ctx, &pb.ModifyPushConfigRequest{Subscription: sub, PushConfig: &pb.PushConfig{}}))
	_, err = subs.SetIamPolicy(ctx, &iampb.SetIamPolicyRequest{Resource: sub, Policy: &iampb.Policy{
		Bindings: []*iampb.Binding{{Role: "roles/viewer", Members: []string{"allUsers"}}},
	}})
	succeeds(t, err)
	policy, err := subs.GetIamPolicy(ctx, &iampb.GetIamPolicyRequest{Resource: sub})
	succeeds(t, err)
	equal(t, policy.Bindings[0].Role, "roles/viewer", "role")
	permissions, err := topics.TestIamPermissions(ctx, &iampb.TestIamPermissionsRequest{
		Resource: topic, Permissions: []string{"pubsub.topics.publish"},
	})
	succeeds(t, err)
	equal(t, permissions.Permissions, []string{"pubsub.topics.publish"}, "permissions")

	// Schemas
	definition := &pb.Schema{Type: pb.Schema_AVRO, Definition: avroPerson}
	_, err = schemas.ValidateSchema(ctx, &pb.ValidateSchemaRequest{Parent: own, Schema: definition})
	succeeds(t, err)
	schema, err := schemas.CreateSchema(ctx, &pb.CreateSchemaRequest{Parent: own, SchemaId: "schema", Schema: definition})
	succeeds(t, err)
	second, err := schemas.CommitSchema(ctx, &pb.CommitSchemaRequest{
		Name: schema.Name, Schema: &pb.Schema{Name: schema.Name, Type: pb.Schema_AVRO, Definition: avroWider},
	})
	succeeds(t, err)
	_, err = schemas.RollbackSchema(ctx, &pb.RollbackSchemaRequest{Name: schema.Name, RevisionId: schema.RevisionId})
	succeeds(t, err)
	_, err = schemas.DeleteSchemaRevision(ctx, &pb.DeleteSchemaRevisionRequest{Name: schema.Name + "@" + second.RevisionId})
	succeeds(t, err)
	equal(t, len(all(t, schemas.ListSchemaRevisions(ctx, &pb.ListSchemaRevisionsRequest{Name: schema.Name}))), 2, "revisions")
	equal(t, len(all(t, schemas.ListSchemas(ctx, &pb.ListSchemasRequest{Parent: own}))), 1, "schemas")
	_, err = schemas.ValidateMessage(ctx, &pb.ValidateMessageRequest{
		Parent: own, SchemaSpec: &pb.ValidateMessageRequest_Name{Name: schema.Name}, Message: adaJSON, Encoding: pb.Encoding_JSON,
	})
	succeeds(t, err)
	got, err := schemas.GetSchema(ctx, &pb.GetSchemaRequest{Name: schema.Name})
	succeeds(t, err)
	equal(t, got.Definition, avroPerson, "definition")
	succeeds(t, schemas.DeleteSchema(ctx, &pb.DeleteSchemaRequest{Name: schema.Name}))

	// The end of all
	_, err = topics.DetachSubscription(ctx, &pb.DetachSubscriptionRequest{Subscription: sub})
	succeeds(t, err)
	succeeds(t, subs.DeleteSubscription(ctx, &pb.DeleteSubscriptionRequest{Subscription: sub}))
	succeeds(t, topics.DeleteTopic(ctx, &pb.DeleteTopicRequest{Topic: topic}))
	failsOverREST(t, topics.DeleteTopic(ctx, &pb.DeleteTopicRequest{Topic: topic}), 404)
}
