// Dead-letter queues: what goes there, when, and who points at them.
package sqs_test

import (
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// pointingAt are the attributes of a queue with a dead-letter queue; the count is a string or a number.
func pointingAt(dead *queue, maxReceiveCount any) map[string]string {
	return map[string]string{"RedrivePolicy": toJSON(map[string]any{
		"deadLetterTargetArn": dead.arn, "maxReceiveCount": maxReceiveCount,
	})}
}

func TestMessageReceivedTooOftenMoves(t *testing.T) {
	t.Parallel()
	dead := newQueue(t, nil)
	source := newQueue(t, with(pointingAt(dead, 2), "VisibilityTimeout", "0"))
	sent := source.send("poison", withAttributes(everyKind))
	first := source.receiveOne()
	source.receiveOne()
	dead.isEmpty("not yet")
	source.isEmpty("the third receive moves it")

	moved := dead.receiveOne(waiting(5))
	equal(t, str(moved.MessageId), str(sent.MessageId), "id")
	equal(t, str(moved.Body), "poison", "body")
	equal(t, moved.MessageAttributes, everyKind, "attributes")
	equal(t, moved.Attributes["SentTimestamp"], first.Attributes["SentTimestamp"], "SentTimestamp")
	equal(t, moved.Attributes["DeadLetterQueueSourceArn"], source.arn, "source")
	count, err := strconv.Atoi(moved.Attributes["ApproximateReceiveCount"])
	succeeds(t, err)
	check(t, count > 2, "the receive count starts again")
}

func TestMaxReceiveCountMayBeAString(t *testing.T) {
	t.Parallel()
	dead := newQueue(t, nil)
	source := newQueue(t, with(pointingAt(dead, "1"), "VisibilityTimeout", "0"))
	source.send("counted")
	source.receiveOne()
	source.isEmpty("moved")
	equal(t, str(dead.receiveOne(waiting(5)).Body), "counted", "body")
}

func TestFifoGroupStaysUsableAfterAMove(t *testing.T) {
	t.Parallel()
	dead := newQueue(t, fifoByID)
	source := newQueue(t, with(with(fifo, "RedrivePolicy", pointingAt(dead, 1)["RedrivePolicy"]), "VisibilityTimeout", "0"))
	source.sendAll("g", "poison", "next")
	equal(t, bodies(source.receive(atMost(1))), []string{"poison"}, "first receive")
	equal(t, bodies(source.receive(atMost(1))), []string{"next"}, "second receive")
	moved := dead.receiveOne(waiting(5))
	equal(t, str(moved.Body), "poison", "body")
	equal(t, moved.Attributes["MessageGroupId"], "g", "group")
}

func TestListDeadLetterSourceQueues(t *testing.T) {
	t.Parallel()
	dead := newQueue(t, nil)
	list := func() []string {
		t.Helper()
		got, err := client.ListDeadLetterSourceQueues(ctx, &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: &dead.url})
		succeeds(t, err)
		return sorted(got.QueueUrls)
	}
	equal(t, len(list()), 0, "no sources")
	sources := []*queue{newQueue(t, pointingAt(dead, 1)), newQueue(t, pointingAt(dead, 1)), newQueue(t, pointingAt(dead, 1))}
	urls := sorted(each(sources, func(q *queue) string { return q.url }))
	equal(t, list(), urls, "all at once")

	var paged []string
	pages := sqs.NewListDeadLetterSourceQueuesPaginator(client,
		&sqs.ListDeadLetterSourceQueuesInput{QueueUrl: &dead.url, MaxResults: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		succeeds(t, err)
		check(t, len(page.QueueUrls) <= 2, "a page of at most two")
		paged = append(paged, page.QueueUrls...)
	}
	equal(t, sorted(paged), urls, "by pages")

	for _, source := range sources {
		succeeds(t, source.set(map[string]string{"RedrivePolicy": ""}))
	}
	equal(t, len(list()), 0, "policies removed")
	_, err := client.ListDeadLetterSourceQueues(ctx, &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: aws.String(unique("go"))})
	queueDoesNotExist(t, err)
}

func TestRedriveAllowPolicyIsKept(t *testing.T) {
	t.Parallel()
	policy := `{"redrivePermission":"denyAll"}`
	q := newQueue(t, map[string]string{"RedriveAllowPolicy": policy})
	equal(t, fromJSON(t, q.attributes("All")["RedriveAllowPolicy"]), fromJSON(t, policy), "policy")
}
