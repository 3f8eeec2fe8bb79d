// Dead-letter topics and delivery attempts.
package pubsub_test

import (
	"strconv"
	"testing"
	"time"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

// Edge cases 13, 14 and 15.
func TestMessageNackedTooOftenMoves(t *testing.T) {
	t.Parallel()
	graveyard, grave := newSub(t)
	tp, s := newSub(t, deadLettersTo(graveyard, 5))
	attributes := map[string]string{"kind": "poison"}
	published := time.Now()
	id := tp.publishMessages(&pb.PubsubMessage{Data: []byte("poison"), Attributes: attributes, OrderingKey: "key"})[0]
	for attempt := range int32(5) {
		m := s.pullOne()
		equal(t, m.DeliveryAttempt, attempt+1, "delivery attempt")
		if attempt == 2 {
			s.modify(1, m) // An expiry counts like a nack.
			continue
		}
		s.nack(m)
	}
	moved := grave.pullOne()
	equal(t, body(moved), "poison", "data")
	equal(t, moved.Message.OrderingKey, "key", "ordering key")
	equal(t, moved.DeliveryAttempt, 0, "no attempts where there is no policy")
	check(t, moved.Message.MessageId != id, "another message id")
	got := moved.Message.Attributes
	equal(t, got["kind"], "poison", "attribute kept")
	equal(t, got["CloudPubSubDeadLetterSourceSubscription"], leaf(s.name), "source subscription")
	equal(t, got["CloudPubSubDeadLetterSourceSubscriptionProject"], project, "source project")
	count, err := strconv.Atoi(got["CloudPubSubDeadLetterSourceDeliveryCount"])
	succeeds(t, err)
	equal(t, count, 5, "delivery count")
	at, err := time.Parse("2006-01-02T15:04:05.999-07:00", got["CloudPubSubDeadLetterSourceTopicPublishTime"])
	succeeds(t, err)
	check(t, at.Sub(published).Abs() < time.Minute, "publish time of the original: "+at.String())
	equal(t, len(got), 5, "number of attributes")
	s.isEmpty("moved away")
}

func TestDeliveryAttemptsOfTheSubscriber(t *testing.T) {
	t.Parallel()
	graveyard, grave := newSub(t)
	tp, s := newSub(t, deadLettersTo(graveyard, 5))
	tp.publish("poison", "fine")
	r := s.receive()
	attempts := map[string][]int{}
	for len(attempts["poison"]) < 5 || len(attempts["fine"]) < 1 {
		m := r.next()
		check(t, m.DeliveryAttempt != nil, "an attempt with a policy")
		attempts[string(m.Data)] = append(attempts[string(m.Data)], *m.DeliveryAttempt)
		if string(m.Data) == "fine" {
			m.Ack()
		} else {
			m.Nack()
		}
	}
	equal(t, attempts, map[string][]int{"poison": {1, 2, 3, 4, 5}, "fine": {1}}, "attempts")
	equal(t, body(grave.pullOne()), "poison", "in the dead-letter topic")
	r.end()
}

func TestDeadLettersReachEverySubscriptionOfTheTopic(t *testing.T) {
	t.Parallel()
	graveyard, first := newSub(t)
	second := graveyard.subscribe()
	tp, s := newSub(t, deadLettersTo(graveyard, 5))
	tp.publish("a", "b")
	for range 5 {
		s.nack(s.pullExactly(2)...)
	}
	for _, grave := range []*subscription{first, second} {
		equal(t, sorted(bodies(grave.pullExactly(2))), []string{"a", "b"}, "dead letters")
	}
}

func TestWithoutAPolicyThereAreNoAttempts(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	tp.publish("again and again")
	for range 8 {
		m := s.pullOne()
		equal(t, m.DeliveryAttempt, 0, "delivery attempt")
		s.nack(m)
	}
	equal(t, body(s.pullOne()), "again and again", "still there")
}

func TestOrderedKeyGoesOnAfterADeadLetter(t *testing.T) {
	t.Parallel()
	graveyard, grave := newSub(t)
	tp, s := newSub(t, ordered, deadLettersTo(graveyard, 5))
	tp.publishKeyed("k", "poison", "next")
	for range 5 {
		got := s.pullExactly(2)
		equal(t, bodies(got), []string{"poison", "next"}, "order")
		s.nack(got[0])
	}
	equal(t, body(grave.pullOne()), "poison", "in the dead-letter topic")
	next := s.pullOne()
	equal(t, body(next), "next", "what is left of the key")
	s.ack(next)
	s.isEmpty("nothing else")
}
