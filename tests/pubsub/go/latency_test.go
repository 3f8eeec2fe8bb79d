// How long an idle server takes from a publish to its delivery. These tests are not
// parallel, so that they run before the others begin.
package pubsub_test

import (
	"slices"
	"testing"
	"time"
)

// measure prints how long messages take, one at a time, and asserts no more than that they flow.
func measure(t *testing.T, tp *topic, receive func()) {
	t.Helper()
	tp.publish("to open the connections")
	receive()
	var took []time.Duration
	for _, text := range numbered(300) {
		began := time.Now()
		tp.publish(text)
		receive()
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	t.Logf("publish to delivery: p50 %v, p99 %v", took[150], took[297])
	check(t, took[150] < time.Second, "an idle server is slow")
}

func TestIdleLatencyOfTheSubscriber(t *testing.T) {
	tp, s := newSub(t)
	r := s.receive()
	measure(t, tp, func() { r.take(1) })
}

func TestIdleLatencyOfAStream(t *testing.T) {
	tp, s := newSub(t)
	st := s.stream()
	measure(t, tp, func() { st.take(1) })
}
