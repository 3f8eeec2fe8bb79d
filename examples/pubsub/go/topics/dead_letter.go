package main

import (
	"context"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/types/known/durationpb"
)

// A dead-letter topic for what subscribers refuse again and again.
func deadLetter(ctx context.Context, client *pubsub.Client) {
	const attempts = 5 // the fewest that may be asked for
	failed, removeFailed := createTopic(ctx, client, &pubsubpb.Topic{Name: "payments-failed"})
	defer removeFailed()
	letters := subscribe(ctx, client, &pubsubpb.Subscription{Name: "payments-failed", Topic: failed})
	topic, remove := createTopic(ctx, client, &pubsubpb.Topic{Name: "payments"})
	defer remove()
	backoff := durationpb.New(100 * time.Millisecond)
	subscription := subscribe(ctx, client, &pubsubpb.Subscription{
		Name: "payments", Topic: topic,
		DeadLetterPolicy: &pubsubpb.DeadLetterPolicy{DeadLetterTopic: failed, MaxDeliveryAttempts: attempts},
		RetryPolicy:      &pubsubpb.RetryPolicy{MinimumBackoff: backoff, MaximumBackoff: backoff},
	})
	publish(ctx, client, topic, nil, "payment-1")

	refused := receive(ctx, client, subscription, attempts, func(message *pubsub.Message) { message.Nack() })
	for i, message := range refused {
		expect(*message.DeliveryAttempt == i+1, "attempt %d", *message.DeliveryAttempt)
	}
	say("refused %d times", len(refused))

	letter := receive(ctx, client, letters, 1, ack)[0]
	expect(string(letter.Data) == "payment-1", "%s", letter.Data)
	source := letter.Attributes["CloudPubSubDeadLetterSourceSubscription"]
	expect(source == "payments", "from %q", source)
	say("in the dead-letter topic: %s", letter.Data)
}
