"""What browsers need: CORS, preflights, and compression."""

import gzip
import json

import pytest

from wire import assert_client_error, call, exchange, query

ORIGIN = "https://app.example.test"
JSON = "application/x-amz-json-1.0"


class TestPreflight:
    def preflight(self, target="/"):
        return exchange(
            "OPTIONS",
            target,
            {
                "Origin": ORIGIN,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "content-type,x-amz-target,authorization",
            },
        )

    @pytest.mark.parametrize("target", ["/", "/000000000000/some-queue"])
    def test_is_allowed(self, target):
        reply = self.preflight(target)
        assert reply.status in {200, 204}
        assert reply.body == b""
        assert reply.header("access-control-allow-origin") in {ORIGIN, "*"}
        methods = reply.header("access-control-allow-methods").upper()
        assert "POST" in methods and "GET" in methods
        allowed = reply.header("access-control-allow-headers").lower()
        if allowed != "*":
            for name in ["content-type", "x-amz-target", "authorization"]:
                assert name in allowed

    def test_may_be_remembered(self):
        assert int(self.preflight().header("access-control-max-age")) > 0


    @pytest.mark.parametrize("origin", ["https://evil.example.test", "null"])
    def test_is_not_allowed_to_others(self, origin):
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        reply = exchange("OPTIONS", "/", headers)
        assert reply.status == 403
        assert reply.header("access-control-allow-origin") is None


class TestAnswers:
    def test_may_be_read_by_the_page(self):
        reply = call("ListQueues", {"QueueNamePrefix": "wire-never"}, {"Origin": ORIGIN})
        assert reply.header("access-control-allow-origin") in {ORIGIN, "*"}
        exposed = reply.header("access-control-expose-headers").lower()
        assert "x-amzn-requestid" in exposed

    def test_errors_may_be_read_as_well(self):
        reply = call("GetQueueUrl", {"QueueName": "wire-never"}, {"Origin": ORIGIN})
        assert reply.status == 400
        assert reply.header("access-control-allow-origin") in {ORIGIN, "*"}
        assert "x-amzn-query-error" in reply.header("access-control-expose-headers").lower()

    def test_of_other_origins_are_refusals(self):
        headers = {"Origin": "https://evil.example.test"}
        reply = call("ListQueues", {"QueueNamePrefix": "wire-never"}, headers)
        assert reply.status == 403
        assert reply.json["__type"] == "com.amazon.coral.service#AccessDeniedException"
        assert "--allow-origin https://evil.example.test" in reply.json["message"]
        assert reply.header("access-control-allow-origin") is None

    def test_of_the_query_protocol(self):
        parameters = {"QueueNamePrefix": "wire-never"}
        reply = query("ListQueues", parameters, headers={"Origin": ORIGIN})
        assert reply.header("access-control-allow-origin") in {ORIGIN, "*"}

    def test_without_an_origin_there_is_none(self):
        reply = call("ListQueues", {"QueueNamePrefix": "wire-never"})
        assert reply.header("access-control-allow-methods") is None


class TestCompression:
    @pytest.fixture
    def full_queue(self, queue):
        call("SendMessage", {"QueueUrl": queue, "MessageBody": "compressible " * 1000})
        return queue

    def receive(self, queue, **headers):
        return call("ReceiveMessage", {"QueueUrl": queue, "VisibilityTimeout": 0}, headers)

    @pytest.mark.parametrize("accept", ["gzip", "gzip, deflate, br", "deflate, gzip;q=0.5", "*"])
    def test_of_answers_on_request(self, full_queue, accept):
        reply = self.receive(full_queue, **{"Accept-Encoding": accept})
        assert reply.header("content-encoding") == "gzip"
        assert "accept-encoding" in reply.header("vary").lower()
        (message,) = json.loads(gzip.decompress(reply.body))["Messages"]
        assert message["Body"] == "compressible " * 1000
        assert len(reply.body) < 2000

    @pytest.mark.parametrize("accept", [None, "identity", "gzip;q=0", "deflate"])
    def test_not_unless_asked_for(self, full_queue, accept):
        headers = {"Accept-Encoding": accept} if accept else {}
        reply = self.receive(full_queue, **headers)
        assert reply.header("content-encoding") is None
        assert reply.json["Messages"]

    def test_not_of_small_answers(self, queue):
        reply = self.receive(queue, **{"Accept-Encoding": "gzip"})
        assert reply.header("content-encoding") is None
        assert reply.body == b"{}"

    def test_of_requests(self, queue, queue_count):
        payload = gzip.compress(json.dumps({"QueueUrl": queue, "MessageBody": "m" * 500}).encode())
        reply = call("SendMessage", payload, {"Content-Encoding": "gzip"})
        assert reply.status == 200
        assert queue_count(queue) == (1, 0, 0)

    def test_broken_gzip_is_refused(self):
        for payload in [b"no gzip at all", gzip.compress(b"{}")[:-5], b""]:
            reply = call("ListQueues", payload, {"Content-Encoding": "gzip"})
            assert_client_error(reply)

    def test_an_unknown_encoding_is_refused(self):
        assert_client_error(call("ListQueues", b"{}", {"Content-Encoding": "rot13"}))

    def test_a_bomb_is_refused(self, queue):
        bomb = gzip.compress(b"[" + b" " * (200 * 1024 * 1024) + b"]")
        reply = call("ListQueues", bomb, {"Content-Encoding": "gzip"})
        assert 400 <= reply.status < 500
        assert call("ReceiveMessage", {"QueueUrl": queue}).status == 200
