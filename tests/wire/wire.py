"""HTTP/1.1 by hand: exactly the bytes that a test wants to send, and what comes back."""

import json
import os
import re
import socket
import uuid
import xml.etree.ElementTree as ElementTree
from urllib.parse import urlencode, urlsplit

ENDPOINT = os.environ["LCLQ_ENDPOINT"].rstrip("/")
ADDRESS = urlsplit(ENDPOINT)
HOST = ADDRESS.netloc
NAMESPACE = "http://queue.amazonaws.com/doc/2012-11-05/"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Closed(Exception):
    """The server closed the connection before a whole reply had come."""


class Reply:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers  # [(lower-case name, value), ...]
        self.body = body

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:300]!r}"

    def header(self, name):
        """Its value, or None; more than one is an error unless all are asked for."""
        values = self.header_all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None

    def header_all(self, name):
        return [value for key, value in self.headers if key == name.lower()]

    @property
    def text(self):
        return self.body.decode("utf-8")

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def xml(self):
        return ElementTree.fromstring(self.body)

    def xml_text(self, *path):
        """The text at a path below the root, names without the namespace."""
        return self.xml.findtext("/".join(f"{{{NAMESPACE}}}{name}" for name in path))


class Connection:
    def __init__(self, timeout=10):
        self.socket = socket.create_connection((ADDRESS.hostname, ADDRESS.port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.heard = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def finish_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def _hear(self):
        try:
            piece = self.socket.recv(1 << 16)
        except ConnectionResetError:
            piece = b""
        if not piece:
            raise Closed(f"after {self.heard[:200]!r}")
        self.heard += piece

    def _take(self, count):
        while len(self.heard) < count:
            self._hear()
        taken, self.heard = self.heard[:count], self.heard[count:]
        return taken

    def _take_until(self, mark):
        while (end := self.heard.find(mark)) < 0:
            self._hear()
        return self._take(end + len(mark))

    def reply(self, to_head=False):
        """The next reply, interim ones (100 Continue) included."""
        head = self._take_until(b"\r\n\r\n").decode("latin-1")
        first, *lines = head.split("\r\n")[:-2]
        version, status = first.split(" ")[:2]
        assert version == "HTTP/1.1", first
        headers = []
        for line in lines:
            name, value = line.split(":", 1)
            headers.append((name.lower(), value.strip()))
        reply = Reply(int(status), headers, b"")
        if not (to_head or reply.status < 200 or reply.status in (204, 304)):
            if reply.header("transfer-encoding") == "chunked":
                reply.body = self._chunks()
            else:
                length = reply.header("content-length")
                assert length is not None, f"neither length nor chunks: {reply!r}"
                reply.body = self._take(int(length))
        return reply

    def _chunks(self):
        body = b""
        while size := int(self._take_until(b"\r\n").split(b";")[0], 16):
            body += self._take(size)
            assert self._take(2) == b"\r\n"
        assert self._take_until(b"\r\n") == b"\r\n"
        return body

    def all_until_close(self, seconds=5):
        """All that the server still sends; that it never closes is an error."""
        self.socket.settimeout(seconds)
        heard, self.heard = self.heard, b""
        try:
            while piece := self.socket.recv(1 << 16):
                heard += piece
        except ConnectionResetError:
            pass
        return heard

    def is_closed_by_server(self, seconds=5):
        """Waits for the server to close; what it still sends is thrown away."""
        try:
            self.all_until_close(seconds)
        except TimeoutError:
            return False
        return True


def request_bytes(method="POST", target="/", headers=(), body=b"", length=True):
    """A request; the length of the body is added unless the test says it has its own."""
    fields = {"Host": HOST} | dict(headers)
    if length and (body or method == "POST"):
        fields.setdefault("Content-Length", str(len(body)))
    lines = [f"{method} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def exchange(method="POST", target="/", headers=(), body=b""):
    """One request on a connection of its own."""
    with Connection() as connection:
        connection.send(request_bytes(method, target, headers, body))
        return connection.reply(to_head=method == "HEAD")


def json_request(operation, payload, headers=(), target="/"):
    """The bytes of a JSON 1.0 call; payload may be bytes to send as they are."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    fields = {
        "X-Amz-Target": f"AmazonSQS.{operation}",
        "Content-Type": "application/x-amz-json-1.0",
    } | dict(headers)
    return request_bytes("POST", target, fields, body)


def call(operation, payload, headers=(), target="/"):
    with Connection() as connection:
        connection.send(json_request(operation, payload, headers, target))
        return connection.reply()


def query(action=None, parameters=(), method="POST", target="/", headers=()):
    """A Query call. Parameters may be a string, which is sent as it is."""
    if isinstance(parameters, str):
        form = parameters
    else:
        fields = {"Action": action, "Version": "2012-11-05"} | dict(parameters)
        form = urlencode({name: value for name, value in fields.items() if value is not None})
    if method == "GET":
        return exchange("GET", f"{target}?{form}" if form else target, headers)
    fields = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"} | dict(headers)
    return exchange("POST", target, fields, form.encode())


def unique_name(fifo=False):
    return f"wire-{uuid.uuid4().hex[:16]}" + (".fifo" if fifo else "")


def path_of(queue_url):
    return urlsplit(queue_url).path


def assert_json_error(reply, shape, query_code, status=400, message=None):
    """The whole form of an error in the JSON protocol."""
    assert reply.status == status, reply
    assert reply.header("content-type") == "application/x-amz-json-1.0"
    assert UUID.fullmatch(reply.header("x-amzn-requestid"))
    assert reply.header("x-amzn-query-error") == f"{query_code};Sender"
    assert reply.json["__type"].split("#")[-1] == shape
    text = reply.json["message"]
    assert text
    if message is not None:
        assert text == message


def assert_client_error(reply):
    """Refused in some orderly way, whichever dialect words it."""
    assert 400 <= reply.status < 500, reply
    assert reply.header("x-amzn-requestid")
