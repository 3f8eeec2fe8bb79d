"""FIFO deduplication: by id and by content, in both scopes."""

import pytest

from support.errors import refused
from support.queues import keys_of


def test_by_id(queues):
    queue = queues.fifo()
    first = queue.send_fifo("original", MessageDeduplicationId="d")
    second = queue.send_fifo("other text", MessageDeduplicationId="d")
    assert keys_of(second) == {"MessageId", "MD5OfMessageBody", "SequenceNumber"}
    assert second["MessageId"] == first["MessageId"]
    assert second["SequenceNumber"] == first["SequenceNumber"]
    assert queue.bodies() == ["original"]


def test_by_content(queues):
    queue = queues.fifo(ContentBasedDeduplication=True)
    first = queue.send("same", MessageGroupId="g")
    second = queue.send("same", MessageGroupId="g")
    third = queue.send("other", MessageGroupId="g")
    assert second["MessageId"] == first["MessageId"]
    assert third["MessageId"] != first["MessageId"]
    assert queue.bodies() == ["same", "other"]


def test_content_means_the_body_alone(queues):
    queue = queues.fifo(ContentBasedDeduplication=True)
    for value in ["1", "2"]:
        queue.send(
            "same",
            MessageGroupId="g",
            MessageAttributes={"a": {"DataType": "String", "StringValue": value}},
        )
    (message,) = queue.receive(MessageAttributeNames=["All"])
    assert message["MessageAttributes"]["a"]["StringValue"] == "1"


def test_content_gives_the_sha_256_as_the_id(queues):
    queue = queues.fifo(ContentBasedDeduplication=True)
    queue.send("hello", MessageGroupId="g")
    attributes = queue.receive_one(AttributeNames=["All"])["Attributes"]
    assert (
        attributes["MessageDeduplicationId"]
        == "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    )


def test_an_explicit_id_overrides_the_content(queues):
    queue = queues.fifo(ContentBasedDeduplication=True)
    for dedup_id in ["1", "2"]:
        queue.send("same", MessageGroupId="g", MessageDeduplicationId=dedup_id)
    assert queue.bodies() == ["same", "same"]


def test_switching_content_deduplication_on_and_off(sqs, queues):
    queue = queues.fifo()
    with refused(sqs, "InvalidParameterValue"):
        queue.send("m", MessageGroupId="g")
    queue.set(ContentBasedDeduplication=True)
    queue.send("m", MessageGroupId="g")
    queue.set(ContentBasedDeduplication=False)
    with refused(sqs, "InvalidParameterValue"):
        queue.send("n", MessageGroupId="g")
    assert queue.bodies() == ["m"]


@pytest.mark.parametrize("scope, bodies", [("queue", ["in a"]), ("messageGroup", ["in a", "in b"])])
def test_scope(queues, scope, bodies):
    queue = queues.fifo(DeduplicationScope=scope)
    queue.send_fifo("in a", group="a", MessageDeduplicationId="d")
    queue.send_fifo("in b", group="b", MessageDeduplicationId="d")
    queue.send_fifo("again in a", group="a", MessageDeduplicationId="d")
    assert sorted(queue.bodies()) == bodies


@pytest.mark.parametrize("scope", ["queue", "messageGroup"])
def test_of_a_message_in_flight(queues, scope):
    queue = queues.fifo(DeduplicationScope=scope)
    queue.send_fifo("m", MessageDeduplicationId="d")
    message = queue.receive_one()
    queue.send_fifo("m", MessageDeduplicationId="d")
    queue.delete(message)
    assert queue.receive() == []
    assert queue.counts() == (0, 0, 0)


def test_queues_do_not_share_ids(queues):
    for queue in [queues.fifo(), queues.fifo()]:
        queue.send_fifo("m", MessageDeduplicationId="d")
        assert queue.bodies() == ["m"]


def test_a_recreated_queue_has_forgotten(sqs, queues):
    queue = queues.fifo()
    queue.send_fifo("old", MessageDeduplicationId="d")
    sqs.delete_queue(QueueUrl=queue.url)
    queues.create(queue.name, FifoQueue=True)
    queue.send_fifo("new", MessageDeduplicationId="d")
    assert queue.bodies() == ["new"]


def test_a_refused_message_takes_no_id(sqs, queues):
    queue = queues.fifo()
    with refused(sqs, "InvalidMessageContents"):
        queue.send_fifo("bad \x00", MessageDeduplicationId="d")
    queue.send_fifo("good", MessageDeduplicationId="d")
    assert queue.bodies() == ["good"]


def test_ids_are_case_sensitive(queues):
    queue = queues.fifo()
    queue.send_fifo("lower", MessageDeduplicationId="d")
    queue.send_fifo("upper", MessageDeduplicationId="D")
    assert queue.bodies() == ["lower", "upper"]
