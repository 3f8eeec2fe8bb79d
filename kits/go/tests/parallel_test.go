// Fifty tests at once that all use the same names, each in a sandbox of its own.
package tests

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/lclq/lclq/kits/go/lclqtest"
)

const (
	queueTests = 40
	topicTests = 7
	messages   = 5
)

func received(t *testing.T, sandbox *lclqtest.Sandbox, expected ...string) {
	t.Helper()
	got, err := Receive(t.Context(), SQS(sandbox, 3), "orders")
	if err != nil || !slices.Equal(got, expected) {
		t.Fatalf("received %q, %v, rather than %q", got, err, expected)
	}
}

func sent(t *testing.T, sandbox *lclqtest.Sandbox, body string, delayS int32) {
	t.Helper()
	if err := Send(t.Context(), SQS(sandbox, 3), "orders", body, delayS); err != nil {
		t.Fatal(err)
	}
}

func TestQueues(t *testing.T) {
	for number := range queueTests {
		t.Run(fmt.Sprint(number), func(t *testing.T) {
			t.Parallel()
			sandbox := lclqtest.NewSandbox(t)
			received(t, sandbox)
			var bodies []string
			for n := range messages {
				bodies = append(bodies, fmt.Sprintf("%d/%d", number, n))
				sent(t, sandbox, bodies[n], 0)
			}
			received(t, sandbox, bodies...)
			received(t, sandbox)
		})
	}
}

func TestTopics(t *testing.T) {
	for number := range topicTests {
		t.Run(fmt.Sprint(number), func(t *testing.T) {
			t.Parallel()
			client, err := PubSub(t.Context(), lclqtest.NewSandbox(t))
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			data := fmt.Sprint(number)
			if err := Publish(t.Context(), client, "events", data); err != nil {
				t.Fatal(err)
			}
			pulled, err := Pull(t.Context(), client, "events")
			if err != nil || !slices.Equal(pulled, []string{data}) {
				t.Fatalf("pulled %q, %v", pulled, err)
			}
		})
	}
}

func TestAnHourPassesAtOnce(t *testing.T) {
	t.Parallel()
	server := lclqtest.Start(t)
	sandbox := server.Sandbox()
	sent(t, sandbox, "later", 900)
	received(t, sandbox)
	if err := server.Clock().Advance(time.Hour); err != nil {
		t.Fatal(err)
	}
	received(t, sandbox, "later")
}

func TestTheSDKTriesAgain(t *testing.T) {
	t.Parallel()
	server := lclqtest.Start(t)
	sandbox := server.Sandbox()
	rule := lclqtest.Fault{Dialect: "sqs", Action: "SendMessage", Times: 1, Effect: lclqtest.FaultError("InternalFailure")}
	name, err := server.Faults().Set(rule)
	if err != nil {
		t.Fatal(err)
	}
	sent(t, sandbox, "twice", 0)
	all, err := server.Faults().List()
	if err != nil || len(all) != 1 || all[0].Name != name || all[0].Fired != 1 {
		t.Fatalf("%v, %v", all, err)
	}
	if err := server.Faults().Remove(name); err != nil {
		t.Fatal(err)
	}
	received(t, sandbox, "twice")
}

func TestWithoutControlsTheClockIsRefused(t *testing.T) {
	t.Parallel()
	server := lclqtest.Start(t, lclqtest.WithoutControls())
	var refused *lclqtest.ControlError
	if err := server.Clock().Stop(); !errors.As(err, &refused) {
		t.Fatal(err)
	}
	server.Stop()
	if err := Send(context.Background(), SQS(server.Sandbox(), 1), "orders", "late", 0); err == nil {
		t.Fatal("a stopped server has answered")
	}
}
