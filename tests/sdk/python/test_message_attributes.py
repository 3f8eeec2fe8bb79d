"""Message attributes: types, limits, filters on receive, and their MD5."""

import pytest

from support import md5
from support.errors import refused

pytestmark = pytest.mark.parametrize("sqs", ["json", "query"], indirect=True)


def text(value, data_type="String"):
    return {"DataType": data_type, "StringValue": value}


def binary(value, data_type="Binary"):
    return {"DataType": data_type, "BinaryValue": value}


EVERY_KIND = {
    "string": text("plain"),
    "string.custom": text('<b>&amp;"quoted"</b>\r\n', "String.html"),
    "unicode": text("naïve 日本語 \U0001f600"),
    "number": text("-12.75e3", "Number"),
    "number.int": text("0042", "Number.int"),
    "binary": binary(bytes(range(256))),
    "binary.png": binary(b"\x89PNG\r\n\x1a\n", "Binary.png"),
}


@pytest.mark.parametrize("fifo", [False, True])
def test_every_kind_comes_back_with_the_right_sum(queues, fifo):
    queue = queues.fifo() if fifo else queues.standard()
    send = queue.send_fifo if fifo else queue.send
    sent = send("m", MessageAttributes=EVERY_KIND)
    assert sent["MD5OfMessageAttributes"] == md5.of_attributes(EVERY_KIND)
    message = queue.receive_one(MessageAttributeNames=["All"])
    assert message["MessageAttributes"] == EVERY_KIND
    assert message["MD5OfMessageAttributes"] == md5.of_attributes(EVERY_KIND)


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_each_kind_alone(queues, kind):
    queue = queues.standard()
    attributes = {kind: EVERY_KIND[kind]}
    sent = queue.send("m", MessageAttributes=attributes)
    assert sent["MD5OfMessageAttributes"] == md5.of_attributes(attributes)
    assert queue.receive_one(MessageAttributeNames=[kind])["MessageAttributes"] == attributes


def test_the_sum_goes_by_name_whatever_the_order(queues):
    queue = queues.standard()
    forwards = {name: text(name) for name in ["A", "B", "a", "b"]}
    backwards = dict(reversed(forwards.items()))
    sums = {
        queue.send("m", MessageAttributes=attributes)["MD5OfMessageAttributes"]
        for attributes in [forwards, backwards]
    }
    assert sums == {md5.of_attributes(forwards)}


FILTERED = {
    "General": text("Kenobi"),
    "Hello": text("There"),
    "Help.Me": text("Me"),
    "Help.You": text("7", "Number"),
}


@pytest.mark.parametrize(
    "names, returned",
    [
        ([], []),
        (["All"], list(FILTERED)),
        ([".*"], list(FILTERED)),
        (["All", "Hello"], list(FILTERED)),
        (["General", "Hello"], ["General", "Hello"]),
        (["Hello", "Foo"], ["Hello"]),
        (["Foo"], []),
        (["Hel.*"], ["Hello", "Help.Me", "Help.You"]),
        (["Help.*"], ["Help.Me", "Help.You"]),
        (["Help.*", "General"], ["General", "Help.Me", "Help.You"]),
        (["Nothing.*"], []),
        (["hello"], []),
        (["Help"], []),
    ],
)
def test_filters_return_a_subset_and_sum_exactly_that(queues, names, returned):
    queue = queues.standard()
    queue.send("m", MessageAttributes=FILTERED)
    message = queue.receive_one(MessageAttributeNames=names)
    subset = {name: FILTERED[name] for name in returned}
    if subset:
        assert message["MessageAttributes"] == subset
        assert message["MD5OfMessageAttributes"] == md5.of_attributes(subset)
    else:
        assert "MessageAttributes" not in message
        assert "MD5OfMessageAttributes" not in message


def test_without_asking_none_come(queues):
    queue = queues.standard()
    queue.send("m", MessageAttributes=FILTERED)
    message = queue.receive_one()
    assert "MessageAttributes" not in message
    assert "MD5OfMessageAttributes" not in message


def test_messages_of_one_receive_are_filtered_one_by_one(queues):
    queue = queues.standard()
    queue.send("with", MessageAttributes={"Hello": text("x"), "Other": text("y")})
    queue.send("without", MessageAttributes={"Other": text("y")})
    queue.send("bare")
    got = {m["Body"]: m for m in queue.receive_all(3, MessageAttributeNames=["Hello"])}
    assert got["with"]["MessageAttributes"] == {"Hello": text("x")}
    assert "MessageAttributes" not in got["without"]
    assert "MessageAttributes" not in got["bare"]


def test_ten_attributes_and_no_more(sqs, queues):
    queue = queues.standard()
    ten = {f"a{index}": text("v") for index in range(10)}
    queue.send("m", MessageAttributes=ten)
    with refused(sqs, "InvalidParameterValue", containing="10"):
        queue.send("m", MessageAttributes=ten | {"eleventh": text("v")})
    assert queue.counts() == (1, 0, 0)


@pytest.mark.parametrize("name", ["x" * 256, "a.b-c_d", "9lives"])
def test_legal_names(queues, name):
    queue = queues.standard()
    queue.send("m", MessageAttributes={name: text("v")})
    message = queue.receive_one(MessageAttributeNames=["All"])
    assert message["MessageAttributes"] == {name: text("v")}


@pytest.mark.parametrize(
    "name",
    ["x" * 257, "AWS.x", "aws.x", "Amazon.x", "AMAZON.x", ".first", "last.", "do..ts", "a b", "ü"],
)
def test_illegal_names(sqs, queues, name):
    queue = queues.standard()
    with refused(sqs, "InvalidParameterValue"):
        queue.send("m", MessageAttributes={name: text("v")})
    assert queue.counts() == (0, 0, 0)


@pytest.mark.parametrize(
    "attribute",
    [
        text("v", ""),
        text("v", "string"),
        text("v", "Text"),
        text("not a number", "Number"),
        {"DataType": "String"},
        {"DataType": "Binary"},
        {"DataType": "Number"},
        binary(b""),
        text("", "Number"),
    ],
)
def test_illegal_values(sqs, queues, attribute):
    queue = queues.standard()
    with refused(sqs, "InvalidParameterValue"):
        queue.send("m", MessageAttributes={"name": attribute})
    assert queue.counts() == (0, 0, 0)


def test_a_star_stands_for_all(queues):
    queue = queues.standard()
    queue.send("m", MessageAttributes=EVERY_KIND)
    message = queue.receive_one(MessageAttributeNames=["*"])
    assert message["MessageAttributes"] == EVERY_KIND
    assert message["MD5OfMessageAttributes"] == md5.of_attributes(EVERY_KIND)


@pytest.mark.parametrize("character", ["\x00", "\x0b", "\uffff"], ids=ascii)
def test_a_control_character_in_a_value_is_a_wrong_value(sqs, queues, character):
    queue = queues.standard()
    with refused(sqs, "InvalidParameterValue", containing="'name'"):
        queue.send("m", MessageAttributes={"name": text(f"a{character}b")})
    assert queue.counts() == (0, 0, 0)
