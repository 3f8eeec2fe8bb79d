package main

import (
	"context"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

// Exactly-once delivery: an acknowledgement has an answer, and what it confirmed never comes again.
func exactlyOnce(ctx context.Context, client *pubsub.Client) {
	topic, remove := createTopic(ctx, client, &pubsubpb.Topic{Name: "single-orders"})
	defer remove()
	subscription := subscribe(ctx, client, &pubsubpb.Subscription{
		Name: "single-orders", Topic: topic, EnableExactlyOnceDelivery: true,
	})
	confirmed := func(message *pubsub.Message) {
		status, err := message.AckWithResult().Get(ctx)
		check(err)
		expect(status == pubsub.AcknowledgeStatusSuccess, "%v", status)
	}
	publish(ctx, client, topic, nil, "order-1", "order-2", "order-3")
	first := receive(ctx, client, subscription, 3, confirmed)
	say("%d acknowledgements confirmed", len(first))

	// What comes now is only what is new.
	publish(ctx, client, topic, nil, "order-4")
	got := texts(receive(ctx, client, subscription, 1, confirmed))
	expect(got == "order-4", "%s", got)
	say("none came again")
}
