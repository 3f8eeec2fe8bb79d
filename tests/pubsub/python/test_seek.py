"""Seek to a time and to a snapshot: what comes back, what goes."""

import datetime
import time

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from support.errors import refused
from support.resources import data_of, duration
from support.streams import Stream
from support.subscriber import Inbox, subscribed

RETAIN = {"retain_acked_messages": True}


def after(moment, seconds=0.0):
    """A timestamp so long after a message's publish time."""
    made = Timestamp()
    made.FromDatetime(moment + datetime.timedelta(seconds=seconds))
    return made


def now(seconds=0.0):
    return after(datetime.datetime.now(datetime.UTC), seconds)


def published_apart(topic, sub, *bodies):
    """Publishes each with a new publish time, takes and acks all; body -> publish time."""
    for body in bodies:
        topic.publish(body)
        time.sleep(0.03)
    got = sub.take(len(bodies))
    sub.ack(*got)
    return {one.message.data: one.message.publish_time for one in got}


def test_to_a_past_time_revives_retained_acked_messages(project):
    topic, sub = project.topic_with(RETAIN)
    published_apart(topic, sub, b"a", b"b", b"c")
    assert sub.is_empty()
    sub.seek(time=now(-60))
    assert sorted(sub.data(3)) == [b"a", b"b", b"c"]
    assert sub.is_empty()


def test_the_time_parts_the_messages(project):
    topic, sub = project.topic_with(RETAIN)
    times = published_apart(topic, sub, b"a", b"b", b"c")
    sub.seek(time=after(times[b"b"]))
    assert sorted(sub.data(2)) == [b"b", b"c"]
    sub.seek(time=after(times[b"b"], 0.01))
    assert sub.data(1) == [b"c"]


@pytest.mark.parametrize("nanos", [1, 1_000, 999_999])
def test_the_time_is_not_cut(project, nanos):
    topic, sub = project.topic_with(RETAIN)
    times = published_apart(topic, sub, b"a", b"b")
    moment = after(times[b"a"])
    sub.seek(time=moment)
    assert sorted(sub.data(2)) == [b"a", b"b"]
    moment.nanos += nanos
    sub.seek(time=moment)
    assert sub.data(1) == [b"b"], "published before the time by less than a millisecond"
    assert sub.is_empty()


def test_to_a_past_time_without_retention_revives_nothing(project):
    topic, sub = project.topic_with({})
    published_apart(topic, sub, b"a", b"b")
    topic.publish(b"unacked")
    sub.seek(time=now(-60))
    assert sub.data(1) == [b"unacked"]
    assert sub.is_empty(for_seconds=0.3)


def test_the_topics_retention_revives_too(project):
    topic, sub = project.topic_with({}, message_retention_duration=duration(600))
    published_apart(topic, sub, b"a", b"b")
    sub.seek(time=now(-60))
    assert sorted(sub.data(2)) == [b"a", b"b"]


def test_the_topics_retention_reaches_before_the_subscription(project):
    topic = project.topic(message_retention_duration=duration(600))
    topic.publish(b"early")
    sub = project.subscription(topic)
    assert sub.is_empty(for_seconds=0.2)
    sub.seek(time=now(-60))
    assert sub.data(1) == [b"early"]


def test_to_a_future_time_purges(project):
    topic, sub = project.topic_with({})
    topic.publish(b"a", b"b")
    leased = sub.take_one()
    sub.seek(time=now(60))
    assert sub.is_empty(for_seconds=0.2)
    sub.nack(leased)
    assert sub.is_empty(for_seconds=0.3)


def test_after_now_new_messages_come(project):
    topic, sub = project.topic_with({})
    topic.publish(b"old")
    time.sleep(0.05)
    sub.seek(time=now())
    time.sleep(0.05)
    topic.publish(b"new")
    assert sub.data(1) == [b"new"]
    assert sub.is_empty(for_seconds=0.2)


def test_leased_messages_that_a_seek_revives_come_again(project):
    topic, sub = project.topic_with(RETAIN)
    topic.publish(b"x")
    sub.take_one()
    sub.seek(time=now(-60))
    assert sub.data(1, seconds=20) == [b"x"]


def test_only_the_one_subscription_is_moved(project):
    topic, sub, other = project.topic_with(RETAIN, RETAIN)
    topic.publish(b"x")
    sub.data(1)
    other.data(1)
    sub.seek(time=now(-60))
    assert other.is_empty(for_seconds=0.2)
    assert sub.data(1) == [b"x"]


def test_retaining_that_is_turned_on_later_counts_from_then(project):
    topic, sub = project.topic_with({})
    published_apart(topic, sub, b"before")
    sub.update("retain_acked_messages", retain_acked_messages=True)
    published_apart(topic, sub, b"after")
    sub.seek(time=now(-60))
    assert b"after" in data_of(sub.pull(at_once=True))


def test_a_filter_holds_for_what_is_revived(project):
    topic, sub = project.topic_with(
        RETAIN | {"filter": "attributes:keep"}, message_retention_duration=duration(600)
    )
    topic.publish(b"no")
    topic.publish(b"yes", keep="")
    assert sub.data(1) == [b"yes"]
    sub.seek(time=now(-60))
    assert sub.data(1) == [b"yes"]
    assert sub.is_empty(for_seconds=0.2)


def test_ordered_messages_are_revived_in_order(project):
    topic, sub = project.topic_with(RETAIN | {"enable_message_ordering": True})
    bodies = [b"%d" % n for n in range(20)]
    topic.publish(*bodies, key="k")
    assert sub.data(20) == bodies
    sub.seek(time=now(-60))
    assert sub.data(20) == bodies


def test_a_seek_needs_a_target(project):
    _, sub = project.topic_with({})
    with refused("INVALID_ARGUMENT"):
        sub.seek()


# Snapshots


def test_a_snapshot_brings_back_what_was_unacked(project):
    topic, sub = project.topic_with({})
    topic.publish(b"acked")
    sub.data(1)
    topic.publish(b"unacked")
    snapshot = project.snapshot(sub)
    assert sub.data(1) == [b"unacked"]
    topic.publish(b"later")
    assert sub.data(1) == [b"later"]
    sub.seek(snapshot=snapshot.name)
    assert sorted(sub.data(2)) == [b"later", b"unacked"]
    assert sub.is_empty(for_seconds=0.2)


def test_a_snapshot_holds_messages_that_were_leased(project):
    topic, sub = project.topic_with({})
    topic.publish(b"leased")
    got = sub.take_one()
    snapshot = project.snapshot(sub)
    sub.ack(got)
    sub.seek(snapshot=snapshot.name)
    assert sub.data(1) == [b"leased"]


def test_a_snapshot_can_be_used_again_and_by_others(project):
    topic, sub, other = project.topic_with({}, {})
    topic.publish(b"x")
    snapshot = project.snapshot(sub)
    for one in [sub, sub, other, project.subscription(topic)]:
        one.seek(snapshot=snapshot.name)
        assert one.data(1) == [b"x"]
        assert one.is_empty(for_seconds=0.1)


def test_a_seek_to_a_snapshot_acks_what_was_acked_there(project):
    topic, sub, other = project.topic_with({}, {})
    topic.publish(b"x")
    sub.data(1)
    snapshot = project.snapshot(sub)
    other.seek(snapshot=snapshot.name)
    assert other.is_empty(for_seconds=0.3)


def test_a_deleted_snapshot_does_not_hold_messages(project):
    topic, sub = project.topic_with({})
    topic.publish(b"x")
    snapshot = project.snapshot(sub)
    sub.data(1)
    sub.api.subscriber.delete_snapshot(snapshot=snapshot.name)
    with refused("NOT_FOUND"):
        sub.seek(snapshot=snapshot.name)
    sub.seek(time=now(-60))
    assert sub.is_empty(for_seconds=0.3)


# Open streams


def test_a_seek_delivers_to_an_open_stream(project):
    topic, sub = project.topic_with(RETAIN)
    with Stream(sub, protocol_version=1) as stream:
        topic.publish(b"x")
        stream.ack(stream.message())
        stream.ping()
        stream.response()
        sub.seek(time=now(-60))
        assert stream.message().message.data == b"x"


@pytest.mark.usefixtures("emulator")
def test_a_seek_delivers_to_the_librarys_subscriber(project):
    topic, sub = project.topic_with(RETAIN)
    inbox = Inbox()
    with subscribed(sub, inbox):
        topic.publish(b"a", b"b")
        inbox.wait_for_exactly(2, settle_seconds=1)  # and the acks have gone out
        sub.seek(time=now(-60))
        got = inbox.wait_for_exactly(4)
    assert sorted(one.data for one in got) == [b"a", b"a", b"b", b"b"]
