package main

import (
	"context"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

// Going back to a snapshot: messages that were acknowledged since come again.
func seek(ctx context.Context, client *pubsub.Client) {
	const orders = "order-1, order-2, order-3"
	topic, remove := createTopic(ctx, client, &pubsubpb.Topic{Name: "replayed-orders"})
	defer remove()
	subscription := subscribe(ctx, client, &pubsubpb.Subscription{Name: "replayed-orders", Topic: topic})
	publish(ctx, client, topic, nil, "order-1", "order-2", "order-3")
	snapshot, err := client.SubscriptionAdminClient.CreateSnapshot(ctx, &pubsubpb.CreateSnapshotRequest{
		Name: name(client, "snapshots", "before-the-release"), Subscription: subscription,
	})
	check(err)

	got := texts(receive(ctx, client, subscription, 3, ack))
	expect(got == orders, "%s", got)
	say("handled 3, by a release with a fault")

	_, err = client.SubscriptionAdminClient.Seek(ctx, &pubsubpb.SeekRequest{
		Subscription: subscription, Target: &pubsubpb.SeekRequest_Snapshot{Snapshot: snapshot.Name},
	})
	check(err)
	got = texts(receive(ctx, client, subscription, 3, ack))
	expect(got == orders, "%s", got)
	say("again, from the snapshot: %s", got)
	check(client.SubscriptionAdminClient.DeleteSnapshot(ctx,
		&pubsubpb.DeleteSnapshotRequest{Snapshot: snapshot.Name}))
}
