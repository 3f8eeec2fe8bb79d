package main

import (
	"context"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

// A subscription with a filter gets only the messages whose attributes match it.
func filtering(ctx context.Context, client *pubsub.Client) {
	topic, remove := createTopic(ctx, client, &pubsubpb.Topic{Name: "events"})
	defer remove()
	everything := subscribe(ctx, client, &pubsubpb.Subscription{Name: "events-all", Topic: topic})
	orders := subscribe(ctx, client, &pubsubpb.Subscription{
		Name: "events-orders", Topic: topic, Filter: `attributes.kind = "order"`,
	})
	publish(ctx, client, topic, map[string]string{"kind": "visit"}, "visit-1", "visit-2")
	publish(ctx, client, topic, map[string]string{"kind": "order"}, "order-1", "order-2")

	got := texts(receive(ctx, client, everything, 4, ack))
	expect(got == "order-1, order-2, visit-1, visit-2", "%s", got)
	say("all: %s", got)
	got = texts(receive(ctx, client, orders, 2, ack))
	expect(got == "order-1, order-2", "%s", got)
	say("orders: %s", got)
}
