"""120,000 messages may be in flight; what happens beyond differs by queue type and by poll.

One queue's worth takes 12,000 sends and 12,000 receives of ten, hence the pipelined requests
and the marker that keeps these tests away from the ones that measure time.
"""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.errors import refused
from support.pipeline import exchange, request_bytes
from support.queues import keys_of

pytestmark = pytest.mark.alone

LIMIT = 120_000
BATCH = 10
SENDERS = 8


def fill(endpoint, queue, batches, entry):
    """Sends batches of ten; `entry(batch, index)` gives what an entry has besides its id and body.

    Over several connections, so that a server which keeps messages on disk can commit for many.
    """

    def send(own_batches):
        payloads = (
            {
                "QueueUrl": queue.url,
                "Entries": [
                    {"Id": str(index), "MessageBody": "m", **entry(batch, index)}
                    for index in range(BATCH)
                ],
            }
            for batch in own_batches
        )
        requests = (request_bytes(endpoint, "SendMessageBatch", payload) for payload in payloads)
        for status, body in exchange(endpoint, requests):
            assert status == 200, body
            assert b'"Failed"' not in body, body

    with ThreadPoolExecutor(SENDERS) as pool:
        for _ in pool.map(send, [range(first, batches, SENDERS) for first in range(SENDERS)]):
            pass


def take_in_flight(endpoint, queue, receives):
    """Receives ten at a time and returns how many came in all, and the last receipt handle."""
    payload = {"QueueUrl": queue.url, "MaxNumberOfMessages": BATCH, "VisibilityTimeout": 3600}
    request = request_bytes(endpoint, "ReceiveMessage", payload)
    total, last = 0, None
    for status, body in exchange(endpoint, (request for _ in range(receives))):
        assert status == 200, body
        total += body.count(b'"MessageId"')
        last = body
    return total, json.loads(last)["Messages"][-1]["ReceiptHandle"]


def test_standard(sqs, queues, endpoint):
    queue = queues.standard("limit")
    fill(endpoint, queue, LIMIT // BATCH + 1, lambda batch, index: {})
    total, handle = take_in_flight(endpoint, queue, LIMIT // BATCH)
    assert total == LIMIT
    assert queue.counts() == (BATCH, LIMIT, 0)

    with refused(sqs, "OverLimit"):
        queue.receive()

    started = time.monotonic()
    answer = sqs.receive_message(QueueUrl=queue.url, WaitTimeSeconds=1)
    assert keys_of(answer) == set(), "nothing on a long poll"
    assert time.monotonic() - started > 0.9, "it polls, it does not give up at once"

    queue.delete(handle)
    assert len(queue.receive(count=10)) == 1, "one deleted makes room for one"
    with refused(sqs, "OverLimit"):
        queue.receive()


def test_fifo(sqs, queues, endpoint):
    queue = queues.fifo("limit")

    def entry(batch, index):
        return {"MessageGroupId": f"g{batch}", "MessageDeduplicationId": f"{batch}-{index}"}

    fill(endpoint, queue, LIMIT // BATCH + 1, entry)
    total, handle = take_in_flight(endpoint, queue, LIMIT // BATCH)
    assert total == LIMIT
    for wait in [0, 1]:
        answer = sqs.receive_message(QueueUrl=queue.url, WaitTimeSeconds=wait)
        assert keys_of(answer) == set(), "no error on FIFO, just nothing"
    queue.delete(handle)
    assert len(queue.receive(count=10)) == 1
