package main

import (
	"cmp"
	"context"
	"encoding/json"
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
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func control(method, path, body string) []byte {
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
	return said
}

func main() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithBaseEndpoint(cmp.Or(os.Getenv("AWS_ENDPOINT_URL"), "http://127.0.0.1:9324")),
		config.WithRegion("us-east-1"),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("test", "test", "")))
	check(err)
	client := sqs.NewFromConfig(cfg)
	control("POST", "reset", "")
	queue, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{
		QueueName:  aws.String("jobs"),
		Attributes: map[string]string{"VisibilityTimeout": "3600"},
	})
	check(err)

	// The first try fails, and the SDK tries again.
	control("POST", "faults", `{"dialect": "sqs", "action": "SendMessage", "times": 1,
		"effect": {"error": {"code": "InternalFailure"}}}`)
	_, err = client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: queue.QueueUrl, MessageBody: aws.String("job"),
	})
	check(err)
	var rules struct{ Faults []struct{ Fired int } }
	check(json.Unmarshal(control("GET", "faults", ""), &rules))
	control("DELETE", "faults", "")

	// An hour in which nobody deletes the message.
	receive := func() int {
		answer, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl})
		check(err)
		return len(answer.Messages)
	}
	control("POST", "clock/stop", "")
	receive()
	atOnce := receive()
	control("POST", "clock/advance", `{"ms": 3600000}`)
	later := receive()
	control("POST", "clock/resume", "")

	fmt.Printf("%d failure, %d at once, %d an hour later\n", rules.Faults[0].Fired, atOnce, later)
}
