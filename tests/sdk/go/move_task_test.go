// Message move tasks: out of a dead-letter queue again.
package sqs_test

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	resourceNotFound = "ResourceNotFoundException"
	neverStarted     = "00000000-0000-4000-8000-000000000000"
)

func deadLetterPair(t *testing.T) (dead, source *queue) {
	t.Helper()
	dead = newQueue(t, nil)
	return dead, newQueue(t, with(pointingAt(dead, 1), "VisibilityTimeout", "0"))
}

// start starts a move; no destination is back to the sources, no rate is the fastest.
func start(arn, destination string, perSecond int32) (string, error) {
	input := &sqs.StartMessageMoveTaskInput{SourceArn: &arn}
	if destination != "" {
		input.DestinationArn = &destination
	}
	if perSecond > 0 {
		input.MaxNumberOfMessagesPerSecond = &perSecond
	}
	started, err := client.StartMessageMoveTask(ctx, input)
	if err != nil {
		return "", err
	}
	return str(started.TaskHandle), nil
}

func cancel(handle string) (int64, error) {
	cancelled, err := client.CancelMessageMoveTask(ctx, &sqs.CancelMessageMoveTaskInput{TaskHandle: &handle})
	if err != nil {
		return 0, err
	}
	return cancelled.ApproximateNumberOfMessagesMoved, nil
}

func (q *queue) tasks(most *int32) []types.ListMessageMoveTasksResultEntry {
	q.t.Helper()
	listed, err := client.ListMessageMoveTasks(ctx, &sqs.ListMessageMoveTasksInput{SourceArn: &q.arn, MaxResults: most})
	succeeds(q.t, err)
	return listed.Results
}

// taskBecomes waits until the latest task has the status.
func (q *queue) taskBecomes(status string) types.ListMessageMoveTasksResultEntry {
	q.t.Helper()
	last := "none"
	for giveUp := time.Now().Add(10 * time.Second); time.Now().Before(giveUp); time.Sleep(50 * time.Millisecond) {
		if tasks := q.tasks(nil); len(tasks) > 0 {
			if last = aws.ToString(tasks[0].Status); last == status {
				return tasks[0]
			}
		}
	}
	q.t.Fatalf("the task never became %s, it is %s", status, last)
	panic("unreachable")
}

// holds waits until the queue has this many messages.
func (q *queue) holds(count int) {
	q.t.Helper()
	last := ""
	for giveUp := time.Now().Add(10 * time.Second); time.Now().Before(giveUp); time.Sleep(20 * time.Millisecond) {
		if last = q.attributes("All")["ApproximateNumberOfMessages"]; last == strconv.Itoa(count) {
			return
		}
	}
	q.t.Fatalf("the queue has %s messages, not %d", last, count)
}

func (q *queue) sendThirty() {
	q.t.Helper()
	for range 3 {
		_, err := q.sendBatch(numbered(10)...)
		succeeds(q.t, err)
	}
}

func TestMessagesGoBackToTheirSource(t *testing.T) {
	t.Parallel()
	dead, source := deadLetterPair(t)
	for _, body := range []string{"a", "b", "c"} {
		source.send(body)
	}
	source.receiveExactly(3)
	source.isEmpty("moved")
	dead.holds(3)
	succeeds(t, source.set(map[string]string{"VisibilityTimeout": "60"}))

	handle, err := start(dead.arn, "", 0)
	succeeds(t, err)
	decoded, err := base64.StdEncoding.DecodeString(handle)
	succeeds(t, err)
	fields := fromJSON(t, string(decoded))
	equal(t, fields["sourceArn"], any(dead.arn), "source in the handle")
	check(t, fields["taskId"] != nil, "no task id in the handle")

	equal(t, sorted(bodies(source.receiveExactly(3))), []string{"a", "b", "c"}, "back at the source")
	task := dead.taskBecomes("COMPLETED")
	equal(t, str(task.SourceArn), dead.arn, "source")
	equal(t, task.ApproximateNumberOfMessagesMoved, 3, "moved")
	check(t, task.TaskHandle == nil, "a handle after the end")
	check(t, time.Since(time.UnixMilli(task.StartedTimestamp)).Abs() < time.Minute, "not started in milliseconds")
	dead.isEmpty("all went back")
}

func TestMessagesGoToADestination(t *testing.T) {
	t.Parallel()
	dead, _ := deadLetterPair(t)
	target := newQueue(t, nil)
	dead.send("elsewhere")
	_, err := start(dead.arn, target.arn, 100)
	succeeds(t, err)
	equal(t, str(target.receiveOne(waiting(5)).Body), "elsewhere", "body")
	task := dead.taskBecomes("COMPLETED")
	equal(t, str(task.DestinationArn), target.arn, "destination")
	equal(t, aws.ToInt32(task.MaxNumberOfMessagesPerSecond), 100, "rate")
}

func TestOneTaskAtATimeCanBeCancelled(t *testing.T) {
	t.Parallel()
	dead, _ := deadLetterPair(t)
	target := newQueue(t, nil)
	dead.sendThirty()
	handle, err := start(dead.arn, target.arn, 1)
	succeeds(t, err)
	tasks := dead.tasks(nil)
	equal(t, len(tasks), 1, "tasks")
	running := tasks[0]
	equal(t, str(running.Status), "RUNNING", "status")
	equal(t, str(running.TaskHandle), handle, "handle")
	equal(t, aws.ToInt64(running.ApproximateNumberOfMessagesToMove), 30, "to move")
	_, err = start(dead.arn, target.arn, 1)
	check(t, strings.Contains(message(err), "There is already a task running"), message(err))

	moved, err := cancel(handle)
	succeeds(t, err)
	check(t, moved < 30, fmt.Sprint(moved, " moved"))
	cancelled := dead.taskBecomes("CANCELLED")
	check(t, cancelled.TaskHandle == nil, "a handle after the end")
	check(t, cancelled.ApproximateNumberOfMessagesMoved < 30, "all moved")
}

func TestTaskFailsWhenItsDestinationIsDeleted(t *testing.T) {
	t.Parallel()
	dead, _ := deadLetterPair(t)
	target := newQueue(t, nil)
	dead.sendThirty()
	_, err := start(dead.arn, target.arn, 1)
	succeeds(t, err)
	_, err = client.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &target.url})
	succeeds(t, err)
	task := dead.taskBecomes("FAILED")
	check(t, strings.Contains(aws.ToString(task.FailureReason), "NonExistentQueue"), aws.ToString(task.FailureReason))
}

func TestListOfTasks(t *testing.T) {
	t.Parallel()
	dead, _ := deadLetterPair(t)
	for range 3 {
		_, err := start(dead.arn, "", 0)
		succeeds(t, err)
		dead.taskBecomes("COMPLETED")
	}
	equal(t, len(dead.tasks(nil)), 1, "by default")
	all := dead.tasks(aws.Int32(10))
	equal(t, len(all), 3, "all")
	check(t, all[0].StartedTimestamp >= all[1].StartedTimestamp && all[1].StartedTimestamp >= all[2].StartedTimestamp, "newest first")
	_, err := client.ListMessageMoveTasks(ctx, &sqs.ListMessageMoveTasksInput{SourceArn: &dead.arn, MaxResults: aws.Int32(11)})
	raisesCode(t, err, "InvalidParameterValue", "")
}

func TestMoveTaskErrors(t *testing.T) {
	t.Parallel()
	dead, source := deadLetterPair(t)
	_, err := start(source.arn, "", 0)
	raisesCode(t, err, "InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.")
	_, err = start(dead.arn+"-missing", "", 0)
	raises[*types.ResourceNotFoundException](t, err, resourceNotFound, "SourceArn")
	_, err = start(dead.arn, dead.arn+"-missing", 0)
	raises[*types.ResourceNotFoundException](t, err, resourceNotFound, "DestinationArn")
	_, err = cancel(base64.StdEncoding.EncodeToString([]byte(toJSON(map[string]string{"taskId": neverStarted, "sourceArn": dead.arn}))))
	raises[*types.ResourceNotFoundException](t, err, resourceNotFound, "Task does not exist.")
}
