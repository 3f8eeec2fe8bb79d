package main

import (
	"context"
	"slices"
	"strings"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

// Messages with an ordering key come in the order in which they were published.
func ordering(ctx context.Context, client *pubsub.Client) {
	steps, customers := []string{"created", "paid", "shipped"}, []string{"customer-1", "customer-2"}
	topic, remove := createTopic(ctx, client, &pubsubpb.Topic{Name: "order-steps"})
	defer remove()
	subscription := subscribe(ctx, client, &pubsubpb.Subscription{
		Name: "order-steps", Topic: topic, EnableMessageOrdering: true,
	})

	publisher := client.Publisher(topic)
	publisher.EnableMessageOrdering = true
	for _, step := range steps {
		for _, customer := range customers {
			publisher.Publish(ctx, &pubsub.Message{Data: []byte(step), OrderingKey: customer})
		}
	}
	publisher.Stop() // sends what is left

	got := map[string][]string{}
	for _, message := range receive(ctx, client, subscription, len(steps)*len(customers), ack) {
		got[message.OrderingKey] = append(got[message.OrderingKey], string(message.Data))
	}
	for _, customer := range customers {
		expect(slices.Equal(got[customer], steps), "%v", got)
		say("%s: %s", customer, strings.Join(got[customer], ", "))
	}
}
