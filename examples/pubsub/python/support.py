"""What every example here does: a topic with subscriptions that goes when the example ends, and receiving."""

import os
from contextlib import contextmanager
from queue import SimpleQueue

from google.cloud import pubsub_v1

project = os.environ["GOOGLE_CLOUD_PROJECT"]
# Both go to PUBSUB_EMULATOR_HOST, where that is set.
publisher = pubsub_v1.PublisherClient()
subscriber = pubsub_v1.SubscriberClient()


@contextmanager
def topic_of(name, **settings):
    """The path of a topic that is deleted afterwards, with its subscriptions."""
    path = publisher.topic_path(project, name)
    publisher.create_topic(request={"name": path, **settings})
    try:
        yield path
    finally:
        for subscription in publisher.list_topic_subscriptions(topic=path):
            subscriber.delete_subscription(subscription=subscription)
        publisher.delete_topic(topic=path)


def subscribe(topic, name, **settings):
    """The path of a new subscription."""
    path = subscriber.subscription_path(project, name)
    subscriber.create_subscription(request={"name": path, "topic": topic, **settings})
    return path


def publish(topic, *texts, **attributes):
    """Publishes messages, and waits until the service has them all."""
    for future in [publisher.publish(topic, text.encode(), **attributes) for text in texts]:
        future.result(timeout=10)


def receive(subscription, count, ack=lambda message: message.ack()):
    """Receives so many messages by a stream."""
    queue = SimpleQueue()
    messages = []
    stream = subscriber.subscribe(subscription, callback=queue.put)
    try:
        while len(messages) < count:
            messages.append(queue.get(timeout=10))
            ack(messages[-1])
    finally:
        stream.cancel()
        stream.result()
    return messages


def texts(messages):
    return [message.data.decode() for message in messages]
