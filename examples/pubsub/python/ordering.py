"""Messages with an ordering key come in the order in which they were published."""

from google.cloud import pubsub_v1
from support import receive, subscribe, topic_of

STEPS = ["created", "paid", "shipped"]

publisher = pubsub_v1.PublisherClient(
    publisher_options=pubsub_v1.types.PublisherOptions(enable_message_ordering=True)
)

with topic_of("order-steps") as topic:
    subscription = subscribe(topic, "order-steps", enable_message_ordering=True)
    futures = [
        publisher.publish(topic, step.encode(), ordering_key=customer)
        for step in STEPS
        for customer in ("customer-1", "customer-2")
    ]
    for future in futures:
        future.result(timeout=10)

    messages = receive(subscription, len(futures))
    for customer in ("customer-1", "customer-2"):
        got = [message.data.decode() for message in messages if message.ordering_key == customer]
        assert got == STEPS, got
        print(f"{customer}: {', '.join(got)}")
