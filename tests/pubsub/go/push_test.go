// Push delivery to a local HTTP server.
package pubsub_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
)

// delivery is one request that the endpoint has received.
type delivery struct {
	header http.Header
	body   string
}

// envelope is the body of a wrapped delivery.
type envelope struct {
	Message struct {
		Data             string
		Attributes       map[string]string
		MessageID        string `json:"messageId"`
		MessageIDSnake   string `json:"message_id"`
		PublishTime      string `json:"publishTime"`
		PublishTimeSnake string `json:"publish_time"`
		OrderingKey      string `json:"orderingKey"`
	}
	Subscription    string
	DeliveryAttempt int `json:"deliveryAttempt"`
}

func (d delivery) open(t *testing.T) (wrapped envelope, data string) {
	t.Helper()
	succeeds(t, json.Unmarshal([]byte(d.body), &wrapped))
	text, err := base64.StdEncoding.DecodeString(wrapped.Message.Data)
	succeeds(t, err)
	return wrapped, string(text)
}

// endpointServer receives pushes, and answers them with the status of the moment.
type endpointServer struct {
	url        string
	status     atomic.Int32
	deliveries chan delivery
}

func newEndpoint(t *testing.T, status int) *endpointServer {
	e := &endpointServer{deliveries: make(chan delivery, 10_000)}
	e.status.Store(int32(status))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		status := e.status.Load()
		e.deliveries <- delivery{r.Header, string(body)}
		w.WriteHeader(int(status))
	}))
	t.Cleanup(server.Close)
	e.url = server.URL + "/push?token=1"
	return e
}

func pushingTo(config *pb.PushConfig) subOption {
	return func(s *pb.Subscription) { s.PushConfig = config }
}

func (e *endpointServer) pushes(options ...subOption) subOption {
	return func(s *pb.Subscription) {
		s.PushConfig = &pb.PushConfig{PushEndpoint: e.url}
		for _, option := range options {
			option(s)
		}
	}
}

func TestWrappedPush(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, http.StatusNoContent)
	tp, s := newSub(t, e.pushes(ordered))
	id := tp.publishMessages(&pb.PubsubMessage{
		Data: []byte("pushed \x00\xff"), Attributes: map[string]string{"a": "b"}, OrderingKey: "key",
	})[0]
	d := within(t, e.deliveries, "a push")
	equal(t, d.header.Get("Content-Type"), "application/json", "content type")
	got, data := d.open(t)
	equal(t, data, "pushed \x00\xff", "data")
	equal(t, got.Message.Attributes, map[string]string{"a": "b"}, "attributes")
	equal(t, got.Message.MessageID, id, "messageId")
	equal(t, got.Message.MessageIDSnake, id, "message_id")
	equal(t, got.Message.OrderingKey, "key", "orderingKey")
	equal(t, got.Message.PublishTimeSnake, got.Message.PublishTime, "both times")
	at, err := time.Parse(time.RFC3339Nano, got.Message.PublishTime)
	succeeds(t, err)
	check(t, time.Since(at).Abs() < time.Minute, "publish time")
	equal(t, got.Subscription, s.name, "subscription")
	check(t, !strings.Contains(d.body, "deliveryAttempt"), "no attempt without a dead-letter policy")
}

func TestEveryMessageIsPushedOnce(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, http.StatusOK)
	tp, _ := newSub(t, e.pushes())
	tp.publish(numbered(100)...)
	var got []string
	for range 100 {
		_, data := within(t, e.deliveries, "a push").open(t)
		got = append(got, data)
	}
	equal(t, sorted(got), numbered(100), "bodies")
	time.Sleep(500 * time.Millisecond)
	equal(t, len(e.deliveries), 0, "no second time")
}

func TestStatusesThatAck(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 201, 202, 204} {
		e := newEndpoint(t, status)
		tp, _ := newSub(t, e.pushes())
		tp.publish("acked")
		within(t, e.deliveries, "a push")
		time.Sleep(500 * time.Millisecond)
		equal(t, len(e.deliveries), 0, fmt.Sprint("pushed again after ", status))
	}
	for _, status := range []int{203, 302, 400, 404, 500, 503} {
		e := newEndpoint(t, status)
		tp, _ := newSub(t, e.pushes())
		tp.publish("nacked")
		within(t, e.deliveries, "a push")
		within(t, e.deliveries, fmt.Sprint("another push after ", status))
		e.status.Store(200)
	}
}

func TestFailedPushComesAgain(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, http.StatusInternalServerError)
	graveyard, grave := newSub(t)
	tp, _ := newSub(t, e.pushes(deadLettersTo(graveyard, 5)))
	tp.publish("unwanted")
	for attempt := range 5 {
		got, data := within(t, e.deliveries, "a push").open(t)
		equal(t, data, "unwanted", "data")
		equal(t, got.DeliveryAttempt, attempt+1, "delivery attempt")
	}
	equal(t, body(grave.pullOne()), "unwanted", "moved to the dead-letter topic")
}

func TestPushWithoutWrapper(t *testing.T) {
	t.Parallel()
	for _, metadata := range []bool{false, true} {
		e := newEndpoint(t, http.StatusOK)
		tp, s := newSub(t, pushingTo(&pb.PushConfig{
			PushEndpoint: e.url,
			Wrapper:      &pb.PushConfig_NoWrapper_{NoWrapper: &pb.PushConfig_NoWrapper{WriteMetadata: metadata}},
		}), ordered)
		id := tp.publishMessages(&pb.PubsubMessage{
			Data: []byte(`{"raw":true}`), Attributes: map[string]string{"X-Kind": "test"}, OrderingKey: "key",
		})[0]
		d := within(t, e.deliveries, "a push")
		equal(t, d.body, `{"raw":true}`, "the body is the data")
		if metadata {
			equal(t, d.header.Get("x-goog-pubsub-subscription-name"), s.name, "subscription")
			equal(t, d.header.Get("x-goog-pubsub-message-id"), id, "message id")
			equal(t, d.header.Get("x-goog-pubsub-ordering-key"), "key", "ordering key")
			_, err := time.Parse(time.RFC3339Nano, d.header.Get("x-goog-pubsub-publish-time"))
			succeeds(t, err)
			equal(t, d.header.Get("X-Kind"), "test", "attribute")
		} else {
			equal(t, d.header.Get("x-goog-pubsub-message-id"), "", "no metadata")
			equal(t, d.header.Get("X-Kind"), "", "no attributes")
		}
	}
}

func TestPushWithToken(t *testing.T) {
	t.Parallel()
	for audience, want := range map[string]string{"": "the endpoint", "me": "me"} {
		e := newEndpoint(t, http.StatusOK)
		tp, _ := newSub(t, pushingTo(&pb.PushConfig{
			PushEndpoint: e.url,
			AuthenticationMethod: &pb.PushConfig_OidcToken_{OidcToken: &pb.PushConfig_OidcToken{
				ServiceAccountEmail: "pusher@example.iam.gserviceaccount.com", Audience: audience,
			}},
		}))
		if audience == "" {
			want = e.url
		}
		tp.publish("with a token")
		d := within(t, e.deliveries, "a push")
		token, ok := strings.CutPrefix(d.header.Get("Authorization"), "Bearer ")
		check(t, ok, "a bearer token: "+d.header.Get("Authorization"))
		parts := strings.Split(token, ".")
		equal(t, len(parts), 3, "parts of the token")
		var head struct{ Alg, Kid string }
		var claims struct {
			Aud, Email, Iss string
			Exp, Iat        int64
		}
		for i, into := range []any{&head, &claims} {
			text, err := base64.RawURLEncoding.DecodeString(parts[i])
			succeeds(t, err)
			succeeds(t, json.Unmarshal(text, into))
		}
		equal(t, head.Alg, "RS256", "algorithm")
		check(t, head.Kid != "", "a key id")
		equal(t, claims.Aud, want, "audience")
		equal(t, claims.Email, "pusher@example.iam.gserviceaccount.com", "email")
		check(t, claims.Exp > time.Now().Unix() && claims.Iat <= time.Now().Unix()+60, "valid now")
	}
}

func TestPushSettingsReadBack(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, http.StatusOK)
	_, s := newSub(t, e.pushes())
	equalProto(t, s.get().PushConfig, &pb.PushConfig{
		PushEndpoint: e.url, Attributes: map[string]string{"x-goog-version": "v1"},
	}, "push settings")
	_, err := s.tryPull(1)
	raises(t, err, codes.FailedPrecondition, "This method is not supported for this subscription type.")
	s.stream().fails(codes.FailedPrecondition)
	for _, bad := range []string{"not a url", "ftp://example.com/", "http://"} {
		err := s.tryPushConfig(&pb.PushConfig{PushEndpoint: bad})
		invalid(t, err)
	}
	missing := &subscription{t, subName(unique("sub"))}
	notFound(t, missing.tryPushConfig(&pb.PushConfig{PushEndpoint: e.url}), leaf(missing.name))
}

func (s *subscription) tryPushConfig(config *pb.PushConfig) error {
	return subs.ModifyPushConfig(ctx, &pb.ModifyPushConfigRequest{Subscription: s.name, PushConfig: config})
}

// Edge case 27.
func TestPushToPullAndBackKeepsTheBacklog(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, http.StatusInternalServerError)
	tp, s := newSub(t, e.pushes())
	tp.publish("refused by the endpoint")
	within(t, e.deliveries, "a push")
	succeeds(t, s.tryPushConfig(&pb.PushConfig{}))
	m := s.pullOne()
	equal(t, body(m), "refused by the endpoint", "pulled")
	s.nack(m)

	e.status.Store(http.StatusOK)
	succeeds(t, s.tryPushConfig(&pb.PushConfig{PushEndpoint: e.url}))
	eventually(t, "pushed again", func() bool {
		for len(e.deliveries) > 0 {
			if _, data := (<-e.deliveries).open(t); data == "refused by the endpoint" {
				return true
			}
		}
		return false
	})
}

func TestPushByUpdateMask(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, http.StatusOK)
	tp, s := newSub(t)
	tp.publish("waiting")
	_, err := s.update(&pb.Subscription{PushConfig: &pb.PushConfig{PushEndpoint: e.url}}, "push_config")
	succeeds(t, err)
	_, data := within(t, e.deliveries, "a push").open(t)
	equal(t, data, "waiting", "data")
}

func TestPushRetriesByPolicy(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, http.StatusServiceUnavailable)
	tp, _ := newSub(t, e.pushes(func(s *pb.Subscription) {
		s.RetryPolicy = &pb.RetryPolicy{
			MinimumBackoff: durationpb.New(2 * time.Second), MaximumBackoff: durationpb.New(2 * time.Second),
		}
	}))
	tp.publish("retried")
	within(t, e.deliveries, "the first push")
	began := time.Now()
	within(t, e.deliveries, "the second push")
	check(t, time.Since(began) > 1900*time.Millisecond, "not before the backoff of the policy")
	e.status.Store(http.StatusOK)
}

func TestOrderedPush(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, http.StatusOK)
	tp, _ := newSub(t, e.pushes(ordered))
	tp.publishKeyed("k", numbered(20)...)
	for _, want := range numbered(20) {
		_, data := within(t, e.deliveries, "a push").open(t)
		equal(t, data, want, "order")
	}
}

func TestEndpointThatComesBack(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, http.StatusOK)
	// Nobody listens on this port yet.
	tp, s := newSub(t, pushingTo(&pb.PushConfig{PushEndpoint: "http://127.0.0.1:9/"}))
	tp.publish("patient")
	time.Sleep(300 * time.Millisecond)
	succeeds(t, s.tryPushConfig(&pb.PushConfig{PushEndpoint: e.url}))
	_, data := within(t, e.deliveries, "a push").open(t)
	equal(t, data, "patient", "data")
}
