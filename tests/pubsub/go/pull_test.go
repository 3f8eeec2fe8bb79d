// Unary pulling, acknowledging and lease changes.
package pubsub_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
)

func TestPullAckAndLease(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	s.isEmpty("nothing published")
	tp.publish("a", "b", "c")
	two := s.pullExactly(2)
	one := s.pullOne()
	equal(t, sorted(bodies(append(two, one))), []string{"a", "b", "c"}, "each once")
	s.isEmpty("all are leased")
	s.ack(two...)
	s.nack(one)
	again := s.pullOne()
	equal(t, body(again), body(one), "only the nacked one comes again")
	equal(t, again.Message.MessageId, one.Message.MessageId, "same message")
	equal(t, again.Message.PublishTime.AsTime(), one.Message.PublishTime.AsTime(), "same time")
	// Edge case 7.
	check(t, again.AckId != one.AckId, "another ack id for each delivery")
	s.ack(again)
	s.isEmpty("all acked")
}

// Edge case 28.
func TestPullWaits(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	got := make(chan []*pb.ReceivedMessage, 1)
	go func() {
		messages, _ := s.tryPull(10)
		got <- messages
	}()
	time.Sleep(300 * time.Millisecond)
	tp.publish("wakes it")
	equal(t, bodies(within(t, got, "the waiting pull")), []string{"wakes it"}, "bodies")
}

func TestCancelledPullLeasesNothing(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	for range 3 {
		short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		_, err := subs.Pull(short, &pb.PullRequest{Subscription: s.name, MaxMessages: 1})
		cancel()
		raises(t, err, codes.DeadlineExceeded)
	}
	// The server hears of the last one's end a moment later than its caller.
	time.Sleep(time.Second)
	tp.publish("for who still listens")
	equal(t, bodies(s.pullNow(1)), []string{"for who still listens"}, "nobody else took it")
}

func TestPullReturnsAtMostWhatItIsAskedFor(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	tp.publish(numbered(20)...)
	got := s.pullNow(7)
	check(t, len(got) >= 1 && len(got) <= 7, "at most seven")
	for _, max := range []int32{0, -1} {
		_, err := s.tryPull(max)
		invalid(t, err, "You have passed an invalid argument to the service (argument=max_messages).")
	}
}

func TestLargeAnswers(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	for i := range 6 {
		tp.publishMessages(&pb.PubsubMessage{Data: bytes.Repeat([]byte{byte(i)}, 1_500_000)})
	}
	total := 0
	for _, m := range s.pullExactly(6) {
		total += len(m.Message.Data)
	}
	equal(t, total, 9_000_000, "bytes")
}

func TestLeaseEndsAndCanBeExtended(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	tp.publish("short", "long")
	leased := map[string]*pb.ReceivedMessage{}
	for _, m := range s.pullExactly(2) {
		leased[body(m)] = m
	}
	s.modify(1, leased["short"])
	s.modify(600, leased["long"])
	got := s.pullOne()
	equal(t, body(got), "short", "its lease ended first")
	// Edge case 5.
	s.ack(leased["short"])
	s.ack(got)
	s.ack(got)
	s.ack(leased["long"])
	s.isEmpty("both acked")
}

func TestDefaultLeaseIsTheSubscriptions(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	tp.publish("ten seconds")
	began := time.Now()
	s.pullOne()
	s.isEmpty("leased")
	got := s.pullOne()
	equal(t, body(got), "ten seconds", "it comes again")
	check(t, time.Since(began) > 9*time.Second, "not before its lease ended")
}

// Edge case 8.
func TestLateExtensionDoesNotTakeANackBack(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	tp.publish("nacked")
	first := s.pullOne()
	s.nack(first)
	s.modify(600, first)
	second := s.pullOne()
	equal(t, body(second), "nacked", "it comes again in spite of the late extension")
	// What is done by the first id does not touch the second delivery.
	s.nack(first)
	s.isEmpty("still leased to the second delivery")
}

// Edge case 6.
func TestBadAckIDs(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	tp.publish("held")
	held := s.pullOne()
	bad := "no-such-id"
	text := "You have passed an invalid ack ID to the service (ack_id=no-such-id)."
	invalid(t, s.tryAck(bad), text)
	invalid(t, s.tryAck(held.AckId, bad), text)
	invalid(t, s.tryModify(10, bad), text)
	invalid(t, s.tryModify(0, held.AckId, bad), text)
	s.isEmpty("the good id of a refused request has no effect")
	invalid(t, s.tryAck(), "You have not specified an ack ID in the request.")
	invalid(t, s.tryModify(10), "You have not specified an ack ID in the request.")
	for _, seconds := range []int32{-1, 601} {
		invalid(t, s.tryModify(seconds, held.AckId), "Invalid ack deadline given (ack_deadline=",
			"The ack deadline must be between 0 and 600 seconds.")
	}
	invalid(t, s.tryAck(strings.Repeat("x", 600_000)))
	s.nack(held)
	equal(t, body(s.pullOne()), "held", "not acked by any of them")
}

func TestAckOfManyIDs(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	for range 5 {
		tp.publish(numbered(500)...)
	}
	got := s.pullExactly(2500)
	s.modify(60, got...)
	s.ack(got...)
	s.seekTime(time.Now().Add(-time.Hour))
	s.isEmpty("acked, and not retained")
}
