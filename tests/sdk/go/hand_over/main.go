// Consumes queues by the AWS SDK while nodes of a cluster hand over.
// tests/sdk/hand_over/run.py says what it is given.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

var ctx = context.Background()

// consume takes messages until one says that it was the last.
func consume(client *sqs.Client, url string, report func(string)) error {
	for {
		received, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: 20,
		})
		if err != nil {
			return err
		}
		for _, message := range received.Messages {
			_, err := client.DeleteMessage(ctx, &sqs.DeleteMessageInput{
				QueueUrl: &url, ReceiptHandle: message.ReceiptHandle,
			})
			if err != nil {
				return err
			}
			if *message.Body == "end" {
				return nil
			}
			report(*message.Body)
		}
	}
}

func main() {
	loaded, err := config.LoadDefaultConfig(ctx,
		config.WithRegion("us-east-1"),
		config.WithBaseEndpoint(os.Getenv("LCLQ_ENDPOINT")),
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("test", "test", "")))
	if err != nil {
		panic(err)
	}
	client := sqs.NewFromConfig(loaded)
	file, err := os.OpenFile(os.Getenv("LCLQ_REPORT"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		panic(err)
	}
	var lock sync.Mutex
	report := func(line string) {
		lock.Lock()
		defer lock.Unlock()
		if _, err := fmt.Fprintln(file, line); err != nil {
			panic(err)
		}
	}
	failed := false
	var consumers sync.WaitGroup
	for _, url := range strings.Fields(os.Getenv("LCLQ_QUEUE_URLS")) {
		consumers.Go(func() {
			if err := consume(client, url, report); err != nil {
				report(fmt.Sprintf("error %q", err.Error()))
				lock.Lock()
				defer lock.Unlock()
				failed = true
			}
		})
	}
	consumers.Wait()
	if failed {
		os.Exit(1)
	}
}
