"""Ordering keys, with Pull, raw streams and the library's subscriber."""

import threading

import pytest

from support.resources import data_of
from support.streams import Stream
from support.subscriber import Inbox, subscribed
from support.timing import eventually

ORDERED = {"enable_message_ordering": True}


def numbered(count, prefix=b""):
    return [prefix + b"%d" % n for n in range(count)]


def test_pull_gives_a_key_in_order(project):
    topic, sub = project.topic_with(ORDERED)
    for body in numbered(20):
        topic.publish(body, key="k")
    assert sub.data(20) == numbered(20)


def test_one_request_keeps_its_order_too(project):
    topic, sub = project.topic_with(ORDERED)
    topic.publish(*numbered(100), key="k")
    assert sub.data(100) == numbered(100)


def test_every_key_is_in_order_on_its_own(project):
    topic, sub = project.topic_with(ORDERED)
    for n in range(10):
        topic.publish_messages(
            *({"data": b"%d" % n, "ordering_key": key} for key in ["a", "b", "c"])
        )
    by_key = {"a": [], "b": [], "c": []}
    while sum(map(len, by_key.values())) < 30:
        got = eventually(lambda: sub.pull(at_once=True))
        for one in got:
            by_key[one.message.ordering_key].append(one.message.data)
        sub.ack(*got)
    assert by_key == {key: numbered(10) for key in by_key}


def test_a_stream_gives_a_key_in_order(project):
    topic, sub = project.topic_with(ORDERED)
    with Stream(sub) as stream:
        for body in numbered(30):
            topic.publish(body, key="k")
        got = []
        while len(got) < 30:
            response = stream.response().received_messages
            got += data_of(response)
            if response:
                stream.ack(*response)
        assert got == numbered(30)


def test_an_expired_message_replays_what_followed_it(project):
    topic, sub = project.topic_with(ORDERED)
    topic.publish(*numbered(4), key="k")
    with Stream(sub, deadline=600) as stream:
        got = stream.messages(4)
        assert data_of(got) == numbered(4)
        stream.ack(got[0])
        stream.extend(1, got[1])
        assert data_of(stream.messages(3)) == numbered(4)[1:]


def test_a_key_stays_with_one_stream_while_it_is_outstanding(project):
    topic, sub = project.topic_with(ORDERED)
    with Stream(sub, deadline=600) as one, Stream(sub, deadline=600) as two:
        topic.publish(b"0", key="k")
        streams = {}

        def wait_on(stream, name):
            try:
                streams[name] = stream.messages(1, seconds=3)
            except AssertionError:
                streams[name] = None

        waiting = [
            threading.Thread(target=wait_on, args=(stream, name))
            for stream, name in [(one, "one"), (two, "two")]
        ]
        for thread in waiting:
            thread.start()
        for thread in waiting:
            thread.join()
        assert sorted(map(bool, streams.values())) == [False, True]
        busy, idle = (one, two) if streams["one"] else (two, one)
        topic.publish(*numbered(5)[1:], key="k")
        assert idle.is_quiet()
        got = (streams["one"] or streams["two"])[:]
        busy.ack(*got)
        while len(got) < 5:
            more = busy.response().received_messages
            busy.ack(*more)
            got += more
        assert data_of(got) == numbered(5)


def test_a_key_moves_on_when_its_stream_ends(project):
    topic, sub = project.topic_with(ORDERED)
    topic.publish(*numbered(3), key="k")
    with Stream(sub, deadline=600, protocol_version=1) as stream:
        stream.ack(stream.messages(3)[0])
        stream.ping()
        stream.response()  # the ack before it was heard
    with Stream(sub, deadline=600) as stream:
        assert data_of(stream.messages(2)) == numbered(3)[1:]


@pytest.mark.usefixtures("emulator")
def test_the_librarys_subscriber_sees_a_key_in_order(project):
    topic, sub = project.topic_with(ORDERED)
    topic.publish(*numbered(50), key="a")
    topic.publish(*numbered(50), key="b")
    topic.publish(*numbered(50), key="")
    inbox = Inbox()
    with subscribed(sub, inbox):
        got = inbox.wait_for_exactly(150)
    for key in ["a", "b"]:
        assert [one.data for one in got if one.ordering_key == key] == numbered(50)
    assert {one.data for one in got if not one.ordering_key} == set(numbered(50))


@pytest.mark.usefixtures("emulator")
def test_the_librarys_subscriber_gets_a_nacked_key_again_in_order(project):
    topic, sub = project.topic_with(ORDERED)
    nacked = []

    def nack_the_third_once(message):
        if message.data == b"2" and not nacked:
            nacked.append(message)
            message.nack()
        else:
            message.ack()

    inbox = Inbox(nack_the_third_once)
    with subscribed(sub, inbox):
        topic.publish(*numbered(6), key="k")
        eventually(lambda: len(inbox) >= 7 and [one.data for one in inbox.wait(0)][-1] == b"5")
        seen = [one.data for one in inbox.wait(0)]
    # From the nacked message on everything of the key comes again, at least once, and in order.
    first = seen.index(b"2")
    replay = seen[seen.index(b"2", first + 1) :]
    assert seen[: first + 1] == numbered(3)
    assert replay == numbered(6)[2:]


def test_acks_out_of_order_do_not_lose_or_double(project):
    topic, sub = project.topic_with(ORDERED)
    topic.publish(*numbered(5), key="k")
    got = sub.take(5)
    for one in reversed(got):
        sub.ack(one)
    assert sub.is_empty(for_seconds=0.5)
    topic.publish(b"next", key="k")
    assert sub.data(1) == [b"next"]
