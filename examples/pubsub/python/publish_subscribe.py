"""A topic with two subscriptions, each of which gets every message."""

from support import publish, receive, subscribe, texts, topic_of

ORDERS = ["order-1", "order-2", "order-3"]

with topic_of("orders") as topic:
    subscriptions = {name: subscribe(topic, f"orders-{name}") for name in ("billing", "shipping")}
    publish(topic, *ORDERS, currency="EUR")
    for name, subscription in subscriptions.items():
        messages = receive(subscription, len(ORDERS))
        assert all(message.attributes["currency"] == "EUR" for message in messages)
        got = sorted(texts(messages))
        assert got == ORDERS, got
        print(f"{name}: {', '.join(got)}")
