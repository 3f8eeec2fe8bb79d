// What every test file here shares: clients, a few ways to wait and to compare,
// and to expect errors. Topics and subscriptions of a test are in resources_test.go.
package pubsub_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2"
	vkit "cloud.google.com/go/pubsub/v2/apiv1"
	"google.golang.org/api/iterator"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// patience bounds each wait for something that the server should do soon.
const patience = 60 * time.Second

var (
	ctx      = context.Background()
	endpoint = os.Getenv("LCLQ_PUBSUB")
	project  = unique("go")
	client   *pubsub.Client
	topics   *vkit.TopicAdminClient
	subs     *vkit.SubscriptionAdminClient
	schemas  *vkit.SchemaClient
)

func TestMain(m *testing.M) {
	if endpoint == "" {
		panic("LCLQ_PUBSUB must name a running server, e.g. 127.0.0.1:8085")
	}
	os.Setenv("PUBSUB_EMULATOR_HOST", endpoint)
	var err error
	if client, err = pubsub.NewClient(ctx, project); err != nil {
		panic(err)
	}
	if schemas, err = vkit.NewSchemaClient(ctx); err != nil {
		panic(err)
	}
	topics, subs = client.TopicAdminClient, client.SubscriptionAdminClient
	os.Exit(m.Run())
}

func unique(prefix string) string { return prefix + "-" + strings.ToLower(rand.Text()) }

// Names of resources in this run's project.
func topicName(id string) string    { return "projects/" + project + "/topics/" + id }
func subName(id string) string      { return "projects/" + project + "/subscriptions/" + id }
func snapshotName(id string) string { return "projects/" + project + "/snapshots/" + id }
func schemaName(id string) string   { return "projects/" + project + "/schemas/" + id }

// leaf is the last part of a name.
func leaf(name string) string { return name[strings.LastIndex(name, "/")+1:] }

func each[T, R any](items []T, of func(T) R) []R {
	results := make([]R, 0, len(items))
	for _, item := range items {
		results = append(results, of(item))
	}
	return results
}

func sorted[T cmp.Ordered](items []T) []T { return slices.Sorted(slices.Values(items)) }

// all reads a list to its end.
func all[T any](t *testing.T, list interface{ Next() (T, error) }) []T {
	t.Helper()
	items := []T{}
	for {
		item, err := list.Next()
		if err == iterator.Done {
			return items
		}
		succeeds(t, err)
		items = append(items, item)
	}
}

// pages reads a list page by page, and expects no page above the size.
func pages[T any](t *testing.T, list iterator.Pageable, size int) []T {
	t.Helper()
	items := []T{}
	pager := iterator.NewPager(list, size, "")
	for {
		var page []T
		next, err := pager.NextPage(&page)
		succeeds(t, err)
		check(t, len(page) <= size, "a page is too long")
		items = append(items, page...)
		if next == "" {
			return items
		}
	}
}

func succeeds(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func check(t *testing.T, holds bool, what string) {
	t.Helper()
	if !holds {
		t.Fatal(what)
	}
}

func equal[T any](t *testing.T, got, want T, what string) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s:\n got %#v\nwant %#v", what, got, want)
	}
}

func equalProto[T proto.Message](t *testing.T, got, want T, what string) {
	t.Helper()
	if !proto.Equal(got, want) {
		t.Fatalf("%s:\n got %v\nwant %v", what, got, want)
	}
}

// raises expects an error with a code and with each of the texts in its message.
func raises(t *testing.T, err error, code codes.Code, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error where %v was expected", code)
	}
	got, ok := status.FromError(err)
	check(t, ok, "not a gRPC error: "+err.Error())
	equal(t, got.Code().String(), code.String(), "code of "+err.Error())
	for _, text := range texts {
		check(t, strings.Contains(got.Message(), text), fmt.Sprintf("%q lacks %q", got.Message(), text))
	}
}

func notFound(t *testing.T, err error, id string) {
	t.Helper()
	raises(t, err, codes.NotFound, "Resource not found (resource="+id+").")
}

func alreadyExists(t *testing.T, err error, id string) {
	t.Helper()
	raises(t, err, codes.AlreadyExists, "Resource already exists in the project (resource="+id+").")
}

func invalid(t *testing.T, err error, texts ...string) {
	t.Helper()
	raises(t, err, codes.InvalidArgument, texts...)
}

// eventually asks until the probe answers yes.
func eventually(t *testing.T, what string, probe func() bool) {
	t.Helper()
	for giveUp := time.Now().Add(patience); !probe(); time.Sleep(50 * time.Millisecond) {
		check(t, time.Now().Before(giveUp), "never came true: "+what)
	}
}

// within expects the next value of a channel in time.
func within[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(patience):
		t.Fatal("never came: " + what)
		panic("unreachable")
	}
}
