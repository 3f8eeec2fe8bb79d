package tests

import (
	"os"
	"testing"

	"github.com/lclq/lclq/kits/go/lclqtest"
)

// Variables are the process', so this one isn't parallel; it runs before those that are.
func TestVariablesBringCodeUnderTestHere(t *testing.T) {
	sandbox := lclqtest.NewSandbox(t)
	sandbox.Setenv(t)
	if os.Getenv("AWS_ACCESS_KEY_ID") != sandbox.Account || os.Getenv("PUBSUB_EMULATOR_HOST") != sandbox.PubSub() {
		t.Fatal(os.Environ())
	}
}
