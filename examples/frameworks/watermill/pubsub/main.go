// Watermill with Pub/Sub: what is published to a topic, received by a subscription of the same name.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-googlecloud/v2/pkg/googlecloud"
	"github.com/ThreeDotsLabs/watermill/message"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	ctx, stop := context.WithTimeout(context.Background(), 30*time.Second)
	defer stop()
	logger := watermill.NewStdLogger(false, false)
	// Both go to PUBSUB_EMULATOR_HOST, where that is set.
	project := os.Getenv("GOOGLE_CLOUD_PROJECT")
	subscriber, err := googlecloud.NewSubscriber(googlecloud.SubscriberConfig{ProjectID: project}, logger)
	check(err)
	publisher, err := googlecloud.NewPublisher(googlecloud.PublisherConfig{ProjectID: project}, logger)
	check(err)

	orders, err := subscriber.Subscribe(ctx, "orders")
	check(err)
	check(publisher.Publish("orders", message.NewMessage(watermill.NewUUID(), []byte("order-1"))))
	order, ok := <-orders
	if !ok {
		log.Fatal("no order came")
	}
	order.Ack()
	fmt.Println("received", string(order.Payload))
	check(publisher.Close())
	check(subscriber.Close())
}
