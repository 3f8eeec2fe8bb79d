package main

import (
	"context"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

// A topic with two subscriptions, each of which gets every message.
func publishAndSubscribe(ctx context.Context, client *pubsub.Client) {
	topic, remove := createTopic(ctx, client, &pubsubpb.Topic{Name: "orders"})
	defer remove()
	billing := subscribe(ctx, client, &pubsubpb.Subscription{Name: "orders-billing", Topic: topic})
	shipping := subscribe(ctx, client, &pubsubpb.Subscription{Name: "orders-shipping", Topic: topic})
	publish(ctx, client, topic, map[string]string{"currency": "EUR"}, "order-1", "order-2", "order-3")

	for _, side := range []struct{ name, subscription string }{{"billing", billing}, {"shipping", shipping}} {
		messages := receive(ctx, client, side.subscription, 3, ack)
		for _, message := range messages {
			expect(message.Attributes["currency"] == "EUR", "%v", message.Attributes)
		}
		got := texts(messages)
		expect(got == "order-1, order-2, order-3", "%s", got)
		say("%s: %s", side.name, got)
	}
}
