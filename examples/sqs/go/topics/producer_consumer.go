package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const orders = 5

// A producer and a consumer, side by side.
func producerAndConsumer(ctx context.Context, client *sqs.Client) {
	url := createQueue(ctx, client, "orders", nil)
	produced := make(chan struct{})
	go func() {
		defer close(produced)
		for number := 1; number <= orders; number++ {
			send(ctx, client, &sqs.SendMessageInput{
				QueueUrl:    url,
				MessageBody: aws.String(fmt.Sprintf("order-%d", number)),
				MessageAttributes: map[string]types.MessageAttributeValue{
					"currency": {DataType: aws.String("String"), StringValue: aws.String("EUR")},
				},
			})
		}
	}()

	handled := map[string]bool{}
	for len(handled) < orders {
		messages := receive(ctx, client, &sqs.ReceiveMessageInput{
			QueueUrl: url, MaxNumberOfMessages: 10, WaitTimeSeconds: 10, MessageAttributeNames: []string{"All"},
		})
		expect(len(messages) > 0, "nothing came for 10 s")
		for _, message := range messages {
			expect(*message.MessageAttributes["currency"].StringValue == "EUR", "another currency")
			handled[*message.Body] = true
			// What isn't deleted comes again when its visibility timeout has passed.
			deleteMessage(ctx, client, url, message)
		}
	}
	<-produced

	for number := 1; number <= orders; number++ {
		expect(handled[fmt.Sprintf("order-%d", number)], "order-%d is missing", number)
	}
	answer, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	check(err)
	left := answer.Attributes["ApproximateNumberOfMessages"]
	expect(left == "0" && answer.Attributes["ApproximateNumberOfMessagesNotVisible"] == "0", "%v", answer.Attributes)
	say("handled %d orders, %s left", len(handled), left)
	deleteQueue(ctx, client, url)
}
