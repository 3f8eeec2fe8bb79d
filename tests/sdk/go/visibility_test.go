// In-flight messages: hidden, extended, given back, expired.
package sqs_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

var oneSecond = map[string]string{"VisibilityTimeout": "1"}

const pastOneSecond = 1300 * time.Millisecond

func TestReceivedMessageIsHiddenUntilItsTimeout(t *testing.T) {
	t.Parallel()
	q := newQueue(t, map[string]string{"VisibilityTimeout": "2"})
	q.send("hidden")
	first := q.receiveOne()
	q.isEmpty("hidden")
	second := q.receiveOne(waiting(5))
	equal(t, str(second.MessageId), str(first.MessageId), "id")
	check(t, str(second.ReceiptHandle) != str(first.ReceiptHandle), "the same handle again")
	equal(t, second.Attributes["ApproximateReceiveCount"], "2", "receive count")
}

func TestReceiveOverridesTheQueuesTimeout(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	q.send("briefly")
	q.receiveOne(hiding(2))
	q.isEmpty("hidden")
	equal(t, bodies(q.receive(waiting(5))), []string{"briefly"}, "afterwards")
}

func TestTimeoutZeroGivesAMessageBack(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	q.send("returned")
	q.hide(q.receiveOne(), 0)
	equal(t, bodies(q.receive()), []string{"returned"}, "at once")
}

func TestQueueWithTimeoutZeroGivesFreshHandles(t *testing.T) {
	t.Parallel()
	q := newQueue(t, map[string]string{"VisibilityTimeout": "0"})
	q.send("peek")
	handles := map[string]bool{}
	for range 3 {
		handles[str(q.receiveOne().ReceiptHandle)] = true
	}
	equal(t, len(handles), 3, "different handles")
}

func TestLongerTimeoutKeepsAMessageHidden(t *testing.T) {
	t.Parallel()
	q := newQueue(t, oneSecond)
	q.send("kept")
	q.hide(q.receiveOne(), 60)
	time.Sleep(pastOneSecond)
	q.isEmpty("still hidden")
}

func TestChangeCountsForTheCurrentReceiveOnly(t *testing.T) {
	t.Parallel()
	q := newQueue(t, oneSecond)
	q.send("again")
	first := q.receiveOne()
	q.hide(first, 0)
	q.receiveOne()
	equal(t, str(q.receiveOne(waiting(5)).MessageId), str(first.MessageId), "the queue's own timeout is back")
	q.hide(first, 60)
	time.Sleep(pastOneSecond)
	q.isEmpty("hidden by the earlier handle")
}

func TestStandardQueueDeletesAndChangesAfterExpiry(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	q.send("late")
	got := q.receiveOne(hiding(1))
	time.Sleep(pastOneSecond)
	q.hide(got, 60)
	q.isEmpty("hidden again")
	q.hide(got, 0)
	q.delete(got)
	q.isEmpty("deleted")
}

func TestFifoQueueRefusesADeleteAfterExpiry(t *testing.T) {
	t.Parallel()
	q := newQueue(t, fifo)
	q.send("late", inGroup("g"))
	got := q.receiveOne(hiding(1))
	time.Sleep(pastOneSecond)
	raisesCode(t, q.tryDelete(got.ReceiptHandle), "InvalidParameterValue", "The receipt handle has expired.")
}

func TestDeletedMessagesVisibilityCannotChange(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	q.send("deleted")
	got := q.receiveOne()
	q.delete(got)
	raisesCode(t, q.tryHide(got.ReceiptHandle, 10), "InvalidParameterValue",
		"Message does not exist or is not available for visibility timeout change.")
}

func TestAtMostTwelveHours(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	q.send("half a day")
	got := q.receiveOne()
	q.hide(got, 43100)
	raisesCode(t, q.tryHide(got.ReceiptHandle, 43201), "InvalidParameterValue", "")
	_, err := q.tryReceive(hiding(43201))
	raisesCode(t, err, "InvalidParameterValue", "")
}

func TestGarbageHandles(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	for _, err := range []error{q.tryDelete(aws.String("garbage")), q.tryHide(aws.String("garbage"), 1)} {
		raises[*types.ReceiptHandleIsInvalid](t, err, "ReceiptHandleIsInvalid",
			`The input receipt handle "garbage" is not a valid receipt handle.`)
		var response *awshttp.ResponseError
		check(t, errors.As(err, &response), "no HTTP response in the error")
		equal(t, response.HTTPStatusCode(), 404, "status")
		check(t, response.ServiceRequestID() != "", "no request id")
	}
}
