package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Fair queues: a standard queue whose messages name their tenant, so that a busy one delays nobody else.
func fairQueues(ctx context.Context, client *sqs.Client) {
	url := createQueue(ctx, client, "tenants", nil)
	sendFor := func(tenant string, count int) {
		for range count {
			send(ctx, client, &sqs.SendMessageInput{
				QueueUrl: url, MessageBody: aws.String("work"), MessageGroupId: aws.String(tenant),
			})
		}
	}
	sendFor("busy", 30)
	sendFor("quiet", 3)
	say("the busy tenant has sent 30 messages, the quiet one 3 after them")

	// Nothing is deleted meanwhile, as if the work took long.
	received, quiet := 0, 0
	for received < 10 {
		messages := receive(ctx, client, &sqs.ReceiveMessageInput{
			QueueUrl:                    url,
			MaxNumberOfMessages:         int32(10 - received),
			WaitTimeSeconds:             10,
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameMessageGroupId},
		})
		expect(len(messages) > 0, "nothing came for 10 s")
		for _, message := range messages {
			received++
			if message.Attributes["MessageGroupId"] == "quiet" {
				quiet++
			}
		}
	}
	expect(quiet == 3, "%d messages of the quiet tenant", quiet)
	say("of the first %d received, %d are the quiet one's", received, quiet)
	deleteQueue(ctx, client, url)
}
