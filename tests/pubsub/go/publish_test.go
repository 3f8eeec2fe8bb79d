// Publishing: the publisher with its batches, flow control, compression and hedging; what is refused.
package pubsub_test

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"cloud.google.com/go/pubsub/v2"
	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

// publisher is a publisher of the topic, stopped when the test ends.
func (tp *topic) publisher(settings ...func(*pubsub.Publisher)) *pubsub.Publisher {
	p := client.Publisher(tp.name)
	for _, set := range settings {
		set(p)
	}
	tp.t.Cleanup(p.Stop)
	return p
}

func TestPublishedMessageArrivesWhole(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	attributes := map[string]string{"plain": "x", "empty": "", "ünïcode": "→ 🦀", strings.Repeat("k", 256): strings.Repeat("v", 1024)}
	before := time.Now()
	id, err := tp.publisher().Publish(ctx, &pubsub.Message{Data: every, Attributes: attributes}).Get(ctx)
	succeeds(t, err)
	after := time.Now()

	m := s.receive().next()
	equal(t, m.ID, id, "message id")
	equal(t, m.Data, every, "data")
	equal(t, m.Attributes, attributes, "attributes")
	equal(t, m.OrderingKey, "", "ordering key")
	check(t, m.DeliveryAttempt == nil, "no delivery attempt without a dead-letter policy")
	check(t, !m.PublishTime.Before(before.Truncate(time.Millisecond)) && !m.PublishTime.After(after.Add(time.Millisecond)),
		fmt.Sprintf("publish time %v is not from %v to %v", m.PublishTime, before, after))
	m.Ack()
}

func TestMessageOfAttributesAlone(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	hundred := map[string]string{}
	for i := range 100 {
		hundred[fmt.Sprintf("key-%d", i)] = "value"
	}
	tp.publishMessages(&pb.PubsubMessage{Attributes: hundred})
	got := s.pullOne()
	equal(t, len(got.Message.Data), 0, "data")
	check(t, maps.Equal(got.Message.Attributes, hundred), "all hundred attributes")
}

func TestMessageIDsAreUniqueAndInOrderOfTheRequest(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	want := numbered(300)
	ids := map[string]string{}
	for i, id := range tp.publish(want...) {
		ids[id] = want[i]
	}
	equal(t, len(ids), 300, "distinct ids")
	for _, m := range s.pullExactly(300) {
		equal(t, body(m), ids[m.Message.MessageId], "body of "+m.Message.MessageId)
	}
}

func TestPublisherBatches(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	p := tp.publisher(func(p *pubsub.Publisher) {
		p.PublishSettings.CountThreshold = 50
		p.PublishSettings.DelayThreshold = time.Minute
	})
	var results []*pubsub.PublishResult
	for _, text := range numbered(120) {
		results = append(results, p.Publish(ctx, &pubsub.Message{Data: []byte(text)}))
	}
	// Two full batches go by themselves, the last one only when asked for.
	for _, result := range results[:100] {
		_, err := result.Get(ctx)
		succeeds(t, err)
	}
	select {
	case <-results[119].Ready():
		t.Fatal("the last batch went before it was full")
	default:
	}
	p.Flush()
	ids := map[string]bool{}
	for _, result := range results {
		id, err := result.Get(ctx)
		succeeds(t, err)
		ids[id] = true
	}
	equal(t, len(ids), 120, "distinct ids")
	equal(t, sorted(bodies(s.pullExactly(120))), numbered(120), "bodies")
}

func TestPublisherFromManyGoroutines(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	p := tp.publisher()
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			for j := range 50 {
				if _, err := p.Publish(ctx, &pubsub.Message{Data: fmt.Appendf(nil, "%d-%d", i, j)}).Get(ctx); err != nil {
					t.Error(err)
				}
			}
		})
	}
	seen := counter{}
	r := s.receive()
	for seen.distinct() < 1000 {
		m := r.next()
		seen.add(string(m.Data))
		m.Ack()
	}
	wg.Wait()
	r.end()
}

func TestPublisherFlowControl(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	limited := func(behaviour pubsub.LimitExceededBehavior) *pubsub.Publisher {
		return tp.publisher(func(p *pubsub.Publisher) {
			p.PublishSettings.DelayThreshold = 100 * time.Millisecond
			p.PublishSettings.FlowControlSettings = pubsub.FlowControlSettings{
				MaxOutstandingMessages: 2, LimitExceededBehavior: behaviour,
			}
		})
	}
	blocking := limited(pubsub.FlowControlBlock)
	for _, text := range numbered(6) {
		blocking.Publish(ctx, &pubsub.Message{Data: []byte(text)})
	}
	blocking.Flush()
	equal(t, sorted(bodies(s.pullExactly(6))), numbered(6), "all came, two at a time")

	refusing := limited(pubsub.FlowControlSignalError)
	first := []*pubsub.PublishResult{
		refusing.Publish(ctx, &pubsub.Message{Data: []byte("1")}), refusing.Publish(ctx, &pubsub.Message{Data: []byte("2")}),
	}
	_, err := refusing.Publish(ctx, &pubsub.Message{Data: []byte("3")}).Get(ctx)
	check(t, err == pubsub.ErrFlowControllerMaxOutstandingMessages, fmt.Sprint("the third is refused here: ", err))
	for _, result := range first {
		_, err = result.Get(ctx)
		succeeds(t, err)
	}
}

func TestPublisherCompresses(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	p := tp.publisher(func(p *pubsub.Publisher) {
		p.PublishSettings.EnableCompression = true
		p.PublishSettings.CompressionBytesThreshold = 100
	})
	large := bytes.Repeat([]byte("compressible "), 200_000) // 2.6 MB
	for _, data := range [][]byte{[]byte("too short"), large} {
		_, err := p.Publish(ctx, &pubsub.Message{Data: data}).Get(ctx)
		succeeds(t, err)
		got := s.pullOne()
		check(t, bytes.Equal(got.Message.Data, data), "the body came back unchanged")
		s.ack(got)
	}
}

func TestPublisherHedges(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	p := tp.publisher(func(p *pubsub.Publisher) {
		p.PublishSettings.HedgingSettings = &pubsub.HedgingSettings{Delay: 10 * time.Second}
	})
	id, err := p.Publish(ctx, &pubsub.Message{Data: []byte("hedged")}).Get(ctx)
	succeeds(t, err)
	equal(t, s.pullOne().Message.MessageId, id, "id")
}

func TestPublisherErrors(t *testing.T) {
	t.Parallel()
	missing := &topic{t, topicName(unique("topic"))}
	_, err := missing.publisher().Publish(ctx, &pubsub.Message{Data: []byte("x")}).Get(ctx)
	notFound(t, err, leaf(missing.name))
	tp := newTopic(t)
	_, err = tp.publisher().Publish(ctx, &pubsub.Message{}).Get(ctx)
	invalid(t, err)
}

func TestPublishRefusals(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	good := &pb.PubsubMessage{Data: []byte("good")}
	attribute := func(key, value string) *pb.PubsubMessage {
		return &pb.PubsubMessage{Data: []byte("x"), Attributes: map[string]string{key: value}}
	}
	tooMany := map[string]string{}
	for i := range 101 {
		tooMany[fmt.Sprint("key-", i)] = ""
	}
	cases := map[string]*pb.PubsubMessage{
		"empty":                {},
		"only an ordering key": {OrderingKey: "k"},
		"101 attributes":       {Data: []byte("x"), Attributes: tooMany},
		"an empty key":         attribute("", "x"),
		"a long key":           attribute(strings.Repeat("k", 257), "x"),
		"a long value":         attribute("k", strings.Repeat("v", 1025)),
		"a reserved key":       attribute("googly", "x"),
		"a long ordering key":  {Data: []byte("x"), OrderingKey: strings.Repeat("k", 1025)},
	}
	for name, bad := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := tp.tryPublish(good, bad)
			invalid(t, err)
		})
	}
	_, err := tp.tryPublish()
	invalid(t, err)
	thousand := make([]*pb.PubsubMessage, 1001)
	for i := range thousand {
		thousand[i] = good
	}
	_, err = tp.tryPublish(thousand...)
	invalid(t, err, "The value for message_count is too large. You passed 1001 in the request, but the maximum value is 1000.")
	s.isEmpty("a refused request publishes nothing")
	tp.publishMessages(thousand[:1000]...)
	equal(t, len(s.pullExactly(1000)), 1000, "the maximum")
}

func TestPublishSizes(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	// The topic's name and a few bytes of framing come on top of the data.
	largest := bytes.Repeat([]byte("ä"), (10_000_000-200)/2)
	check(t, utf8.Valid(largest), "valid text")
	_, err := tp.publisher().Publish(ctx, &pubsub.Message{Data: largest}).Get(ctx)
	succeeds(t, err)
	m := s.receive().next()
	check(t, bytes.Equal(m.Data, largest), "10 MB came back unchanged")
	m.Ack()

	_, err = tp.tryPublish(&pb.PubsubMessage{Data: make([]byte, 10_000_001)})
	invalid(t, err, "The value for request_size is too large")
	_, err = tp.tryPublish(&pb.PubsubMessage{Data: make([]byte, 10_485_761)})
	invalid(t, err, "Request payload size exceeds the limit: 10485760 bytes.")
	_, err = tp.publisher().Publish(ctx, &pubsub.Message{Data: make([]byte, 10_000_001)}).Get(ctx)
	check(t, err == pubsub.ErrOversizedMessage, fmt.Sprint("the library refuses by itself: ", err))
}

// Edge cases 3 and 4.
func TestEachSubscriptionGetsEachMessageSinceItsBirth(t *testing.T) {
	t.Parallel()
	tp, first := newSub(t)
	tp.publish("early")
	second := tp.subscribe()
	tp.publish("late")
	got := first.pullExactly(2)
	equal(t, sorted(bodies(got)), []string{"early", "late"}, "first subscription")
	first.ack(got...)
	equal(t, bodies(second.pullExactly(1)), []string{"late"}, "second subscription")
	second.isEmpty("nothing from before its birth")
}
