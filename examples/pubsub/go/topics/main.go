// What Pub/Sub is used for, a topic a file: go run ./topics ordering
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"os"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

// patience bounds what should happen soon.
const patience = 20 * time.Second

var topics = map[string]func(context.Context, *pubsub.Client){
	"publish_subscribe": publishAndSubscribe,
	"ordering":          ordering,
	"filtering":         filtering,
	"push":              push,
	"dead_letter":       deadLetter,
	"schema":            schema,
	"exactly_once":      exactlyOnce,
	"seek":              seek,
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 || topics[os.Args[1]] == nil {
		log.Fatal("usage: topics publish_subscribe|ordering|filtering|push|dead_letter|schema|exactly_once|seek")
	}
	ctx := context.Background()
	// Goes to PUBSUB_EMULATOR_HOST, where that is set, with the project of GOOGLE_CLOUD_PROJECT.
	client, err := pubsub.NewClient(ctx, pubsub.DetectProjectID)
	check(err)
	defer client.Close()
	topics[os.Args[1]](ctx, client)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// expect ends the program if what came isn't what should have come.
func expect(so bool, format string, args ...any) {
	if !so {
		log.Fatalf("unexpected: "+format, args...)
	}
}

func say(format string, args ...any) { fmt.Printf(format+"\n", args...) }

func name(client *pubsub.Client, kind, id string) string {
	return fmt.Sprintf("projects/%s/%s/%s", client.Project(), kind, id)
}

// createTopic makes a topic, and what deletes it with its subscriptions.
func createTopic(ctx context.Context, client *pubsub.Client, topic *pubsubpb.Topic) (made string, remove func()) {
	topic.Name = name(client, "topics", topic.Name)
	_, err := client.TopicAdminClient.CreateTopic(ctx, topic)
	check(err)
	return topic.Name, func() {
		list := client.TopicAdminClient.ListTopicSubscriptions(ctx,
			&pubsubpb.ListTopicSubscriptionsRequest{Topic: topic.Name})
		for subscription, err := range list.All() {
			check(err)
			check(client.SubscriptionAdminClient.DeleteSubscription(ctx,
				&pubsubpb.DeleteSubscriptionRequest{Subscription: subscription}))
		}
		check(client.TopicAdminClient.DeleteTopic(ctx, &pubsubpb.DeleteTopicRequest{Topic: topic.Name}))
	}
}

func subscribe(ctx context.Context, client *pubsub.Client, settings *pubsubpb.Subscription) string {
	settings.Name = name(client, "subscriptions", settings.Name)
	_, err := client.SubscriptionAdminClient.CreateSubscription(ctx, settings)
	check(err)
	return settings.Name
}

// publish publishes messages with these attributes, and waits until the service has them all.
func publish(ctx context.Context, client *pubsub.Client, topic string, attributes map[string]string, texts ...string) {
	publisher := client.Publisher(topic)
	defer publisher.Stop()
	var results []*pubsub.PublishResult
	for _, text := range texts {
		message := &pubsub.Message{Data: []byte(text), Attributes: attributes}
		results = append(results, publisher.Publish(ctx, message))
	}
	for _, result := range results {
		_, err := result.Get(ctx)
		check(err)
	}
}

// receive receives so many messages by a stream, each of which settle acknowledges or not.
func receive(ctx context.Context, client *pubsub.Client, subscription string, count int,
	settle func(*pubsub.Message)) []*pubsub.Message {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	arrived := make(chan *pubsub.Message, 100)
	go func() {
		check(client.Subscriber(subscription).Receive(ctx, func(_ context.Context, message *pubsub.Message) {
			settle(message)
			arrived <- message
		}))
		close(arrived)
	}()
	var messages []*pubsub.Message
	for message := range arrived {
		if messages = append(messages, message); len(messages) == count {
			stop()
		}
	}
	expect(len(messages) == count, "%d messages, not %d", len(messages), count)
	return messages
}

func ack(message *pubsub.Message) { message.Ack() }

// texts are the data of messages, in order of the alphabet, since they come in any order.
func texts(messages []*pubsub.Message) string {
	slices.SortFunc(messages, func(a, b *pubsub.Message) int { return cmp.Compare(string(a.Data), string(b.Data)) })
	var texts []string
	for _, message := range messages {
		texts = append(texts, string(message.Data))
	}
	return strings.Join(texts, ", ")
}
