// Long polls wait, and wake as soon as there is something.
package sqs_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// wakes expects body from a poll that is waiting when trigger is called, and
// answers how long after the trigger it came.
func (q *queue) wakes(body string, trigger func(), options ...receiveOption) (time.Duration, types.Message) {
	q.t.Helper()
	type answer struct {
		messages []types.Message
		err      error
		at       time.Time
	}
	answers := make(chan answer, 1)
	go func() {
		messages, err := q.tryReceive(append([]receiveOption{waiting(10)}, options...)...)
		answers <- answer{messages, err, time.Now()}
	}()
	time.Sleep(200 * time.Millisecond)
	trigger()
	from := time.Now()
	got := <-answers
	succeeds(q.t, got.err)
	equal(q.t, bodies(got.messages), []string{body}, "what the poll answered")
	return got.at.Sub(from), got.messages[0]
}

func (q *queue) wakesWithin(limit time.Duration, body string, trigger func(), options ...receiveOption) {
	q.t.Helper()
	took, _ := q.wakes(body, trigger, options...)
	check(q.t, took < limit, fmt.Sprint("woke after ", took))
}

func TestSendWakesAWaitingPollAtOnce(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	var delays []time.Duration
	for round := range 5 {
		body := fmt.Sprint("round ", round)
		took, message := q.wakes(body, func() { q.send(body) })
		q.delete(message)
		delays = append(delays, took)
	}
	slices.Sort(delays)
	check(t, delays[2] < 300*time.Millisecond, fmt.Sprint("median wake-up ", delays[2]))
	check(t, delays[4] < 5*time.Second, fmt.Sprint("slowest wake-up ", delays[4]))
}

func TestSendWakesAPollThatWaitsByTheQueuesOwnTime(t *testing.T) {
	t.Parallel()
	q := newQueue(t, map[string]string{"ReceiveMessageWaitTimeSeconds": "10"})
	q.wakesWithin(3*time.Second, "default wait", func() { q.send("default wait") }, waiting(0))
}

func TestFifoSendWakesAWaitingPoll(t *testing.T) {
	t.Parallel()
	q := newQueue(t, fifo)
	q.wakesWithin(3*time.Second, "fifo", func() { q.send("fifo", inGroup("g")) })
}

func TestFifoDeleteWakesAPollThatWaitsForTheGroup(t *testing.T) {
	t.Parallel()
	q := newQueue(t, fifo)
	q.send("first", inGroup("g"))
	q.send("second", inGroup("g"))
	first := q.receiveOne()
	q.wakesWithin(3*time.Second, "second", func() { q.delete(first) })
}

func TestGivingBackWakesAWaitingPoll(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	q.send("given back")
	message := q.receiveOne()
	q.wakesWithin(3*time.Second, "given back", func() { q.hide(message, 0) })
}

func TestEndOfADelayWakesAWaitingPoll(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	q.send("delayed", delayed(1))
	q.wakesWithin(4*time.Second, "delayed", func() {})
}

func TestEndOfAVisibilityTimeoutWakesAWaitingPoll(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	q.send("expired")
	q.receiveOne(hiding(1))
	q.wakesWithin(4*time.Second, "expired", func() {})
}

func TestPollAnswersWithWhatThereIs(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	q.send("only one")
	from := time.Now()
	equal(t, bodies(q.receive(waiting(10))), []string{"only one"}, "messages")
	check(t, time.Since(from) < 5*time.Second, fmt.Sprint("waited ", time.Since(from)))
}

func TestEmptyPollWaitsItsTime(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	from := time.Now()
	equal(t, len(q.receive(waiting(3))), 0, "messages")
	took := time.Since(from)
	check(t, took > 2900*time.Millisecond && took < 7*time.Second, fmt.Sprint("waited ", took))
	from = time.Now()
	equal(t, len(q.receive()), 0, "messages")
	check(t, time.Since(from) < 2500*time.Millisecond, "a short poll waited")
}

func TestTenPollsShareTenMessages(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	answers := make(chan []types.Message, 10)
	for range 10 {
		go func() {
			messages, err := q.tryReceive(waiting(10), atMost(1))
			if err != nil {
				t.Error(err)
			}
			answers <- messages
		}()
	}
	time.Sleep(300 * time.Millisecond)
	var want []string
	for i := range 10 {
		q.send(strconv.Itoa(i))
		want = append(want, strconv.Itoa(i))
	}
	var got []string
	for range 10 {
		got = append(got, bodies(<-answers)...)
	}
	equal(t, sorted(got), want, "bodies")
}

func TestAbandonedPollDoesNotSwallowAMessage(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	_, err := newClient().ReceiveMessage(short, &sqs.ReceiveMessageInput{QueueUrl: aws.String(q.url), WaitTimeSeconds: 10})
	check(t, err != nil && short.Err() != nil, "the poll should have been abandoned: "+message(err))
	time.Sleep(200 * time.Millisecond)
	q.send("not lost")
	equal(t, bodies(q.receive(waiting(5))), []string{"not lost"}, "bodies")
}
