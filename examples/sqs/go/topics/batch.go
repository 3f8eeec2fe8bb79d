package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Batches: up to ten messages per request, each with an outcome of its own.
func batch(ctx context.Context, client *sqs.Client) {
	url := createQueue(ctx, client, "bulk", nil)
	var entries []types.SendMessageBatchRequestEntry
	for number := 1; number <= 10; number++ {
		entries = append(entries, types.SendMessageBatchRequestEntry{
			Id:          aws.String(fmt.Sprintf("entry-%d", number)),
			MessageBody: aws.String(fmt.Sprintf("order-%d", number)),
		})
	}
	entries[9].DelaySeconds = 901 // one too many, so this one is refused
	answer, err := client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: url, Entries: entries})
	check(err)
	expect(len(answer.Successful) == 9 && len(answer.Failed) == 1, "%v", answer)
	refused := answer.Failed[0]
	expect(refused.SenderFault, "%v", refused)
	say("sent %d, refused %s: %s", len(answer.Successful), *refused.Id, *refused.Code)

	deleted := map[string]bool{}
	for {
		messages := receive(ctx, client, &sqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: 10})
		if len(messages) == 0 {
			break
		}
		var entries []types.DeleteMessageBatchRequestEntry
		for _, message := range messages {
			deleted[*message.Body] = true
			entries = append(entries, types.DeleteMessageBatchRequestEntry{
				Id: message.MessageId, ReceiptHandle: message.ReceiptHandle,
			})
		}
		answer, err := client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: url, Entries: entries})
		check(err)
		expect(len(answer.Failed) == 0, "%v", answer.Failed)
	}
	expect(len(deleted) == 9 && !deleted["order-10"], "%v", deleted)
	say("received and deleted %d", len(deleted))
	deleteQueue(ctx, client, url)
}
