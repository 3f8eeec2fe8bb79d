"""HTTP/1.1: connections, pipelining, chunks, expectations, and broken requests."""

import time

import pytest

from wire import HOST, Connection, call, json_request, query, request_bytes


def receive(queue, **headers):
    return json_request("ReceiveMessage", {"QueueUrl": queue}, headers)


def send(queue, body="m"):
    return json_request("SendMessage", {"QueueUrl": queue, "MessageBody": body})


def assert_works(connection, queue):
    """The connection still serves the next request."""
    connection.send(receive(queue))
    assert connection.reply().status == 200


class TestConnections:
    def test_are_kept_open(self, queue):
        with Connection() as connection:
            for number in range(20):
                connection.send(send(queue, f"m{number}"))
                assert connection.reply().status == 200

    def test_are_kept_open_after_an_error(self, queue):
        with Connection() as connection:
            connection.send(
                json_request("DeleteMessage", {"QueueUrl": queue, "ReceiptHandle": "x"})
            )
            assert connection.reply().status == 404
            connection.send(json_request("FryMessage", {}))
            assert connection.reply().status in {400, 404}
            assert_works(connection, queue)

    def test_are_kept_open_after_an_empty_body(self, queue):
        with Connection() as connection:
            connection.send(json_request("PurgeQueue", {"QueueUrl": queue}))
            assert connection.reply().body == b""
            assert_works(connection, queue)

    def test_are_closed_on_request(self, queue):
        with Connection() as connection:
            connection.send(receive(queue, Connection="close"))
            reply = connection.reply()
            assert reply.status == 200
            assert reply.header("connection") == "close"
            assert connection.is_closed_by_server()

    def test_http_1_0_is_answered_and_closed(self, queue):
        with Connection() as connection:
            connection.send(receive(queue).replace(b"HTTP/1.1", b"HTTP/1.0", 1))
            heard = connection.all_until_close()
            assert heard.split(b" ")[1] == b"200"

    def test_one_left_in_the_middle_of_a_request_harms_nobody(self, queue):
        for cut in [1, 10, 60, -1]:
            with Connection() as connection:
                connection.send(send(queue)[:cut])
        time.sleep(0.1)
        assert call("ReceiveMessage", {"QueueUrl": queue}).body == b"{}"

    def test_many_at_once(self, queue):
        connections = [Connection() for _ in range(200)]
        try:
            for connection in connections:
                connection.send(send(queue))
            assert all(connection.reply().status == 200 for connection in connections)
        finally:
            for connection in connections:
                connection.socket.close()


class TestPipelining:
    def test_answers_come_in_order(self, make_queue):
        queue = make_queue(fifo=True)
        with Connection() as connection:
            connection.send(
                b"".join(
                    json_request(
                        "SendMessage",
                        {
                            "QueueUrl": queue,
                            "MessageBody": f"m{number}",
                            "MessageGroupId": "g",
                            "MessageDeduplicationId": str(number),
                        },
                    )
                    for number in range(30)
                )
            )
            numbers = [connection.reply().json["SequenceNumber"] for _ in range(30)]
            assert numbers == sorted(numbers)
            assert len(set(numbers)) == 30

    def test_of_both_protocols_mixed(self, queue):
        form = f"Action=SendMessage&QueueUrl={queue}&MessageBody=by-query".encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        with Connection() as connection:
            connection.send(
                send(queue, "by-json")
                + request_bytes("POST", "/", headers, form)
                + request_bytes("GET", f"/?Action=ReceiveMessage&QueueUrl={queue}")
                + receive(queue)
            )
            replies = [connection.reply() for _ in range(4)]
        assert [reply.status for reply in replies] == [200] * 4
        kinds = [reply.header("content-type").split(";")[0] for reply in replies]
        assert kinds == [
            "application/x-amz-json-1.0",
            "text/xml",
            "text/xml",
            "application/x-amz-json-1.0",
        ]

    def test_behind_a_long_poll_waits_its_turn(self, queue):
        poll = json_request("ReceiveMessage", {"QueueUrl": queue, "WaitTimeSeconds": 1})
        with Connection() as connection:
            started = time.monotonic()
            connection.send(poll + json_request("ListQueueTags", {"QueueUrl": queue}))
            first, second = connection.reply(), connection.reply()
            assert time.monotonic() - started > 0.9
            assert (first.body, second.body) == (b"{}", b"{}")

    def test_after_a_refused_one_goes_on(self, queue):
        with Connection() as connection:
            connection.send(json_request("FryMessage", {}) + send(queue) + receive(queue))
            assert connection.reply().status in {400, 404}
            assert [connection.reply().status for _ in range(2)] == [200, 200]


class TestPieces:
    def test_byte_by_byte(self, queue):
        with Connection() as connection:
            for byte in send(queue):
                connection.send(bytes([byte]))
            assert connection.reply().status == 200

    @pytest.mark.parametrize("place", ["line", "header", "separator", "body"])
    def test_with_a_pause(self, queue, place):
        request = send(queue, "slow")
        cut = {
            "line": 3,
            "header": request.index(b"X-Amz-Target") + 5,
            "separator": request.index(b"\r\n\r\n") + 2,
            "body": len(request) - 4,
        }[place]
        with Connection() as connection:
            connection.send(request[:cut])
            time.sleep(0.3)
            connection.send(request[cut:])
            assert connection.reply().status == 200

    def test_slow_senders_do_not_hold_up_others(self, queue):
        slow = [Connection() for _ in range(50)]
        try:
            for connection in slow:
                connection.send(send(queue)[:-3])
            started = time.monotonic()
            for _ in range(20):
                assert call("ReceiveMessage", {"QueueUrl": queue}).status == 200
            assert time.monotonic() - started < 3
            rest = send(queue)[-3:]
            for connection in slow:
                connection.send(rest)
            assert all(connection.reply().status == 200 for connection in slow)
        finally:
            for connection in slow:
                connection.socket.close()


class TestChunks:
    HEADERS = {
        "X-Amz-Target": "AmazonSQS.SendMessage",
        "Content-Type": "application/x-amz-json-1.0",
        "Transfer-Encoding": "chunked",
    }

    def request(self, pieces, trailer=b""):
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
        head = request_bytes("POST", "/", self.HEADERS, length=False)
        return head + chunks + b"0\r\n" + trailer + b"\r\n"

    def payload(self, queue, body="in chunks"):
        return b'{"QueueUrl":"%b","MessageBody":"%b"}' % (queue.encode(), body.encode())

    @pytest.mark.parametrize("size", [1, 7, 10_000])
    def test_of_any_size(self, queue, size):
        payload = self.payload(queue, "m" * 500)
        pieces = [payload[start : start + size] for start in range(0, len(payload), size)]
        with Connection() as connection:
            connection.send(self.request(pieces))
            assert connection.reply().status == 200
            assert_works(connection, queue)

    def test_with_extensions_and_trailers(self, queue):
        payload = self.payload(queue)
        head = request_bytes("POST", "/", self.HEADERS, length=False)
        chunk = b"%x;name=value\r\n%b\r\n" % (len(payload), payload)
        with Connection() as connection:
            connection.send(head + chunk + b"0\r\nX-Trailer: x\r\n\r\n")
            assert connection.reply().status == 200
            assert_works(connection, queue)

    @pytest.mark.parametrize("broken", [b"zz\r\n", b"-1\r\n", b"5\r\nab", b"\r\n"])
    def test_broken_ones_end_the_connection(self, queue, broken):
        with Connection() as connection:
            connection.send(request_bytes("POST", "/", self.HEADERS, length=False) + broken)
            connection.finish_sending()
            assert connection.is_closed_by_server()

    def test_of_a_form(self, queue):
        form = f"Action=ReceiveMessage&QueueUrl={queue}".encode()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Transfer-Encoding": "chunked",
        }
        head = request_bytes("POST", "/", headers, length=False)
        with Connection() as connection:
            connection.send(head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(form), form))
            assert connection.reply().status == 200


class TestExpectation:
    def test_is_answered_before_the_body(self, queue):
        request = json_request(
            "SendMessage", {"QueueUrl": queue, "MessageBody": "m"}, {"Expect": "100-continue"}
        )
        cut = request.index(b"\r\n\r\n") + 4
        with Connection() as connection:
            connection.send(request[:cut])
            assert connection.reply().status == 100
            connection.send(request[cut:])
            assert connection.reply().status == 200
            assert_works(connection, queue)

    def test_may_be_overtaken_by_the_body(self, queue):
        request = json_request(
            "SendMessage", {"QueueUrl": queue, "MessageBody": "m"}, {"Expect": "100-continue"}
        )
        with Connection() as connection:
            connection.send(request)
            reply = connection.reply()
            if reply.status == 100:
                reply = connection.reply()
            assert reply.status == 200


class TestBroken:
    @pytest.mark.parametrize(
        "request_head",
        [
            b"garbage\r\n\r\n",
            b"GET\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET / HTTP/1.1\r\nno colon here\r\n\r\n",
            b"GET / HTTP/1.1\r\n: empty name\r\n\r\n",
            b"G\x00T / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: minus one\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: rot13\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"\x00" * 64,
            b"\r\n\r\n\r\n\r\nnot a request\r\n\r\n",
        ],
        ids=lambda head: ascii(head[:25]),
    )
    def test_is_refused_and_closed(self, request_head):
        with Connection() as connection:
            connection.send(request_head)
            connection.finish_sending()
            heard = connection.all_until_close()
            assert heard == b"" or heard.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")), heard

    def test_a_truncated_body_runs_nothing(self, queue, queue_count):
        with Connection() as connection:
            connection.send(send(queue)[:-1])
            connection.finish_sending()
            assert connection.is_closed_by_server()
        assert queue_count(queue) == (0, 0, 0)

    def test_no_host_header(self, queue):
        request = receive(queue).replace(f"Host: {HOST}\r\n".encode(), b"", 1)
        with Connection() as connection:
            connection.send(request)
            assert connection.reply().status in {200, 400}

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "FRY"])
    def test_other_methods(self, method):
        with Connection() as connection:
            connection.send(request_bytes(method, "/"))
            assert connection.reply().status in {400, 404, 405, 501}

    def test_an_absolute_target(self, queue):
        target = f"http://{HOST}/?Action=ReceiveMessage&QueueUrl={queue}"
        assert query(parameters="", method="GET", target=target).status == 200

    @pytest.mark.parametrize("target", ["/favicon.ico", "/a/b/c/d/e", "//", "/%00", "/..", "/?"])
    def test_odd_targets(self, target):
        with Connection() as connection:
            connection.send(request_bytes("GET", target))
            assert 400 <= connection.reply().status < 500
