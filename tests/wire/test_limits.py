"""Requests that are too large are refused in an orderly way, and the server goes on."""

import pytest

from wire import (
    Closed,
    Connection,
    assert_json_error,
    call,
    json_request,
    query,
    request_bytes,
)

MIB = 1024 * 1024


def refused_or_closed(connection):
    """The status of the refusal; None where the server just closed, as it may on a flood."""
    try:
        return connection.reply().status
    except Closed:
        return None


def assert_server_goes_on(queue):
    assert call("ReceiveMessage", {"QueueUrl": queue}).status == 200


def test_a_body_of_one_mebibyte_written_as_escapes(queue):
    """Six bytes on the wire for each of the message."""
    payload = b'{"QueueUrl":"%b","MessageBody":"%b"}' % (queue.encode(), rb"\u0041" * MIB)
    assert call("SendMessage", payload).status == 200
    (message,) = call("ReceiveMessage", {"QueueUrl": queue}).json["Messages"]
    assert len(message["Body"]) == MIB


def test_a_form_of_one_mebibyte_written_as_percents(queue):
    form = f"Action=SendMessage&QueueUrl={queue}&MessageBody=" + "%41" * MIB
    assert query(parameters=form).status == 200


def test_a_message_slightly_too_long_is_a_dialect_error(queue):
    payload = {"QueueUrl": queue, "MessageBody": "x" * (MIB + 1)}
    assert_json_error(
        call("SendMessage", payload),
        "InvalidParameterValueException",
        "InvalidParameterValue",
        message="One or more parameters are invalid. "
        "Reason: Message must be shorter than 1048576 bytes.",
    )


@pytest.mark.parametrize("mebibytes", [3, 12])
def test_a_message_far_too_long(queue, queue_count, mebibytes):
    reply = call("SendMessage", {"QueueUrl": queue, "MessageBody": "x" * (mebibytes * MIB)})
    assert reply.status in {400, 413}
    assert queue_count(queue) == (0, 0, 0)


def test_a_body_announced_as_huge_is_refused_at_once(queue):
    """Without reading it: 413, or a dialect's error, or the end of the connection."""
    headers = {
        "X-Amz-Target": "AmazonSQS.SendMessage",
        "Content-Type": "application/x-amz-json-1.0",
        "Content-Length": str(10**12),
    }
    with Connection(timeout=5) as connection:
        connection.send(request_bytes("POST", "/", headers, length=False))
        assert refused_or_closed(connection) in {400, 413, None}
    assert_server_goes_on(queue)


def test_a_body_of_endless_chunks_is_cut_off(queue):
    headers = {
        "X-Amz-Target": "AmazonSQS.SendMessage",
        "Content-Type": "application/x-amz-json-1.0",
        "Transfer-Encoding": "chunked",
    }
    chunk = b"100000\r\n" + b"x" * MIB + b"\r\n"
    with Connection(timeout=10) as connection:
        connection.send(request_bytes("POST", "/", headers, length=False))
        sent = 0
        try:
            while sent < 64:
                connection.send(chunk)
                sent += 1
        except (BrokenPipeError, ConnectionResetError):
            pass
        else:
            assert refused_or_closed(connection) in {400, 413, None}
        assert sent < 64 or connection.is_closed_by_server()
    assert_server_goes_on(queue)


def test_a_huge_header(queue):
    with Connection(timeout=10) as connection:
        try:
            connection.send(
                json_request("ReceiveMessage", {"QueueUrl": queue}, {"X-Huge": "x" * MIB})
            )
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert refused_or_closed(connection) in {400, 413, 431, None}
    assert_server_goes_on(queue)


def test_very_many_headers(queue):
    headers = {f"X-Header-{number}": "x" for number in range(5000)}
    with Connection(timeout=10) as connection:
        try:
            connection.send(json_request("ReceiveMessage", {"QueueUrl": queue}, headers))
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert refused_or_closed(connection) in {400, 413, 431, None}
    assert_server_goes_on(queue)


def test_a_huge_target(queue):
    with Connection(timeout=10) as connection:
        try:
            connection.send(request_bytes("GET", "/?" + "x" * MIB))
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert refused_or_closed(connection) in {400, 404, 413, 414, 431, None}
    assert_server_goes_on(queue)


def test_headers_of_sdk_size_are_fine(queue):
    """A long session token, baggage and trace headers together."""
    headers = {"X-Amz-Security-Token": "t" * 4000, "Baggage": "b" * 4000, "Traceparent": "0" * 55}
    assert call("ReceiveMessage", {"QueueUrl": queue}, headers).status == 200


def test_a_get_target_of_some_kilobytes_is_fine(queue):
    form = f"Action=SendMessage&QueueUrl={queue}&MessageBody={'x' * 6000}"
    assert query(parameters=form, method="GET").status == 200


def test_ten_mebibytes_come_back_in_one_answer(make_queue):
    queue = make_queue(fifo=True)
    for number in range(10):
        body = {
            "QueueUrl": queue,
            "MessageBody": "x" * MIB,
            "MessageGroupId": "g",
            "MessageDeduplicationId": str(number),
        }
        assert call("SendMessage", body).status == 200
    got = 0
    while messages := call(
        "ReceiveMessage", {"QueueUrl": queue, "MaxNumberOfMessages": 10}
    ).json.get("Messages"):
        got += len(messages)
        for message in messages:
            assert len(message["Body"]) == MIB
            handle = {"QueueUrl": queue, "ReceiptHandle": message["ReceiptHandle"]}
            call("DeleteMessage", handle)
    assert got == 10


def test_deep_json_does_not_overflow_the_stack(queue):
    for depth in [1000, 1_000_000]:
        payload = b'{"QueueUrl":"%b","x":%b}' % (queue.encode(), b"[" * depth + b"]" * depth)
        assert call("ReceiveMessage", payload).status in {200, 400}
    assert_server_goes_on(queue)


def test_a_very_long_number_or_name_in_json(queue):
    for payload in [
        b'{"QueueUrl":"%b","MaxNumberOfMessages":%b}' % (queue.encode(), b"9" * 100_000),
        b'{"QueueUrl":"%b","%b":1}' % (queue.encode(), b"n" * MIB),
    ]:
        assert call("ReceiveMessage", payload).status in {200, 400}
    assert_server_goes_on(queue)


def test_very_many_form_fields(queue):
    form = "&".join(f"Field.{number}=x" for number in range(200_000))
    reply = query(parameters=f"Action=ReceiveMessage&QueueUrl={queue}&{form}")
    assert reply.status in {200, 400, 413}
    assert_server_goes_on(queue)
