// The high-level subscriber, running while a test looks at what it receives.
package pubsub_test

import (
	"context"
	"sync"
	"testing"

	"cloud.google.com/go/pubsub/v2"
)

// receiver runs Subscriber.Receive and hands each message over to the test.
type receiver struct {
	t        *testing.T
	messages chan *pubsub.Message
	ended    chan error
	stop     context.CancelFunc
}

// receive starts a subscriber, which ends with the test at the latest. Messages must be acked by the test.
func (s *subscription) receive(settings ...func(*pubsub.ReceiveSettings)) *receiver {
	s.t.Helper()
	limited, cancel := context.WithCancel(ctx)
	r := &receiver{s.t, make(chan *pubsub.Message, 10_000), make(chan error, 1), cancel}
	subscriber := client.Subscriber(s.name)
	for _, set := range settings {
		set(&subscriber.ReceiveSettings)
	}
	go func() {
		r.ended <- subscriber.Receive(limited, func(_ context.Context, m *pubsub.Message) { r.messages <- m })
	}()
	s.t.Cleanup(cancel)
	return r
}

// next is the next message, not yet acked.
func (r *receiver) next() *pubsub.Message {
	r.t.Helper()
	return within(r.t, r.messages, "a message")
}

// take takes and acks the next count messages and answers their bodies.
func (r *receiver) take(count int) []string {
	r.t.Helper()
	var got []string
	for range count {
		m := r.next()
		got = append(got, string(m.Data))
		m.Ack()
	}
	return got
}

// end ends the subscriber and expects that it ends well.
func (r *receiver) end() {
	r.t.Helper()
	r.stop()
	succeeds(r.t, within(r.t, r.ended, "the end of Receive"))
}

// counter counts by name, from many goroutines.
type counter struct {
	mu     sync.Mutex
	counts map[string]int
}

func (c *counter) add(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts = map[string]int{}
	}
	c.counts[name]++
	return c.counts[name]
}

func (c *counter) distinct() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.counts)
}
