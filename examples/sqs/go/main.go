package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithBaseEndpoint(cmp.Or(os.Getenv("AWS_ENDPOINT_URL"), "http://127.0.0.1:9324")),
		config.WithRegion("us-east-1"),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("test", "test", "")))
	check(err)
	client := sqs.NewFromConfig(cfg)

	queue, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("hello")})
	check(err)
	_, err = client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: queue.QueueUrl, MessageBody: aws.String("Hello from Go"),
	})
	check(err)

	answer, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: queue.QueueUrl, WaitTimeSeconds: 10,
	})
	check(err)
	for _, message := range answer.Messages {
		fmt.Println(*message.Body)
		_, err = client.DeleteMessage(ctx, &sqs.DeleteMessageInput{
			QueueUrl: queue.QueueUrl, ReceiptHandle: message.ReceiptHandle,
		})
		check(err)
	}
}
