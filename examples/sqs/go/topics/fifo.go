package main

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// A FIFO queue: order within each group, and what is sent twice comes once.
func fifo(ctx context.Context, client *sqs.Client) {
	steps, customers := []string{"created", "paid", "shipped"}, []string{"customer-1", "customer-2"}
	url := createQueue(ctx, client, "orders.fifo", map[string]string{"FifoQueue": "true"})
	sendStep := func(customer, step string) string {
		return send(ctx, client, &sqs.SendMessageInput{
			QueueUrl:               url,
			MessageBody:            aws.String(step),
			MessageGroupId:         aws.String(customer),
			MessageDeduplicationId: aws.String(customer + "-" + step),
		})
	}

	var sent string
	for _, step := range steps {
		for _, customer := range customers {
			sent = sendStep(customer, step)
		}
	}
	// The answer got lost, say, and the producer sends again.
	expect(sendStep("customer-2", "shipped") == sent, "a second message")

	seen := map[string][]string{}
	for {
		messages := receive(ctx, client, &sqs.ReceiveMessageInput{
			QueueUrl: url, MaxNumberOfMessages: 10,
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameMessageGroupId},
		})
		if len(messages) == 0 {
			break
		}
		for _, message := range messages {
			customer := message.Attributes["MessageGroupId"]
			seen[customer] = append(seen[customer], *message.Body)
			// The group's next messages come once this one is deleted.
			deleteMessage(ctx, client, url, message)
		}
	}

	for _, customer := range customers {
		expect(slices.Equal(seen[customer], steps), "%v", seen)
		say("%s: %s", customer, strings.Join(seen[customer], ", "))
	}
	say("sent 7 times, received 6: one was a repetition")
	deleteQueue(ctx, client, url)
}
