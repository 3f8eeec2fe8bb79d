import os
from queue import SimpleQueue

from google.cloud import pubsub_v1

os.environ.setdefault("PUBSUB_EMULATOR_HOST", "127.0.0.1:8085")
publisher = pubsub_v1.PublisherClient()
subscriber = pubsub_v1.SubscriberClient()

topic = publisher.topic_path("local", "hello-python")
subscription = subscriber.subscription_path("local", "hello-python")
publisher.create_topic(name=topic)
subscriber.create_subscription(name=subscription, topic=topic)

received = SimpleQueue()
stream = subscriber.subscribe(subscription, callback=received.put)
publisher.publish(topic, b"Hello from Python").result()

message = received.get(timeout=10)
print(message.data.decode())
message.ack()

stream.cancel()
stream.result()
subscriber.delete_subscription(subscription=subscription)
publisher.delete_topic(topic=topic)
