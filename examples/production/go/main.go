// Two consumers of orders, one of which charges an order whenever its message comes.
package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const orders = 100

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func control(method, path, body string) {
	url := cmp.Or(os.Getenv("LCLQ_URL"), "http://127.0.0.1:9000") + "/api/v1/test/" + path
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	check(err)
	answer, err := http.DefaultClient.Do(request)
	check(err)
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	check(err)
	if answer.StatusCode >= 300 {
		log.Fatalf("%s", said)
	}
}

// chargedWrongly tells how many orders were not charged exactly once.
func chargedWrongly(ctx context.Context, client *sqs.Client, isCareful bool) int {
	made, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("orders")})
	check(err)
	for first := 0; first < orders; first += 10 {
		var entries []types.SendMessageBatchRequestEntry
		for n := range 10 {
			id, body := fmt.Sprint(n), fmt.Sprintf("order %d", first+n)
			entries = append(entries, types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &body})
		}
		_, err := client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: made.QueueUrl, Entries: entries})
		check(err)
	}
	charges, done := map[string]int{}, map[string]bool{}
	for empty := 0; empty < 2; {
		got, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: made.QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1,
		})
		check(err)
		empty++
		for _, message := range got.Messages {
			empty = 0
			if !isCareful || !done[*message.MessageId] {
				charges[*message.Body]++
				done[*message.MessageId] = true
			}
			_, err := client.DeleteMessage(ctx, &sqs.DeleteMessageInput{
				QueueUrl: made.QueueUrl, ReceiptHandle: message.ReceiptHandle,
			})
			check(err)
		}
	}
	wrong := orders
	for _, times := range charges {
		if times == 1 {
			wrong--
		}
	}
	return wrong
}

func main() {
	ctx := context.Background()
	settings, err := config.LoadDefaultConfig(ctx,
		config.WithRegion("us-east-1"),
		config.WithBaseEndpoint(cmp.Or(os.Getenv("AWS_ENDPOINT_URL"), "http://127.0.0.1:9324")),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("test", "test", "")),
	)
	check(err)
	client := sqs.NewFromConfig(settings)
	control("POST", "reset", "")
	control("PUT", "profile", `{"seed": 1, "sqs": {"duplicated": 0.1, "back_after_delete": 0.1, "again_ms_max": 0}}`)
	careful := chargedWrongly(ctx, client, true)
	careless := "not caught"
	if chargedWrongly(ctx, client, false) > 0 {
		careless = "caught"
	}
	control("DELETE", "profile", "")
	fmt.Printf("careful: %d wrong charges, careless: %s\n", careful, careless)
}
