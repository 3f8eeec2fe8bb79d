package main

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func arn(ctx context.Context, client *sqs.Client, url *string) string {
	answer, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	})
	check(err)
	return answer.Attributes["QueueArn"]
}

// A dead-letter queue for what fails again and again, and its redrive.
func deadLetter(ctx context.Context, client *sqs.Client) {
	failed := createQueue(ctx, client, "payments-failed", nil)
	source := aws.String(arn(ctx, client, failed))
	payments := createQueue(ctx, client, "payments", map[string]string{
		"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn": %q, "maxReceiveCount": 2}`, *source),
	})
	send(ctx, client, &sqs.SendMessageInput{QueueUrl: payments, MessageBody: aws.String("payment-1")})

	// A consumer that fails gives the message back at once, rather than have it wait for its time-out.
	failures := 0
	for {
		messages := receive(ctx, client, &sqs.ReceiveMessageInput{QueueUrl: payments})
		if len(messages) == 0 {
			break
		}
		failures++
		_, err := client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
			QueueUrl: payments, ReceiptHandle: messages[0].ReceiptHandle, VisibilityTimeout: 0,
		})
		check(err)
	}
	expect(failures == 2, "%d failures", failures)
	say("failed %d times", failures)

	dead := receive(ctx, client, &sqs.ReceiveMessageInput{QueueUrl: failed, WaitTimeSeconds: 10})
	expect(len(dead) == 1, "%d dead letters", len(dead))
	say("in the dead-letter queue: %s", *dead[0].Body)
	_, err := client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: failed, ReceiptHandle: dead[0].ReceiptHandle, VisibilityTimeout: 0,
	})
	check(err)

	// The cause is mended: everything goes back to where it came from.
	_, err = client.StartMessageMoveTask(ctx, &sqs.StartMessageMoveTaskInput{SourceArn: source})
	check(err)
	var task types.ListMessageMoveTasksResultEntry
	for range 100 {
		answer, err := client.ListMessageMoveTasks(ctx, &sqs.ListMessageMoveTasksInput{SourceArn: source})
		check(err)
		if task = answer.Results[0]; *task.Status != "RUNNING" {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	expect(*task.Status == "COMPLETED" && task.ApproximateNumberOfMessagesMoved == 1, "%v", task)

	body := receiveOne(ctx, client, payments)
	expect(body == "payment-1", "%s", body)
	say("moved back and handled: %s", body)
	deleteQueue(ctx, client, payments)
	deleteQueue(ctx, client, failed)
}
