"""GET /health."""

import pytest

from wire import exchange


@pytest.mark.parametrize("target", ["/health", "/health?from=probe"])
def test_is_ok(target):
    reply = exchange("GET", target)
    assert reply.status == 200
    assert reply.body


def test_head():
    reply = exchange("HEAD", "/health")
    assert reply.status == 200
    assert reply.body == b""


def test_needs_a_host_that_it_knows():
    assert exchange("GET", "/health", {"Host": "10.1.2.3:80"}).status == 200
    assert exchange("GET", "/health", {"Host": "anything.at.all"}).status == 403
