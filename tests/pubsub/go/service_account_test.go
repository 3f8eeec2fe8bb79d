// The official library with a service account's file over TLS, as it is used with the real service.
package pubsub_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"cloud.google.com/go/auth/credentials"
	"cloud.google.com/go/pubsub/v2"
	vkit "cloud.google.com/go/pubsub/v2/apiv1"
	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/googleapis/gax-go/v2/apierror"
	"google.golang.org/api/option"
)

// secured is a server that wants tokens: its answer is the environment of a client of it.
func secured(t *testing.T) []string {
	t.Helper()
	binary := os.Getenv("LCLQ_BIN")
	check(t, binary != "", "LCLQ_BIN must name the server's program")
	dir := t.TempDir()
	keys, tls, file := filepath.Join(dir, "keys.toml"), filepath.Join(dir, "tls"), filepath.Join(dir, "account.json")
	made, err := exec.Command(binary, "credentials", "create-service-account", "--project", "p", "--file", keys).Output()
	succeeds(t, err)
	port := ownServer(t, binary,
		"--pubsub-auth", "enforce", "--credentials", keys, "--tls", "self-signed", "--tls-dir", tls)
	account := map[string]string{}
	succeeds(t, json.Unmarshal(made, &account))
	account["token_uri"] = "https://localhost:" + port + "/token"
	written, err := json.Marshal(account)
	succeeds(t, err)
	succeeds(t, os.WriteFile(file, written, 0o600))
	return append(os.Environ(),
		"PUBSUB_EMULATOR_HOST=",
		"GOOGLE_APPLICATION_CREDENTIALS="+file,
		"SSL_CERT_FILE="+filepath.Join(tls, "ca.pem"),
		"ENDPOINT=localhost:"+port,
	)
}

// ownServer is a server of the test's own, of which it answers the port of Pub/Sub.
func ownServer(t *testing.T, binary string, flags ...string) (port string) {
	t.Helper()
	ports := []string{"start", "--sqs-port", "0", "--pubsub-port", "0", "--pubsub-rest-port", "0", "--admin-port", "0"}
	server := exec.Command(binary, append(ports, flags...)...)
	var log bytes.Buffer
	server.Stderr = &log
	output, err := server.StdoutPipe()
	succeeds(t, err)
	succeeds(t, server.Start())
	t.Cleanup(func() {
		server.Process.Signal(syscall.SIGTERM)
		server.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		if address, found := strings.CutPrefix(lines.Text(), "listening pubsub http://"); found {
			port = address[strings.LastIndex(address, ":")+1:]
		}
		if lines.Text() == "ready" {
			return port
		}
	}
	t.Fatal("the server has not started")
	panic("unreachable")
}

// outcome is what came of what a client did.
type outcome struct{ Data, Code, Reason string }

// clientOf runs a client in a process of its own: trust is read once a process.
func clientOf(t *testing.T, environment []string, how string) (came outcome) {
	t.Helper()
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client := exec.CommandContext(limited, os.Args[0])
	client.Env = append(environment, "LCLQ_TEST_CLIENT="+how)
	var log bytes.Buffer
	client.Stderr = &log
	told, err := client.Output()
	check(t, err == nil, fmt.Sprint(err, ": ", log.String()))
	succeeds(t, json.Unmarshal(told, &came))
	return came
}

func TestServiceAccountPublishesAndReceives(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"own token", "exchanged token"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			equal(t, clientOf(t, secured(t), how), outcome{Data: "hello"}, "outcome")
		})
	}
}

func TestStrangerIsUnauthenticated(t *testing.T) {
	t.Parallel()
	reasons := map[string]string{"no token": "CREDENTIALS_MISSING", "token of another key": "ACCESS_TOKEN_TYPE_UNSUPPORTED"}
	for how, reason := range reasons {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			equal(t, clientOf(t, secured(t), how), outcome{Code: "Unauthenticated", Reason: reason}, "outcome")
		})
	}
}

// In such a process of its own, this program is the client, and no test runs.
func init() {
	how := os.Getenv("LCLQ_TEST_CLIENT")
	if how == "" {
		return
	}
	limited, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	data, err := cycle(limited, how)
	came := outcome{Data: data}
	if err != nil {
		failure, ok := apierror.FromError(err)
		if !ok {
			panic(err)
		}
		came.Code, came.Reason = failure.GRPCStatus().Code().String(), failure.Reason()
		fmt.Fprintln(os.Stderr, err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(came); err != nil {
		panic(err)
	}
	os.Exit(0)
}

func cycle(ctx context.Context, how string) (data string, err error) {
	options := append(identity(ctx, how), option.WithEndpoint(os.Getenv("ENDPOINT")))
	client, err := pubsub.NewClient(ctx, "project-1", options...)
	if err != nil {
		return "", err
	}
	defer client.Close()
	const topic, sub = "projects/project-1/topics/events", "projects/project-1/subscriptions/worker"
	if _, err := client.TopicAdminClient.CreateTopic(ctx, &pb.Topic{Name: topic}); err != nil {
		return "", err
	}
	request := &pb.Subscription{Name: sub, Topic: topic}
	if _, err := client.SubscriptionAdminClient.CreateSubscription(ctx, request); err != nil {
		return "", err
	}
	publisher := client.Publisher(topic)
	defer publisher.Stop()
	if _, err := publisher.Publish(ctx, &pubsub.Message{Data: []byte("hello")}).Get(ctx); err != nil {
		return "", err
	}
	receiving, stop := context.WithCancel(ctx)
	defer stop()
	err = client.Subscriber(sub).Receive(receiving, func(_ context.Context, m *pubsub.Message) {
		data = string(m.Data)
		m.Ack()
		stop()
	})
	return data, err
}

// identity is how the client says who it is. By default the library signs its tokens itself.
func identity(ctx context.Context, how string) []option.ClientOption {
	switch how {
	case "exchanged token":
		made, err := credentials.DetectDefault(&credentials.DetectOptions{Scopes: vkit.DefaultAuthScopes()})
		must(err)
		token, err := made.Token(ctx)
		must(err)
		if !strings.HasPrefix(token.Value, "ya29.") {
			panic("not from the token endpoint: " + token.Value)
		}
		return []option.ClientOption{option.WithAuthCredentials(made)}
	case "no token":
		return []option.ClientOption{option.WithoutAuthentication()}
	case "token of another key":
		return []option.ClientOption{option.WithAuthCredentialsJSON(option.ServiceAccount, withAnotherKey())}
	}
	return nil
}

// withAnotherKey is the account's file with a key that isn't its own.
func withAnotherKey() []byte {
	read, err := os.ReadFile(os.Getenv("GOOGLE_APPLICATION_CREDENTIALS"))
	must(err)
	account := map[string]string{}
	must(json.Unmarshal(read, &account))
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(err)
	account["private_key"] = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	written, err := json.Marshal(account)
	must(err)
	return written
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
