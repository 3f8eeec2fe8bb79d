// Queue attributes: defaults, changes, and values that are refused.
package sqs_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func TestDefaults(t *testing.T) {
	t.Parallel()
	got := newQueue(t, nil).attributes("All")
	for name, want := range map[string]string{
		"VisibilityTimeout":                     "30",
		"MaximumMessageSize":                    "1048576",
		"MessageRetentionPeriod":                "345600",
		"DelaySeconds":                          "0",
		"ReceiveMessageWaitTimeSeconds":         "0",
		"SqsManagedSseEnabled":                  "true",
		"ApproximateNumberOfMessages":           "0",
		"ApproximateNumberOfMessagesNotVisible": "0",
		"ApproximateNumberOfMessagesDelayed":    "0",
	} {
		equal(t, got[name], want, name)
	}
	for _, name := range []string{"FifoQueue", "Policy", "RedrivePolicy", "KmsMasterKeyId"} {
		_, there := got[name]
		check(t, !there, name+" is there")
	}
	created, err := strconv.ParseInt(got["CreatedTimestamp"], 10, 64)
	succeeds(t, err)
	check(t, time.Since(time.Unix(created, 0)).Abs() < time.Minute, "CreatedTimestamp is not in seconds: "+got["CreatedTimestamp"])
}

func TestFifoDefaults(t *testing.T) {
	t.Parallel()
	got := newQueue(t, map[string]string{"FifoQueue": "true"}).attributes("All")
	for name, want := range map[string]string{
		"FifoQueue": "true", "ContentBasedDeduplication": "false", "DeduplicationScope": "queue", "FifoThroughputLimit": "perQueue",
	} {
		equal(t, got[name], want, name)
	}
}

func TestAttributesAskedFor(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	equal(t, q.attributes("DelaySeconds"), map[string]string{"DelaySeconds": "0"}, "one name")
	equal(t, q.attributes(), nil, "no names")
}

func TestSetQueueAttributes(t *testing.T) {
	t.Parallel()
	q := newQueue(t, map[string]string{"DelaySeconds": "3"})
	changed := map[string]string{
		"VisibilityTimeout": "43200", "MaximumMessageSize": "1024",
		"MessageRetentionPeriod": "1209600", "ReceiveMessageWaitTimeSeconds": "20",
	}
	succeeds(t, q.set(changed))
	got := q.attributes("VisibilityTimeout", "MaximumMessageSize", "MessageRetentionPeriod", "ReceiveMessageWaitTimeSeconds", "DelaySeconds")
	equal(t, got, with(changed, "DelaySeconds", "3"), "attributes")
}

func TestAttributeValuesOutOfRange(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	for name, value := range map[string]string{
		"VisibilityTimeout": "43201", "MaximumMessageSize": "1023", "MessageRetentionPeriod": "59",
		"DelaySeconds": "901", "ReceiveMessageWaitTimeSeconds": "21",
	} {
		raises[*types.InvalidAttributeValue](t, q.set(map[string]string{name: value}), "InvalidAttributeValue", "")
	}
}

func TestUnknownAttributeNames(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	raises[*types.InvalidAttributeName](t, q.set(map[string]string{"Foobar": "1"}), "InvalidAttributeName", "")
	_, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &q.url, AttributeNames: []types.QueueAttributeName{"Foobar"},
	})
	raises[*types.InvalidAttributeName](t, err, "InvalidAttributeName", "Unknown Attribute Foobar.")
}

func TestQueueTypeCannotChange(t *testing.T) {
	t.Parallel()
	standard := newQueue(t, nil)
	err := standard.set(map[string]string{"FifoQueue": "true"})
	raises[*types.InvalidAttributeName](t, err, "InvalidAttributeName", "Unknown Attribute FifoQueue.")
	err = newQueue(t, fifo).set(map[string]string{"FifoQueue": "false"})
	raises[*types.InvalidAttributeValue](t, err, "InvalidAttributeValue", "Modifying queue type is not supported.")
}

func TestEmptyPolicyRemovesIt(t *testing.T) {
	t.Parallel()
	dead := newQueue(t, nil)
	q := newQueue(t, pointingAt(dead, "3"))
	policy := `{"Version":"2012-10-17","Statement":[]}`
	succeeds(t, q.set(map[string]string{"Policy": policy}))
	got := q.attributes("All")
	equal(t, fromJSON(t, got["RedrivePolicy"])["deadLetterTargetArn"], any(dead.arn), "dead-letter target")
	equal(t, fromJSON(t, got["Policy"]), fromJSON(t, policy), "policy")

	succeeds(t, q.set(map[string]string{"RedrivePolicy": "", "Policy": ""}))
	equal(t, q.attributes("RedrivePolicy", "Policy"), nil, "both removed")
}

func TestKmsKeyTurnsManagedEncryptionOff(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	succeeds(t, q.set(map[string]string{"KmsMasterKeyId": "alias/mine"}))
	got := q.attributes("All")
	equal(t, got["KmsMasterKeyId"], "alias/mine", "key")
	equal(t, got["SqsManagedSseEnabled"], "false", "managed encryption")
	succeeds(t, q.set(map[string]string{"KmsMasterKeyId": ""}))
	equal(t, q.attributes("All")["SqsManagedSseEnabled"], "false", "managed encryption stays off")
}

func TestCountsFollowMessages(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	for _, body := range []string{"a", "b", "c"} {
		q.send(body)
	}
	q.send("later", delayed(60))
	q.receiveOne()
	got := q.attributes("All")
	equal(t, got["ApproximateNumberOfMessages"], "2", "visible")
	equal(t, got["ApproximateNumberOfMessagesNotVisible"], "1", "in flight")
	equal(t, got["ApproximateNumberOfMessagesDelayed"], "1", "delayed")
}
