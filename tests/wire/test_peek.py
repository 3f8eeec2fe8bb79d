"""GET /_lclq/sqs/messages?QueueUrl=...: looking at a queue without changing it."""

from urllib.parse import quote

import pytest

from wire import call, exchange, unique_name


def peek(queue, extra=""):
    reply = exchange("GET", f"/_lclq/sqs/messages?QueueUrl={quote(queue, safe='')}{extra}")
    assert reply.status == 200, reply
    assert reply.header("content-type").split(";")[0] == "application/json"
    return reply.json["messages"]


def send(queue, body, **parameters):
    reply = call("SendMessage", {"QueueUrl": queue, "MessageBody": body, **parameters})
    assert reply.status == 200, reply
    return reply.json["MessageId"]


def receive(queue, **parameters):
    return call("ReceiveMessage", {"QueueUrl": queue, **parameters}).json.get("Messages", [])


def test_an_empty_queue(queue):
    assert peek(queue) == []


def test_every_state(queue):
    flying = send(queue, "flying")
    receive(queue)
    visible = send(queue, "visible")
    delayed = send(queue, "delayed", DelaySeconds=900)
    assert {(m["messageId"], m["body"], m["state"]) for m in peek(queue)} == {
        (flying, "flying", "in-flight"),
        (visible, "visible", "visible"),
        (delayed, "delayed", "delayed"),
    }


def test_changes_nothing(queue, queue_count):
    send(queue, "m")
    before = queue_count(queue)
    for _ in range(3):
        assert len(peek(queue)) == 1
    assert queue_count(queue) == before
    (message,) = receive(queue, AttributeNames=["All"])
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"


def test_attributes(queue):
    attributes = {
        "Colour": {"DataType": "String", "StringValue": "blue"},
        "Bytes": {"DataType": "Binary", "BinaryValue": "AAEC"},
    }
    send(queue, "m", MessageAttributes=attributes, MessageGroupId="tenant")
    (message,) = peek(queue)
    assert message["messageAttributes"] == attributes
    assert message["attributes"]["MessageGroupId"] == "tenant"
    assert int(message["attributes"]["SentTimestamp"]) > 0
    assert message["attributes"]["ApproximateReceiveCount"] == "0"


def test_fifo_in_order_and_under_a_lock(make_queue):
    queue = make_queue(fifo=True)
    for number in range(3):
        send(queue, f"m{number}", MessageGroupId="g", MessageDeduplicationId=str(number))
    receive(queue)
    messages = peek(queue)
    assert [message["body"] for message in messages] == ["m0", "m1", "m2"]
    assert messages[0]["state"] == "in-flight"
    assert [message["attributes"]["MessageDeduplicationId"] for message in messages] == list("012")


def test_deleted_messages_are_gone(queue):
    send(queue, "m")
    (message,) = receive(queue)
    call("DeleteMessage", {"QueueUrl": queue, "ReceiptHandle": message["ReceiptHandle"]})
    assert peek(queue) == []


def test_no_receipt_handle_is_given_away(queue):
    send(queue, "m")
    receive(queue)
    (message,) = peek(queue)
    assert not any("receipt" in key.lower() for key in message)


def test_odd_bodies(queue):
    body = '"quoted" \r\n\t\U0001f600 &quot;'
    send(queue, body)
    assert peek(queue)[0]["body"] == body


def test_does_not_wake_or_satisfy_a_poll(queue):
    send(queue, "m", DelaySeconds=900)
    peek(queue)
    assert receive(queue) == []


@pytest.mark.parametrize("path", ["", "?QueueUrl=", "?QueueUrl=nonsense%20here"])
def test_without_a_queue(path):
    reply = exchange("GET", f"/_lclq/sqs/messages{path}")
    assert 400 <= reply.status < 500


def test_of_a_missing_queue(queue):
    missing = queue.rsplit("/", 1)[0] + "/" + unique_name()
    reply = exchange("GET", f"/_lclq/sqs/messages?QueueUrl={quote(missing, safe='')}")
    assert 400 <= reply.status < 500
