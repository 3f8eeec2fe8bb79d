"""Exactly-once delivery: an acknowledgement has an answer, and what it confirmed never comes again."""

from google.cloud.pubsub_v1.subscriber.exceptions import AcknowledgeStatus
from support import publish, receive, subscribe, topic_of

ORDERS = ["order-1", "order-2", "order-3"]


def ack(message):
    assert message.ack_with_response().result(timeout=10) == AcknowledgeStatus.SUCCESS


with topic_of("single-orders") as topic:
    subscription = subscribe(topic, "single-orders", enable_exactly_once_delivery=True)
    publish(topic, *ORDERS)
    first = receive(subscription, len(ORDERS), ack)
    print(f"{len(first)} acknowledgements confirmed")

    # What comes now is only what is new.
    publish(topic, "order-4")
    [message] = receive(subscription, 1, ack)
    assert message.data == b"order-4"
    print("none came again")
