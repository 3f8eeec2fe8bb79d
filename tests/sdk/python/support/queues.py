"""A queue as a test holds it: its address and short forms of what tests do all the time."""

import json
import re
import time
import uuid


def unique_name(label="q", fifo=False):
    return f"py-{label}-{uuid.uuid4().hex[:16]}" + (".fifo" if fifo else "")


class Queue:
    def __init__(self, client, url):
        self.client = client
        self.url = url
        self.name = url.rsplit("/", 1)[1]

    def __repr__(self):
        return f"Queue({self.url})"

    @property
    def is_fifo(self):
        return self.name.endswith(".fifo")

    @property
    def arn(self):
        return self.attribute("QueueArn")

    # Sending

    def send(self, body="hello", **parameters):
        return self.client.send_message(QueueUrl=self.url, MessageBody=body, **parameters)

    def send_fifo(self, body, group="g", **parameters):
        parameters.setdefault("MessageDeduplicationId", uuid.uuid4().hex)
        return self.send(body, MessageGroupId=group, **parameters)

    def send_batch(self, entries):
        return self.client.send_message_batch(QueueUrl=self.url, Entries=entries)

    def send_many(self, bodies, **common):
        """Sends the bodies in order, in batches of ten; every one must be accepted."""
        for start in range(0, len(bodies), 10):
            entries = [
                {"Id": str(index), "MessageBody": body, **common}
                for index, body in enumerate(bodies[start : start + 10])
            ]
            if self.is_fifo:
                for entry in entries:
                    entry.setdefault("MessageDeduplicationId", uuid.uuid4().hex)
            answer = self.send_batch(entries)
            assert "Failed" not in answer, answer["Failed"]

    # Receiving

    def receive(self, count=10, **parameters):
        """What one ReceiveMessage gives; an empty list stands for the absent key."""
        answer = self.client.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=count, **parameters
        )
        if "Messages" in answer:
            assert answer["Messages"], "an empty Messages list must be left out"
        return answer.get("Messages", [])

    def receive_one(self, wait=5, **parameters):
        messages = self.receive(count=1, WaitTimeSeconds=wait, **parameters)
        assert len(messages) == 1, f"wanted one message of {self.name}, got {messages!r}"
        return messages[0]

    def receive_all(self, total, seconds=10, **parameters):
        """Receives until `total` messages have come, and returns them in order of arrival."""
        deadline = time.monotonic() + seconds
        got = []
        while len(got) < total:
            assert time.monotonic() < deadline, f"{len(got)} of {total} messages in {seconds} s"
            got += self.receive(WaitTimeSeconds=1, **parameters)
        assert len(got) == total
        return got

    def bodies(self, **parameters):
        return [message["Body"] for message in self.receive(**parameters)]

    # Settling

    def delete(self, message):
        handle = message if isinstance(message, str) else message["ReceiptHandle"]
        return self.client.delete_message(QueueUrl=self.url, ReceiptHandle=handle)

    def change_visibility(self, message, seconds):
        handle = message if isinstance(message, str) else message["ReceiptHandle"]
        return self.client.change_message_visibility(
            QueueUrl=self.url, ReceiptHandle=handle, VisibilityTimeout=seconds
        )

    def purge(self):
        return self.client.purge_queue(QueueUrl=self.url)

    # Attributes

    def attributes(self, *names):
        answer = self.client.get_queue_attributes(
            QueueUrl=self.url, AttributeNames=list(names) or ["All"]
        )
        return answer.get("Attributes", {})

    def attribute(self, name):
        return self.attributes(name).get(name)

    def set(self, **attributes):
        return self.client.set_queue_attributes(
            QueueUrl=self.url, Attributes={name: as_text(v) for name, v in attributes.items()}
        )

    def counts(self):
        """(visible, in flight, delayed)"""
        names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ]
        attributes = self.attributes(*names)
        return tuple(int(attributes[name]) for name in names)


class QueueMaker:
    """Makes uniquely named queues and removes them when the test ends."""

    def __init__(self, client):
        self.client = client
        self.made = []

    def standard(self, label="q", tags=None, **attributes):
        return self.create(unique_name(label), tags, **attributes)

    def fifo(self, label="q", tags=None, **attributes):
        return self.create(unique_name(label, fifo=True), tags, FifoQueue=True, **attributes)

    def create(self, name, tags=None, client=None, **attributes):
        client = client or self.client
        optional = {"tags": tags} if tags else {}
        answer = client.create_queue(
            QueueName=name,
            Attributes={key: as_text(value) for key, value in attributes.items()},
            **optional,
        )
        return self.adopt(answer["QueueUrl"], client)

    def adopt(self, url, client=None):
        queue = Queue(client or self.client, url)
        self.made.append(queue)
        return queue

    def with_dead_letters(self, fifo=False, max_receives=1, **attributes):
        """(source, dead-letter queue)"""
        make = self.fifo if fifo else self.standard
        dead = make("dead")
        return make("source", RedrivePolicy=redrive_policy(dead, max_receives), **attributes), dead

    def clean_up(self):
        for queue in self.made:
            try:
                queue.client.delete_queue(QueueUrl=queue.url)
            except queue.client.exceptions.QueueDoesNotExist:
                pass


def redrive_policy(dead, max_receives=1):
    return {"deadLetterTargetArn": dead.arn, "maxReceiveCount": max_receives}


def as_text(value):
    """Attribute values are strings on the wire; tests give what reads best."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return json.dumps(value)
    return str(value)


def assert_void(answer):
    """A void operation answers nothing but metadata."""
    assert set(answer) == {"ResponseMetadata"}
    assert_metadata(answer)


def assert_metadata(answer):
    metadata = answer["ResponseMetadata"]
    assert metadata["HTTPStatusCode"] == 200
    assert is_uuid(metadata["RequestId"])


def keys_of(answer):
    """The answer's own keys, its metadata checked and left out."""
    assert_metadata(answer)
    return set(answer) - {"ResponseMetadata"}


def is_uuid(text):
    return re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text) is not None
