// Topics: every method of the Publisher service but Publish, and what it refuses.
package pubsub_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

func updateTopic(request *pb.Topic, paths ...string) (*pb.Topic, error) {
	return topics.UpdateTopic(ctx, &pb.UpdateTopicRequest{
		Topic: request, UpdateMask: &fieldmaskpb.FieldMask{Paths: paths},
	})
}

func getTopic(name string) (*pb.Topic, error) {
	return topics.GetTopic(ctx, &pb.GetTopicRequest{Topic: name})
}

func TestTopicReadsBackAsItWasMade(t *testing.T) {
	t.Parallel()
	want := &pb.Topic{
		Name:                     topicName(unique("topic")),
		Labels:                   map[string]string{"team": "mail", "env": ""},
		MessageRetentionDuration: durationpb.New(time.Hour),
		MessageStoragePolicy:     &pb.MessageStoragePolicy{AllowedPersistenceRegions: []string{"europe-west1"}},
		KmsKeyName:               "projects/p/locations/global/keyRings/r/cryptoKeys/k",
	}
	made, err := topics.CreateTopic(ctx, want)
	succeeds(t, err)
	t.Cleanup(func() { topics.DeleteTopic(ctx, &pb.DeleteTopicRequest{Topic: want.Name}) })
	want.State = pb.Topic_ACTIVE
	made.State = pb.Topic_ACTIVE // Whether it shows is left open.
	equalProto(t, made, want, "created")
	got, err := getTopic(want.Name)
	succeeds(t, err)
	got.State = pb.Topic_ACTIVE
	equalProto(t, got, want, "read back")
}

func TestTopicExistsOnce(t *testing.T) {
	t.Parallel()
	tp := newTopic(t)
	_, err := topics.CreateTopic(ctx, &pb.Topic{Name: tp.name})
	alreadyExists(t, err, leaf(tp.name))
	succeeds(t, topics.DeleteTopic(ctx, &pb.DeleteTopicRequest{Topic: tp.name}))
	_, err = getTopic(tp.name)
	notFound(t, err, leaf(tp.name))
	notFound(t, topics.DeleteTopic(ctx, &pb.DeleteTopicRequest{Topic: tp.name}), leaf(tp.name))
	_, err = tp.tryPublish(&pb.PubsubMessage{Data: []byte("lost")})
	notFound(t, err, leaf(tp.name))
	_, err = topics.CreateTopic(ctx, &pb.Topic{Name: tp.name})
	succeeds(t, err)
}

func TestTopicNames(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"abc", "a-Z_0.9~+%", strings.Repeat("x", 255)} {
		name := topicName(id)
		if len(id) < 255 {
			name = topicName(id + strings.ToLower(unique("")))
		}
		_, err := topics.CreateTopic(ctx, &pb.Topic{Name: name})
		succeeds(t, err)
		succeeds(t, topics.DeleteTopic(ctx, &pb.DeleteTopicRequest{Topic: name}))
	}
	for _, id := range []string{"ab", "1abc", "google", "goog-x", "sp ace", "a/b", "ümlaut", strings.Repeat("x", 256), ""} {
		_, err := topics.CreateTopic(ctx, &pb.Topic{Name: topicName(id)})
		invalid(t, err, "Invalid resource name given (name="+topicName(id)+").",
			"Refer to https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names for more information.")
	}
	for _, name := range []string{"", "topic", "projects/p/subscriptions/sub", "projects//topics/abc"} {
		_, err := topics.CreateTopic(ctx, &pb.Topic{Name: name})
		invalid(t, err)
	}
}

func TestTopicUpdates(t *testing.T) {
	t.Parallel()
	tp := newTopic(t, func(request *pb.Topic) { request.Labels = map[string]string{"old": "1"} })

	got, err := updateTopic(&pb.Topic{
		Name: tp.name, Labels: map[string]string{"new": "2"}, MessageRetentionDuration: durationpb.New(20 * time.Minute),
	}, "labels", "message_retention_duration")
	succeeds(t, err)
	equal(t, got.Labels, map[string]string{"new": "2"}, "labels")
	equal(t, got.MessageRetentionDuration.AsDuration(), 20*time.Minute, "retention")

	// Only what the mask names changes; an absent value is a reset.
	got, err = updateTopic(&pb.Topic{Name: tp.name, Labels: map[string]string{"not": "named"}}, "message_retention_duration")
	succeeds(t, err)
	equal(t, got.Labels, map[string]string{"new": "2"}, "labels after a change of the retention")
	check(t, got.MessageRetentionDuration == nil, "the retention is reset")
	got, err = getTopic(tp.name)
	succeeds(t, err)
	equal(t, got.Labels, map[string]string{"new": "2"}, "labels read back")

	_, err = updateTopic(&pb.Topic{Name: tp.name})
	invalid(t, err, "The update_mask in the UpdateTopicRequest must be set, and must contain a non-empty paths list.")
	_, err = updateTopic(&pb.Topic{Name: tp.name}, "name")
	invalid(t, err)
	_, err = updateTopic(&pb.Topic{Name: tp.name}, "no_such_field")
	invalid(t, err)
	// An update is all or nothing.
	_, err = updateTopic(&pb.Topic{
		Name: tp.name, Labels: map[string]string{"half": "done"}, MessageRetentionDuration: durationpb.New(time.Second),
	}, "labels", "message_retention_duration")
	invalid(t, err)
	got, err = getTopic(tp.name)
	succeeds(t, err)
	equal(t, got.Labels, map[string]string{"new": "2"}, "labels after a refused update")
	missing := unique("topic")
	_, err = updateTopic(&pb.Topic{Name: topicName(missing)}, "labels")
	notFound(t, err, missing)
}

func TestTopicRefusesBadSettings(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		topic *pb.Topic
		texts []string
	}{
		"short retention": {
			&pb.Topic{MessageRetentionDuration: durationpb.New(599 * time.Second)},
			[]string{"is out of bounds. You passed 9m59s in the request, but the value must be between 10m and 744h."},
		},
		"long retention": {&pb.Topic{MessageRetentionDuration: durationpb.New(31*24*time.Hour + time.Second)}, nil},
		"capital label":  {&pb.Topic{Labels: map[string]string{"Big": "x"}}, nil},
		"empty label":    {&pb.Topic{Labels: map[string]string{"": "x"}}, nil},
		"long label":     {&pb.Topic{Labels: map[string]string{strings.Repeat("k", 64): "x"}}, nil},
		"long value":     {&pb.Topic{Labels: map[string]string{"key": strings.Repeat("v", 64)}}, nil},
		"missing schema": {&pb.Topic{SchemaSettings: &pb.SchemaSettings{Schema: schemaName("absent"), Encoding: pb.Encoding_JSON}}, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			c.topic.Name = topicName(unique("topic"))
			_, err := topics.CreateTopic(ctx, c.topic)
			if name == "missing schema" {
				raises(t, err, codes.NotFound, "absent")
			} else {
				invalid(t, err, c.texts...)
			}
			_, err = getTopic(c.topic.Name)
			raises(t, err, codes.NotFound)
		})
	}
}

func TestListTopics(t *testing.T) {
	t.Parallel()
	own := "projects/" + unique("list")
	list := func() *pb.ListTopicsRequest { return &pb.ListTopicsRequest{Project: own} }
	name := func(topic *pb.Topic) string { return topic.Name }
	equal(t, len(all(t, topics.ListTopics(ctx, list()))), 0, "an empty project")
	var want []string
	for i := range 5 {
		made, err := topics.CreateTopic(ctx, &pb.Topic{Name: fmt.Sprintf("%s/topics/topic-%d", own, i)})
		succeeds(t, err)
		want = append(want, made.Name)
		t.Cleanup(func() { topics.DeleteTopic(ctx, &pb.DeleteTopicRequest{Topic: made.Name}) })
	}
	equal(t, sorted(each(all(t, topics.ListTopics(ctx, list())), name)), want, "all at once")
	equal(t, sorted(each(pages[*pb.Topic](t, topics.ListTopics(ctx, list()), 2), name)), want, "by pages")

	_, err := topics.ListTopics(ctx, &pb.ListTopicsRequest{Project: own, PageToken: "nonsense"}).Next()
	invalid(t, err, "Invalid page token given (token=nonsense).")
	for _, size := range []int32{-1, 1001} {
		_, err = topics.ListTopics(ctx, &pb.ListTopicsRequest{Project: own, PageSize: size}).Next()
		invalid(t, err)
	}
}

func TestListSubscriptionsAndSnapshotsOfATopic(t *testing.T) {
	t.Parallel()
	tp := newTopic(t)
	other, _ := newSub(t)
	var want, snapshots []string
	for range 3 {
		s := tp.subscribe()
		want = append(want, s.name)
		snapshots = append(snapshots, s.snapshot().Name)
	}
	equal(t, sorted(all(t, topics.ListTopicSubscriptions(ctx, &pb.ListTopicSubscriptionsRequest{Topic: tp.name}))),
		sorted(want), "subscriptions")
	equal(t, sorted(pages[string](t,
		topics.ListTopicSubscriptions(ctx, &pb.ListTopicSubscriptionsRequest{Topic: tp.name}), 2)),
		sorted(want), "subscriptions by pages")
	equal(t, sorted(all(t, topics.ListTopicSnapshots(ctx, &pb.ListTopicSnapshotsRequest{Topic: tp.name}))),
		sorted(snapshots), "snapshots")
	equal(t, sorted(pages[string](t, topics.ListTopicSnapshots(ctx, &pb.ListTopicSnapshotsRequest{Topic: tp.name}), 2)),
		sorted(snapshots), "snapshots by pages")
	equal(t, len(all(t, topics.ListTopicSnapshots(ctx, &pb.ListTopicSnapshotsRequest{Topic: other.name}))), 0,
		"snapshots of another topic")

	missing := unique("topic")
	_, err := topics.ListTopicSubscriptions(ctx, &pb.ListTopicSubscriptionsRequest{Topic: topicName(missing)}).Next()
	notFound(t, err, missing)
	_, err = topics.ListTopicSnapshots(ctx, &pb.ListTopicSnapshotsRequest{Topic: topicName(missing)}).Next()
	notFound(t, err, missing)
}

// Edge case 24.
func TestDeletedTopicKeepsItsSubscriptions(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	tp.publish("kept")
	succeeds(t, topics.DeleteTopic(ctx, &pb.DeleteTopicRequest{Topic: tp.name}))
	equal(t, s.get().Topic, "_deleted-topic_", "topic of the subscription")
	got := s.pullOne()
	equal(t, body(got), "kept", "the backlog")
	s.ack(got)

	_, err := topics.CreateTopic(ctx, &pb.Topic{Name: tp.name})
	succeeds(t, err)
	equal(t, s.get().Topic, "_deleted-topic_", "topic of the subscription after the topic is made again")
	tp.publish("for nobody")
	s.isEmpty("a new topic of the same name is another topic")
	equal(t, len(all(t, topics.ListTopicSubscriptions(ctx, &pb.ListTopicSubscriptionsRequest{Topic: tp.name}))), 0,
		"subscriptions of the new topic")
}

func TestDetachSubscription(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	tp.publish("dropped")
	detach := func() error {
		_, err := topics.DetachSubscription(ctx, &pb.DetachSubscriptionRequest{Subscription: s.name})
		return err
	}
	r := s.receive()
	within(t, r.messages, "the message before")
	succeeds(t, detach())
	raises(t, within(t, r.ended, "the end of the stream"), codes.FailedPrecondition)
	check(t, s.get().Detached, "it says that it is detached")
	_, err := s.tryPull(1)
	raises(t, err, codes.FailedPrecondition)
	equal(t, len(all(t, topics.ListTopicSubscriptions(ctx, &pb.ListTopicSubscriptionsRequest{Topic: tp.name}))), 0,
		"subscriptions of the topic")
	tp.publish("not for it")

	missing := unique("sub")
	_, err = topics.DetachSubscription(ctx, &pb.DetachSubscriptionRequest{Subscription: subName(missing)})
	notFound(t, err, missing)
}
