// Batches: whole, partly failed, and refused.
package sqs_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

type (
	sendEntry   = types.SendMessageBatchRequestEntry
	deleteEntry = types.DeleteMessageBatchRequestEntry
	hideEntry   = types.ChangeMessageVisibilityBatchRequestEntry
)

func (q *queue) sendBatch(entries ...sendEntry) (*sqs.SendMessageBatchOutput, error) {
	return q.by.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &q.url, Entries: append([]sendEntry{}, entries...)})
}

func (q *queue) deleteBatch(entries ...deleteEntry) (*sqs.DeleteMessageBatchOutput, error) {
	return q.by.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &q.url, Entries: append([]deleteEntry{}, entries...)})
}

func (q *queue) hideBatch(entries ...hideEntry) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	return q.by.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{
		QueueUrl: &q.url, Entries: append([]hideEntry{}, entries...),
	})
}

func entry(id, body string) sendEntry { return sendEntry{Id: &id, MessageBody: &body} }
func toDelete(id, handle string) deleteEntry {
	return deleteEntry{Id: &id, ReceiptHandle: &handle}
}
func toHide(id, handle string, seconds int32) hideEntry {
	return hideEntry{Id: &id, ReceiptHandle: &handle, VisibilityTimeout: seconds}
}

func numbered(count int) (entries []sendEntry) {
	for i := range count {
		entries = append(entries, entry(fmt.Sprint("id-", i), fmt.Sprint("body ", i)))
	}
	return entries
}

func sentIDs(got []types.SendMessageBatchResultEntry) []string {
	return sorted(each(got, func(e types.SendMessageBatchResultEntry) string { return str(e.Id) }))
}

// failed expects that one entry alone failed, by the sender's fault.
func failed(t *testing.T, got []types.BatchResultErrorEntry, id, code, text string) {
	t.Helper()
	equal(t, len(got), 1, "failed entries")
	equal(t, str(got[0].Id), id, "failed id")
	equal(t, str(got[0].Code), code, "code")
	check(t, got[0].SenderFault, "not the sender's fault")
	check(t, strings.Contains(aws.ToString(got[0].Message), text), aws.ToString(got[0].Message)+" lacks "+text)
}

func TestBatchOfTen(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	sent, err := q.sendBatch(numbered(10)...)
	succeeds(t, err)
	equal(t, len(sent.Successful), 10, "sent")
	equal(t, len(sent.Failed), 0, "failed")
	for _, e := range sent.Successful {
		equal(t, str(e.MD5OfMessageBody), md5Of(strings.Replace(str(e.Id), "id-", "body ", 1)), "MD5")
		check(t, e.MD5OfMessageAttributes == nil, "an MD5 of no attributes")
	}

	var hides []hideEntry
	for i, m := range q.receiveExactly(10) {
		hides = append(hides, toHide(fmt.Sprint(i), str(m.ReceiptHandle), 0))
	}
	hidden, err := q.hideBatch(hides...)
	succeeds(t, err)
	equal(t, len(hidden.Successful), 10, "given back")

	var deletes []deleteEntry
	for i, m := range q.receiveExactly(10) {
		deletes = append(deletes, toDelete(fmt.Sprint(i), str(m.ReceiptHandle)))
	}
	deleted, err := q.deleteBatch(deletes...)
	succeeds(t, err)
	equal(t, len(deleted.Successful), 10, "deleted")
	q.isEmpty("all deleted")
}

func TestBatchEntryHasItsOwnAttributesAndDelay(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	with, later := entry("attributes", "a"), entry("delay", "b")
	with.MessageAttributes = everyKind
	with.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{
		"AWSTraceHeader": {DataType: aws.String("String"), StringValue: aws.String(traceHeader)},
	}
	later.DelaySeconds = 60
	sent, err := q.sendBatch(with, later)
	succeeds(t, err)
	equal(t, sentIDs(sent.Successful), []string{"attributes", "delay"}, "sent")
	for _, e := range sent.Successful {
		if str(e.Id) == "attributes" {
			equal(t, str(e.MD5OfMessageAttributes), md5OfAttributes(everyKind), "MD5 of attributes")
			equal(t, str(e.MD5OfMessageSystemAttributes), "5ae4d5d7636402d80f4eb6d213245a88", "MD5 of system attributes")
		}
	}
	equal(t, q.receiveOne().MessageAttributes, everyKind, "attributes")
	q.isEmpty("the other is delayed")
}

func TestIllegalCharacterFailsOnlyItsEntry(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	got, err := q.sendBatch(entry("good", "good"), entry("bad", "bad \x01"))
	succeeds(t, err)
	equal(t, sentIDs(got.Successful), []string{"good"}, "sent")
	failed(t, got.Failed, "bad", "InvalidMessageContents", "")
	equal(t, str(q.receiveOne().Body), "good", "body")
}

func TestTooLongABodyFailsOnlyItsEntry(t *testing.T) {
	t.Parallel()
	q := newQueue(t, map[string]string{"MaximumMessageSize": "1024"})
	got, err := q.sendBatch(entry("long", strings.Repeat("x", 1025)), entry("short", strings.Repeat("x", 1024)))
	succeeds(t, err)
	equal(t, sentIDs(got.Successful), []string{"short"}, "sent")
	failed(t, got.Failed, "long", "InvalidParameterValue", "Message must be shorter than 1024 bytes.")
}

func TestBadHandleFailsOnlyItsEntry(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	q.send("one")
	q.send("two")
	messages := q.receiveExactly(2)
	good := str(messages[0].ReceiptHandle)

	hidden, err := q.hideBatch(toHide("good", good, 60), toHide("bad", "garbage", 60))
	succeeds(t, err)
	equal(t, len(hidden.Successful), 1, "hidden")
	failed(t, hidden.Failed, "bad", "ReceiptHandleIsInvalid", "")

	hidden, err = q.hideBatch(toHide("good", good, 60), toHide("bad", str(messages[1].ReceiptHandle), 43201))
	succeeds(t, err)
	equal(t, len(hidden.Successful), 1, "hidden")
	failed(t, hidden.Failed, "bad", "InvalidParameterValue", "")

	deleted, err := q.deleteBatch(toDelete("good", good), toDelete("bad", "garbage"))
	succeeds(t, err)
	equal(t, len(deleted.Successful), 1, "deleted")
	equal(t, str(deleted.Successful[0].Id), "good", "deleted")
	failed(t, deleted.Failed, "bad", "ReceiptHandleIsInvalid", "")
}

func TestEmptyBatch(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	_, sent := q.sendBatch()
	_, deleted := q.deleteBatch()
	_, hidden := q.hideBatch()
	for _, err := range []error{sent, deleted, hidden} {
		raises[*types.EmptyBatchRequest](t, err, "AWS.SimpleQueueService.EmptyBatchRequest", "")
	}
}

func TestElevenEntries(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	var deletes []deleteEntry
	var hides []hideEntry
	for i := range 11 {
		deletes = append(deletes, toDelete(fmt.Sprint(i), "any"))
		hides = append(hides, toHide(fmt.Sprint(i), "any", 1))
	}
	_, sent := q.sendBatch(numbered(11)...)
	_, deleted := q.deleteBatch(deletes...)
	_, hidden := q.hideBatch(hides...)
	for _, err := range []error{sent, deleted, hidden} {
		raises[*types.TooManyEntriesInBatchRequest](t, err, "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
			"Maximum number of entries per request are 10. You have sent 11.")
	}
}

func TestEqualEntryIDs(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	_, sent := q.sendBatch(entry("same", "x"), entry("same", "y"))
	_, deleted := q.deleteBatch(toDelete("same", "any"), toDelete("same", "other"))
	_, hidden := q.hideBatch(toHide("same", "any", 1), toHide("same", "other", 1))
	for _, err := range []error{sent, deleted, hidden} {
		raises[*types.BatchEntryIdsNotDistinct](t, err, "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "")
	}
	q.isEmpty("nothing was sent")
}

func TestInvalidEntryIDs(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	for _, id := range []string{"with space", "dot.", strings.Repeat("i", 81)} {
		_, sent := q.sendBatch(entry(id, "x"))
		_, deleted := q.deleteBatch(toDelete(id, "any"))
		for _, err := range []error{sent, deleted} {
			raises[*types.InvalidBatchEntryId](t, err, "AWS.SimpleQueueService.InvalidBatchEntryId",
				"A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		}
	}
}

func TestBatchOfOneMebibyte(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	half := strings.Repeat("x", mib/2)
	got, err := q.sendBatch(entry("a", half), entry("b", half))
	succeeds(t, err)
	equal(t, sentIDs(got.Successful), []string{"a", "b"}, "sent")
	_, err = q.sendBatch(entry("a", half), entry("b", half+"x"))
	raises[*types.BatchRequestTooLong](t, err, "AWS.SimpleQueueService.BatchRequestTooLong",
		"Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.")
}

func TestFifoBatchWithAMissingIDFailsAsAWhole(t *testing.T) {
	t.Parallel()
	q := newQueue(t, map[string]string{"FifoQueue": "true"})
	good, noGroup, noID := entry("good", "good"), entry("bad", "no group"), entry("bad", "no id")
	good.MessageGroupId, good.MessageDeduplicationId = aws.String("g"), aws.String("1")
	noGroup.MessageDeduplicationId, noID.MessageGroupId = aws.String("2"), aws.String("g")
	_, err := q.sendBatch(good, noID)
	raisesCode(t, err, "InvalidParameterValue", "")
	_, err = q.sendBatch(good, noGroup)
	check(t, err != nil, "a batch entry without a group was taken")
	q.isEmpty("nothing was sent")
}
