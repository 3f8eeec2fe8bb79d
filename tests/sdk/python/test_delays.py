"""Delays, of single messages and of whole queues."""

import time

import pytest

from support.timing import eventually


def arrival(queue, wait=5):
    """Seconds until the next message comes."""
    started = time.monotonic()
    queue.receive_one(wait=wait)
    return time.monotonic() - started


def test_of_a_message(queues):
    queue = queues.standard()
    queue.send(DelaySeconds=1)
    assert queue.receive() == []
    assert queue.counts() == (0, 0, 1)
    assert 0.7 < arrival(queue) < 1.5


@pytest.mark.parametrize("fifo", [False, True])
def test_of_the_queue(queues, fifo):
    queue = queues.fifo(DelaySeconds=1) if fifo else queues.standard(DelaySeconds=1)
    queue.send_fifo("m") if fifo else queue.send("m")
    assert queue.receive() == []
    assert queue.counts() == (0, 0, 1)
    assert 0.7 < arrival(queue) < 1.5


def test_the_messages_delay_overrides_the_queues(queues):
    queue = queues.standard(DelaySeconds=900)
    queue.send("at once", DelaySeconds=0)
    assert queue.bodies() == ["at once"]
    queue.send("soon", DelaySeconds=1)
    assert 0.7 < arrival(queue) < 1.5


def test_the_longest(queues):
    queue = queues.standard()
    queue.send(DelaySeconds=900)
    assert queue.counts() == (0, 0, 1)


def test_a_delayed_message_becomes_visible_in_the_counts(queues):
    queue = queues.standard()
    queue.send(DelaySeconds=1)
    eventually(lambda: queue.counts() == (1, 0, 0), seconds=2)


def test_others_overtake_it(queues):
    queue = queues.standard()
    queue.send("late", DelaySeconds=1)
    queue.send("early")
    assert queue.bodies() == ["early"]
    assert queue.receive_one()["Body"] == "late"


def test_a_delayed_fifo_queue_keeps_the_order(queues):
    queue = queues.fifo(DelaySeconds=1)
    queue.send_many(["1", "2", "3"], MessageGroupId="g")
    got = [message["Body"] for message in queue.receive_all(3)]
    assert got == ["1", "2", "3"]


def test_changing_a_standard_queues_delay_leaves_sent_messages_alone(queues):
    queue = queues.standard(DelaySeconds=1)
    queue.send()
    queue.set(DelaySeconds=900)
    assert arrival(queue) < 1.5


def test_the_sent_timestamp_is_of_the_sending(queues):
    queue = queues.standard()
    before = time.time()
    queue.send(DelaySeconds=1)
    attributes = queue.receive_one(AttributeNames=["All"])["Attributes"]
    sent = int(attributes["SentTimestamp"]) / 1000
    assert before - 0.5 < sent < before + 0.5
    assert int(attributes["ApproximateFirstReceiveTimestamp"]) / 1000 - sent > 0.7


def test_changing_a_fifo_queues_delay_acts_on_sent_messages(queues):
    queue = queues.fifo(DelaySeconds=900)
    queue.send_fifo("early")
    assert queue.receive() == []
    queue.set(DelaySeconds=1)
    assert queue.receive_one()["Body"] == "early"
    queue.send_fifo("late", group="other")
    queue.set(DelaySeconds=900)
    assert queue.receive(WaitTimeSeconds=2) == []
    assert queue.counts() == (0, 1, 1)
