package lclqtest

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"sync"
	"testing"
)

// Region is the one that sandboxes are used in.
const Region = "us-east-1"

// Sandbox is an SQS account and a Pub/Sub project that nobody else has. Names in it collide with nobody's.
type Sandbox struct {
	Server *Server
	// Account is the account's number. An access key that is an account's number puts a client into that account.
	Account string
	// Project is the Pub/Sub project.
	Project string
}

// shared is the server of all tests of a process that have asked for no other. It ends with the process.
var shared = sync.OnceValues(func() (*Server, error) { return New() })

// NewSandbox makes a sandbox for one test, and deletes what is in it when the test has ended. It is on a server
// that all tests of the package share.
func NewSandbox(t testing.TB) *Sandbox {
	t.Helper()
	server, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	sandbox := server.Sandbox()
	t.Cleanup(func() {
		if err := sandbox.Reset(); err != nil {
			t.Errorf("what the test left can't be deleted: %v", err)
		}
	})
	return sandbox
}

// Sandbox is an account and a project of this server that nobody else has.
func (s *Server) Sandbox() *Sandbox {
	const lowest, count = 100_000_000_000, 900_000_000_000
	number, err := rand.Int(rand.Reader, big.NewInt(count))
	if err != nil {
		panic(err) // The system has no random numbers.
	}
	account := fmt.Sprint(number.Int64() + lowest)
	return &Sandbox{Server: s, Account: account, Project: "test-" + account}
}

// Endpoint is the URL of SQS.
func (s *Sandbox) Endpoint() string { return s.Server.Endpoint }

// PubSub is host and port of Pub/Sub.
func (s *Sandbox) PubSub() string { return s.Server.PubSub }

// Env are environment variables that bring AWS' and Google's SDKs here.
func (s *Sandbox) Env() map[string]string {
	return map[string]string{
		"AWS_ENDPOINT_URL_SQS":  s.Server.Endpoint,
		"AWS_ACCESS_KEY_ID":     s.Account,
		"AWS_SECRET_ACCESS_KEY": "test",
		"AWS_REGION":            Region,
		"AWS_DEFAULT_REGION":    Region,
		"PUBSUB_EMULATOR_HOST":  s.Server.PubSub,
		"PUBSUB_PROJECT_ID":     s.Project,
		"GOOGLE_CLOUD_PROJECT":  s.Project,
	}
}

// Setenv sets these variables for one test, so that code under test needs no change. The test can't be parallel.
func (s *Sandbox) Setenv(t testing.TB) {
	t.Helper()
	for _, name := range []string{"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"} {
		t.Setenv(name, "")
	}
	for name, value := range s.Env() {
		t.Setenv(name, value)
	}
}

// Reset deletes all that is in it. Needs the test controls.
func (s *Sandbox) Reset() error {
	if err := s.Server.Call("POST", "test/reset", map[string]string{"account": s.Account}, nil); err != nil {
		return err
	}
	return s.Server.Call("POST", "test/reset", map[string]string{"project": s.Project}, nil)
}
