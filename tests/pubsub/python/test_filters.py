"""Filters: the grammar, what matches, what is refused."""

import pytest

from support.errors import refused
from support.streams import Stream

# Messages by name, with their attributes.
MESSAGES = {
    "none": {},
    "red": {"colour": "red"},
    "redder": {"colour": "redder", "size": "1"},
    "blue": {"colour": "blue"},
    "size": {"size": "1"},
    "empty": {"colour": ""},
    "odd": {"a b": "x", 'q"uote': "y"},
}

MATCHES = {
    "attributes:colour": "red redder blue empty",
    "attributes : colour": "red redder blue empty",
    'attributes.colour = "red"': "red",
    'attributes.colour="red"': "red",
    'attributes.colour = ""': "empty",
    'attributes.colour != "red"': "none redder blue size empty odd",
    'hasPrefix(attributes.colour, "red")': "red redder",
    'hasPrefix(attributes.colour,"")': "red redder blue empty",
    "NOT attributes:colour": "none size odd",
    "-attributes:colour": "none size odd",
    "NOT NOT attributes:colour": "red redder blue empty",
    'NOT hasPrefix(attributes.colour, "red")': "none blue size empty odd",
    "attributes:colour AND attributes:size": "redder",
    "attributes:colour AND NOT attributes:size": "red blue empty",
    'attributes.colour = "red" OR attributes.colour = "blue"': "red blue",
    "NOT attributes:colour OR attributes:size": "none redder size odd",
    '(attributes:colour AND attributes:size) OR attributes.colour = "blue"': "redder blue",
    'attributes:colour AND (attributes:size OR attributes.colour = "blue")': "redder blue",
    "NOT (attributes:colour OR attributes:size)": "none odd",
    "attributes:colour AND attributes:size AND attributes:colour": "redder",
    'attributes:"colour"': "red redder blue empty",
    'attributes."a b" = "x"': "odd",
    'attributes."q\\"uote" = "y"': "odd",
    "((attributes:size))": "redder size",
    "attributes:nothing": "",
}


@pytest.mark.parametrize("text", MATCHES)
def test_what_matches(project, text):
    topic, sub, all_of_them = project.topic_with({"filter": text}, {})
    topic.publish_messages(
        *({"data": name.encode(), "attributes": given} for name, given in MESSAGES.items())
    )
    assert len(all_of_them.take(len(MESSAGES))) == len(MESSAGES)
    expected = MATCHES[text].split()
    got = sub.data(len(expected)) if expected else []
    assert sorted(got) == sorted(name.encode() for name in expected)
    assert sub.is_empty(for_seconds=0.1)
    assert sub.get().filter == text


@pytest.mark.parametrize(
    "text",
    [
        "attributes",
        "attributes:",
        "attributes.colour",
        "attributes.colour = red",
        'attributes.colour == "red"',
        'attributes.colour > "red"',
        "attributes.colour = 'red'",
        'attributes.colour = "red',
        "attributes:a AND attributes:b OR attributes:c",
        "attributes:a OR attributes:b AND attributes:c",
        "attributes:a and attributes:b",
        "not attributes:a",
        "attributes:a attributes:b",
        "(attributes:a",
        "attributes:a)",
        "()",
        "AND",
        "attributes:a AND",
        "hasPrefix(attributes.a)",
        'hasprefix(attributes.a, "x")',
        'hasPrefix("x", attributes.a)',
        'data = "x"',
        "messageId:x",
        'attributes.a b = "x"',
        "attributes:a;",
    ],
)
def test_what_is_refused(project, text):
    topic = project.topic()
    with refused("INVALID_ARGUMENT"):
        project.subscription(topic, filter=text)


def test_256_bytes_at_most(project):
    topic = project.topic()
    fits = 'attributes.k = "' + "x" * (256 - len('attributes.k = ""')) + '"'
    assert len(fits) == 256
    assert project.subscription(topic, filter=fits).get().filter == fits
    with refused("INVALID_ARGUMENT"):
        project.subscription(topic, filter=fits.replace("x", "xx", 1))
    wide = 'attributes.k = "' + "é" * 120 + '"'
    assert len(wide) < 256 < len(wide.encode())
    with refused("INVALID_ARGUMENT"):
        project.subscription(topic, filter=wide)


def test_deep_nesting_is_answered(project):
    topic = project.topic()
    with refused("INVALID_ARGUMENT"):
        project.subscription(topic, filter="(" * 250)
    deep = "(" * 100 + "attributes:a" + ")" * 100
    assert project.subscription(topic, filter=deep).get().filter == deep


def test_streams_are_filtered_too(project):
    topic, sub = project.topic_with({"filter": 'attributes.keep = "yes"'})
    with Stream(sub) as stream:
        for n in range(20):
            topic.publish(b"%d" % n, keep="yes" if n % 2 else "no")
        got = [one.message.data for one in stream.messages(10)]
    assert sorted(got, key=int) == [b"%d" % n for n in range(1, 20, 2)]


def test_a_filter_with_ordering_keeps_the_order_of_what_matches(project):
    topic, sub = project.topic_with({"filter": "attributes:keep", "enable_message_ordering": True})
    for n in range(10):
        topic.publish(b"%d" % n, key="k", **({"keep": ""} if n % 3 else {}))
    assert sub.data(6) == [b"1", b"2", b"4", b"5", b"7", b"8"]
