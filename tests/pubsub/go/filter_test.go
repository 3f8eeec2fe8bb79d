// Filters.
package pubsub_test

import (
	"strings"
	"testing"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

// Edge case 21 is among these.
func TestFilters(t *testing.T) {
	t.Parallel()
	messages := map[string]map[string]string{
		"none":  nil,
		"en":    {"lang": "en"},
		"en-GB": {"lang": "en-GB", "a b": "1"},
		"de":    {"lang": "de", "draft": ""},
	}
	cases := map[string][]string{
		``:                                    {"de", "en", "en-GB", "none"},
		`attributes:lang`:                     {"de", "en", "en-GB"},
		`attributes.lang = "en"`:              {"en"},
		`attributes.lang != "en"`:             {"de", "en-GB", "none"},
		`hasPrefix(attributes.lang, "en")`:    {"en", "en-GB"},
		`NOT hasPrefix(attributes.lang,"en")`: {"de", "none"},
		`-attributes:lang`:                    {"none"},
		`attributes:"a b"`:                    {"en-GB"},
		`attributes."lang" = "de"`:            {"de"},
		`attributes:lang AND NOT attributes.lang = "en"`:                     {"de", "en-GB"},
		`attributes.lang = "en" OR attributes:draft`:                         {"de", "en"},
		`attributes:lang AND (attributes.lang = "de" OR attributes:"a b")`:   {"de", "en-GB"},
		`(attributes.lang = "en") OR (attributes:lang AND attributes:draft)`: {"de", "en"},
	}
	for filter, want := range cases {
		t.Run(filter, func(t *testing.T) {
			t.Parallel()
			tp, s := newSub(t, filteredBy(filter))
			equal(t, s.get().Filter, filter, "filter read back")
			var published []*pb.PubsubMessage
			for text, attributes := range messages {
				published = append(published, &pb.PubsubMessage{Data: []byte(text), Attributes: attributes})
			}
			tp.publishMessages(published...)
			got := s.pullExactly(len(want))
			equal(t, sorted(bodies(got)), want, "what passes")
			s.ack(got...)
			s.isEmpty("the rest is gone")
		})
	}
}

// Edge case 22 is among these.
func TestBadFilters(t *testing.T) {
	t.Parallel()
	tp := newTopic(t)
	for _, filter := range []string{
		`attributes:a AND attributes:b OR attributes:c`,
		`attributes:a OR attributes:b AND attributes:c`,
		`attributes:a and attributes:b`,
		`attributes.a = en`,
		`attributes.a == "x"`,
		`attributes.a`,
		`attributes:a AND`,
		`(attributes:a`,
		`data = "x"`,
		`hasprefix(attributes.a, "x")`,
		`hasPrefix(attributes.a)`,
		`attributes.a = "unclosed`,
		`NOT`,
		`attributes:a attributes:b`,
		`attributes.a = "` + strings.Repeat("x", 256) + `"`,
	} {
		t.Run(filter[:min(len(filter), 60)], func(t *testing.T) {
			_, err := subs.CreateSubscription(ctx, &pb.Subscription{
				Name: subName(unique("sub")), Topic: tp.name, Filter: filter,
			})
			invalid(t, err)
		})
	}
}

func TestFilteredStreamAndOrder(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t, ordered, filteredBy(`attributes:keep`))
	keep := map[string]string{"keep": "1"}
	for range 5 {
		tp.publishMessages(
			&pb.PubsubMessage{Data: []byte("dropped"), OrderingKey: "k"},
			&pb.PubsubMessage{Data: []byte("kept"), OrderingKey: "k", Attributes: keep},
		)
	}
	equal(t, s.receive().take(5), []string{"kept", "kept", "kept", "kept", "kept"}, "bodies")
}
