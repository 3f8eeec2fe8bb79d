"""PublisherClient of google-cloud-pubsub: batching, futures, ordering, flow control."""

import pytest
from google.api_core.exceptions import InvalidArgument, NotFound
from google.cloud import pubsub_v1
from google.cloud.pubsub_v1.publisher.exceptions import (
    FlowControlLimitError,
    MessageTooLargeError,
    PublishToPausedOrderingKeyException,
)
from google.cloud.pubsub_v1.types import (
    BatchSettings,
    LimitExceededBehavior,
    PublisherOptions,
    PublishFlowControl,
)

from support.resources import data_of
from support.timing import eventually

pytestmark = pytest.mark.usefixtures("emulator")

ORDERED = PublisherOptions(enable_message_ordering=True)


def counted(publisher):
    """Lets the sizes of the publish requests be counted."""
    sizes = []
    publish = publisher._gapic_publish

    def counting(*args, **kwargs):
        sizes.append(len(kwargs["messages"]))
        return publish(*args, **kwargs)

    publisher._gapic_publish = counting
    return sizes


def test_a_future_resolves_to_the_message_id(project):
    topic, sub = project.topic_with({})
    publisher = pubsub_v1.PublisherClient()
    message_id = publisher.publish(topic.name, b"hello", colour="blue").result(timeout=20)
    message = sub.take_one().message
    assert message.message_id == message_id
    assert message.data == b"hello"
    assert message.attributes == {"colour": "blue"}


def published(topic, count, settings):
    """(ids, sizes of the requests) of so many messages; the last batch goes out by stop()."""
    publisher = pubsub_v1.PublisherClient(settings)
    sizes = counted(publisher)
    futures = [publisher.publish(topic.name, b"%d" % n) for n in range(count)]
    publisher.stop()
    return [future.result(timeout=20) for future in futures], sizes


def test_batches_by_count(project):
    topic, sub = project.topic_with({})
    # The library sends a batch when one more message would reach max_messages.
    ids, sizes = published(topic, 200, BatchSettings(max_messages=51, max_latency=60))
    assert len(set(ids)) == 200
    assert sizes == [50] * 4
    by_id = {one.message.message_id: one.message.data for one in sub.take(200)}
    assert [by_id[one] for one in ids] == [b"%d" % n for n in range(200)]


def test_batches_by_bytes_and_by_time(project):
    topic, sub = project.topic_with({})
    publisher = pubsub_v1.PublisherClient(BatchSettings(max_bytes=5000, max_latency=0.2))
    sizes = counted(publisher)
    futures = [publisher.publish(topic.name, bytes(2000)) for _ in range(5)]
    for future in futures:
        future.result(timeout=20)
    assert sum(sizes) == 5
    assert max(sizes) <= 2
    assert len(sub.take(5)) == 5


def test_a_batch_of_a_thousand(project):
    topic, sub = project.topic_with({})
    ids, sizes = published(topic, 1000, BatchSettings(max_messages=1001, max_latency=60))
    assert len(set(ids)) == 1000
    assert sizes == [1000]
    assert len(sub.take(1000)) == 1000


def test_stop_sends_what_waits(project):
    topic, sub = project.topic_with({})
    publisher = pubsub_v1.PublisherClient(BatchSettings(max_messages=1000, max_latency=60))
    future = publisher.publish(topic.name, b"waiting")
    publisher.stop()
    assert future.result(timeout=20)
    assert sub.data(1) == [b"waiting"]
    with pytest.raises(RuntimeError):
        publisher.publish(topic.name, b"too late")


def test_a_missing_topic_fails_the_future(project):
    publisher = pubsub_v1.PublisherClient()
    with pytest.raises(NotFound):
        publisher.publish(project.named("topics", "absent"), b"x").result(timeout=20)


def test_a_refused_message_fails_the_future(project):
    topic, _ = project.topic_with({})
    publisher = pubsub_v1.PublisherClient()
    with pytest.raises(InvalidArgument):
        publisher.publish(topic.name, b"x", **{"k" * 257: "v"}).result(timeout=20)
    with pytest.raises(InvalidArgument):
        publisher.publish(topic.name, b"").result(timeout=20)


def test_a_message_too_large_for_any_batch(project):
    topic, _ = project.topic_with({})
    publisher = pubsub_v1.PublisherClient()
    with pytest.raises(MessageTooLargeError):
        publisher.publish(topic.name, bytes(10_000_001))


def test_ordered_publishing_keeps_each_keys_order(project):
    topic, sub = project.topic_with({"enable_message_ordering": True})
    publisher = pubsub_v1.PublisherClient(BatchSettings(max_messages=7), ORDERED)
    keys = ["a", "b", "c"]
    futures = [
        publisher.publish(topic.name, b"%d" % n, ordering_key=keys[n % 3]) for n in range(90)
    ]
    for future in futures:
        future.result(timeout=20)
    got = {key: [] for key in keys}
    while sum(map(len, got.values())) < 90:
        received = eventually(lambda: sub.pull(at_once=True))
        for one in received:
            got[one.message.ordering_key].append(int(one.message.data))
        sub.ack(*received)
    assert all(numbers == sorted(numbers) for numbers in got.values())


def test_a_failed_key_pauses_until_it_is_resumed(project):
    topic, sub = project.topic_with({"enable_message_ordering": True})
    publisher = pubsub_v1.PublisherClient((), ORDERED)
    with pytest.raises(InvalidArgument):
        publisher.publish(topic.name, b"bad", ordering_key="k", **{"k" * 257: "v"}).result(20)
    # The key's pause is noted by another thread.
    eventually(lambda: _is_paused(publisher, topic))
    publisher.resume_publish(topic.name, "k")
    publisher.publish(topic.name, b"good", ordering_key="k").result(timeout=20)
    assert sub.data(1) == [b"good"]


def _is_paused(publisher, topic):
    try:
        publisher.publish(topic.name, b"paused", ordering_key="k", **{"k" * 257: "v"}).result(20)
    except PublishToPausedOrderingKeyException:
        return True
    except InvalidArgument:
        return False


def test_publisher_flow_control(project):
    topic, sub = project.topic_with({})
    limits = PublishFlowControl(
        message_limit=1, limit_exceeded_behavior=LimitExceededBehavior.ERROR
    )
    publisher = pubsub_v1.PublisherClient(
        BatchSettings(max_latency=2), PublisherOptions(flow_control=limits)
    )
    first = publisher.publish(topic.name, b"first")
    with pytest.raises(FlowControlLimitError):
        publisher.publish(topic.name, b"second").result(timeout=20)
    assert first.result(timeout=20)
    blocking = PublishFlowControl(
        message_limit=10, limit_exceeded_behavior=LimitExceededBehavior.BLOCK
    )
    publisher = pubsub_v1.PublisherClient((), PublisherOptions(flow_control=blocking))
    futures = [publisher.publish(topic.name, b"%d" % n) for n in range(100)]
    assert len({future.result(timeout=20) for future in futures}) == 100
    assert len(data_of(sub.take(101))) == 101
