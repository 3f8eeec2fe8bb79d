// The StreamingPull call itself, as the subscriber uses it underneath.
package pubsub_test

import (
	"context"
	"io"
	"testing"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
)

// stream is an open StreamingPull whose responses a goroutine collects.
type stream struct {
	t         *testing.T
	call      pb.Subscriber_StreamingPullClient
	cancel    context.CancelFunc
	responses chan *pb.StreamingPullResponse
	ended     chan error
}

type streamOption = func(*pb.StreamingPullRequest)

func holding(messages, bytes int64) streamOption {
	return func(r *pb.StreamingPullRequest) { r.MaxOutstandingMessages, r.MaxOutstandingBytes = messages, bytes }
}

func (s *subscription) stream(options ...streamOption) *stream {
	s.t.Helper()
	limited, cancel := context.WithCancel(ctx)
	s.t.Cleanup(cancel)
	call, err := subs.StreamingPull(limited)
	succeeds(s.t, err)
	st := &stream{s.t, call, cancel, make(chan *pb.StreamingPullResponse, 10_000), make(chan error, 1)}
	request := &pb.StreamingPullRequest{Subscription: s.name, StreamAckDeadlineSeconds: 60, ProtocolVersion: 1}
	for _, option := range options {
		option(request)
	}
	st.send(request)
	go func() {
		for {
			response, err := call.Recv()
			if err != nil {
				st.ended <- err
				return
			}
			st.responses <- response
		}
	}()
	return st
}

func (st *stream) send(request *pb.StreamingPullRequest) {
	st.t.Helper()
	if err := st.call.Send(request); err != nil && err != io.EOF {
		st.t.Fatal(err)
	}
}

// next is the next response. Edge case 2: each one tells the subscription's properties.
func (st *stream) next() *pb.StreamingPullResponse {
	st.t.Helper()
	response := within(st.t, st.responses, "a response on the stream")
	check(st.t, response.SubscriptionProperties != nil, "a response without subscription_properties")
	return response
}

// take is the next count messages.
func (st *stream) take(count int) []*pb.ReceivedMessage {
	st.t.Helper()
	var got []*pb.ReceivedMessage
	for len(got) < count {
		got = append(got, st.next().ReceivedMessages...)
	}
	equal(st.t, len(got), count, "number of messages on the stream")
	return got
}

// fails expects that the stream ends with an error.
func (st *stream) fails(code codes.Code, texts ...string) {
	st.t.Helper()
	raises(st.t, within(st.t, st.ended, "the end of the stream"), code, texts...)
}

// Edge case 1.
func TestPingIsAnsweredAtOnce(t *testing.T) {
	t.Parallel()
	_, s := newSub(t, ordered)
	st := s.stream()
	for range 5 {
		st.send(&pb.StreamingPullRequest{})
		answer := st.next()
		equalProto(t, answer, &pb.StreamingPullResponse{
			SubscriptionProperties: &pb.StreamingPullResponse_SubscriptionProperties{MessageOrderingEnabled: true},
		}, "a pong carries the properties and nothing else")
	}
}

func TestPropertiesFollowTheSubscription(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	st := s.stream()
	properties := func() *pb.StreamingPullResponse_SubscriptionProperties {
		st.send(&pb.StreamingPullRequest{})
		return st.next().SubscriptionProperties
	}
	check(t, !properties().ExactlyOnceDeliveryEnabled, "not exactly-once at first")
	_, err := s.update(&pb.Subscription{EnableExactlyOnceDelivery: true}, "enable_exactly_once_delivery")
	succeeds(t, err)
	eventually(t, "the stream learns of exactly-once", func() bool { return properties().ExactlyOnceDeliveryEnabled })
	tp.publish("with properties")
	for {
		response := st.next()
		check(t, response.SubscriptionProperties.ExactlyOnceDeliveryEnabled, "properties of every response")
		if len(response.ReceivedMessages) > 0 {
			break
		}
	}
}

func TestAcksAndLeasesOnTheStream(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	st := s.stream()
	tp.publish("acked", "nacked", "extended")
	byBody := map[string]*pb.ReceivedMessage{}
	for _, m := range st.take(3) {
		byBody[body(m)] = m
	}
	st.send(&pb.StreamingPullRequest{
		AckIds:                []string{byBody["acked"].AckId},
		ModifyDeadlineAckIds:  []string{byBody["nacked"].AckId, byBody["extended"].AckId},
		ModifyDeadlineSeconds: []int32{0, 30},
	})
	again := st.take(1)
	equal(t, bodies(again), []string{"nacked"}, "only this one comes again")
	st.send(&pb.StreamingPullRequest{AckIds: []string{again[0].AckId, byBody["extended"].AckId}})
	succeeds(t, st.call.CloseSend())
	equal(t, within(t, st.ended, "the end of the stream"), io.EOF, "a stream that the client closes ends well")
	s.isEmpty("all acked")
}

func TestStreamLeaseEnds(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	st := s.stream(func(r *pb.StreamingPullRequest) { r.StreamAckDeadlineSeconds = 10 })
	tp.publish("slow")
	first := st.take(1)[0]
	second := st.take(1)[0]
	equal(t, second.Message.MessageId, first.Message.MessageId, "it comes again after ten seconds")
	check(t, second.AckId != first.AckId, "another ack id")
	st.send(&pb.StreamingPullRequest{AckIds: []string{second.AckId}})
}

// Edge case 29.
func TestStreamLimitsCountUntilAckNackOrExpiry(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	st := s.stream(holding(2, 0))
	tp.publish(numbered(5)...)
	held := st.take(2)
	quiet := func(why string) {
		t.Helper()
		st.send(&pb.StreamingPullRequest{})
		equal(t, len(st.next().ReceivedMessages), 0, why)
	}
	quiet("two are held")
	st.send(&pb.StreamingPullRequest{AckIds: []string{held[0].AckId}})
	third := st.take(1)[0]
	quiet("again two")
	// A unary ack counts as well.
	s.ack(held[1])
	fourth := st.take(1)[0]
	s.ack(third)
	fifth := st.take(1)[0]
	s.modify(1, fifth)
	equal(t, body(st.take(1)[0]), body(fifth), "expired, and given out again")
	s.ack(fourth)
	quiet("nothing is left")

	// Bytes are a limit of their own; one message always passes.
	wide := tp.subscribe()
	tp.publish(string(make([]byte, 1000)), string(make([]byte, 1000)))
	narrow := wide.stream(holding(0, 500))
	first := narrow.take(1)
	narrow.send(&pb.StreamingPullRequest{})
	equal(t, len(narrow.next().ReceivedMessages), 0, "one above the limit is enough")
	narrow.send(&pb.StreamingPullRequest{AckIds: ackIDs(first)})
	narrow.take(1)
}

func TestEndOfAStreamReturnsItsMessages(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	st := s.stream()
	tp.publish(numbered(10)...)
	st.take(10)
	st.cancel()
	equal(t, sorted(bodies(s.pullExactly(10))), numbered(10), "all come again")
}

func TestBacklogOnTheStream(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	for range 20 {
		tp.publish(numbered(1000)...)
	}
	st := s.stream(holding(1000, 0))
	seen := counter{}
	for total := 0; total < 20_000; {
		got := st.next().ReceivedMessages
		for _, m := range got {
			check(t, seen.add(m.Message.MessageId) == 1, "delivered twice: "+m.Message.MessageId)
		}
		st.send(&pb.StreamingPullRequest{AckIds: ackIDs(got)})
		total += len(got)
	}
}

func TestStreamRefusals(t *testing.T) {
	t.Parallel()
	_, s := newSub(t)
	missing := &subscription{t, subName(unique("sub"))}
	missing.stream().fails(codes.NotFound, "Resource not found (resource="+leaf(missing.name)+").")
	(&subscription{t, "nonsense"}).stream().fails(codes.InvalidArgument)
	(&subscription{t, ""}).stream().fails(codes.InvalidArgument)
	first := map[string]streamOption{
		"a deadline of 9":   func(r *pb.StreamingPullRequest) { r.StreamAckDeadlineSeconds = 9 },
		"a deadline of 601": func(r *pb.StreamingPullRequest) { r.StreamAckDeadlineSeconds = 601 },
	}
	for name, option := range first {
		t.Run(name, func(t *testing.T) { s.streamOf(t, option).fails(codes.InvalidArgument) })
	}
	later := map[string]*pb.StreamingPullRequest{
		"flow control again":   {MaxOutstandingMessages: 5},
		"byte limit again":     {MaxOutstandingBytes: 5},
		"the protocol again":   {ProtocolVersion: 1},
		"lists of two lengths": {ModifyDeadlineAckIds: []string{"x"}, ModifyDeadlineSeconds: []int32{1, 2}},
		"a deadline below 0":   {ModifyDeadlineAckIds: []string{"x"}, ModifyDeadlineSeconds: []int32{-1}},
		"another subscription": {Subscription: subName("other-subscription")},
	}
	for name, request := range later {
		t.Run(name, func(t *testing.T) {
			st := s.streamOf(t)
			st.send(request)
			st.fails(codes.InvalidArgument)
		})
	}
	t.Run("a first deadline of 0 passes", func(t *testing.T) {
		st := s.streamOf(t, func(r *pb.StreamingPullRequest) { r.StreamAckDeadlineSeconds = 0 })
		st.send(&pb.StreamingPullRequest{})
		st.next()
	})
}

// streamOf is a stream for a subtest.
func (s *subscription) streamOf(t *testing.T, options ...streamOption) *stream {
	t.Helper()
	return (&subscription{t, s.name}).stream(options...)
}

func TestStreamSurvivesSettingsThatChange(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	st := s.stream()
	st.send(&pb.StreamingPullRequest{StreamAckDeadlineSeconds: 20})
	_, err := s.update(&pb.Subscription{AckDeadlineSeconds: 30}, "ack_deadline_seconds")
	succeeds(t, err)
	tp.publish("still here")
	for {
		if got := st.next().ReceivedMessages; len(got) == 1 {
			equal(t, body(got[0]), "still here", "body")
			return
		}
	}
}
