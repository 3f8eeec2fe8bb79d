// Subscriptions: creating, reading, updating, listing and deleting, and what is refused.
package pubsub_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

func (s *subscription) update(change *pb.Subscription, paths ...string) (*pb.Subscription, error) {
	change.Name = s.name
	return subs.UpdateSubscription(ctx, &pb.UpdateSubscriptionRequest{
		Subscription: change, UpdateMask: &fieldmaskpb.FieldMask{Paths: paths},
	})
}

func days(n int) *durationpb.Duration { return durationpb.New(time.Duration(n) * 24 * time.Hour) }

// Edge case 25.
func TestSubscriptionDefaultsReadBack(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	equalProto(t, s.get(), &pb.Subscription{
		Name:                     s.name,
		Topic:                    tp.name,
		PushConfig:               &pb.PushConfig{},
		AckDeadlineSeconds:       10,
		MessageRetentionDuration: days(7),
		ExpirationPolicy:         &pb.ExpirationPolicy{Ttl: days(31)},
		State:                    pb.Subscription_ACTIVE,
	}, "defaults")
}

func TestSubscriptionReadsBackAsItWasMade(t *testing.T) {
	t.Parallel()
	dead := newTopic(t)
	tp := newTopic(t, func(request *pb.Topic) { request.MessageRetentionDuration = days(2) })
	want := &pb.Subscription{
		Name:                     subName(unique("sub")),
		Topic:                    tp.name,
		AckDeadlineSeconds:       42,
		RetainAckedMessages:      true,
		MessageRetentionDuration: days(1),
		Labels:                   map[string]string{"team": "mail"},
		EnableMessageOrdering:    true,
		ExpirationPolicy:         &pb.ExpirationPolicy{Ttl: days(3)},
		Filter:                   `attributes.kind = "a"`,
		DeadLetterPolicy:         &pb.DeadLetterPolicy{DeadLetterTopic: dead.name, MaxDeliveryAttempts: 7},
		RetryPolicy: &pb.RetryPolicy{
			MinimumBackoff: durationpb.New(2 * time.Second), MaximumBackoff: durationpb.New(30 * time.Second),
		},
		EnableExactlyOnceDelivery: true,
	}
	made, err := subs.CreateSubscription(ctx, proto.Clone(want).(*pb.Subscription))
	succeeds(t, err)
	t.Cleanup(func() { subs.DeleteSubscription(ctx, &pb.DeleteSubscriptionRequest{Subscription: want.Name}) })
	want.PushConfig = &pb.PushConfig{}
	want.State = pb.Subscription_ACTIVE
	want.TopicMessageRetentionDuration = days(2)
	equalProto(t, made, want, "created")
	equalProto(t, (&subscription{t, want.Name}).get(), want, "read back")
}

func TestSubscriptionDefaultsInsidePolicies(t *testing.T) {
	t.Parallel()
	dead := newTopic(t)
	_, s := newSub(t, deadLettersTo(dead, 0), func(s *pb.Subscription) {
		s.RetryPolicy = &pb.RetryPolicy{}
		s.ExpirationPolicy = &pb.ExpirationPolicy{}
	})
	got := s.get()
	equal(t, got.DeadLetterPolicy.MaxDeliveryAttempts, 5, "attempts")
	equal(t, got.RetryPolicy.MinimumBackoff.AsDuration(), 10*time.Second, "minimum backoff")
	equal(t, got.RetryPolicy.MaximumBackoff.AsDuration(), 600*time.Second, "maximum backoff")
	// Edge case 26.
	check(t, got.ExpirationPolicy != nil && got.ExpirationPolicy.Ttl == nil, "an empty expiration policy is never")
}

func TestSubscriptionExistsOnce(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	request := &pb.Subscription{Name: s.name, Topic: tp.name}
	_, err := subs.CreateSubscription(ctx, request)
	alreadyExists(t, err, leaf(s.name))
	tp.publish("goes with it")
	held := s.pullOne().AckId
	succeeds(t, s.tryDelete())
	id := leaf(s.name)
	notFound(t, s.tryDelete(), id)
	_, err = subs.GetSubscription(ctx, &pb.GetSubscriptionRequest{Subscription: s.name})
	notFound(t, err, id)
	_, err = s.tryPull(1)
	notFound(t, err, id)
	notFound(t, s.tryAck(held), id)
	notFound(t, s.tryModify(10, held), id)
	_, err = s.update(&pb.Subscription{}, "labels")
	notFound(t, err, id)
	notFound(t, within(t, s.receive().ended, "the end of a stream without a subscription"), id)

	missing := unique("topic")
	_, err = subs.CreateSubscription(ctx, &pb.Subscription{Name: s.name, Topic: topicName(missing)})
	notFound(t, err, missing)
	// Edge case 4, by the same name again.
	tp.publish("before")
	_, err = subs.CreateSubscription(ctx, request)
	succeeds(t, err)
	s.isEmpty("nothing from before it was made")
}

func TestSubscriptionRefusesBadSettings(t *testing.T) {
	t.Parallel()
	tp, dead := newTopic(t), newTopic(t)
	cases := []struct {
		name   string
		change subOption
		texts  []string
	}{
		{"deadline of 9", func(s *pb.Subscription) { s.AckDeadlineSeconds = 9 },
			[]string{"Invalid ack deadline given (ack_deadline=9). The ack deadline must be between 10 and 600 seconds."}},
		{"deadline of 601", func(s *pb.Subscription) { s.AckDeadlineSeconds = 601 }, []string{"(ack_deadline=601)"}},
		{"deadline below 0", func(s *pb.Subscription) { s.AckDeadlineSeconds = -1 }, []string{"(ack_deadline=-1)"}},
		{"short retention", func(s *pb.Subscription) { s.MessageRetentionDuration = durationpb.New(599 * time.Second) },
			[]string{"is out of bounds. You passed 9m59s in the request, but the value must be between 10m and 744h."}},
		{"long retention", func(s *pb.Subscription) { s.MessageRetentionDuration = days(32) }, nil},
		{"short expiration", func(s *pb.Subscription) {
			s.ExpirationPolicy = &pb.ExpirationPolicy{Ttl: durationpb.New(23 * time.Hour)}
		}, nil},
		{"retention above expiration", func(s *pb.Subscription) {
			s.ExpirationPolicy = &pb.ExpirationPolicy{Ttl: days(1)}
			s.MessageRetentionDuration = days(2)
		}, nil},
		{"attempts of 4", deadLettersTo(dead, 4), nil},
		{"attempts of 101", deadLettersTo(dead, 101), nil},
		{"backoff above 600 s", func(s *pb.Subscription) {
			s.RetryPolicy = &pb.RetryPolicy{MaximumBackoff: durationpb.New(601 * time.Second)}
		}, nil},
		{"maximum below minimum", func(s *pb.Subscription) {
			s.RetryPolicy = &pb.RetryPolicy{
				MinimumBackoff: durationpb.New(20 * time.Second), MaximumBackoff: durationpb.New(15 * time.Second),
			}
		}, []string{"The specified maximum_backoff", "cannot be smaller than minimum_backoff"}},
		{"capital label", func(s *pb.Subscription) { s.Labels = map[string]string{"Big": "x"} }, nil},
		{"bad filter", filteredBy("attributes."), nil},
		{"bad name", func(s *pb.Subscription) { s.Name = subName("1x") },
			[]string{"Invalid resource name given (name=" + subName("1x") + ")."}},
		{"exactly-once push", func(s *pb.Subscription) {
			s.EnableExactlyOnceDelivery = true
			s.PushConfig = &pb.PushConfig{PushEndpoint: "http://127.0.0.1:9/"}
		}, nil},
		{"two kinds of delivery", func(s *pb.Subscription) {
			s.BigqueryConfig = &pb.BigQueryConfig{Table: "p.d.t"}
			s.CloudStorageConfig = &pb.CloudStorageConfig{Bucket: "bucket"}
		}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			request := &pb.Subscription{Name: subName(unique("sub")), Topic: tp.name}
			c.change(request)
			_, err := subs.CreateSubscription(ctx, request)
			invalid(t, err, c.texts...)
			if c.name != "bad name" {
				_, err = subs.GetSubscription(ctx, &pb.GetSubscriptionRequest{Subscription: request.Name})
				raises(t, err, codes.NotFound)
			}
		})
	}
	t.Run("missing dead-letter topic", func(t *testing.T) {
		missing := &topic{t, topicName(unique("topic"))}
		request := &pb.Subscription{Name: subName(unique("sub")), Topic: tp.name}
		deadLettersTo(missing, 5)(request)
		_, err := subs.CreateSubscription(ctx, request)
		raises(t, err, codes.NotFound, leaf(missing.name))
	})
}

func TestSubscriptionUpdates(t *testing.T) {
	t.Parallel()
	dead := newTopic(t)
	tp, s := newSub(t)
	got, err := s.update(&pb.Subscription{
		AckDeadlineSeconds:        33,
		RetainAckedMessages:       true,
		MessageRetentionDuration:  durationpb.New(time.Hour),
		Labels:                    map[string]string{"a": "b"},
		ExpirationPolicy:          &pb.ExpirationPolicy{},
		DeadLetterPolicy:          &pb.DeadLetterPolicy{DeadLetterTopic: dead.name, MaxDeliveryAttempts: 9},
		RetryPolicy:               &pb.RetryPolicy{MinimumBackoff: durationpb.New(time.Second), MaximumBackoff: durationpb.New(9 * time.Second)},
		EnableExactlyOnceDelivery: true,
		Filter:                    "not in the mask",
	}, "ack_deadline_seconds", "retain_acked_messages", "message_retention_duration", "labels", "expiration_policy",
		"dead_letter_policy", "retry_policy", "enable_exactly_once_delivery")
	succeeds(t, err)
	want := &pb.Subscription{
		Name:                      s.name,
		Topic:                     tp.name,
		PushConfig:                &pb.PushConfig{},
		AckDeadlineSeconds:        33,
		RetainAckedMessages:       true,
		MessageRetentionDuration:  durationpb.New(time.Hour),
		Labels:                    map[string]string{"a": "b"},
		ExpirationPolicy:          &pb.ExpirationPolicy{},
		DeadLetterPolicy:          &pb.DeadLetterPolicy{DeadLetterTopic: dead.name, MaxDeliveryAttempts: 9},
		RetryPolicy:               &pb.RetryPolicy{MinimumBackoff: durationpb.New(time.Second), MaximumBackoff: durationpb.New(9 * time.Second)},
		EnableExactlyOnceDelivery: true,
		State:                     pb.Subscription_ACTIVE,
	}
	equalProto(t, got, want, "answered")
	equalProto(t, s.get(), want, "read back")

	got, err = s.update(&pb.Subscription{}, "dead_letter_policy", "retry_policy", "labels")
	succeeds(t, err)
	check(t, got.DeadLetterPolicy == nil && got.RetryPolicy == nil && len(got.Labels) == 0, "reset by absence")
}

// Edge case 23, and the rules of update masks.
func TestSubscriptionUpdateRefusals(t *testing.T) {
	t.Parallel()
	_, s := newSub(t, filteredBy("attributes:a"))
	before := s.get()
	_, err := s.update(&pb.Subscription{AckDeadlineSeconds: 20})
	invalid(t, err, "The update_mask in the UpdateSubscriptionRequest must be set, and must contain a non-empty paths list.")
	_, err = s.update(&pb.Subscription{Filter: before.Filter}, "filter")
	invalid(t, err)
	_, err = s.update(&pb.Subscription{EnableMessageOrdering: true}, "enable_message_ordering")
	invalid(t, err, "the 'enable_message_ordering' field in the Subscription is not mutable.")
	_, err = s.update(&pb.Subscription{Topic: "projects/p/topics/abc"}, "topic")
	invalid(t, err)
	_, err = s.update(&pb.Subscription{}, "no_such_field")
	invalid(t, err)
	_, err = s.update(&pb.Subscription{AckDeadlineSeconds: 20, MessageRetentionDuration: durationpb.New(time.Second)},
		"ack_deadline_seconds", "message_retention_duration")
	invalid(t, err)
	_, err = s.update(&pb.Subscription{AckDeadlineSeconds: 5}, "ack_deadline_seconds")
	invalid(t, err, "Invalid ack deadline given (ack_deadline=5).")
	equalProto(t, s.get(), before, "nothing changed")
}

func TestListSubscriptions(t *testing.T) {
	t.Parallel()
	own := "projects/" + unique("list")
	_, err := topics.CreateTopic(ctx, &pb.Topic{Name: own + "/topics/topic"})
	succeeds(t, err)
	list := func() *pb.ListSubscriptionsRequest { return &pb.ListSubscriptionsRequest{Project: own} }
	name := func(s *pb.Subscription) string { return s.Name }
	equal(t, len(all(t, subs.ListSubscriptions(ctx, list()))), 0, "none yet")
	var want []string
	for i := range 5 {
		made, err := subs.CreateSubscription(ctx, &pb.Subscription{
			Name: fmt.Sprintf("%s/subscriptions/sub-%d", own, i), Topic: own + "/topics/topic",
		})
		succeeds(t, err)
		want = append(want, made.Name)
		t.Cleanup(func() { subs.DeleteSubscription(ctx, &pb.DeleteSubscriptionRequest{Subscription: made.Name}) })
	}
	equal(t, sorted(each(all(t, subs.ListSubscriptions(ctx, list())), name)), want, "all at once")
	equal(t, sorted(each(pages[*pb.Subscription](t, subs.ListSubscriptions(ctx, list()), 2), name)), want, "by pages")
	_, err = subs.ListSubscriptions(ctx, &pb.ListSubscriptionsRequest{Project: own, PageToken: "?"}).Next()
	invalid(t, err, "Invalid page token given (token=?).")
	_, err = subs.ListSubscriptions(ctx, &pb.ListSubscriptionsRequest{Project: own, PageSize: 1001}).Next()
	invalid(t, err)
}

func TestSubscriptionOfAnotherProject(t *testing.T) {
	t.Parallel()
	tp := newTopic(t)
	name := "projects/" + unique("other") + "/subscriptions/crossing"
	_, err := subs.CreateSubscription(ctx, &pb.Subscription{Name: name, Topic: tp.name})
	succeeds(t, err)
	s := &subscription{t, name}
	t.Cleanup(func() { subs.DeleteSubscription(ctx, &pb.DeleteSubscriptionRequest{Subscription: name}) })
	tp.publish("over there")
	equal(t, body(s.pullOne()), "over there", "body")
}

// What isn't delivered to a client is kept as it was configured.
func TestExportSettingsReadBack(t *testing.T) {
	t.Parallel()
	tp := newTopic(t)
	settings := map[string]subOption{
		"BigQuery": func(s *pb.Subscription) {
			s.BigqueryConfig = &pb.BigQueryConfig{Table: "project.data.table", WriteMetadata: true}
		},
		"Cloud Storage": func(s *pb.Subscription) {
			s.CloudStorageConfig = &pb.CloudStorageConfig{
				Bucket: "bucket-of-mine", FilenamePrefix: "log-", FilenameSuffix: ".txt",
				MaxDuration: durationpb.New(5 * time.Minute), MaxBytes: 10_000, MaxMessages: 1000,
				OutputFormat: &pb.CloudStorageConfig_TextConfig_{TextConfig: &pb.CloudStorageConfig_TextConfig{}},
			}
		},
		"Bigtable": func(s *pb.Subscription) {
			s.BigtableConfig = &pb.BigtableConfig{Table: "projects/p/instances/i/tables/t", AppProfileId: "push"}
		},
	}
	for name, set := range settings {
		t.Run(name, func(t *testing.T) {
			want := &pb.Subscription{}
			set(want)
			s := (&topic{t, tp.name}).subscribe(set)
			got := s.get()
			for _, pair := range [][2]proto.Message{
				{got.BigqueryConfig, want.BigqueryConfig},
				{got.CloudStorageConfig, want.CloudStorageConfig},
				{got.BigtableConfig, want.BigtableConfig},
			} {
				clearStates(pair[0])
				equalProto(t, pair[0], pair[1], strings.ToLower(name))
			}
			_, err := s.tryPull(1)
			raises(t, err, codes.FailedPrecondition, "This method is not supported for this subscription type.")
		})
	}
}

// clearStates forgets the output-only state of an export's settings.
func clearStates(settings proto.Message) {
	switch settings := settings.(type) {
	case *pb.BigQueryConfig:
		if settings != nil {
			settings.State = 0
		}
	case *pb.CloudStorageConfig:
		if settings != nil {
			settings.State = 0
		}
	case *pb.BigtableConfig:
		if settings != nil {
			settings.State = 0
		}
	}
}
