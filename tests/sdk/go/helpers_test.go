// What every test file here shares: a client, queues that clean up after
// themselves, and a few ways to wait for messages and to expect errors.
package sqs_test

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

var (
	ctx      = context.Background()
	endpoint = os.Getenv("LCLQ_ENDPOINT")
	client   = newClient()
)

// fifo are the attributes of a FIFO queue that deduplicates by content.
var fifo = map[string]string{"FifoQueue": "true", "ContentBasedDeduplication": "true"}

func newClient(options ...func(*sqs.Options)) *sqs.Client {
	loaded, err := config.LoadDefaultConfig(ctx,
		config.WithRegion("us-east-1"),
		config.WithBaseEndpoint(endpoint),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("test", "test", "")))
	if err != nil || endpoint == "" {
		panic("LCLQ_ENDPOINT must name a running server, e.g. http://127.0.0.1:9324")
	}
	return sqs.NewFromConfig(loaded, options...)
}

func unique(prefix string) string { return prefix + "-" + strings.ToLower(rand.Text()) }

// queue is a queue of one test, deleted when the test ends.
type queue struct {
	t              *testing.T
	by             *sqs.Client
	url, name, arn string
}

// newQueue makes a queue with a unique name; .fifo is added where the attributes ask for it.
func newQueue(t *testing.T, attributes map[string]string) *queue {
	t.Helper()
	name := unique("go")
	if attributes["FifoQueue"] == "true" {
		name += ".fifo"
	}
	return newQueueBy(t, client, &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
}

func newQueueBy(t *testing.T, by *sqs.Client, input *sqs.CreateQueueInput) *queue {
	t.Helper()
	created, err := by.CreateQueue(ctx, input)
	succeeds(t, err)
	q := &queue{t: t, by: by, url: *created.QueueUrl, name: *input.QueueName}
	t.Cleanup(func() { by.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &q.url}) })
	q.arn = q.attributes("QueueArn")["QueueArn"]
	return q
}

func (q *queue) attributes(names ...types.QueueAttributeName) map[string]string {
	q.t.Helper()
	got, err := q.by.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &q.url, AttributeNames: names})
	succeeds(q.t, err)
	return got.Attributes
}

func (q *queue) set(attributes map[string]string) error {
	_, err := q.by.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: &q.url, Attributes: attributes})
	return err
}

type sendOption = func(*sqs.SendMessageInput)

func inGroup(group string) sendOption {
	return func(in *sqs.SendMessageInput) { in.MessageGroupId = &group }
}
func withDedup(id string) sendOption {
	return func(in *sqs.SendMessageInput) { in.MessageDeduplicationId = &id }
}
func delayed(seconds int32) sendOption {
	return func(in *sqs.SendMessageInput) { in.DelaySeconds = seconds }
}
func withAttributes(a attrs) sendOption {
	return func(in *sqs.SendMessageInput) { in.MessageAttributes = a }
}
func (q *queue) trySend(body string, options ...sendOption) (*sqs.SendMessageOutput, error) {
	input := &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: &body}
	for _, option := range options {
		option(input)
	}
	return q.by.SendMessage(ctx, input)
}

func (q *queue) send(body string, options ...sendOption) *sqs.SendMessageOutput {
	q.t.Helper()
	sent, err := q.trySend(body, options...)
	succeeds(q.t, err)
	return sent
}

type receiveOption = func(*sqs.ReceiveMessageInput)

func waiting(seconds int32) receiveOption {
	return func(in *sqs.ReceiveMessageInput) { in.WaitTimeSeconds = seconds }
}
func hiding(seconds int32) receiveOption {
	return func(in *sqs.ReceiveMessageInput) { in.VisibilityTimeout = seconds }
}
func atMost(count int32) receiveOption {
	return func(in *sqs.ReceiveMessageInput) { in.MaxNumberOfMessages = count }
}

func (q *queue) tryReceive(options ...receiveOption) ([]types.Message, error) {
	input := &sqs.ReceiveMessageInput{
		QueueUrl:                    &q.url,
		MaxNumberOfMessages:         10,
		MessageAttributeNames:       []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
	}
	for _, option := range options {
		option(input)
	}
	got, err := q.by.ReceiveMessage(ctx, input)
	if err != nil {
		return nil, err
	}
	return got.Messages, nil
}

// receive is one receive of up to ten messages with everything that comes with them.
func (q *queue) receive(options ...receiveOption) []types.Message {
	q.t.Helper()
	messages, err := q.tryReceive(options...)
	succeeds(q.t, err)
	return messages
}

// receiveExactly receives until count messages have come.
func (q *queue) receiveExactly(count int, options ...receiveOption) []types.Message {
	q.t.Helper()
	var got []types.Message
	for giveUp := time.Now().Add(10 * time.Second); len(got) < count && time.Now().Before(giveUp); {
		got = append(got, q.receive(append([]receiveOption{waiting(1)}, options...)...)...)
	}
	equal(q.t, len(got), count, "number of messages received")
	return got
}

func (q *queue) receiveOne(options ...receiveOption) types.Message {
	q.t.Helper()
	return q.receiveExactly(1, append([]receiveOption{atMost(1)}, options...)...)[0]
}

// isEmpty expects that there is nothing to receive now.
func (q *queue) isEmpty(why string) {
	q.t.Helper()
	equal(q.t, bodies(q.receive()), []string{}, why)
}

func (q *queue) tryDelete(handle *string) error {
	_, err := q.by.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &q.url, ReceiptHandle: handle})
	return err
}

func (q *queue) delete(message types.Message) {
	q.t.Helper()
	succeeds(q.t, q.tryDelete(message.ReceiptHandle))
}

func (q *queue) tryHide(handle *string, seconds int32) error {
	_, err := q.by.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &q.url, ReceiptHandle: handle, VisibilityTimeout: seconds,
	})
	return err
}

func (q *queue) hide(message types.Message, seconds int32) {
	q.t.Helper()
	succeeds(q.t, q.tryHide(message.ReceiptHandle, seconds))
}

func (q *queue) purge() {
	q.t.Helper()
	_, err := q.by.PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: &q.url})
	succeeds(q.t, err)
}

// with is a copy of the attributes with one more.
func with(attributes map[string]string, name, value string) map[string]string {
	more := maps.Clone(attributes)
	if more == nil {
		more = map[string]string{}
	}
	more[name] = value
	return more
}

func bodies(messages []types.Message) []string {
	return each(messages, func(m types.Message) string { return str(m.Body) })
}

func each[T, R any](items []T, of func(T) R) []R {
	results := make([]R, 0, len(items))
	for _, item := range items {
		results = append(results, of(item))
	}
	return results
}

func sorted(items []string) []string { return slices.Sorted(slices.Values(items)) }

func succeeds(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T any](t *testing.T, got, want T, what string) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s:\n got %#v\nwant %#v", what, got, want)
	}
}

func check(t *testing.T, holds bool, what string) {
	t.Helper()
	if !holds {
		t.Fatal(what)
	}
}

// raises expects an exception class that the SDK models; E is a pointer to it.
func raises[E error](t *testing.T, err error, code, text string) {
	t.Helper()
	var class E
	check(t, errors.As(err, &class), "not a "+reflect.TypeOf(class).String()+": "+message(err))
	raisesCode(t, err, code, text)
}

// raisesCode expects an error by its (query) code alone.
func raisesCode(t *testing.T, err error, code, text string) {
	t.Helper()
	var failure smithy.APIError
	check(t, errors.As(err, &failure), "not an API error: "+message(err))
	equal(t, failure.ErrorCode(), code, "code of "+message(err))
	check(t, strings.Contains(failure.ErrorMessage(), text), failure.ErrorMessage()+" lacks "+text)
}

const nonExistentQueue = "AWS.SimpleQueueService.NonExistentQueue"

func queueDoesNotExist(t *testing.T, err error) {
	t.Helper()
	raises[*types.QueueDoesNotExist](t, err, nonExistentQueue, "The specified queue does not exist")
}

func message(err error) string {
	if err == nil {
		return "no error"
	}
	return err.Error()
}

func toJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func fromJSON(t *testing.T, text string) (value map[string]any) {
	t.Helper()
	succeeds(t, json.Unmarshal([]byte(text), &value))
	return value
}

type attrs = map[string]types.MessageAttributeValue

func text(value string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
}

// str is the string, or "" where there is none.
func str(text *string) string { return aws.ToString(text) }

func md5Of(body string) string {
	sum := md5.Sum([]byte(body))
	return hex.EncodeToString(sum[:])
}

// md5OfAttributes is the MD5 of message attributes as the service documents it.
func md5OfAttributes(attributes attrs) string {
	hash := md5.New()
	field := func(data []byte) {
		hash.Write(binary.BigEndian.AppendUint32(nil, uint32(len(data))))
		hash.Write(data)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		value := attributes[name]
		field([]byte(name))
		field([]byte(*value.DataType))
		if strings.HasPrefix(*value.DataType, "Binary") {
			hash.Write([]byte{2})
			field(value.BinaryValue)
		} else {
			hash.Write([]byte{1})
			field([]byte(*value.StringValue))
		}
	}
	return hex.EncodeToString(hash.Sum(nil))
}
