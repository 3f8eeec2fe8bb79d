"""A subscription with a filter gets only the messages whose attributes match it."""

from support import publish, receive, subscribe, texts, topic_of

with topic_of("events") as topic:
    everything = subscribe(topic, "events-all")
    orders = subscribe(topic, "events-orders", filter='attributes.kind = "order"')
    publish(topic, "visit-1", "visit-2", kind="visit")
    publish(topic, "order-1", "order-2", kind="order")

    got = sorted(texts(receive(everything, 4)))
    assert got == ["order-1", "order-2", "visit-1", "visit-2"], got
    print(f"all: {', '.join(got)}")
    got = sorted(texts(receive(orders, 2)))
    assert got == ["order-1", "order-2"], got
    print(f"orders: {', '.join(got)}")
