package main

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Long polling: a receive that waits for messages instead of asking again and again.
func longPolling(ctx context.Context, client *sqs.Client) {
	// What a queue says counts for receives that say nothing.
	url := createQueue(ctx, client, "news", map[string]string{"ReceiveMessageWaitTimeSeconds": "10"})

	began := time.Now()
	nothing := receive(ctx, client, &sqs.ReceiveMessageInput{QueueUrl: url, WaitTimeSeconds: 1})
	waited := time.Since(began)
	expect(len(nothing) == 0 && waited > 900*time.Millisecond && waited < 5*time.Second, "%v", waited)
	say("an empty queue answered after 1 s")

	began = time.Now()
	time.AfterFunc(500*time.Millisecond, func() {
		send(ctx, client, &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("news")})
	})
	messages := receive(ctx, client, &sqs.ReceiveMessageInput{QueueUrl: url})
	waited = time.Since(began)
	expect(len(messages) == 1 && waited > 400*time.Millisecond && waited < 9*time.Second, "%v", waited)
	say("%s came while the receiver waited", *messages[0].Body)
	deleteQueue(ctx, client, url)
}
