// FIFO queues: order, groups, sequence numbers, receive attempts.
package sqs_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func (q *queue) sendAll(group string, texts ...string) (sequence []string) {
	q.t.Helper()
	for _, text := range texts {
		sequence = append(sequence, aws.ToString(q.send(text, inGroup(group)).SequenceNumber))
	}
	return sequence
}

func sequenceOf(messages []types.Message) []string {
	return each(messages, func(m types.Message) string { return m.Attributes["SequenceNumber"] })
}

func numbers(prefix string, count int) (texts []string) {
	for i := range count {
		texts = append(texts, fmt.Sprint(prefix, i))
	}
	return texts
}

func TestOneReceiveReturnsAGroupInOrder(t *testing.T) {
	t.Parallel()
	q := newQueue(t, fifo)
	q.sendAll("g", numbers("message ", 10)...)
	equal(t, bodies(q.receive()), numbers("message ", 10), "order")
}

func TestSequenceNumbers(t *testing.T) {
	t.Parallel()
	q := newQueue(t, fifo)
	sequence := q.sendAll("g", "a", "b", "c")
	for _, number := range sequence {
		check(t, regexp.MustCompile(`^\d{20}$`).MatchString(number), "sequence number "+number)
	}
	check(t, sequence[0] < sequence[1] && sequence[1] < sequence[2], fmt.Sprint(sequence))
	equal(t, sequenceOf(q.receive()), sequence, "on receive")
}

func TestBatchKeepsItsOrder(t *testing.T) {
	t.Parallel()
	q := newQueue(t, fifo)
	entries := numbered(10)
	for i := range entries {
		entries[i].MessageGroupId = aws.String("g")
	}
	sent, err := q.sendBatch(entries...)
	succeeds(t, err)
	slices.SortFunc(sent.Successful, func(a, b types.SendMessageBatchResultEntry) int { return strings.Compare(str(a.Id), str(b.Id)) })
	sequence := each(sent.Successful, func(e types.SendMessageBatchResultEntry) string { return str(e.SequenceNumber) })
	check(t, slices.IsSorted(sequence), fmt.Sprint(sequence))
	got := q.receive()
	equal(t, bodies(got), numbers("body ", 10), "order")
	equal(t, sequenceOf(got), sequence, "sequence numbers")
}

func TestGroupAndDeduplicationIDComeBack(t *testing.T) {
	t.Parallel()
	q := newQueue(t, map[string]string{"FifoQueue": "true"})
	q.send("named", inGroup("group-1"), withDedup("dedup-1"))
	got := q.receiveOne().Attributes
	equal(t, got["MessageGroupId"], "group-1", "group")
	equal(t, got["MessageDeduplicationId"], "dedup-1", "deduplication id")
}

func TestGroupIsLockedWhileInFlight(t *testing.T) {
	t.Parallel()
	q := newQueue(t, fifo)
	q.sendAll("a", "a1", "a2", "a3")
	q.sendAll("b", "b1")
	first := q.receive(atMost(1))
	equal(t, bodies(first), []string{"a1"}, "first")
	equal(t, bodies(q.receive()), []string{"b1"}, "the other group")
	q.isEmpty("both are locked")
	q.delete(first[0])
	equal(t, bodies(q.receive()), []string{"a2", "a3"}, "unlocked")
}

func TestPartialDeleteKeepsTheGroupLocked(t *testing.T) {
	t.Parallel()
	q := newQueue(t, fifo)
	q.sendAll("g", "1", "2", "3")
	got := q.receive(atMost(2))
	equal(t, bodies(got), []string{"1", "2"}, "first two")
	q.delete(got[0])
	q.isEmpty("locked by the second")
	q.delete(got[1])
	equal(t, bodies(q.receive()), []string{"3"}, "unlocked")
}

func TestMessageGivenBackComesFirstAgain(t *testing.T) {
	t.Parallel()
	q := newQueue(t, fifo)
	q.sendAll("g", "1", "2")
	q.hide(q.receiveOne(), 0)
	equal(t, bodies(q.receive()), []string{"1", "2"}, "order")
}

func TestOrderHoldsWithinEachGroup(t *testing.T) {
	t.Parallel()
	q := newQueue(t, fifo)
	groups := []string{"a", "b", "c", "d"}
	for i := range 10 {
		for _, group := range groups {
			q.sendAll(group, fmt.Sprint(group, i))
		}
	}
	got := map[string][]string{}
	for received := 0; received < 40; {
		messages := q.receive(waiting(1))
		check(t, len(messages) > 0, fmt.Sprint("stalled after ", received))
		received += len(messages)
		for _, message := range messages {
			group := message.Attributes["MessageGroupId"]
			got[group] = append(got[group], str(message.Body))
			q.delete(message)
		}
	}
	for _, group := range groups {
		equal(t, got[group], numbers(group, 10), "order of "+group)
	}
}

func TestReceiveRequestAttemptID(t *testing.T) {
	t.Parallel()
	q := newQueue(t, fifo)
	q.sendAll("g", "1", "2", "3")
	attempt := func(id string) []types.Message {
		t.Helper()
		return q.receive(atMost(2), func(in *sqs.ReceiveMessageInput) { in.ReceiveRequestAttemptId = &id })
	}
	ids := func(messages []types.Message) []string {
		return each(messages, func(m types.Message) string { return str(m.MessageId) })
	}
	first := attempt("attempt-1")
	equal(t, bodies(first), []string{"1", "2"}, "first attempt")
	q.isEmpty("locked for everyone else")
	equal(t, len(attempt("attempt-2")), 0, "another attempt")
	retried := attempt("attempt-1")
	equal(t, ids(retried), ids(first), "the same attempt again")
	for _, message := range retried {
		q.delete(message)
	}
	equal(t, bodies(q.receive()), []string{"3"}, "the rest")
}

func TestMessageNeedsAGroup(t *testing.T) {
	t.Parallel()
	q := newQueue(t, fifo)
	_, err := q.trySend("no group")
	raisesCode(t, err, "MissingParameter", "MessageGroupId")
	for _, group := range []string{"with space", strings.Repeat("g", 129), "grüße"} {
		_, err := q.trySend("bad group", inGroup(group))
		raisesCode(t, err, "InvalidParameterValue", "")
	}
}
