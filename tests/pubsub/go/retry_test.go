// Retry policies.
package pubsub_test

import (
	"fmt"
	"testing"
	"time"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/types/known/durationpb"
)

func retrying(minimum, maximum time.Duration) subOption {
	return func(s *pb.Subscription) {
		s.RetryPolicy = &pb.RetryPolicy{MinimumBackoff: durationpb.New(minimum), MaximumBackoff: durationpb.New(maximum)}
	}
}

// Edge cases 10 and 12.
func TestBackoffGrowsUpToItsMaximum(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t, retrying(time.Second, 3*time.Second))
	tp.publish("failing")
	m := s.pullOne()
	for nacks, least := range []time.Duration{1, 2, 3, 3} {
		began := time.Now()
		s.nack(m)
		s.isEmpty("it waits")
		m = s.pullOne()
		took := time.Since(began)
		check(t, took >= least*time.Second-100*time.Millisecond, fmt.Sprintf("nack %d: came back after %v", nacks+1, took))
		check(t, took < least*time.Second+20*time.Second, fmt.Sprintf("nack %d: came back after %v", nacks+1, took))
	}
	s.ack(m)
}

// Edge case 11.
func TestWithoutARetryPolicyThereIsNoBackoff(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	tp.publish("failing")
	m := s.pullOne()
	for range 5 {
		s.nack(m)
		got := s.pullNow(1)
		equal(t, bodies(got), []string{"failing"}, "at once")
		m = got[0]
	}
}

func TestExpiryIsDelayedToo(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t, retrying(3*time.Second, 3*time.Second))
	tp.publish("expiring")
	s.modify(1, s.pullOne())
	began := time.Now()
	s.pullOne()
	check(t, time.Since(began) >= 3*time.Second, "a second of lease and three of backoff")
}

func TestOthersPassAMessageThatWaits(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t, retrying(600*time.Second, 600*time.Second))
	tp.publish("failing")
	s.nack(s.pullOne())
	tp.publish("fine")
	equal(t, bodies(s.pullExactly(1)), []string{"fine"}, "passes")
	s.isEmpty("the other still waits")
}
