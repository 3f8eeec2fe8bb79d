// What KEDA's aws-sqs-queue scaler asks for, with the SDK that it asks with: the queue's length as the sum
// of the messages that wait, those in flight and those that are delayed, and so the number of replicas.
package main

import (
	"context"
	"fmt"
	"log"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// As in scaledobject.yaml.
const (
	queueLength = 5
	replicasMax = 10
)

var counted = []types.QueueAttributeName{
	types.QueueAttributeNameApproximateNumberOfMessages,
	types.QueueAttributeNameApproximateNumberOfMessagesNotVisible, // scaleOnInFlight
	types.QueueAttributeNameApproximateNumberOfMessagesDelayed,    // scaleOnDelayed
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// length is what the scaler computes at each look, every 30 s by default.
func length(ctx context.Context, client *sqs.Client, url *string) (sum int64) {
	answer, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: counted})
	check(err)
	for _, name := range counted {
		count, err := strconv.ParseInt(answer.Attributes[string(name)], 10, 32)
		check(err)
		sum += count
	}
	return sum
}

// replicas is what the autoscaler makes of a length.
func replicas(length int64) int64 { return min((length+queueLength-1)/queueLength, replicasMax) }

func main() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	check(err)
	client := sqs.NewFromConfig(cfg)
	made, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("orders")})
	check(err)
	url := made.QueueUrl

	look := func(when string, expected int64) {
		got := length(ctx, client, url)
		if got != expected {
			log.Fatalf("%s: a length of %d, not %d", when, got, expected)
		}
		fmt.Printf("%s: length %d, replicas %d\n", when, got, replicas(got))
	}
	look("empty", 0)
	for number := range 12 {
		message := &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("order")}
		if number < 4 {
			message.DelaySeconds = 600
		}
		_, err = client.SendMessage(ctx, message)
		check(err)
	}
	look("8 wait, 4 are delayed", 12)
	taken, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: 3})
	check(err)
	if len(taken.Messages) != 3 {
		log.Fatalf("%d messages", len(taken.Messages))
	}
	look("3 of them are in flight", 12)
	for _, message := range taken.Messages {
		_, err = client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: message.ReceiptHandle})
		check(err)
	}
	look("and now done", 9)
	_, err = client.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: url})
	check(err)
}
