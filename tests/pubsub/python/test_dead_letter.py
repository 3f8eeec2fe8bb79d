"""Dead-letter policies: delivery attempts, the move, and what the moved message carries."""

import re

import pytest

from support.errors import missing, refused
from support.resources import duration
from support.streams import Stream
from support.subscriber import Inbox, subscribed
from support.timing import eventually

PREFIX = "CloudPubSubDeadLetterSource"


@pytest.fixture
def dead(project):
    """(dead-letter topic, a subscription to it)"""
    return project.topic_with({})


def policy(dead, attempts=5):
    return {"dead_letter_topic": dead[0].name, "max_delivery_attempts": attempts}


def nack_times(sub, times):
    """Nacks the one message so often; the delivery attempts it told."""
    attempts = []
    for _ in range(times):
        got = sub.take_one()
        attempts.append(got.delivery_attempt)
        sub.nack(got)
    return attempts


def test_attempts_count_up_and_then_the_message_moves(project, dead):
    topic, sub = project.topic_with({"dead_letter_policy": policy(dead)})
    ids = topic.publish(b"poison", colour="green")
    assert nack_times(sub, 5) == [1, 2, 3, 4, 5]
    moved = dead[1].take_one()
    assert moved.message.data == b"poison"
    assert moved.message.message_id != ids[0]
    assert moved.message.attributes["colour"] == "green"
    assert sub.is_empty(for_seconds=0.3)
    assert moved.delivery_attempt == 0


def test_the_four_attributes(project, dead):
    topic, sub = project.topic_with({"dead_letter_policy": policy(dead)})
    topic.publish(b"poison")
    first = sub.take_one()
    sub.nack(first)
    nack_times(sub, 4)
    attributes = dict(dead[1].take_one().message.attributes)
    published = attributes.pop(PREFIX + "TopicPublishTime")
    assert attributes == {
        PREFIX + "DeliveryCount": "5",
        PREFIX + "Subscription": sub.id,
        PREFIX + "SubscriptionProject": project.id,
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", published)
    expected = first.message.publish_time.strftime("%Y-%m-%dT%H:%M:%S")
    assert published.startswith(expected)


def test_expiries_count_like_nacks(project, dead):
    topic, sub = project.topic_with({"dead_letter_policy": policy(dead)})
    topic.publish(b"slow")
    attempts = nack_times(sub, 3)
    for _ in range(2):
        got = sub.take_one()
        attempts.append(got.delivery_attempt)
        sub.extend(1, got)
    assert attempts == [1, 2, 3, 4, 5]
    assert dead[1].data(1) == [b"slow"]


def test_max_delivery_attempts_is_held(project, dead):
    topic, sub = project.topic_with({"dead_letter_policy": policy(dead, 7)})
    topic.publish(b"poison")
    assert nack_times(sub, 6) == [1, 2, 3, 4, 5, 6]
    assert dead[1].is_empty(for_seconds=0.3)
    assert nack_times(sub, 1) == [7]
    assert dead[1].data(1) == [b"poison"]


def test_an_acked_message_does_not_move(project, dead):
    topic, sub = project.topic_with({"dead_letter_policy": policy(dead)})
    topic.publish(b"fine")
    nack_times(sub, 4)
    sub.ack(sub.take_one())
    assert dead[1].is_empty(for_seconds=0.5)
    assert sub.is_empty()


def test_every_subscription_of_the_dead_letter_topic_gets_it(project, dead):
    second = project.subscription(dead[0])
    topic, sub = project.topic_with({"dead_letter_policy": policy(dead)})
    topic.publish(b"poison")
    nack_times(sub, 5)
    assert dead[1].data(1) == second.data(1) == [b"poison"]


def test_ordered_messages_move_and_let_their_key_go_on(project, dead):
    topic, sub = project.topic_with(
        {"dead_letter_policy": policy(dead), "enable_message_ordering": True}
    )
    topic.publish(b"poison", b"next", key="k")
    for _ in range(5):
        got = sub.pull(max_messages=1)
        assert got[0].message.data == b"poison"
        sub.nack(got[0])
    moved = dead[1].take_one().message
    assert (moved.data, moved.ordering_key) == (b"poison", "k")
    assert sub.data(1) == [b"next"]


def test_the_policy_must_be_in_bounds(project, dead):
    topic = project.topic()
    for attempts in [4, 101, -1]:
        with refused("INVALID_ARGUMENT"):
            project.subscription(topic, dead_letter_policy=policy(dead, attempts))
    sub = project.subscription(topic, dead_letter_policy={"dead_letter_topic": dead[0].name})
    assert sub.get().dead_letter_policy.max_delivery_attempts == 5


def test_the_dead_letter_topic_must_exist(project):
    topic = project.topic()
    absent = project.named("topics", "absent")
    with refused("NOT_FOUND", missing("absent")):
        project.subscription(topic, dead_letter_policy={"dead_letter_topic": absent})


def test_without_a_policy_the_attempt_is_zero(project):
    topic, sub = project.topic_with({})
    topic.publish(b"x")
    assert nack_times(sub, 3) == [0, 0, 0]


def test_streams_tell_the_attempt_too(project, dead):
    topic, sub = project.topic_with({"dead_letter_policy": policy(dead)})
    with Stream(sub) as stream:
        topic.publish(b"x")
        for attempt in range(1, 6):
            got = stream.message()
            assert got.delivery_attempt == attempt
            stream.nack(got)
    assert dead[1].data(1) == [b"x"]


@pytest.mark.usefixtures("emulator")
def test_the_librarys_subscriber_dead_letters(project, dead):
    topic, sub = project.topic_with({"dead_letter_policy": policy(dead)})
    inbox = Inbox(settle=lambda message: message.nack())
    with subscribed(sub, inbox):
        topic.publish(b"poison")
        inbox.wait(5)
        assert [one.delivery_attempt for one in inbox.wait_for_exactly(5)] == [1, 2, 3, 4, 5]
    assert dead[1].data(1) == [b"poison"]


def test_a_retry_policy_delays_attempts_but_not_the_move(project, dead):
    topic, sub = project.topic_with(
        {
            "dead_letter_policy": policy(dead),
            "retry_policy": {"minimum_backoff": duration(0.1), "maximum_backoff": duration(0.2)},
        }
    )
    topic.publish(b"poison")
    assert nack_times(sub, 5) == [1, 2, 3, 4, 5]
    assert dead[1].data(1) == [b"poison"]


def test_a_deleted_dead_letter_topic_loses_nothing(project, dead):
    topic, sub = project.topic_with({"dead_letter_policy": policy(dead)})
    topic.publish(b"kept")
    dead[0].delete()
    nack_times(sub, 6)
    assert eventually(lambda: sub.data(1)) == [b"kept"]
