// Delayed messages: by the message, by the queue.
package sqs_test

import "testing"

func TestMessagesOwnDelay(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	q.send("later", delayed(2))
	q.send("now")
	equal(t, bodies(q.receive()), []string{"now"}, "at once")
	equal(t, bodies(q.receive(waiting(5))), []string{"later"}, "afterwards")
}

func TestQueuesDelay(t *testing.T) {
	t.Parallel()
	q := newQueue(t, map[string]string{"DelaySeconds": "2"})
	q.send("by the queue")
	q.send("by itself", delayed(60))
	q.isEmpty("delayed")
	equal(t, bodies(q.receive(waiting(5))), []string{"by the queue"}, "afterwards")
}

func TestDelayOutOfRange(t *testing.T) {
	t.Parallel()
	q := newQueue(t, nil)
	for _, seconds := range []int32{-1, 901} {
		_, err := q.trySend("never", delayed(seconds))
		raisesCode(t, err, "InvalidParameterValue", "")
	}
}

func TestFifoQueueHasNoDelayByMessage(t *testing.T) {
	t.Parallel()
	q := newQueue(t, with(fifo, "DelaySeconds", "2"))
	_, err := q.trySend("own delay", inGroup("g"), delayed(3))
	raisesCode(t, err, "InvalidParameterValue", "not valid for this queue type.")
	q.send("by the queue", inGroup("g"))
	q.isEmpty("delayed")
	equal(t, bodies(q.receive(waiting(5))), []string{"by the queue"}, "afterwards")
}
