"""Large requests and responses, and compression."""

import gzip
import json

import grpc
import pytest
import requests
from google.api_core.exceptions import MethodNotImplemented
from google.pubsub_v1.types import PublishRequest

from support.clients import TRANSPORTS, Api, channel_to
from support.errors import refused
from support.streams import Stream

MB = 1_000_000
REQUEST_TOO_LARGE = "The value for request_size is too large."


def fill(size):
    """Bytes that do not compress to nothing."""
    return bytes(range(251)) * (size // 251) + bytes(size % 251)


@pytest.mark.parametrize("api", TRANSPORTS, indirect=True)
def test_one_large_message(api, project):
    # Base64 makes a REST request a third larger.
    size = 9_900_000 if api.transport == "grpc" else 7_400_000
    topic, sub = project.topic_with({})
    topic.publish(fill(size))
    got = sub.take_one(seconds=60)
    assert got.message.data == fill(size)
    sub.ack(got)


@pytest.mark.parametrize("api", TRANSPORTS, indirect=True)
def test_a_response_of_more_than_4_mb(api, project):
    topic, sub = project.topic_with({})
    for n in range(6):
        topic.publish(fill(MB) + b"%d" % n)
    got = sub.take(6, seconds=60)
    assert {one.message.data[-1:] for one in got} == {b"%d" % n for n in range(6)}
    sub.ack(*got)


def test_a_stream_carries_large_messages(project):
    topic, sub = project.topic_with({})
    with Stream(sub) as stream:
        for n in range(4):
            topic.publish(fill(5 * MB) + b"%d" % n)
        got = stream.messages(4, seconds=60)
    assert {one.message.data[-1:] for one in got} == {b"%d" % n for n in range(4)}


def publish_request_size(topic, size_of_data):
    request = PublishRequest(topic=topic.name, messages=[{"data": bytes(size_of_data)}])
    return PublishRequest.pb(request).ByteSize()


def test_the_encoded_request_is_bounded(project):
    topic, sub = project.topic_with({})
    overhead = publish_request_size(topic, MB) - MB + 2  # longer lengths take two bytes more
    while publish_request_size(topic, 10 * MB - overhead) > 10 * MB:
        overhead += 1
    while publish_request_size(topic, 10 * MB - overhead + 1) <= 10 * MB:
        overhead -= 1
    assert publish_request_size(topic, 10 * MB - overhead) == 10 * MB
    topic.publish(bytes(10 * MB - overhead))
    with refused("INVALID_ARGUMENT", starting=REQUEST_TOO_LARGE):
        topic.publish(bytes(10 * MB - overhead + 1))
    assert len(sub.take_one(seconds=60).message.data) == 10 * MB - overhead


def test_a_payload_beyond_ten_mebibytes(project):
    topic, _ = project.topic_with({})
    with refused("INVALID_ARGUMENT", "Request payload size exceeds the limit: 10485760 bytes."):
        topic.publish(bytes(10_485_761))


def test_rest_has_the_same_limit(project, address):
    topic, sub = project.topic_with({})

    def publish(body, **headers):
        return requests.post(
            f"http://{address}/v1/{topic.name}:publish",
            data=body,
            headers={"Content-Type": "application/json", **headers},
            timeout=60,
        )

    def padded(size):
        body = b'{"messages":[{"data":"eA=="}]}'
        return body + b" " * (size - len(body))

    assert publish(padded(10_485_760)).status_code == 200
    too_long = padded(10_485_761)
    for answer in [
        publish(too_long),
        publish(gzip.compress(too_long), **{"Content-Encoding": "gzip"}),
        publish(padded(17_000_000)),
    ]:
        assert answer.status_code == 400
        error = answer.json()["error"]
        assert error["status"] == "INVALID_ARGUMENT"
        assert error["message"] == "Request payload size exceeds the limit: 10485760 bytes."
    assert sub.data(1) == [b"x"]
    assert sub.is_empty()


# gRPC compression


def test_compressed_grpc_requests(project, address):
    topic, sub = project.topic_with({})
    with channel_to(address, compression=grpc.Compression.Gzip) as channel:
        Api.on_channel(channel).publisher.publish(
            topic=topic.name, messages=[{"data": b"z" * 100_000}]
        )
    assert sub.data(1) == [b"z" * 100_000]


def test_a_compression_that_is_not_known_is_told(project, address):
    topic, sub = project.topic_with({})
    with channel_to(address, compression=grpc.Compression.Deflate) as channel:
        try:
            Api.on_channel(channel).publisher.publish(
                topic=topic.name, messages=[{"data": b"z" * 100_000}]
            )
            assert sub.data(1) == [b"z" * 100_000]
        except MethodNotImplemented as error:
            assert "deflate" in error.message


def test_everything_works_on_a_compressing_channel(project, address):
    """Both ways: the channel says that it takes gzip, and sends it."""
    topic, sub = project.topic_with({})
    with channel_to(address, compression=grpc.Compression.Gzip) as channel:
        api = Api.on_channel(channel)
        api.publisher.publish(topic=topic.name, messages=[{"data": b"z" * MB}, {"data": b"small"}])
        sub.api = api
        got = sub.take(2)
        assert {len(one.message.data) for one in got} == {MB, 5}
        sub.nack(*got)
        with Stream(sub) as stream:
            assert {len(one.message.data) for one in stream.messages(2)} == {MB, 5}


# HTTP compression


def test_a_compressed_rest_response(project, address):
    topic, sub = project.topic_with({})
    topic.publish(b"z" * 100_000)
    answer = requests.post(
        f"http://{address}/v1/{sub.name}:pull",
        json={"maxMessages": 1},
        headers={"Accept-Encoding": "gzip"},
        timeout=30,
    )
    assert answer.status_code == 200
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.json()["receivedMessages"][0]["message"]["data"]) > 100_000


def test_a_compressed_rest_request(project, address):
    topic, sub = project.topic_with({})
    body = gzip.compress(json.dumps({"messages": [{"data": "eA=="}]}).encode())
    answer = requests.post(
        f"http://{address}/v1/{topic.name}:publish",
        data=body,
        headers={"Content-Encoding": "gzip", "Content-Type": "application/json"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    assert sub.data(1) == [b"x"]
