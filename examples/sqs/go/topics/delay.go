package main

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Messages that come later: a delay of one message's own, and one that the queue gives to all.
func delay(ctx context.Context, client *sqs.Client) {
	url := createQueue(ctx, client, "reminders", map[string]string{"DelaySeconds": "2"})
	began := time.Now()
	send(ctx, client, &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("by the queue's delay")})
	send(ctx, client, &sqs.SendMessageInput{
		QueueUrl: url, MessageBody: aws.String("by its own delay"), DelaySeconds: 1,
	})
	early := receive(ctx, client, &sqs.ReceiveMessageInput{QueueUrl: url})
	expect(len(early) == 0, "%d messages at once", len(early))
	say("nothing at once")

	for _, due := range []struct {
		seconds time.Duration
		body    string
	}{{1, "by its own delay"}, {2, "by the queue's delay"}} {
		body := receiveOne(ctx, client, url)
		expect(body == due.body, "%s", body)
		// The service counts from when it took the message, to the second.
		expect(time.Since(began) > due.seconds*time.Second-500*time.Millisecond, "%s came too early", body)
		say("after %d s: %s", due.seconds, body)
	}
	deleteQueue(ctx, client, url)
}
