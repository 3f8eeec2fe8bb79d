package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"os"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	ctx := context.Background()
	os.Setenv("PUBSUB_EMULATOR_HOST", cmp.Or(os.Getenv("PUBSUB_EMULATOR_HOST"), "127.0.0.1:8085"))
	client, err := pubsub.NewClient(ctx, "local")
	check(err)
	defer client.Close()

	topic, err := client.TopicAdminClient.CreateTopic(ctx, &pubsubpb.Topic{Name: "projects/local/topics/hello-go"})
	check(err)
	subscription, err := client.SubscriptionAdminClient.CreateSubscription(ctx, &pubsubpb.Subscription{
		Name: "projects/local/subscriptions/hello-go", Topic: topic.Name,
	})
	check(err)
	publisher := client.Publisher(topic.Name)
	defer publisher.Stop()
	_, err = publisher.Publish(ctx, &pubsub.Message{Data: []byte("Hello from Go")}).Get(ctx)
	check(err)

	receiving, stop := context.WithCancel(ctx)
	err = client.Subscriber(subscription.Name).Receive(receiving, func(_ context.Context, message *pubsub.Message) {
		fmt.Println(string(message.Data))
		message.Ack()
		stop()
	})
	check(err)

	err = client.SubscriptionAdminClient.DeleteSubscription(ctx,
		&pubsubpb.DeleteSubscriptionRequest{Subscription: subscription.Name})
	check(err)
	check(client.TopicAdminClient.DeleteTopic(ctx, &pubsubpb.DeleteTopicRequest{Topic: topic.Name}))
}
