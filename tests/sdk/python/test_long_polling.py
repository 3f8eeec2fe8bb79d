"""Long polls answer at once when something comes, and on time when nothing does."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from support.errors import refused

pytestmark = pytest.mark.times

# How late a poll may answer. Two busy cores run this suite four times over, hence the slack.
# Against a poll that ends with its wait of 20 s, or with the next one; a busy machine is not what is
# looked at.
LATE_SECONDS = 0.9


class Poll:
    """A ReceiveMessage on a thread of its own."""

    def __init__(self, queue, wait=20, **parameters):
        self.finished = None
        self.messages = None

        def run():
            self.messages = queue.receive(WaitTimeSeconds=wait, **parameters)
            self.finished = time.monotonic()

        self.thread = threading.Thread(target=run)
        self.thread.start()
        time.sleep(0.15)  # so that the poll is waiting when what follows happens

    def result(self):
        self.thread.join(30)
        assert not self.thread.is_alive(), "the poll never came back"
        assert self.messages is not None, "the poll failed"
        return self.messages

    def assert_answered(self, due, bodies):
        assert sorted(message["Body"] for message in self.result()) == sorted(bodies)
        assert self.finished >= due - 0.05, "earlier than the message was there"
        assert self.finished < due + LATE_SECONDS, f"{self.finished - due:.3f} s late"


def send_into(queue, body="m", **parameters):
    return queue.send_fifo(body, **parameters) if queue.is_fifo else queue.send(body, **parameters)


@pytest.fixture(params=["standard", "fifo"])
def queue(request, queues):
    return getattr(queues, request.param)("poll", VisibilityTimeout=1)


def test_wakes_at_once_on_send(queue):
    poll = Poll(queue)
    due = time.monotonic()
    send_into(queue)
    poll.assert_answered(due, ["m"])


def test_wakes_at_once_on_a_batch(queue):
    poll = Poll(queue)
    due = time.monotonic()
    queue.send_many(["a", "b", "c"], **({"MessageGroupId": "g"} if queue.is_fifo else {}))
    poll.assert_answered(due, ["a", "b", "c"])


def test_wakes_on_visibility_expiry(queue):
    send_into(queue)
    received = time.monotonic()
    queue.receive_one()
    Poll(queue).assert_answered(received + 1, ["m"])


def test_wakes_on_visibility_given_up(queue):
    send_into(queue)
    message = queue.receive_one(VisibilityTimeout=600)
    poll = Poll(queue)
    due = time.monotonic()
    queue.change_visibility(message, 0)
    poll.assert_answered(due, ["m"])


def test_wakes_on_visibility_shortened(queue):
    send_into(queue)
    message = queue.receive_one(VisibilityTimeout=600)
    poll = Poll(queue)
    due = time.monotonic() + 1
    queue.change_visibility(message, 1)
    poll.assert_answered(due, ["m"])


def test_wakes_on_the_delay_of_a_message(queues):
    queue = queues.standard()
    due = time.monotonic() + 1
    queue.send("m", DelaySeconds=1)
    Poll(queue).assert_answered(due, ["m"])


@pytest.mark.parametrize("fifo", [False, True])
def test_wakes_on_the_delay_of_the_queue(queues, fifo):
    queue = queues.fifo(DelaySeconds=1) if fifo else queues.standard(DelaySeconds=1)
    due = time.monotonic() + 1
    send_into(queue)
    Poll(queue).assert_answered(due, ["m"])


@pytest.mark.parametrize("batch", [False, True])
def test_wakes_when_a_fifo_group_is_unlocked_by_a_delete(sqs, queues, batch):
    queue = queues.fifo()
    queue.send_many(["first", "second"], MessageGroupId="g")
    first = queue.receive_one()
    poll = Poll(queue, wait=5)
    due = time.monotonic()
    if batch:
        entry = {"Id": "first", "ReceiptHandle": first["ReceiptHandle"]}
        sqs.delete_message_batch(QueueUrl=queue.url, Entries=[entry])
    else:
        queue.delete(first)
    poll.assert_answered(due, ["second"])


def test_wakes_when_a_fifo_group_is_unlocked_by_a_dead_letter(queues):
    source, dead = queues.with_dead_letters(fifo=True, VisibilityTimeout=1)
    source.send_many(["poison", "second"], MessageGroupId="g")
    received = time.monotonic()
    assert source.receive_one()["Body"] == "poison"
    Poll(source, wait=5).assert_answered(received + 1, ["second"])
    assert dead.receive_one()["Body"] == "poison"


def test_wakes_on_a_dead_letter(queues):
    source, dead = queues.with_dead_letters()
    source.send("poison")
    source.receive_one(VisibilityTimeout=0)
    poll = Poll(dead)
    due = time.monotonic()
    assert source.receive() == []
    poll.assert_answered(due, ["poison"])


def test_wakes_on_a_redriven_message(sqs, queues):
    source, dead = queues.with_dead_letters()
    dead.send("back")
    poll = Poll(source)
    due = time.monotonic()
    sqs.start_message_move_task(SourceArn=dead.arn, DestinationArn=source.arn)
    poll.assert_answered(due, ["back"])


def test_ends_on_time_when_nothing_comes(queue):
    started = time.monotonic()
    assert queue.receive(WaitTimeSeconds=1) == []
    assert 0.95 < time.monotonic() - started < 1 + LATE_SECONDS


def test_the_wait_time_of_the_queue_holds_by_default(queues):
    queue = queues.standard(ReceiveMessageWaitTimeSeconds=1)
    started = time.monotonic()
    assert queue.receive() == []
    assert 0.95 < time.monotonic() - started < 1 + LATE_SECONDS


def test_an_explicit_zero_overrides_the_queues_wait_time(queues):
    queue = queues.standard(ReceiveMessageWaitTimeSeconds=20)
    started = time.monotonic()
    assert queue.receive(WaitTimeSeconds=0) == []
    assert time.monotonic() - started < LATE_SECONDS


def test_one_message_wakes_one_poll_only(queues):
    queue = queues.standard()
    polls = [Poll(queue, wait=2, count=1) for _ in range(3)]
    queue.send("m")
    assert sorted(len(poll.result()) for poll in polls) == [0, 0, 1]


def test_polls_are_served_in_the_order_they_came(queues):
    queue = queues.standard()
    polls = [Poll(queue, wait=5, count=1) for _ in range(3)]
    for body in ["first", "second", "third"]:
        queue.send(body)
        time.sleep(0.05)
    assert [poll.result()[0]["Body"] for poll in polls] == ["first", "second", "third"]


def test_fifty_polls_get_exactly_one_message_each(queues):
    queue = queues.standard()
    with ThreadPoolExecutor(50) as pool:
        waiting = [pool.submit(queue.receive, count=1, WaitTimeSeconds=20) for _ in range(50)]
        time.sleep(0.5)
        due = time.monotonic()
        queue.send_many([f"m{index}" for index in range(50)])
        answers = [future.result(30) for future in waiting]
    assert time.monotonic() - due < 3
    assert all(len(messages) == 1 for messages in answers)
    assert {messages[0]["Body"] for messages in answers} == {f"m{index}" for index in range(50)}
    assert queue.counts() == (0, 50, 0)


def test_polls_of_many_queues_do_not_disturb_each_other(queues):
    made = [queues.standard(f"many{index}") for index in range(12)]
    polls = [Poll(queue, wait=20) for queue in made]
    for index, queue in enumerate(made):
        queue.send(f"for {index}")
    for index, poll in enumerate(polls):
        assert [message["Body"] for message in poll.result()] == [f"for {index}"]


def test_a_poll_on_a_queue_that_is_deleted_comes_back(sqs, queues):
    queue = queues.standard()
    outcome = []

    def run():
        try:
            outcome.append(queue.receive(WaitTimeSeconds=20))
        except sqs.exceptions.QueueDoesNotExist as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(0.2)
    sqs.delete_queue(QueueUrl=queue.url)
    thread.join(5)
    assert not thread.is_alive(), "a poll must not outlive its queue"
    assert outcome[0] == [] or isinstance(outcome[0], sqs.exceptions.QueueDoesNotExist)


def test_a_purge_does_not_wake_a_poll(queues):
    queue = queues.standard()
    poll = Poll(queue, wait=1)
    queue.purge()
    assert poll.result() == []


def test_a_poll_left_by_its_client_takes_no_message(endpoint, queues):
    """The client closes the connection while it waits; the message must not be lost to it."""
    queue = queues.standard()
    body = f'{{"QueueUrl":"{queue.url}","WaitTimeSeconds":20}}'
    address = urlsplit(endpoint)
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(
            (
                f"POST / HTTP/1.1\r\nHost: {address.netloc}\r\n"
                "Content-Type: application/x-amz-json-1.0\r\n"
                "X-Amz-Target: AmazonSQS.ReceiveMessage\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}"
            ).encode()
        )
        time.sleep(0.3)
    time.sleep(0.3)
    queue.send("m")
    assert queue.receive_one(wait=1)["Body"] == "m"


def test_an_illegal_wait_time_is_refused_at_once(sqs, queues):
    queue = queues.standard()
    started = time.monotonic()
    with refused(sqs, "InvalidParameterValue"):
        queue.receive(WaitTimeSeconds=21)
    assert time.monotonic() - started < LATE_SECONDS
