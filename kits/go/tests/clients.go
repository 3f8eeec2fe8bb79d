// Package tests has what the kit's agent and its tests share: clients for a sandbox.
package tests

import (
	"context"
	"slices"

	"cloud.google.com/go/pubsub/v2"
	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/lclq/lclq/kits/go/lclqtest"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	// The server's binary comes with the module, so `go test` needs nothing else.
	_ "github.com/lclq/lclq/kits/go/binary"
)

const messagesMax = 10

// SQS is a client for a sandbox. It tries so many times.
func SQS(sandbox *lclqtest.Sandbox, attemptsMax int) *sqs.Client {
	return sqs.New(sqs.Options{
		BaseEndpoint:     aws.String(sandbox.Endpoint()),
		Region:           lclqtest.Region,
		Credentials:      credentials.NewStaticCredentialsProvider(sandbox.Account, "test", ""),
		RetryMaxAttempts: attemptsMax,
	})
}

// PubSub is a client for a sandbox.
func PubSub(ctx context.Context, sandbox *lclqtest.Sandbox) (*pubsub.Client, error) {
	return pubsub.NewClient(ctx, sandbox.Project,
		option.WithEndpoint(sandbox.PubSub()),
		option.WithoutAuthentication(),
		option.WithTelemetryDisabled(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
}

// Queue makes a queue, where it isn't there, and answers its URL.
func Queue(ctx context.Context, client *sqs.Client, name string) (*string, error) {
	made, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name})
	if err != nil {
		return nil, err
	}
	return made.QueueUrl, nil
}

// Send sends to a queue that is made where it isn't there.
func Send(ctx context.Context, client *sqs.Client, queue, body string, delayS int32) error {
	url, err := Queue(ctx, client, queue)
	if err != nil {
		return err
	}
	_, err = client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: url, MessageBody: &body, DelaySeconds: delayS})
	return err
}

// Receive takes what a queue has, at most ten, in the order of the bodies.
func Receive(ctx context.Context, client *sqs.Client, queue string) ([]string, error) {
	bodies := []string{}
	url, err := Queue(ctx, client, queue)
	if err != nil {
		return nil, err
	}
	got, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: messagesMax})
	if err != nil {
		return nil, err
	}
	for _, message := range got.Messages {
		bodies = append(bodies, *message.Body)
		deleted := sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: message.ReceiptHandle}
		if _, err := client.DeleteMessage(ctx, &deleted); err != nil {
			return nil, err
		}
	}
	slices.Sort(bodies)
	return bodies, nil
}

// Topic makes a topic with a subscription of its name, where it isn't there, and answers both names.
func Topic(ctx context.Context, client *pubsub.Client, name string) (topic, subscription string, err error) {
	topic = "projects/" + client.Project() + "/topics/" + name
	subscription = "projects/" + client.Project() + "/subscriptions/" + name
	_, err = client.TopicAdminClient.CreateTopic(ctx, &pb.Topic{Name: topic})
	if err == nil {
		_, err = client.SubscriptionAdminClient.CreateSubscription(ctx, &pb.Subscription{Name: subscription, Topic: topic})
	}
	if status.Code(err) == codes.AlreadyExists {
		err = nil
	}
	return topic, subscription, err
}

// Pull takes and acknowledges what a subscription has, at most ten.
func Pull(ctx context.Context, client *pubsub.Client, name string) ([]string, error) {
	_, subscription, err := Topic(ctx, client, name)
	if err != nil {
		return nil, err
	}
	admin := client.SubscriptionAdminClient
	pulled, err := admin.Pull(ctx, &pb.PullRequest{Subscription: subscription, MaxMessages: messagesMax})
	if err != nil {
		return nil, err
	}
	messages, ids := []string{}, []string{}
	for _, received := range pulled.ReceivedMessages {
		messages = append(messages, string(received.Message.Data))
		ids = append(ids, received.AckId)
	}
	return messages, admin.Acknowledge(ctx, &pb.AcknowledgeRequest{Subscription: subscription, AckIds: ids})
}

// Publish publishes to a topic that is made where it isn't there, and waits until it is taken.
func Publish(ctx context.Context, client *pubsub.Client, name, data string) error {
	topic, _, err := Topic(ctx, client, name)
	if err != nil {
		return err
	}
	publisher := client.Publisher(topic)
	defer publisher.Stop()
	_, err = publisher.Publish(ctx, &pubsub.Message{Data: []byte(data)}).Get(ctx)
	return err
}
