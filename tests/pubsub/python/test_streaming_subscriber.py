"""SubscriberClient.subscribe: callbacks, settling, flow control, and how the future ends."""

import threading
import time

import pytest
from google.api_core.exceptions import FailedPrecondition, NotFound
from google.cloud.pubsub_v1.subscriber.scheduler import ThreadScheduler
from google.cloud.pubsub_v1.types import FlowControl

from support.subscriber import Inbox, subscribed

pytestmark = pytest.mark.usefixtures("emulator")


def numbered(count):
    return [b"%d" % n for n in range(count)]


def test_messages_reach_the_callback_with_all_they_carry(project):
    topic, sub = project.topic_with({})
    inbox = Inbox()
    with subscribed(sub, inbox):
        ids = topic.publish(b"hello", colour="blue")
        message = inbox.wait(1)[0]
    assert message.data == b"hello"
    assert dict(message.attributes) == {"colour": "blue"}
    assert message.message_id == ids[0]
    assert message.ordering_key == ""
    assert message.delivery_attempt is None
    assert message.publish_time.timestamp() > 1_600_000_000
    assert sub.is_empty()


def test_backlog_and_new_messages_all_come_once(project):
    topic, sub = project.topic_with({})
    topic.publish(*numbered(500))
    inbox = Inbox()
    with subscribed(sub, inbox):
        inbox.wait(500)
        topic.publish(*numbered(1000)[500:])
        got = inbox.wait_for_exactly(1000)
    assert {one.data for one in got} == set(numbered(1000))
    assert sub.is_empty()


def test_a_nacked_message_comes_again(project):
    topic, sub = project.topic_with({})
    seen = []

    def nack_first(message):
        seen.append(message.message_id)
        message.nack() if len(seen) == 1 else message.ack()

    inbox = Inbox(nack_first)
    with subscribed(sub, inbox):
        ids = topic.publish(b"again")
        inbox.wait_for_exactly(2)
    assert seen == ids * 2


def test_a_callback_that_raises_nacks_and_ends_the_future(project):
    topic, sub = project.topic_with({})

    def fail(message):
        raise ValueError("no thanks")

    with subscribed(sub, fail) as future:
        topic.publish(b"x")
        with pytest.raises(ValueError, match="no thanks"):
            future.result(timeout=20)
    assert sub.data(1) == [b"x"]


def test_messages_held_when_the_subscriber_closes_come_again(project):
    topic, sub = project.topic_with({"ack_deadline_seconds": 10})
    inbox = Inbox(settle=lambda message: None)
    with subscribed(sub, inbox):
        topic.publish(b"held")
        inbox.wait(1)
    assert sub.data(1) == [b"held"]


def test_client_flow_control_holds_messages_back(project):
    topic, sub = project.topic_with({})
    topic.publish(*numbered(10))
    inbox = Inbox(settle=lambda message: None)
    with subscribed(sub, inbox, flow_control=FlowControl(max_messages=3)):
        held = inbox.wait(3)
        time.sleep(1)
        assert len(inbox) == 3
        for message in held:
            message.ack()
        assert len(inbox.wait(6)) == 6


def test_leases_are_extended_while_the_callback_works(project):
    topic, sub = project.topic_with({"ack_deadline_seconds": 10})
    done = threading.Event()

    def slowly(message):
        time.sleep(14)  # beyond the deadline; the library extends it meanwhile
        message.ack()
        done.set()

    inbox = Inbox(slowly)
    with subscribed(sub, inbox, flow_control=FlowControl(max_duration_per_lease_extension=10)):
        topic.publish(b"slow")
        assert done.wait(40)
        inbox.wait_for_exactly(1, settle_seconds=1)
    assert sub.is_empty()


def test_modify_ack_deadline_from_a_callback(project):
    topic, sub = project.topic_with({})
    inbox = Inbox(settle=lambda message: message.modify_ack_deadline(0))
    with subscribed(sub, inbox):
        topic.publish(b"x")
        assert [one.data for one in inbox.wait(3)[:3]] == [b"x"] * 3


def test_cancelling_ends_the_future_without_an_error(project):
    _, sub = project.topic_with({})
    with subscribed(sub, Inbox()) as future:
        assert future.running()
        future.cancel()
        future.result(timeout=20)


def test_deletion_ends_the_future_with_not_found(project):
    _, sub = project.topic_with({})
    with subscribed(sub, Inbox()) as future:
        time.sleep(0.3)
        sub.delete()
        with pytest.raises(NotFound):
            future.result(timeout=20)


def test_detaching_ends_the_future_with_failed_precondition(project):
    _, sub = project.topic_with({})
    with subscribed(sub, Inbox()) as future:
        time.sleep(0.3)
        sub.detach()
        with pytest.raises(FailedPrecondition):
            future.result(timeout=20)


def test_an_absent_subscription_ends_the_future_with_not_found(project):
    _, sub = project.topic_with({})
    sub.name += "-absent"
    with subscribed(sub, Inbox()) as future, pytest.raises(NotFound):
        future.result(timeout=20)


def test_two_subscribers_share_a_subscription(project):
    topic, sub = project.topic_with({})
    one, two = Inbox(), Inbox()
    with subscribed(sub, one), subscribed(sub, two):
        time.sleep(0.5)
        for start in range(0, 200, 10):
            topic.publish(*numbered(200)[start : start + 10])
        deadline = time.monotonic() + 30
        while len(one) + len(two) < 200 and time.monotonic() < deadline:
            time.sleep(0.05)
        got = [message.data for message in one.wait(0) + two.wait(0)]
    assert sorted(got) == sorted(numbered(200))


def test_a_scheduler_of_the_users_own(project):
    from concurrent.futures import ThreadPoolExecutor

    topic, sub = project.topic_with({})
    inbox = Inbox()
    scheduler = ThreadScheduler(executor=ThreadPoolExecutor(max_workers=2))
    with subscribed(sub, inbox, scheduler=scheduler):
        topic.publish(*numbered(50))
        assert set(inbox.data(50)) == set(numbered(50))


@pytest.mark.timeout(120)
def test_an_idle_stream_stays_open_and_delivers_at_once(project):
    """The library's heartbeats go out every 30 s; a stream must outlive them."""
    topic, sub = project.topic_with({})
    inbox = Inbox()
    with subscribed(sub, inbox) as future:
        topic.publish(b"first")
        inbox.wait(1)
        time.sleep(35)
        assert future.running()
        topic.publish(b"second")
        began = time.monotonic()
        inbox.wait(2)
        assert time.monotonic() - began < 5
