"""Going back to a snapshot: messages that were acknowledged since come again."""

from support import project, publish, receive, subscribe, subscriber, texts, topic_of

ORDERS = ["order-1", "order-2", "order-3"]

with topic_of("replayed-orders") as topic:
    subscription = subscribe(topic, "replayed-orders")
    publish(topic, *ORDERS)
    snapshot = subscriber.snapshot_path(project, "before-the-release")
    subscriber.create_snapshot(name=snapshot, subscription=subscription)

    assert sorted(texts(receive(subscription, len(ORDERS)))) == ORDERS
    print(f"handled {len(ORDERS)}, by a release with a fault")

    subscriber.seek(request={"subscription": subscription, "snapshot": snapshot})
    again = sorted(texts(receive(subscription, len(ORDERS))))
    assert again == ORDERS, again
    print(f"again, from the snapshot: {', '.join(again)}")
    subscriber.delete_snapshot(snapshot=snapshot)
