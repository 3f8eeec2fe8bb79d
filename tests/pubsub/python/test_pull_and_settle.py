"""Pull, Acknowledge and ModifyAckDeadline, over both transports."""

import threading

import pytest

from support.clients import TRANSPORTS
from support.errors import NO_ACK_IDS, invalid_ack_deadline, invalid_ack_id, refused
from support.resources import ack_ids_of, data_of
from support.timing import eventually, stopwatch

pytestmark = pytest.mark.parametrize("api", TRANSPORTS, indirect=True)


def test_an_acked_message_does_not_come_back(api, project):
    topic, sub = project.topic_with({})
    topic.publish(b"once")
    got = sub.take_one()
    sub.ack(got)
    sub.nack(got)  # would bring it back at once
    assert sub.is_empty(for_seconds=0.3)


def test_a_leased_message_is_not_given_out_again(api, project):
    topic, sub = project.topic_with({})
    topic.publish(b"a", b"b")
    first = sub.take_one()
    second = sub.take_one()
    assert {first.message.data, second.message.data} == {b"a", b"b"}
    assert sub.is_empty(for_seconds=0.3)


def test_an_expired_lease_gives_the_message_back(api, project):
    topic, sub = project.topic_with({})
    topic.publish(b"slow")
    first = sub.take_one()
    sub.extend(1, first)
    with stopwatch() as watch:
        again = sub.take_one()
    assert watch.seconds > 0.7
    assert again.message == first.message
    assert again.ack_id != first.ack_id


def test_extending_keeps_the_message_away(api, project):
    topic, sub = project.topic_with({})
    topic.publish(b"x")
    got = sub.take_one()
    sub.extend(3, got)
    sub.extend(600, got)
    assert sub.is_empty(for_seconds=3.5)


def test_max_messages_bounds_the_answer(api, project):
    topic, sub = project.topic_with({})
    topic.publish(*[b"%d" % n for n in range(10)])
    got = sub.pull(max_messages=3)
    assert 1 <= len(got) <= 3
    assert len(sub.take(10 - len(got))) == 10 - len(got)


def test_a_waiting_pull_is_woken_by_a_publish(api, project):
    topic, sub = project.topic_with({})
    answers = []
    puller = threading.Thread(target=lambda: answers.append(sub.pull()))
    puller.start()
    with stopwatch() as watch:
        topic.publish(b"wake")
        puller.join(20)
    assert data_of(answers[0]) == [b"wake"]
    assert watch.seconds < 10


def test_acks_of_a_thousand_at_once(api, project):
    topic, sub = project.topic_with({})
    topic.publish(*[b"x"] * 1000)
    got = sub.take(1000)
    sub.ack(*got)
    sub.nack(*got)
    assert sub.is_empty(for_seconds=0.3)


def test_ack_without_ids_is_refused(api, project):
    _, sub = project.topic_with({})
    with refused("INVALID_ARGUMENT", NO_ACK_IDS):
        sub.ack_ids([])
    with refused("INVALID_ARGUMENT", NO_ACK_IDS):
        sub.modack_ids(10, [])


@pytest.mark.parametrize("ack_id", ["x", "not an ack id", "AAAA", "A" * 190, "ü"])
def test_malformed_ack_ids_are_refused(api, project, ack_id):
    _, sub = project.topic_with({})
    with refused("INVALID_ARGUMENT", invalid_ack_id(ack_id)):
        sub.ack_ids([ack_id])
    with refused("INVALID_ARGUMENT", invalid_ack_id(ack_id)):
        sub.modack_ids(10, [ack_id])


def test_an_ack_id_that_was_tampered_with_is_refused(api, project):
    topic, sub = project.topic_with({})
    topic.publish(b"x")
    got = sub.take_one()
    middle = len(got.ack_id) // 2
    other = "A" if got.ack_id[middle] != "A" else "B"
    forged = got.ack_id[:middle] + other + got.ack_id[middle + 1 :]
    with refused("INVALID_ARGUMENT", invalid_ack_id(forged)):
        sub.ack_ids([forged])


@pytest.mark.parametrize("seconds", [-1, 601])
def test_modack_bounds(api, project, seconds):
    topic, sub = project.topic_with({})
    topic.publish(b"x")
    got = sub.take_one()
    with refused("INVALID_ARGUMENT", invalid_ack_deadline(seconds, 0)):
        sub.extend(seconds, got)


def test_a_nack_gives_the_message_back_at_once(api, project):
    topic, sub = project.topic_with({})
    topic.publish(b"x")
    first = sub.take_one()
    sub.nack(first)
    again = eventually(lambda: sub.pull(at_once=True))
    assert data_of(again) == [b"x"]
    assert ack_ids_of(again) != [first.ack_id]


def test_ack_ids_look_like_the_services(api, project):
    topic, sub = project.topic_with({})
    topic.publish(b"x")
    ack_id = sub.take_one().ack_id
    assert ack_id.isascii() and ack_id.replace("-", "").replace("_", "").isalnum()
    assert len(ack_id) <= 250


def test_backlog_before_and_after_delete_are_apart(api, project):
    topic, sub = project.topic_with({})
    topic.publish(b"old")
    sub.delete()
    again = project.subscription(topic, name=sub.name)
    assert again.is_empty(for_seconds=0.2)
    topic.publish(b"new")
    assert again.data(1) == [b"new"]
