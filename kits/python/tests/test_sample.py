import boto3
from google.cloud import pubsub_v1


def place_order(number):
    """Code under test, which knows nothing of lclq."""
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName="orders")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=f"order {number}")


def test_orders_are_queued(lclq):
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    place_order(7)
    messages = sqs.receive_message(QueueUrl=url)["Messages"]
    assert [message["Body"] for message in messages] == ["order 7"]


def test_events_are_published(lclq):
    publisher, subscriber = pubsub_v1.PublisherClient(), pubsub_v1.SubscriberClient()
    topic = publisher.topic_path(lclq.project, "events")
    subscription = subscriber.subscription_path(lclq.project, "events")
    publisher.create_topic(name=topic)
    subscriber.create_subscription(name=subscription, topic=topic)
    publisher.publish(topic, b"hello").result()
    pulled = subscriber.pull(subscription=subscription, max_messages=1).received_messages
    assert pulled[0].message.data == b"hello"


def test_a_message_comes_back_after_its_visibility_timeout(lclq_alone):
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    place_order(8)
    assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    lclq_alone.server.clock.advance(30)
    assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1
