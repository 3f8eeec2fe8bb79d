// What SQS is used for, a topic a file: go run ./topics fifo
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

var topics = map[string]func(context.Context, *sqs.Client){
	"producer_consumer": producerAndConsumer,
	"fifo":              fifo,
	"dead_letter":       deadLetter,
	"delay":             delay,
	"long_polling":      longPolling,
	"batch":             batch,
	"fair_queues":       fairQueues,
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 || topics[os.Args[1]] == nil {
		log.Fatal("usage: topics producer_consumer|fifo|dead_letter|delay|long_polling|batch|fair_queues")
	}
	ctx := context.Background()
	// The endpoint is in AWS_ENDPOINT_URL_SQS.
	cfg, err := config.LoadDefaultConfig(ctx)
	check(err)
	topics[os.Args[1]](ctx, sqs.NewFromConfig(cfg))
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

func createQueue(ctx context.Context, client *sqs.Client, name string, attributes map[string]string) *string {
	made, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(name), Attributes: attributes})
	check(err)
	return made.QueueUrl
}

func deleteQueue(ctx context.Context, client *sqs.Client, url *string) {
	_, err := client.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: url})
	check(err)
}

func send(ctx context.Context, client *sqs.Client, input *sqs.SendMessageInput) string {
	sent, err := client.SendMessage(ctx, input)
	check(err)
	return *sent.MessageId
}

func receive(ctx context.Context, client *sqs.Client, input *sqs.ReceiveMessageInput) []types.Message {
	answer, err := client.ReceiveMessage(ctx, input)
	check(err)
	return answer.Messages
}

// receiveOne waits for a message, and deletes it.
func receiveOne(ctx context.Context, client *sqs.Client, url *string) string {
	messages := receive(ctx, client, &sqs.ReceiveMessageInput{QueueUrl: url, WaitTimeSeconds: 10})
	expect(len(messages) == 1, "%d messages", len(messages))
	deleteMessage(ctx, client, url, messages[0])
	return *messages[0].Body
}

func deleteMessage(ctx context.Context, client *sqs.Client, url *string, message types.Message) {
	_, err := client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: message.ReceiptHandle})
	check(err)
}

func say(format string, args ...any) { fmt.Printf(format+"\n", args...) }
