"""What the official subscriber sees of the production profile, on a server of the test's own."""

from collections import Counter

import pytest

from support.own_server import own_server
from support.subscriber import Inbox, subscribed

pytestmark = pytest.mark.usefixtures("emulator")

OFTEN = {"duplicated": 0.2, "acknowledgements_lost": 0.2, "again_ms_max": 100}
MESSAGES = 300
# Chances are drawn per request, and the library puts a few hundred acknowledgements in one: a
# round may well be spared, twenty are not.
ROUNDS = 20


@pytest.fixture(scope="module")
def server():
    with own_server() as server:
        yield server


@pytest.fixture
def address(server):
    return server.pubsub


@pytest.fixture
def profile(server):
    server.control("PUT", "profile", {"seed": 7, "pubsub": OFTEN})
    yield server
    server.control("DELETE", "profile")


def deliveries(project, **settings):
    """How often each message comes to a subscriber that acknowledges all."""
    topic, sub = project.topic_with(settings)
    inbox = Inbox()
    with subscribed(sub, inbox):
        for first in range(0, MESSAGES, 10):
            topic.publish(*(b"%d" % n for n in range(first, first + 10)))
        got = inbox.wait_until_quiet(MESSAGES, seconds=2)
    assert sub.is_empty()
    return Counter(message.message_id for message in got)


def test_messages_come_again_and_none_is_lost(project, profile):
    again, lost = False, False
    for _ in range(ROUNDS):
        times = deliveries(project)
        assert len(times) == MESSAGES
        again = again or max(times.values()) > 1
        lost = lost or "acknowledgements lost" in profile.control("GET", "profile")["done"]
        if again and lost:
            break
    assert again, "a consumer that isn't idempotent is caught"
    assert lost


def test_exactly_once_delivery_stays_what_it_is(project, profile):
    times = deliveries(project, enable_exactly_once_delivery=True)
    assert len(times) == MESSAGES
    assert set(times.values()) == {1}
