package tests

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/lclq/lclq/kits/go/lclqtest"
)

func newClient(sandbox *lclqtest.Sandbox) *sqs.Client {
	return sqs.New(sqs.Options{
		BaseEndpoint: aws.String(sandbox.Endpoint()),
		Region:       lclqtest.Region,
		Credentials:  credentials.NewStaticCredentialsProvider(sandbox.Account, "test", ""),
	})
}

func TestAMessageComesBackAfterItsVisibilityTimeout(t *testing.T) {
	server := lclqtest.Start(t) // of this test's own, since it moves the clock; else lclqtest.NewSandbox(t)
	client := newClient(server.Sandbox())
	queue, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("orders")})
	if err != nil {
		t.Fatal(err)
	}
	order := sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: aws.String("order 7")}
	if _, err := client.SendMessage(t.Context(), &order); err != nil {
		t.Fatal(err)
	}
	receives := func(expected int) {
		t.Helper()
		got, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl})
		if err != nil || len(got.Messages) != expected {
			t.Fatal(got, err)
		}
	}
	receives(1)
	receives(0)
	if err := server.Clock().Advance(30 * time.Second); err != nil {
		t.Fatal(err)
	}
	receives(1)
}
