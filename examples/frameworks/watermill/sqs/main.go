// Watermill with SQS: a router whose handler turns orders into payments, each topic a queue.
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-aws/sqs"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/aws/aws-sdk-go-v2/config"
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
	// The endpoint is in AWS_ENDPOINT_URL_SQS.
	cfg, err := config.LoadDefaultConfig(ctx)
	check(err)
	publisher, err := sqs.NewPublisher(sqs.PublisherConfig{AWSConfig: cfg}, logger)
	check(err)
	subscriber, err := sqs.NewSubscriber(sqs.SubscriberConfig{AWSConfig: cfg}, logger)
	check(err)

	router, err := message.NewRouter(message.RouterConfig{}, logger)
	check(err)
	router.AddHandler("charge", "orders", subscriber, "payments", publisher,
		func(order *message.Message) ([]*message.Message, error) {
			payment := []byte("payment for " + string(order.Payload))
			return message.Messages{message.NewMessage(watermill.NewUUID(), payment)}, nil
		})
	payments, err := subscriber.Subscribe(ctx, "payments")
	check(err)
	go func() { check(router.Run(ctx)) }()
	<-router.Running()

	check(publisher.Publish("orders", message.NewMessage(watermill.NewUUID(), []byte("order-1"))))
	payment, ok := <-payments
	if !ok || string(payment.Payload) != "payment for order-1" {
		log.Fatal("no payment came")
	}
	payment.Ack()
	fmt.Println(string(payment.Payload))
	check(router.Close())
}
