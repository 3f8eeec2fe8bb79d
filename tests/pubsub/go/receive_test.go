// The streaming subscriber: delivery, leases, flow control, shutdown.
package pubsub_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"google.golang.org/grpc/codes"
)

func TestReceiveManyMessages(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	r := s.receive(func(settings *pubsub.ReceiveSettings) { settings.NumGoroutines = 3 })
	for range 10 {
		tp.publish(numbered(500)...)
	}
	seen := counter{}
	for range 5000 {
		m := r.next()
		check(t, seen.add(m.ID) == 1, "delivered twice: "+m.ID)
		m.Ack()
	}
	r.end()
	s.isEmpty("all acked")
}

func TestSubscribersShareASubscription(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	first, second := s.receive(), s.receive()
	seen := counter{}
	for batch := 0; len(first.messages) == 0 || len(second.messages) == 0; batch++ {
		check(t, batch < 200, "one of two subscribers gets nothing")
		tp.publish(numbered(20)...)
		time.Sleep(20 * time.Millisecond)
	}
	tp.publish("last")
	total := 0
	for done := false; !done; {
		var m *pubsub.Message
		select {
		case m = <-first.messages:
		case m = <-second.messages:
		case <-time.After(patience):
			t.Fatal("the last message never came")
		}
		total++
		check(t, seen.add(m.ID) == 1, "delivered twice: "+m.ID)
		done = string(m.Data) == "last"
		m.Ack()
	}
}

func TestNackComesAgainAtOnce(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	tp.publish("again")
	r := s.receive()
	first := r.next()
	first.Nack()
	second := r.next()
	equal(t, second.ID, first.ID, "the same message")
	second.Ack()
	r.end()
	s.isEmpty("acked")
}

func TestSubscriberKeepsItsLeases(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	tp.publish("slow work")
	r := s.receive(func(settings *pubsub.ReceiveSettings) {
		settings.MinDurationPerAckExtension = 10 * time.Second
		settings.MaxDurationPerAckExtension = 10 * time.Second
	})
	m := r.next()
	// Twice the deadline that the library asks for.
	select {
	case <-r.messages:
		t.Fatal("delivered again although its lease is extended")
	case <-time.After(21 * time.Second):
	}
	m.Ack()
	r.end()
	s.isEmpty("acked")
}

func TestReceiveHoldsAtMostWhatItAskedFor(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	tp.publish(numbered(30)...)
	var running, most atomic.Int32
	release := make(chan struct{})
	started := make(chan string, 100)
	limited, stop := context.WithCancel(ctx)
	t.Cleanup(stop)
	subscriber := client.Subscriber(s.name)
	subscriber.ReceiveSettings.MaxOutstandingMessages = 5
	ended := make(chan error, 1)
	go func() {
		ended <- subscriber.Receive(limited, func(_ context.Context, m *pubsub.Message) {
			if now := running.Add(1); now > most.Load() {
				most.Store(now)
			}
			started <- string(m.Data)
			<-release
			running.Add(-1)
			m.Ack()
		})
	}()
	for range 5 {
		within(t, started, "the first five")
	}
	time.Sleep(500 * time.Millisecond)
	equal(t, len(started), 0, "no sixth while five are held")
	// The stream was given a limit, so that the rest can go to others.
	equal(t, len(s.pullExactly(25)), 25, "what the stream does not hold")
	close(release)
	eventually(t, "the five are done", func() bool { return running.Load() == 0 })
	equal(t, most.Load(), 5, "most at once")
	stop()
	succeeds(t, within(t, ended, "the end of Receive"))
}

func TestReceiveHoldsAtMostTheBytesItAskedFor(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	for range 10 {
		tp.publish(string(make([]byte, 100_000)))
	}
	r := s.receive(func(settings *pubsub.ReceiveSettings) { settings.MaxOutstandingBytes = 250_000 })
	// Messages are handed on at once here, but stay unacked, so that the stream's limit counts.
	held := []*pubsub.Message{r.next(), r.next()}
	time.Sleep(500 * time.Millisecond)
	check(t, len(r.messages) <= 1, fmt.Sprintf("%d more than two or three of 100 kB", len(r.messages)))
	for _, m := range held {
		m.Ack()
	}
	for range 8 {
		r.next().Ack()
	}
	r.end()
}

func TestShutdownNacksWhatIsLeft(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	tp.publish("left over")
	limited, stop := context.WithCancel(ctx)
	subscriber := client.Subscriber(s.name)
	subscriber.ReceiveSettings.ShutdownOptions = &pubsub.ShutdownOptions{
		Timeout: 5 * time.Second, Behavior: pubsub.ShutdownBehaviorNackImmediately,
	}
	ended, got := make(chan error, 1), make(chan *pubsub.Message, 10)
	go func() {
		ended <- subscriber.Receive(limited, func(_ context.Context, m *pubsub.Message) { got <- m })
	}()
	id := within(t, got, "the message").ID
	stop()
	succeeds(t, within(t, ended, "the end of Receive"))
	equal(t, bodies(s.pullNow(1)), []string{"left over"}, "given back at once: "+id)
}

// Edge case 29: a stream's end must not lose what it held.
func TestClosedClientLosesNothing(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	tp.publish(numbered(10)...)
	doomed, err := pubsub.NewClient(ctx, project)
	succeeds(t, err)
	got := make(chan string, 100)
	go doomed.Subscriber(s.name).Receive(ctx, func(_ context.Context, m *pubsub.Message) { got <- m.ID })
	for range 10 {
		within(t, got, "a message")
	}
	succeeds(t, doomed.Close())
	equal(t, sorted(bodies(s.pullExactly(10))), numbered(10), "all come again")
}

func TestReceiveFromNowhere(t *testing.T) {
	t.Parallel()
	missing := &subscription{t, subName(unique("sub"))}
	notFound(t, within(t, missing.receive().ended, "the end of the stream"), leaf(missing.name))
}

func TestDeletedSubscriptionEndsItsStreams(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	tp.publish("to see it run")
	r := s.receive()
	r.take(1)
	succeeds(t, s.tryDelete())
	raises(t, within(t, r.ended, "the end of the stream"), codes.NotFound)
}

func TestReceiveWakesForEachPublish(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	r := s.receive()
	for _, text := range numbered(50) {
		tp.publish(text)
		m := r.next()
		equal(t, string(m.Data), text, "body")
		m.Ack()
	}
}
