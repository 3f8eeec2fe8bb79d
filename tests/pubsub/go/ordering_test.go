// Ordering keys.
package pubsub_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2"
	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

func inOrder(p *pubsub.Publisher) { p.EnableMessageOrdering = true }

func TestOrderingKeysKeepTheirOrder(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t, ordered)
	p := tp.publisher(inOrder)
	want := map[string][]string{}
	var results []*pubsub.PublishResult
	for i := range 400 {
		key, text := fmt.Sprint("key-", i%8), fmt.Sprint(i)
		want[key] = append(want[key], text)
		results = append(results, p.Publish(ctx, &pubsub.Message{Data: []byte(text), OrderingKey: key}))
	}
	for _, result := range results {
		_, err := result.Get(ctx)
		succeeds(t, err)
	}
	var mu sync.Mutex
	got := map[string][]string{}
	count := 0
	limited, stop := context.WithTimeout(ctx, patience)
	defer stop()
	err := client.Subscriber(s.name).Receive(limited, func(_ context.Context, m *pubsub.Message) {
		mu.Lock()
		defer mu.Unlock()
		got[m.OrderingKey] = append(got[m.OrderingKey], string(m.Data))
		m.Ack()
		if count++; count == 400 {
			stop()
		}
	})
	succeeds(t, err)
	mu.Lock()
	defer mu.Unlock()
	equal(t, got, want, "order of each key")
}

// Edge case 16.
func TestNackReplaysTheRestOfTheKey(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t, ordered)
	tp.publishKeyed("k", "1", "2", "3", "4")
	got := s.pullExactly(4)
	equal(t, bodies(got), []string{"1", "2", "3", "4"}, "first time")
	s.ack(got[0])
	s.nack(got[1])
	again := s.pullExactly(3)
	equal(t, bodies(again), []string{"2", "3", "4"}, "from the nacked one on")
	s.ack(again...)
	s.isEmpty("all acked")
}

func TestExpiryReplaysTheRestOfTheKey(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t, ordered)
	tp.publishKeyed("k", "1", "2", "3")
	got := s.pullExactly(3)
	s.modify(1, got[0])
	again := s.pullExactly(3)
	equal(t, bodies(again), []string{"1", "2", "3"}, "all, in order")
	s.ack(again...)
}

func TestNackOnTheStreamReplaysInOrder(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t, ordered)
	st := s.stream()
	tp.publishKeyed("k", numbered(20)...)
	first := st.take(20)
	equal(t, bodies(first), numbered(20), "first time")
	st.send(&pb.StreamingPullRequest{ModifyDeadlineAckIds: []string{first[5].AckId}, ModifyDeadlineSeconds: []int32{0}})
	again := st.take(15)
	equal(t, bodies(again), numbered(20)[5:], "from the nacked one on")
	st.send(&pb.StreamingPullRequest{AckIds: ackIDs(append(first[:5:5], again...))})
}

// Edge case 17.
func TestOtherKeysAreNotHeldUp(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t, ordered)
	tp.publishKeyed("stuck", "s1")
	stuck := s.pullOne()
	s.modify(600, stuck)
	tp.publishKeyed("free", "f1", "f2")
	tp.publish("unkeyed 1", "unkeyed 2")
	got := bodies(s.pullExactly(4))
	equal(t, sorted(got), []string{"f1", "f2", "unkeyed 1", "unkeyed 2"}, "all but the stuck key")
	check(t, slices.Index(got, "f1") < slices.Index(got, "f2"), "order of the free key")
}

func TestOneKeyStaysWithOneStream(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t, ordered)
	first, second := s.stream(), s.stream()
	tp.publishKeyed("k", "0")
	var home, other *stream
	eventually(t, "one of the streams gets the key", func() bool {
		if len(first.responses) > 0 {
			home, other = first, second
		} else if len(second.responses) > 0 {
			home, other = second, first
		}
		return home != nil
	})
	held := home.take(1)
	for i := range 20 {
		tp.publishKeyed("k", fmt.Sprint(i+1))
	}
	held = append(held, home.take(20)...)
	equal(t, len(held), 21, "all on one stream while any is outstanding")
	equal(t, len(other.responses), 0, "nothing on the other")
	home.send(&pb.StreamingPullRequest{AckIds: ackIDs(held)})
}

// Edge case 18.
func TestKeysWithoutAnOrderedSubscription(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	tp.publishKeyed("k", "1", "2")
	got := s.pullExactly(2)
	for _, m := range got {
		equal(t, m.Message.OrderingKey, "k", "the key is there")
	}
	s.nack(got[0])
	equal(t, bodies(s.pullExactly(1)), []string{body(got[0])}, "the other is not replayed")
}

func TestPublisherPausesAKeyAfterAnError(t *testing.T) {
	t.Parallel()
	tp := newTopic(t)
	s := tp.subscribe(ordered)
	p := tp.publisher(inOrder)
	publish := func(m *pubsub.Message) error {
		m.OrderingKey = "k"
		_, err := p.Publish(ctx, m).Get(ctx)
		return err
	}
	succeeds(t, publish(&pubsub.Message{Data: []byte("1")}))
	invalid(t, publish(&pubsub.Message{Data: []byte("bad"), Attributes: map[string]string{"googly": ""}}))
	err := publish(&pubsub.Message{Data: []byte("paused")})
	_, paused := err.(pubsub.ErrPublishingPaused)
	check(t, paused, fmt.Sprint("the key is paused: ", err))
	p.ResumePublish("k")
	succeeds(t, publish(&pubsub.Message{Data: []byte("2")}))
	equal(t, bodies(s.pullExactly(2)), []string{"1", "2"}, "bodies")
}

func TestOrderSurvivesATurnaroundOfSubscribers(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t, ordered)
	tp.publishKeyed("k", numbered(30)...)
	st := s.stream(holding(10, 0))
	held := st.take(10)
	equal(t, bodies(held), numbered(10), "the first ten")
	s.ack(held[:4]...)
	st.cancel()
	time.Sleep(200 * time.Millisecond)
	equal(t, bodies(s.pullExactly(26)), numbered(30)[4:], "another subscriber goes on where the first one stopped")
}
