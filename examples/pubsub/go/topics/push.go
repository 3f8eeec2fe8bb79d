package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

// A subscription that pushes to an HTTP server, and comes again after an answer that isn't a success.
func push(ctx context.Context, client *pubsub.Client) {
	statuses := make(chan int, 2)
	statuses <- http.StatusServiceUnavailable
	statuses <- http.StatusNoContent
	type delivery struct {
		status int
		text   string
	}
	pushed := make(chan delivery, 10)
	server := httptest.NewServer(http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		var envelope struct{ Message struct{ Data []byte } } // JSON has bytes in base64
		check(json.NewDecoder(request.Body).Decode(&envelope))
		status := <-statuses
		writer.WriteHeader(status)
		pushed <- delivery{status, string(envelope.Message.Data)}
	}))
	defer server.Close()

	topic, remove := createTopic(ctx, client, &pubsubpb.Topic{Name: "webhooks"})
	defer remove()
	subscribe(ctx, client, &pubsubpb.Subscription{
		Name: "webhooks", Topic: topic, PushConfig: &pubsubpb.PushConfig{PushEndpoint: server.URL},
	})
	publish(ctx, client, topic, nil, "order-1")
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusNoContent} {
		select {
		case got := <-pushed:
			expect(got == delivery{status, "order-1"}, "%v", got)
			say("pushed %s, answered %d", got.text, got.status)
		case <-time.After(patience):
			expect(false, "nothing was pushed")
		}
	}
}
