"""Message bodies: every legal character, no illegal one, up to 1 MiB."""

import random

import pytest

from support import characters, md5
from support.characters import MIB
from support.errors import refused

pytestmark = pytest.mark.parametrize("sqs", ["json", "query"], indirect=True)


def test_every_legal_character(queues):
    """The whole legal range once, in bodies just under the limit."""
    queue = queues.standard()
    chunks = list(characters.legal_chunks(MIB))
    seen = set()
    for chunk in chunks:
        sent = queue.send(chunk)
        assert sent["MD5OfMessageBody"] == md5.of_body(chunk)
        message = queue.receive_one()
        # Comparing first keeps pytest from explaining a difference of a megabyte.
        same = message["Body"] == chunk
        assert same, first_difference(message["Body"], chunk)
        assert message["MD5OfBody"] == md5.of_body(chunk)
        queue.delete(message)
        seen.update(chunk)
    assert len(seen) == sum(last - first + 1 for first, last in characters.LEGAL_RANGES)


def first_difference(got, sent):
    for position, (a, b) in enumerate(zip(got, sent)):
        if a != b:
            return f"at {position}: got {a!r} for {b!r}"
    return f"{len(got)} characters for {len(sent)}"


@pytest.mark.parametrize("character", characters.ILLEGAL, ids=ascii)
@pytest.mark.parametrize("place", ["start", "middle", "end"])
def test_illegal_characters_are_refused(sqs, queues, character, place):
    queue = queues.standard()
    body = {"start": f"{character}ab", "middle": f"a{character}b", "end": f"ab{character}"}[place]
    with refused(sqs, "InvalidMessageContents"):
        queue.send(body)
    assert queue.counts() == (0, 0, 0)


@pytest.mark.parametrize("fifo", [False, True])
def test_one_mebibyte(queues, fifo):
    queue = queues.fifo() if fifo else queues.standard()
    body = random.Random(1).randbytes(MIB // 2).hex()
    sent = queue.send_fifo(body) if fifo else queue.send(body)
    assert sent["MD5OfMessageBody"] == md5.of_body(body)
    message = queue.receive_one()
    assert md5.of_body(message["Body"]) == md5.of_body(body)


def test_ten_large_messages_in_one_receive(queues):
    queue = queues.fifo()
    bodies = [str(index) * 600_000 for index in range(10)]
    for body in bodies:
        queue.send_fifo(body)
    received = queue.receive_all(10)
    assert [message["Body"][0] for message in received] == [body[0] for body in bodies]
    assert all(len(message["Body"]) == 600_000 for message in received)


@pytest.mark.parametrize(
    "body",
    [
        "x",
        " leading and trailing ",
        "\t\n\r",
        '{"json": "in \\"json\\" \\u0041 \\n"}',
        "<?xml version='1.0'?><a b=\"c\"><![CDATA[ ]]></a>",
        "]]>",
        "a=b&c=d%20e+f",
        "100 % + 5 %2B",
        "\u2028\u2029\u0085\u00a0\ufeff",
        "e\u0301 is not \u00e9",
        "\U0001f469\u200d\U0001f469\u200d\U0001f467",
    ],
    ids=ascii,
)
def test_awkward_bodies_come_back_unchanged(queues, body):
    queue = queues.standard()
    sent = queue.send(body)
    assert sent["MD5OfMessageBody"] == md5.of_body(body)
    assert queue.receive_one()["Body"] == body
