// One message's way: what comes back from a send, a receive and a delete.
package sqs_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const traceHeader = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"

var everyKind = attrs{
	"text":          text("grüße, 世界 🚀"),
	"number":        {DataType: aws.String("Number"), StringValue: aws.String("-12.50")},
	"bytes":         {DataType: aws.String("Binary"), BinaryValue: []byte{0, 1, 127, 128, 255}},
	"custom.text":   {DataType: aws.String("String.json"), StringValue: aws.String("{}")},
	"custom.number": {DataType: aws.String("Number.int"), StringValue: aws.String("42")},
	"custom.bytes":  {DataType: aws.String("Binary.png"), BinaryValue: []byte{137, 80, 78, 71}},
}

func TestSendReceiveDelete(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	sent := q.send("hello")
	check(t, regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(str(sent.MessageId)), str(sent.MessageId))
	equal(t, str(sent.MD5OfMessageBody), md5Of("hello"), "MD5")
	check(t, sent.MD5OfMessageAttributes == nil && sent.MD5OfMessageSystemAttributes == nil, "an MD5 of nothing")
	check(t, sent.SequenceNumber == nil, "a sequence number on a standard queue")

	got := q.receiveOne()
	equal(t, str(got.MessageId), str(sent.MessageId), "id")
	equal(t, str(got.Body), "hello", "body")
	equal(t, str(got.MD5OfBody), md5Of("hello"), "MD5")
	check(t, got.MessageAttributes == nil && got.MD5OfMessageAttributes == nil, "attributes that nobody sent")
	q.delete(got)
	q.isEmpty("deleted")
}

func TestEmptyReceiveHasNoMessages(t *testing.T) {
	t.Parallel()
	equal(t, newQueue(t, nil).receive(), nil, "messages")
}

func TestMessageAttributes(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	sent := q.send("attributes", withAttributes(everyKind))
	equal(t, str(sent.MD5OfMessageAttributes), md5OfAttributes(everyKind), "MD5 on send")
	got := q.receiveOne()
	equal(t, got.MessageAttributes, everyKind, "attributes")
	equal(t, str(got.MD5OfMessageAttributes), md5OfAttributes(everyKind), "MD5 on receive")
}

func TestTraceHeader(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	sent := q.send("traced", func(in *sqs.SendMessageInput) {
		in.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{
			"AWSTraceHeader": {DataType: aws.String("String"), StringValue: aws.String(traceHeader)},
		}
	})
	equal(t, str(sent.MD5OfMessageSystemAttributes), "5ae4d5d7636402d80f4eb6d213245a88", "documented MD5")
	equal(t, str(sent.MD5OfMessageSystemAttributes), md5OfAttributes(attrs{"AWSTraceHeader": text(traceHeader)}), "MD5")
	check(t, sent.MD5OfMessageAttributes == nil, "an MD5 of no attributes")
	equal(t, q.receiveOne().Attributes["AWSTraceHeader"], traceHeader, "header")
}

func TestMessageAttributesAskedFor(t *testing.T) {
	t.Parallel()
	q := newQueue(t, map[string]string{"VisibilityTimeout": "0"})
	q.send("some", withAttributes(everyKind))
	for _, c := range []struct{ asked, want []string }{
		{[]string{"text"}, []string{"text"}},
		{[]string{"custom.*"}, []string{"custom.bytes", "custom.number", "custom.text"}},
		{[]string{"number", "custom.text", "missing"}, []string{"custom.text", "number"}},
		{[]string{".*"}, slices.Sorted(maps.Keys(everyKind))},
		{nil, nil},
	} {
		got := q.receiveOne(func(in *sqs.ReceiveMessageInput) { in.MessageAttributeNames = c.asked })
		equal(t, slices.Sorted(maps.Keys(got.MessageAttributes)), c.want, fmt.Sprint("asked for ", c.asked))
		subset := attrs{}
		for _, name := range c.want {
			subset[name] = everyKind[name]
		}
		if len(subset) == 0 {
			check(t, got.MD5OfMessageAttributes == nil, "an MD5 of nothing")
		} else {
			equal(t, str(got.MD5OfMessageAttributes), md5OfAttributes(subset), fmt.Sprint("MD5 of ", c.asked))
		}
	}
}

func TestSystemAttributes(t *testing.T) {
	t.Parallel()
	q := newQueue(t, map[string]string{"VisibilityTimeout": "0"})
	q.send("system")
	first := q.receiveOne().Attributes
	equal(t, first["ApproximateReceiveCount"], "1", "receive count")
	check(t, first["SenderId"] != "", "no SenderId")
	for _, name := range []string{"SentTimestamp", "ApproximateFirstReceiveTimestamp"} {
		stamp, err := strconv.ParseInt(first[name], 10, 64)
		succeeds(t, err)
		check(t, time.Since(time.UnixMilli(stamp)).Abs() < 10*time.Second, name+" is not in milliseconds: "+first[name])
	}

	second := q.receiveOne().Attributes
	equal(t, second["ApproximateReceiveCount"], "2", "receive count")
	equal(t, second["SentTimestamp"], first["SentTimestamp"], "SentTimestamp")
	equal(t, second["ApproximateFirstReceiveTimestamp"], first["ApproximateFirstReceiveTimestamp"], "first receive")
}

func TestSystemAttributesAskedFor(t *testing.T) {
	t.Parallel()
	q := newQueue(t, map[string]string{"VisibilityTimeout": "0"})
	q.send("which")
	asking := func(old []types.QueueAttributeName, new []types.MessageSystemAttributeName) []string {
		got := q.receiveOne(func(in *sqs.ReceiveMessageInput) { in.AttributeNames, in.MessageSystemAttributeNames = old, new })
		return slices.Sorted(maps.Keys(got.Attributes))
	}
	equal(t, asking([]types.QueueAttributeName{"SentTimestamp"}, nil), []string{"SentTimestamp"}, "by the old name")
	equal(t, asking(nil, []types.MessageSystemAttributeName{"SenderId"}), []string{"SenderId"}, "by the new name")
	equal(t, asking(nil, []types.MessageSystemAttributeName{"Foobar"}), nil, "an unknown name is ignored")
	equal(t, asking(nil, nil), nil, "not at all")
}

func TestRepeatedDelete(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	q.send("once")
	got := q.receiveOne()
	q.delete(got)
	succeeds(t, q.tryDelete(got.ReceiptHandle))
}

func TestAttributesThatNoMessageCanHave(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	refused := func(attributes attrs, why string) {
		t.Helper()
		_, err := q.trySend("refused", withAttributes(attributes))
		raisesCode(t, err, "InvalidParameterValue", why)
	}
	eleven := attrs{}
	for i := range 11 {
		eleven[fmt.Sprint("name", i)] = text("v")
	}
	refused(eleven, "")
	refused(attrs{"AWS.name": text("v")}, "")
	refused(attrs{"amazon.name": text("v")}, "")
	refused(attrs{strings.Repeat("n", 257): text("v")}, "")
	refused(attrs{"number": {DataType: aws.String("Number"), StringValue: aws.String("twelve")}}, "")
	refused(attrs{"kind": {DataType: aws.String("Bool"), StringValue: aws.String("true")}}, "")
	refused(attrs{"X": text("")}, "Message (user) attribute 'X' must contain a non-empty value of type 'String'")
	q.isEmpty("nothing was sent")
}

func TestReceiveParametersOutOfRange(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	_, err := q.tryReceive(atMost(11))
	raisesCode(t, err, "InvalidParameterValue", "Must be between 1 and 10, if provided.")
	for _, seconds := range []int32{-1, 21} {
		_, err := q.tryReceive(waiting(seconds))
		raisesCode(t, err, "InvalidParameterValue", "Must be >= 0 and <= 20, if provided.")
	}
}

func TestGroupOnStandardQueue(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	check(t, q.send("fair", inGroup("tenant-1")).SequenceNumber == nil, "a sequence number")
	got := q.receiveOne()
	equal(t, got.Attributes["MessageGroupId"], "tenant-1", "group")
	equal(t, got.Attributes["SequenceNumber"], "", "sequence number")
	_, err := q.trySend("bad group", inGroup("not a group"))
	raisesCode(t, err, "InvalidParameterValue", "")
}
