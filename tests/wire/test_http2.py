"""HTTP/2 without TLS, by prior knowledge."""

import json
import time

import h2.config
import h2.connection
import h2.events
import pytest

from wire import HOST, UUID, Connection, call, unique_name

JSON = "application/x-amz-json-1.0"


class Http2:
    def __init__(self):
        self.connection = Connection()
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.replies = {}
        self.ended = []
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.socket.close()

    def flush(self):
        if data := self.h2.data_to_send():
            self.connection.send(data)

    def start(self, body=b"", method="POST", path="/", headers=()):
        """Opens a stream, sends a request on it, and answers the stream's number."""
        stream = self.h2.get_next_available_stream_id()
        fields = [
            (":method", method),
            (":scheme", "http"),
            (":authority", HOST),
            (":path", path),
            *dict(headers).items(),
        ]
        self.h2.send_headers(stream, fields, end_stream=not body)
        while body:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            if room == 0:
                self.flush()
                self.hear()
                continue
            piece, body = body[:room], body[room:]
            self.h2.send_data(stream, piece, end_stream=not body)
        self.flush()
        return stream

    def call(self, operation, payload, headers=()):
        target = {"x-amz-target": f"AmazonSQS.{operation}", "content-type": JSON}
        return self.start(json.dumps(payload).encode(), headers=target | dict(headers))

    def hear(self):
        data = self.connection.socket.recv(1 << 16)
        assert data, "the server closed the connection"
        for event in self.h2.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                self.replies[event.stream_id] = (dict(event.headers), bytearray())
            elif isinstance(event, h2.events.DataReceived):
                self.replies[event.stream_id][1].extend(event.data)
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                self.ended.append(event.stream_id)
            elif isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
                raise AssertionError(event)
        self.flush()

    def reply(self, stream):
        while stream not in self.ended:
            self.hear()
        headers, body = self.replies[stream]
        return int(headers[":status"]), headers, bytes(body)


@pytest.fixture
def http2():
    with Http2() as client:
        yield client


def test_a_call(http2, queue):
    status, headers, body = http2.reply(
        http2.call("SendMessage", {"QueueUrl": queue, "MessageBody": "m"})
    )
    assert status == 200
    assert headers["content-type"] == JSON
    assert UUID.fullmatch(headers["x-amzn-requestid"])
    assert set(json.loads(body)) == {"MessageId", "MD5OfMessageBody"}


def test_the_authority_is_the_host_that_is_answered(http2, queue):
    name = queue.rsplit("/", 1)[1]
    _, _, body = http2.reply(http2.call("GetQueueUrl", {"QueueName": name}))
    assert json.loads(body)["QueueUrl"] == queue


def test_an_error(http2):
    status, headers, body = http2.reply(http2.call("GetQueueUrl", {"QueueName": unique_name()}))
    assert status == 400
    assert headers["x-amzn-query-error"] == "AWS.SimpleQueueService.NonExistentQueue;Sender"
    assert json.loads(body)["__type"] == "com.amazonaws.sqs#QueueDoesNotExist"


def test_a_void_answer(http2, queue):
    status, _, body = http2.reply(http2.call("PurgeQueue", {"QueueUrl": queue}))
    assert (status, body) == (200, b"")


def test_the_query_protocol(http2, queue):
    path = f"/?Action=ReceiveMessage&QueueUrl={queue}"
    status, headers, body = http2.reply(http2.start(method="GET", path=path))
    assert status == 200
    assert headers["content-type"].startswith("text/xml")
    assert b"<ReceiveMessageResponse" in body


def test_a_hundred_streams_at_once(http2, queue):
    payload = {"QueueUrl": queue, "MessageBody": "m"}
    streams = [http2.call("SendMessage", payload) for _ in range(100)]
    assert {http2.reply(stream)[0] for stream in streams} == {200}


def test_a_long_poll_does_not_hold_up_other_streams(http2, queue):
    poll = http2.call("ReceiveMessage", {"QueueUrl": queue, "WaitTimeSeconds": 20})
    started = time.monotonic()
    send = http2.call("SendMessage", {"QueueUrl": queue, "MessageBody": "m"})
    assert http2.reply(send)[0] == 200
    _, _, body = http2.reply(poll)
    assert json.loads(body)["Messages"][0]["Body"] == "m"
    assert time.monotonic() - started < 2


def test_many_polls_on_one_connection(http2, queue):
    polls = [
        http2.call("ReceiveMessage", {"QueueUrl": queue, "WaitTimeSeconds": 20}) for _ in range(50)
    ]
    entries = [{"Id": str(number), "MessageBody": "m"} for number in range(10)]
    for _ in range(5):
        http2.call("SendMessageBatch", {"QueueUrl": queue, "Entries": entries})
    bodies = [json.loads(http2.reply(poll)[2]) for poll in polls]
    assert all(len(body["Messages"]) == 1 for body in bodies)


def test_a_large_message_both_ways(http2, queue):
    large = "x" * 1_000_000
    send = http2.call("SendMessage", {"QueueUrl": queue, "MessageBody": large})
    assert http2.reply(send)[0] == 200
    _, _, body = http2.reply(http2.call("ReceiveMessage", {"QueueUrl": queue}))
    (message,) = json.loads(body)["Messages"]
    same = message["Body"] == large
    assert same


def test_a_cancelled_poll_takes_no_message(http2, queue):
    poll = http2.call("ReceiveMessage", {"QueueUrl": queue, "WaitTimeSeconds": 20})
    time.sleep(0.2)
    http2.h2.reset_stream(poll, error_code=8)
    http2.flush()
    time.sleep(0.3)
    http2.reply(http2.call("SendMessage", {"QueueUrl": queue, "MessageBody": "m"}))
    _, _, body = http2.reply(http2.call("ReceiveMessage", {"QueueUrl": queue}))
    assert json.loads(body)["Messages"][0]["Body"] == "m"


def test_an_upgrade_offer_over_http_1_is_answered_all_the_same(queue):
    headers = {
        "Connection": "Upgrade, HTTP2-Settings",
        "Upgrade": "h2c",
        "HTTP2-Settings": "AAMAAABk",
    }
    assert call("ReceiveMessage", {"QueueUrl": queue}, headers).status in {200, 101}


@pytest.mark.parametrize("rest", [b"", b"\x00" * 30, b"garbage after the preface" * 10])
def test_a_preface_followed_by_nonsense_is_closed(queue, rest):
    with Connection() as connection:
        connection.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + rest)
        connection.finish_sending()
        assert connection.is_closed_by_server()
