package lclqtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	startMax    = 20 * time.Second
	stopMax     = 10 * time.Second
	logLinesMax = 1000
)

// What holds where no flag says otherwise: free ports, one core, no file of the working directory.
var defaults = []string{
	"LCLQ_CONFIG=" + os.DevNull,
	"LCLQ_SQS_PORT=0",
	"LCLQ_PUBSUB_PORT=0",
	"LCLQ_PUBSUB_REST_PORT=0",
	"LCLQ_ADMIN_PORT=0",
	"LCLQ_CORES=1",
	"LCLQ_SHUTDOWN_MS_MAX=1000",
}

// ErrStart is of every error of a server that didn't start; the error's text has what it said.
var ErrStart = errors.New("lclq didn't start")

// Server is a running `lclq start` on free ports of loopback, in memory unless flags say otherwise. It ends
// with Stop, and with this process, however that ends.
type Server struct {
	// Endpoint is the URL of SQS.
	Endpoint string
	// PubSub is host and port of Pub/Sub, as PUBSUB_EMULATOR_HOST wants them.
	PubSub string
	// Admin is the URL of the admin API, the metrics and the web console.
	Admin string
	// PID is the process' id.
	PID int

	command *exec.Cmd
	stdin   io.WriteCloser
	ended   chan struct{}
	once    sync.Once
	log     lines
}

type settings struct {
	args     []string
	binary   string
	env      []string
	controls bool
}

// Option says how a server is started.
type Option func(*settings)

// Args gives flags of `lclq start`, such as "--data-dir", "queues".
func Args(args ...string) Option { return func(s *settings) { s.args = append(s.args, args...) } }

// Binary names the server's binary.
func Binary(path string) Option { return func(s *settings) { s.binary = path } }

// Env sets a variable. Those of this process that begin with LCLQ_ aren't taken over.
func Env(name, value string) Option {
	return func(s *settings) { s.env = append(s.env, name+"="+value) }
}

// WithoutControls starts a server that refuses to have its clock moved and faults set.
func WithoutControls() Option { return func(s *settings) { s.controls = false } }

// Start starts a server for one test, and stops it when the test has ended.
func Start(t testing.TB, options ...Option) *Server {
	t.Helper()
	server, err := New(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Stop()
		if t.Failed() {
			t.Logf("lclq said:\n%s", server.Log())
		}
	})
	return server
}

// New starts a server that is stopped by Stop.
func New(options ...Option) (*Server, error) {
	wanted := settings{controls: true}
	for _, option := range options {
		option(&wanted)
	}
	if wanted.binary == "" {
		found, err := FindBinary()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrStart, err)
		}
		wanted.binary = found
	}
	s := &Server{ended: make(chan struct{})}
	s.command = exec.Command(wanted.binary, append([]string{"start", "--stop-with-stdin"}, wanted.args...)...)
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "LCLQ_") {
			s.command.Env = append(s.command.Env, variable)
		}
	}
	s.command.Env = append(s.command.Env, defaults...)
	s.command.Env = append(s.command.Env, fmt.Sprintf("LCLQ_TEST_CONTROLS=%t", wanted.controls))
	s.command.Env = append(s.command.Env, wanted.env...)
	if err := s.run(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStart, err)
	}
	return s, nil
}

func (s *Server) run() error {
	stdin, err := s.command.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := s.command.StdoutPipe()
	if err != nil {
		return err
	}
	stderr, err := s.command.StderrPipe()
	if err != nil {
		return err
	}
	if err := s.command.Start(); err != nil {
		return err
	}
	s.stdin, s.PID = stdin, s.command.Process.Pid
	ready := make(chan struct{})
	var reading sync.WaitGroup
	reading.Add(2)
	go func() {
		defer reading.Done()
		s.listen(stdout, ready)
	}()
	go func() {
		defer reading.Done()
		s.log.read(stderr)
	}()
	go func() {
		reading.Wait()
		s.command.Wait()
		close(s.ended)
	}()
	late, cancel := context.WithTimeout(context.Background(), startMax)
	defer cancel()
	select {
	case <-ready:
		return nil
	case <-s.ended:
		return fmt.Errorf("it ended with %v:\n%s", s.command.ProcessState, s.Log())
	case <-late.Done():
		s.Stop()
		return fmt.Errorf("it isn't ready after %v:\n%s", startMax, s.Log())
	}
}

// listen hears where the server listens, and reads on so that it never waits for a reader.
func (s *Server) listen(stdout io.Reader, ready chan<- struct{}) {
	scanner := bufio.NewScanner(stdout)
	for scanner.Scan() {
		words := strings.SplitN(scanner.Text(), " ", 3)
		if words[0] == "ready" {
			close(ready)
			break
		}
		if words[0] != "listening" || len(words) < 3 {
			continue
		}
		switch words[1] {
		case "sqs":
			s.Endpoint = words[2]
		case "pubsub":
			_, s.PubSub, _ = strings.Cut(words[2], "://")
		case "admin":
			s.Admin = words[2]
		}
	}
	io.Copy(io.Discard, stdout)
}

// Stop ends the server and waits for that. Once it has ended, it does nothing.
func (s *Server) Stop() {
	s.once.Do(func() {
		s.stdin.Close()
		select {
		case <-s.ended:
		case <-time.After(stopMax):
			s.command.Process.Kill()
			<-s.ended
		}
	})
}

// Log is the last lines that it has logged, 1000 at most.
func (s *Server) Log() string { return s.log.String() }

// lines keeps the last lines of a stream.
type lines struct {
	sync.Mutex
	kept []string
}

func (l *lines) read(from io.Reader) {
	scanner := bufio.NewScanner(from)
	for scanner.Scan() {
		l.Lock()
		l.kept = append(l.kept, scanner.Text())
		if len(l.kept) > logLinesMax {
			l.kept = l.kept[1:]
		}
		l.Unlock()
	}
	// A line too long for the scanner ends it, but not the server that waits for a reader.
	io.Copy(io.Discard, from)
}

func (l *lines) String() string {
	l.Lock()
	defer l.Unlock()
	return strings.Join(l.kept, "\n")
}
