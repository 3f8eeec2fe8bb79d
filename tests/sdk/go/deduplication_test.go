// FIFO deduplication: by id, by content, by group.
package sqs_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

var fifoByID = map[string]string{"FifoQueue": "true"}

func TestDuplicateAnswersTheOriginal(t *testing.T) {
	t.Parallel()
	q := newQueue(t, fifoByID)
	original := q.send("original", inGroup("g"), withDedup("same"))
	duplicate := q.send("another body", inGroup("g"), withDedup("same"))
	equal(t, str(duplicate.MessageId), str(original.MessageId), "id")
	check(t, str(original.SequenceNumber) != "", "no sequence number")
	equal(t, str(duplicate.SequenceNumber), str(original.SequenceNumber), "sequence number")
	equal(t, bodies(q.receive()), []string{"original"}, "messages")
}

func TestContentDeduplication(t *testing.T) {
	t.Parallel()
	q := newQueue(t, fifo)
	q.sendAll("g", "a", "a", "b")
	q.send("b", inGroup("g"), withDedup("explicit"))
	equal(t, bodies(q.receive()), []string{"a", "b", "b"}, "messages")
}

func TestDeduplicationIDIsNeeded(t *testing.T) {
	t.Parallel()
	_, err := newQueue(t, fifoByID).trySend("no id", inGroup("g"))
	raisesCode(t, err, "InvalidParameterValue", "")
}

func TestDeduplicationOutlivesTheMessage(t *testing.T) {
	t.Parallel()
	q := newQueue(t, fifo)
	q.sendAll("g", "once")
	q.delete(q.receiveOne())
	q.sendAll("g", "once")
	q.isEmpty("a duplicate of a deleted message")
}

func TestPurgeClearsDeduplication(t *testing.T) {
	t.Parallel()
	q := newQueue(t, fifo)
	q.sendAll("g", "again")
	q.purge()
	q.sendAll("g", "again")
	equal(t, bodies(q.receive()), []string{"again"}, "messages")
}

func TestDeduplicationScope(t *testing.T) {
	t.Parallel()
	for scope, want := range map[string][]string{"queue": {"a"}, "messageGroup": {"a", "b"}} {
		q := newQueue(t, with(fifoByID, "DeduplicationScope", scope))
		q.send("a", inGroup("a"), withDedup("same"))
		q.send("b", inGroup("b"), withDedup("same"))
		equal(t, sorted(bodies(q.receive())), want, scope)
	}
}

func TestBatchDeduplicatesWithinItself(t *testing.T) {
	t.Parallel()
	q := newQueue(t, fifo)
	one, two := entry("1", "equal"), entry("2", "equal")
	one.MessageGroupId, two.MessageGroupId = aws.String("g"), aws.String("g")
	sent, err := q.sendBatch(one, two)
	succeeds(t, err)
	equal(t, sentIDs(sent.Successful), []string{"1", "2"}, "sent")
	equal(t, str(sent.Successful[0].MessageId), str(sent.Successful[1].MessageId), "id")
	equal(t, bodies(q.receive()), []string{"equal"}, "messages")
}
