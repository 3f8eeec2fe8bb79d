"""Very many requests for little CPU: prepared bytes, pipelined over one connection."""

import json
import re
import socket
from urllib.parse import urlsplit

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
# So few at a time that neither side's socket buffers can fill up and stop both.
_WINDOW = 32


def request_bytes(endpoint, operation, payload):
    body = json.dumps(payload).encode()
    head = (
        f"POST / HTTP/1.1\r\nHost: {urlsplit(endpoint).netloc}\r\n"
        f"X-Amz-Target: AmazonSQS.{operation}\r\n"
        "Content-Type: application/x-amz-json-1.0\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def exchange(endpoint, requests):
    """Sends the prepared requests and yields (status, body) for each, in order."""
    address = urlsplit(endpoint)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pending = iter(requests)
        heard = bytearray()
        while window := [request for _, request in zip(range(_WINDOW), pending)]:
            connection.sendall(b"".join(window))
            for _ in window:
                yield _read_answer(connection, heard)


def _read_answer(connection, heard):
    while (end := heard.find(b"\r\n\r\n")) < 0:
        _hear_more(connection, heard)
    head = bytes(heard[:end])
    length = _LENGTH.search(head)
    assert length, f"an answer without a length: {head!r}"
    total = end + 4 + int(length[1])
    while len(heard) < total:
        _hear_more(connection, heard)
    body = bytes(heard[end + 4 : total])
    del heard[:total]
    return int(head.split(b" ", 2)[1]), body


def _hear_more(connection, heard):
    piece = connection.recv(1 << 18)
    assert piece, "the server closed the connection in the middle of an answer"
    heard += piece


def call_all(endpoint, operation, payloads):
    """All the calls must succeed; the parsed answers."""
    prepared = (request_bytes(endpoint, operation, payload) for payload in payloads)
    answers = []
    for status, body in exchange(endpoint, prepared):
        assert status == 200, body
        answers.append(json.loads(body) if body else None)
    return answers
