// Streams on which nothing happens for a while.
package pubsub_test

import (
	"os"
	"testing"
	"time"
)

// idleTime is long enough for two of the library's pings, which it sends every 30 seconds.
func idleTime() time.Duration {
	if os.Getenv("LCLQ_LONG") != "" {
		return 10 * time.Minute
	}
	return 70 * time.Second
}

// An idle stream with the library's pings still delivers at once. LCLQ_LONG=1 waits ten minutes.
func TestIdleStreamStaysUsable(t *testing.T) {
	t.Parallel()
	tp, s := newSub(t)
	r := s.receive()
	tp.publish("before")
	r.take(1)
	time.Sleep(idleTime())
	began := time.Now()
	tp.publish("after")
	r.take(1)
	took := time.Since(began)
	t.Logf("delivered %v after a pause of %v", took, idleTime())
	check(t, took < 5*time.Second, "an idle stream stalls")
}
