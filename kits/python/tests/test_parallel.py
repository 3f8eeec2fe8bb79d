"""Fifty tests at once that all use the same names, each in a sandbox of its own."""

import json
import urllib.request
from datetime import timedelta

import boto3
import pytest

MESSAGES = 5


def queue():
    """Code as it is under test: it knows nothing of lclq."""
    sqs = boto3.client("sqs")
    return sqs, sqs.create_queue(QueueName="orders")["QueueUrl"]


def enqueue(body, **more):
    sqs, url = queue()
    sqs.send_message(QueueUrl=url, MessageBody=body, **more)


def dequeue():
    sqs, url = queue()
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in messages:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [message["Body"] for message in messages]


@pytest.mark.parametrize("number", range(40))
def test_a_queue_has_what_this_test_has_sent(lclq, number):
    assert dequeue() == []
    sent = [f"{number}/{n}" for n in range(MESSAGES)]
    sqs, url = queue()
    for body in sent:
        sqs.send_message(QueueUrl=url, MessageBody=body)
    assert sorted(dequeue()) == sent
    assert dequeue() == []


@pytest.mark.parametrize("number", range(6))
def test_a_topic_has_what_this_test_has_published(lclq, number):
    from google.cloud import pubsub_v1

    with pubsub_v1.SubscriberClient() as subscriber:
        publisher = pubsub_v1.PublisherClient()
        topic = publisher.topic_path(lclq.project, "events")
        subscription = subscriber.subscription_path(lclq.project, "events")
        publisher.create_topic(name=topic)
        subscriber.create_subscription(name=subscription, topic=topic)
        publisher.publish(topic, f"{number}".encode()).result(timeout=10)
        pulled = subscriber.pull(subscription=subscription, max_messages=10).received_messages
        assert [message.message.data for message in pulled] == [f"{number}".encode()]
        publisher.stop()


def test_an_hour_passes_at_once(lclq_alone):
    enqueue("later", DelaySeconds=900)
    assert dequeue() == []
    lclq_alone.server.clock.advance(timedelta(hours=1))
    assert dequeue() == ["later"]


def test_the_sdk_tries_again(lclq_alone):
    faults = lclq_alone.server.faults
    name = faults.set({"error": {"code": "InternalFailure"}}, dialect="sqs", action="SendMessage", times=1)
    enqueue("twice")
    assert [rule["fired"] for rule in faults.list() if rule["name"] == name] == [1]
    faults.remove(name)
    assert faults.list() == []
    assert dequeue() == ["twice"]


def test_the_admin_api_is_at_hand(lclq):
    enqueue("seen")
    queues = lclq.server.call("GET", f"queues?account={lclq.account}")["queues"]
    assert [queue["name"] for queue in queues] == ["orders"]


def test_metrics_are_at_hand(lclq_server):
    with urllib.request.urlopen(f"{lclq_server.admin}/metrics") as answer:
        assert b"lclq_" in answer.read()
    with urllib.request.urlopen(f"{lclq_server.admin}/api/v1/version") as answer:
        assert json.load(answer)["version"]
