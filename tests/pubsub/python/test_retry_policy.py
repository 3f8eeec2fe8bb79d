"""Retry policies: how long a message that was not acked stays away."""

import time

import pytest

from support.errors import refused
from support.resources import duration
from support.streams import Stream
from support.timing import stopwatch

# Deadlines may fire a little before the client's clock says so, and much later on a busy machine.
EARLY_SECONDS = 0.1


def policy(minimum, maximum):
    return {
        "retry_policy": {
            "minimum_backoff": duration(minimum),
            "maximum_backoff": duration(maximum),
        }
    }


def waits(sub, times):
    """Nacks the one message so often; how long it stayed away each time."""
    got = sub.take_one()
    seconds = []
    for _ in range(times):
        with stopwatch() as watch:
            sub.nack(got)
            got = sub.take_one()
        seconds.append(watch.seconds)
    return seconds


def test_backoff_doubles_up_to_the_maximum(project):
    topic, sub = project.topic_with(policy(0.5, 2))
    topic.publish(b"x")
    seconds = waits(sub, 4)
    for waited, least in zip(seconds, [0.5, 1, 2, 2]):
        assert waited > least - EARLY_SECONDS, seconds


def test_an_expiry_is_delayed_as_well(project):
    topic, sub = project.topic_with(policy(1, 1))
    topic.publish(b"x")
    got = sub.take_one()
    with stopwatch() as watch:
        sub.extend(1, got)
        sub.take_one()
    assert watch.seconds > 2 - 2 * EARLY_SECONDS


def test_other_messages_do_not_wait_with_it(project):
    topic, sub = project.topic_with(policy(5, 5))
    topic.publish(b"nacked")
    sub.nack(sub.take_one())
    topic.publish(b"other")
    with stopwatch() as watch:
        assert sub.data(1) == [b"other"]
    assert watch.seconds < 4


def test_a_delayed_message_comes_to_an_open_stream(project):
    topic, sub = project.topic_with(policy(1, 1))
    with Stream(sub) as stream:
        topic.publish(b"x")
        got = stream.message()
        began = time.monotonic()
        stream.nack(got)
        assert stream.message().message.data == b"x"
        assert time.monotonic() - began > 1 - EARLY_SECONDS


def test_a_delayed_message_wakes_a_waiting_pull(project):
    topic, sub = project.topic_with(policy(1, 1))
    topic.publish(b"x")
    sub.nack(sub.take_one())
    with stopwatch() as watch:
        assert len(sub.pull()) == 1
    assert watch.seconds < 10


def test_an_ordered_key_waits_for_its_delayed_message(project):
    topic, sub = project.topic_with(policy(1, 1) | {"enable_message_ordering": True})
    topic.publish(b"0", b"1", key="k")
    first = sub.pull(max_messages=1)[0]
    assert first.message.data == b"0"
    sub.nack(first)
    assert sub.is_empty(for_seconds=0.5)
    assert sub.data(2) == [b"0", b"1"]


def test_defaults_and_bounds(project):
    topic = project.topic()
    sub = project.subscription(topic, retry_policy={})
    found = sub.get().retry_policy
    assert found.minimum_backoff.total_seconds() == 10
    assert found.maximum_backoff.total_seconds() == 600
    for minimum, maximum in [(-1, 10), (0, 601), (601, 601)]:
        with refused("INVALID_ARGUMENT"):
            project.subscription(topic, **policy(minimum, maximum))
    with refused(
        "INVALID_ARGUMENT",
        matching="The specified maximum_backoff .*cannot be smaller than minimum_backoff",
    ):
        project.subscription(topic, **policy(20, 10))


@pytest.mark.parametrize("minimum", [0, 600])
def test_the_bounds_themselves_are_taken(project, minimum):
    sub = project.subscription(project.topic(), **policy(minimum, 600))
    assert sub.get().retry_policy.minimum_backoff.total_seconds() == minimum


def test_taking_the_policy_away_ends_the_delays(project):
    topic, sub = project.topic_with(policy(600, 600))
    sub.update("retry_policy")
    topic.publish(b"x")
    assert waits(sub, 1)[0] < 10
