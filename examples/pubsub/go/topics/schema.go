package main

import (
	"context"

	"cloud.google.com/go/pubsub/v2"
	vkit "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const order = `{
  "type": "record",
  "name": "Order",
  "fields": [{"name": "id", "type": "string"}, {"name": "amount", "type": "int"}]
}`

// A topic with a schema takes only messages that fit it.
func schema(ctx context.Context, client *pubsub.Client) {
	schemas, err := vkit.NewSchemaClient(ctx, emulator()...)
	check(err)
	defer schemas.Close()
	made, err := schemas.CreateSchema(ctx, &pubsubpb.CreateSchemaRequest{
		Parent:   "projects/" + client.Project(),
		SchemaId: "order",
		Schema:   &pubsubpb.Schema{Type: pubsubpb.Schema_AVRO, Definition: order},
	})
	check(err)
	topic, remove := createTopic(ctx, client, &pubsubpb.Topic{
		Name:           "checked-orders",
		SchemaSettings: &pubsubpb.SchemaSettings{Schema: made.Name, Encoding: pubsubpb.Encoding_JSON},
	})
	defer remove()
	subscription := subscribe(ctx, client, &pubsubpb.Subscription{Name: "checked-orders", Topic: topic})

	publish(ctx, client, topic, nil, `{"id": "order-1", "amount": 3}`)
	publisher := client.Publisher(topic)
	defer publisher.Stop()
	_, err = publisher.Publish(ctx, &pubsub.Message{Data: []byte(`{"id": "order-2"}`)}).Get(ctx)
	expect(status.Code(err) == codes.InvalidArgument, "%v", err)
	say("refused an order without an amount")

	message := receive(ctx, client, subscription, 1, ack)[0]
	expect(string(message.Data) == `{"id": "order-1", "amount": 3}`, "%s", message.Data)
	expect(message.Attributes["googclient_schemaencoding"] == "JSON", "%v", message.Attributes)
	say("received order-1 with its amount")
	check(schemas.DeleteSchema(ctx, &pubsubpb.DeleteSchemaRequest{Name: made.Name}))
}
