"""Regions by the official client, which calls their endpoints by their names."""

import time

import grpc
import pytest
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import pubsub_v1
from google.pubsub_v1.services.publisher import PublisherClient

from support.clients import Api
from support.errors import refused
from support.own_server import own_server
from support.resources import Project
from support.streams import Stream
from support.timing import stopwatch

US, EUROPE = "us-east1", "europe-west1"
LATENCY_SECONDS = 0.3


def endpoint(server, region):
    """gRPC's resolver takes all names below localhost for this machine."""
    return f"{region}-pubsub.localhost:{server.pubsub.rpartition(':')[2]}"


@pytest.fixture(scope="module")
def server():
    flags = ["--pubsub-regions", f"{US},{EUROPE}", "--pubsub-region-latency", f"{US}:{EUROPE}=300"]
    with own_server(*flags, "--allow-host", "*.googleapis.com") as server:
        yield server


@pytest.fixture
def region(server):
    """Clients of a region's endpoint."""
    return lambda name: Api.over("grpc", endpoint(server, name))


@pytest.fixture
def cut(server):
    """Cuts regions off from each other, until the test ends."""
    yield lambda: server.control("POST", "regions/cut", {"between": [US, EUROPE]})
    server.control("POST", "regions/heal")


@pytest.fixture
def in_europe(region):
    made = Project(region(EUROPE))
    yield made
    made.clean_up()


def seen_from(api, resource):
    """The same topic or subscription by another region's endpoint."""
    return type(resource)(api, resource.name)


def test_a_message_is_there_after_the_latency(in_europe, region):
    topic, subscription = in_europe.topic_with({})
    with stopwatch() as near:
        topic.publish(b"near")
    assert near.seconds < LATENCY_SECONDS
    with Stream(seen_from(region(US), subscription)) as stream:
        assert stream.message().message.data == b"near"
        before = time.monotonic()
        topic.publish(b"far")
        assert stream.message().message.data == b"far"
        assert time.monotonic() - before >= LATENCY_SECONDS
    with stopwatch() as far:
        seen_from(region(US), topic).publish(b"from afar")
    assert far.seconds >= 2 * LATENCY_SECONDS


def test_nothing_is_lost_while_regions_are_cut(in_europe, region, cut, server):
    topic, subscription = in_europe.topic_with({})
    us = region(US)
    far_topic, far_subscription = seen_from(us, topic), seen_from(us, subscription)
    with Stream(far_subscription) as stream:
        topic.publish(b"before")
        stream.ack(stream.message())
        time.sleep(2 * LATENCY_SECONDS)
        cut()
        code, text = stream.end()
        assert code == grpc.StatusCode.UNAVAILABLE
        assert "europe-west1 can't be reached from us-east1" in text
    topic.publish(b"meanwhile")
    with pytest.raises(exceptions.ServiceUnavailable):
        us.subscriber.pull(subscription=subscription.name, max_messages=1, retry=None)
    with pytest.raises(exceptions.ServiceUnavailable):
        message = {"data": b"late"}
        us.publisher.publish(topic=topic.name, messages=[message], retry=None)
    server.control("POST", "regions/heal")
    far_topic.publish(b"after")
    assert sorted(far_subscription.data(2)) == [b"after", b"meanwhile"]


def test_the_librarys_clients_go_on_once_regions_are_healed(in_europe, cut, server, monkeypatch):
    """Its publisher and its subscriber try again by themselves."""
    topic, subscription = in_europe.topic_with({})
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", endpoint(server, US))
    publisher, subscriber = pubsub_v1.PublisherClient(), pubsub_v1.SubscriberClient()
    got = []

    def take(message):
        got.append(message.data)
        message.ack()

    with subscriber:
        future = subscriber.subscribe(subscription.name, take)
        cut()
        published = [publisher.publish(topic.name, b"%d" % n) for n in range(3)]
        topic.publish(b"in europe")
        time.sleep(1)
        assert got == [] and not any(one.done() for one in published)
        server.control("POST", "regions/heal")
        for one in published:
            assert one.result(timeout=30)
        deadline = time.monotonic() + 30
        while len(set(got)) < 4:
            assert time.monotonic() < deadline, got
            assert future.running()
            time.sleep(0.05)
        future.cancel()
        future.result(timeout=30)
    assert set(got) == {b"0", b"1", b"2", b"in europe"}


def test_a_policy_that_is_enforced_in_transit(in_europe, region):
    policy = {"allowed_persistence_regions": [EUROPE], "enforce_in_transit": True}
    topic, subscription = in_europe.topic_with({}, message_storage_policy=policy)
    us = region(US)
    for call in [
        lambda: us.publisher.publish(topic=topic.name, messages=[{"data": b"x"}]),
        lambda: us.subscriber.pull(subscription=subscription.name, max_messages=1),
    ]:
        with refused("FAILED_PRECONDITION", containing="message storage policy"):
            call()
    with Stream(seen_from(us, subscription)) as stream:
        assert stream.end()[0] == grpc.StatusCode.FAILED_PRECONDITION
    topic.publish(b"x")
    assert subscription.data(1) == [b"x"]


def test_the_services_own_names(server, in_europe):
    """As in requests of a client whose api_endpoint they are, where they lead to this server."""
    topic = in_europe.topic()
    client = PublisherClient(
        transport="rest",
        client_options={"api_endpoint": f"http://{server.pubsub}"},
        credentials=AnonymousCredentials(),
    )
    # Makes what REST needs on the connection's core.
    client.publish(topic=topic.name, messages=[{"data": b"x"}])
    for name, least, most in [
        ("europe-west1-pubsub.googleapis.com", 0, LATENCY_SECONDS),
        ("us-east1-pubsub.googleapis.com", 2 * LATENCY_SECONDS, 10),
        ("pubsub.googleapis.com", 2 * LATENCY_SECONDS, 10),
    ]:
        client.transport._session.headers["Host"] = name
        with stopwatch() as watch:
            client.publish(topic=topic.name, messages=[{"data": b"x"}])
        assert least <= watch.seconds < most, name
