// Message transforms written in JavaScript.
package pubsub_test

import (
	"testing"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

func script(name, code string) []*pb.MessageTransform {
	return []*pb.MessageTransform{{Transform: &pb.MessageTransform_JavascriptUdf{
		JavascriptUdf: &pb.JavaScriptUDF{FunctionName: name, Code: code},
	}}}
}

const (
	shout = `function shout(message, metadata) {
		message.data = message.data.toUpperCase();
		message.attributes.shouted = "yes";
		return message;
	}`
	drop = `function drop(message, metadata) { return message.attributes.drop ? null : message; }`
)

func TestTransformOfATopic(t *testing.T) {
	t.Parallel()
	tp := newTopic(t, func(request *pb.Topic) { request.MessageTransforms = script("shout", shout) })
	got, err := getTopic(tp.name)
	succeeds(t, err)
	equal(t, got.MessageTransforms[0].GetJavascriptUdf().Code, shout, "code read back")
	s := tp.subscribe()
	tp.publishMessages(&pb.PubsubMessage{Data: []byte("hello"), Attributes: map[string]string{"a": "b"}})
	m := s.pullOne()
	equal(t, body(m), "HELLO", "data")
	equal(t, m.Message.Attributes, map[string]string{"a": "b", "shouted": "yes"}, "attributes")
}

func TestTransformOfASubscription(t *testing.T) {
	t.Parallel()
	tp, plain := newSub(t)
	s := tp.subscribe(func(request *pb.Subscription) { request.MessageTransforms = script("drop", drop) })
	tp.publishMessages(
		&pb.PubsubMessage{Data: []byte("kept")},
		&pb.PubsubMessage{Data: []byte("dropped"), Attributes: map[string]string{"drop": "1"}},
	)
	equal(t, s.receive().take(1), []string{"kept"}, "filtered by the script")
	equal(t, sorted(bodies(plain.pullExactly(2))), []string{"dropped", "kept"}, "another subscription sees both")
}

func TestTransformRefusals(t *testing.T) {
	t.Parallel()
	for name, transforms := range map[string][]*pb.MessageTransform{
		"not JavaScript":     script("f", "function f( {"),
		"no such function":   script("missing", drop),
		"no name":            script("", drop),
		"an empty transform": {{}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := topics.CreateTopic(ctx, &pb.Topic{Name: topicName(unique("topic")), MessageTransforms: transforms})
			invalid(t, err)
		})
	}
}

func TestTransformThatFailsRefusesThePublish(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]string{
		"throws": `function f(message) { throw new Error("no"); }`,
		"loops":  `function f(message) { for (;;) {} }`,
		"hoards": `function f(message) { const all = []; for (;;) all.push("x".repeat(1e6) + all.length); }`,
	} {
		t.Run(name, func(t *testing.T) {
			tp := newTopic(t, func(request *pb.Topic) { request.MessageTransforms = script("f", code) })
			_, err := tp.tryPublish(&pb.PubsubMessage{Data: []byte("x")})
			check(t, err != nil, "the publish fails")
		})
	}
}
