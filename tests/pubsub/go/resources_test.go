// Topics and subscriptions of one test, with the unary calls that tests make most.
package pubsub_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

// topic is a topic of one test, deleted when the test ends.
type topic struct {
	t    *testing.T
	name string
}

type topicOption = func(*pb.Topic)

func newTopic(t *testing.T, options ...topicOption) *topic {
	t.Helper()
	request := &pb.Topic{Name: topicName(unique("topic"))}
	for _, option := range options {
		option(request)
	}
	_, err := topics.CreateTopic(ctx, request)
	succeeds(t, err)
	t.Cleanup(func() { topics.DeleteTopic(ctx, &pb.DeleteTopicRequest{Topic: request.Name}) })
	return &topic{t, request.Name}
}

// publish publishes bodies in one request and answers their message ids.
func (tp *topic) publish(bodies ...string) []string {
	tp.t.Helper()
	return tp.publishMessages(each(bodies, func(body string) *pb.PubsubMessage {
		return &pb.PubsubMessage{Data: []byte(body)}
	})...)
}

// publishKeyed publishes bodies under one ordering key, in one request.
func (tp *topic) publishKeyed(key string, bodies ...string) []string {
	tp.t.Helper()
	return tp.publishMessages(each(bodies, func(body string) *pb.PubsubMessage {
		return &pb.PubsubMessage{Data: []byte(body), OrderingKey: key}
	})...)
}

func (tp *topic) publishMessages(messages ...*pb.PubsubMessage) []string {
	tp.t.Helper()
	answer, err := tp.tryPublish(messages...)
	succeeds(tp.t, err)
	equal(tp.t, len(answer.MessageIds), len(messages), "number of message ids")
	return answer.MessageIds
}

func (tp *topic) tryPublish(messages ...*pb.PubsubMessage) (*pb.PublishResponse, error) {
	return topics.Publish(ctx, &pb.PublishRequest{Topic: tp.name, Messages: messages})
}

// subscription is a subscription of one test, deleted when the test ends.
type subscription struct {
	t    *testing.T
	name string
}

type subOption = func(*pb.Subscription)

func ordered(s *pb.Subscription)     { s.EnableMessageOrdering = true }
func exactlyOnce(s *pb.Subscription) { s.EnableExactlyOnceDelivery = true }
func filteredBy(filter string) subOption {
	return func(s *pb.Subscription) { s.Filter = filter }
}
func deadLettersTo(dead *topic, attempts int32) subOption {
	return func(s *pb.Subscription) {
		s.DeadLetterPolicy = &pb.DeadLetterPolicy{DeadLetterTopic: dead.name, MaxDeliveryAttempts: attempts}
	}
}

func (tp *topic) subscribe(options ...subOption) *subscription {
	tp.t.Helper()
	request := &pb.Subscription{Name: subName(unique("sub")), Topic: tp.name}
	for _, option := range options {
		option(request)
	}
	_, err := subs.CreateSubscription(ctx, request)
	succeeds(tp.t, err)
	s := &subscription{tp.t, request.Name}
	tp.t.Cleanup(func() { s.tryDelete() })
	return s
}

func newSub(t *testing.T, options ...subOption) (*topic, *subscription) {
	t.Helper()
	tp := newTopic(t)
	return tp, tp.subscribe(options...)
}

func (s *subscription) get() *pb.Subscription {
	s.t.Helper()
	got, err := subs.GetSubscription(ctx, &pb.GetSubscriptionRequest{Subscription: s.name})
	succeeds(s.t, err)
	return got
}

func (s *subscription) tryDelete() error {
	return subs.DeleteSubscription(ctx, &pb.DeleteSubscriptionRequest{Subscription: s.name})
}

func (s *subscription) tryPull(max int32) ([]*pb.ReceivedMessage, error) {
	got, err := subs.Pull(ctx, &pb.PullRequest{Subscription: s.name, MaxMessages: max})
	return got.GetReceivedMessages(), err
}

// pullNow answers what there is now, without waiting.
func (s *subscription) pullNow(max int32) []*pb.ReceivedMessage {
	s.t.Helper()
	got, err := subs.Pull(ctx, &pb.PullRequest{Subscription: s.name, MaxMessages: max, ReturnImmediately: true})
	succeeds(s.t, err)
	return got.ReceivedMessages
}

func (s *subscription) isEmpty(why string) {
	s.t.Helper()
	equal(s.t, bodies(s.pullNow(100)), []string{}, why)
}

// pullExactly pulls until count messages have come.
func (s *subscription) pullExactly(count int) []*pb.ReceivedMessage {
	s.t.Helper()
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var got []*pb.ReceivedMessage
	for len(got) < count {
		answer, err := subs.Pull(limited, &pb.PullRequest{Subscription: s.name, MaxMessages: int32(count - len(got))})
		if err != nil {
			s.t.Fatalf("%d of %d messages came: %v", len(got), count, err)
		}
		got = append(got, answer.ReceivedMessages...)
	}
	equal(s.t, len(got), count, "number of messages pulled")
	return got
}

func (s *subscription) pullOne() *pb.ReceivedMessage {
	s.t.Helper()
	return s.pullExactly(1)[0]
}

func (s *subscription) tryAck(ids ...string) error {
	return subs.Acknowledge(ctx, &pb.AcknowledgeRequest{Subscription: s.name, AckIds: ids})
}

func (s *subscription) ack(messages ...*pb.ReceivedMessage) {
	s.t.Helper()
	succeeds(s.t, s.tryAck(ackIDs(messages)...))
}

func (s *subscription) tryModify(seconds int32, ids ...string) error {
	return subs.ModifyAckDeadline(ctx, &pb.ModifyAckDeadlineRequest{
		Subscription: s.name, AckIds: ids, AckDeadlineSeconds: seconds,
	})
}

func (s *subscription) modify(seconds int32, messages ...*pb.ReceivedMessage) {
	s.t.Helper()
	succeeds(s.t, s.tryModify(seconds, ackIDs(messages)...))
}

func (s *subscription) nack(messages ...*pb.ReceivedMessage) {
	s.t.Helper()
	s.modify(0, messages...)
}

func (s *subscription) seekTime(at time.Time) {
	s.t.Helper()
	_, err := subs.Seek(ctx, &pb.SeekRequest{Subscription: s.name, Target: seekToTime(at)})
	succeeds(s.t, err)
}

func ackIDs(messages []*pb.ReceivedMessage) []string {
	return each(messages, (*pb.ReceivedMessage).GetAckId)
}

func body(message *pb.ReceivedMessage) string { return string(message.Message.Data) }

func bodies(messages []*pb.ReceivedMessage) []string { return each(messages, body) }

// numbered are count distinct bodies in order.
func numbered(count int) []string {
	texts := make([]string, count)
	for i := range texts {
		texts[i] = fmt.Sprintf("message %04d", i)
	}
	return texts
}
