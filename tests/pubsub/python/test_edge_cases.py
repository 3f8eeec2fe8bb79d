"""The numbered edge cases of the contract, each under its number."""

import threading
import time

import pytest
from google.api_core.exceptions import GoogleAPICallError
from google.protobuf.timestamp_pb2 import Timestamp
from google.pubsub_v1.types import PullRequest
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status

from support.clients import Api
from support.errors import invalid_ack_id, refused
from support.push_endpoint import PushEndpoint
from support.resources import DAY_SECONDS, ack_ids_of, data_of, duration
from support.streams import Stream
from support.timing import eventually, stopwatch


def numbered(count):
    return [b"%d" % n for n in range(count)]


def seek_seconds_from_now(sub, seconds):
    sub.seek(time=Timestamp(seconds=int(time.time()) + seconds))


def dead_letters(project):
    """(topic, subscription with a dead-letter policy, subscription to the dead letters)"""
    dead, dead_sub = project.topic_with({})
    topic, sub = project.topic_with(
        {"dead_letter_policy": {"dead_letter_topic": dead.name, "max_delivery_attempts": 5}}
    )
    return topic, sub, dead_sub


def test_edge_01_a_ping_is_answered_when_the_protocol_version_says_so(project):
    _, sub = project.topic_with({})
    with Stream(sub, protocol_version=1) as stream:
        stream.ping()
        answer = stream.response(15)
        assert not answer.received_messages
        assert "acknowledge_confirmation" not in answer
        assert "modify_ack_deadline_confirmation" not in answer


def test_edge_02_subscription_properties_in_every_stream_response(project):
    topic, sub = project.topic_with({"enable_exactly_once_delivery": True})
    with Stream(sub, protocol_version=1) as stream:
        topic.publish(*numbered(3))
        got = []
        while len(got) < 3:
            stream.ping()
            response = stream.response()  # asserts that they are there
            assert response.subscription_properties.exactly_once_delivery_enabled
            got += response.received_messages
        stream.ack(*got)
        assert stream.response().subscription_properties.exactly_once_delivery_enabled


def test_edge_03_two_subscriptions_each_get_every_message(project):
    topic, one, two = project.topic_with({}, {})
    topic.publish(*numbered(10))
    assert sorted(one.data(10)) == sorted(two.data(10)) == numbered(10)


def test_edge_04_messages_from_before_the_subscription_are_not_delivered(project):
    topic = project.topic()
    topic.publish(b"before")
    sub = project.subscription(topic)
    topic.publish(b"after")
    assert sub.data(1) == [b"after"]
    assert sub.is_empty(for_seconds=0.3)


def test_edge_05_a_unary_ack_of_an_expired_or_acked_id_is_ok(project):
    topic, sub = project.topic_with({})
    topic.publish(b"expired", b"acked")
    by_data = {one.message.data: one for one in sub.take(2)}
    sub.ack(by_data[b"acked"])
    sub.ack(by_data[b"acked"])
    sub.extend(1, by_data[b"expired"])
    again = sub.take_one()
    sub.ack(by_data[b"expired"])
    sub.ack(again)


def test_edge_06_a_malformed_id_refuses_the_whole_request(project):
    topic, sub = project.topic_with({})
    topic.publish(b"x")
    got = sub.take_one()
    with refused("INVALID_ARGUMENT", invalid_ack_id("malformed")):
        sub.ack_ids([got.ack_id, "malformed"])
    sub.nack(got)
    assert sub.data(1) == [b"x"], "the good id was not acked"


def test_edge_07_an_ack_id_is_unique_per_delivery(project):
    topic, sub, other = project.topic_with({}, {})
    topic.publish(b"x")
    ack_ids = ack_ids_of(other.take(1))
    for _ in range(5):
        got = sub.take_one()
        ack_ids.append(got.ack_id)
        sub.nack(got)
    assert len(set(ack_ids)) == 6


def test_edge_08_a_late_modack_of_an_old_delivery_does_not_hold_a_later_one(project):
    topic, sub = project.topic_with({})
    topic.publish(b"x")
    old = sub.take_one()
    sub.nack(old)
    new = sub.take_one()
    sub.extend(600, old)
    sub.nack(new)
    sub.extend(600, old)
    with stopwatch() as watch:
        assert sub.data(1) == [b"x"]
    assert watch.seconds < 8


def test_edge_09_exactly_once_names_old_ids_and_applies_the_good_ones(project):
    topic, sub = project.topic_with({"enable_exactly_once_delivery": True})
    topic.publish(b"a", b"b")
    first, good = sub.take(2)
    sub.nack(first)
    again = sub.take_one()
    with pytest.raises(GoogleAPICallError) as caught:
        sub.ack(first, good)
    details = rpc_status.from_call(caught.value.response).details
    infos = [ErrorInfo.FromString(one.value) for one in details if one.Is(ErrorInfo.DESCRIPTOR)]
    assert dict(infos[0].metadata) == {first.ack_id: "PERMANENT_FAILURE_INVALID_ACK_ID"}
    sub.nack(again)
    assert sub.data(1) == [first.message.data], "the good one was acked"
    assert sub.is_empty(for_seconds=0.3)


def test_edge_10_modack_0_redelivers_unless_a_retry_policy_delays(project):
    backoff = {"minimum_backoff": duration(2), "maximum_backoff": duration(2)}
    topic, plain, delayed = project.topic_with({}, {"retry_policy": backoff})
    topic.publish(b"x")
    for sub, least, most in [(plain, 0, 1.5), (delayed, 1.9, 15)]:
        got = sub.take_one()
        with stopwatch() as watch:
            sub.modack_ids(0, [got.ack_id])
            sub.take_one()
        assert least <= watch.seconds < most


def test_edge_11_without_a_retry_policy_redelivery_is_immediate(project):
    topic, sub = project.topic_with({})
    with Stream(sub) as stream:
        topic.publish(b"x")
        with stopwatch() as watch:
            for _ in range(20):
                stream.nack(stream.message())
        assert watch.seconds < 10
        stream.ack(stream.message())


def test_edge_12_backoff_doubles_and_is_capped(project):
    backoff = {"minimum_backoff": duration(0.5), "maximum_backoff": duration(1)}
    topic, sub = project.topic_with({"retry_policy": backoff})
    topic.publish(b"x")
    got = sub.take_one()
    waited = []
    for _ in range(5):
        with stopwatch() as watch:
            sub.nack(got)
            got = sub.take_one()
        waited.append(watch.seconds)
    for seconds, least in zip(waited, [0.5, 1, 1, 1, 1]):
        assert seconds > least - 0.1, waited
    assert waited[4] < 7, "uncapped it would be 8 s"


def test_edge_13_delivery_attempt_is_0_without_a_policy_and_else_from_1(project):
    topic, sub, _ = dead_letters(project)
    plain = project.subscription(topic)
    topic.publish(b"x")
    for attempt in [1, 2]:
        got, other = sub.take_one(), plain.take_one()
        assert (got.delivery_attempt, other.delivery_attempt) == (attempt, 0)
        sub.nack(got)
        plain.nack(other)


def test_edge_14_the_count_is_1_plus_nacks_plus_expiries(project):
    topic, sub, _ = dead_letters(project)
    topic.publish(b"x")
    attempts = []
    for settle in [sub.nack, lambda got: sub.extend(1, got), sub.nack, lambda got: None]:
        got = sub.take_one()
        attempts.append(got.delivery_attempt)
        settle(got)
    assert attempts == [1, 2, 3, 4]


def test_edge_15_what_a_dead_letter_keeps_and_gains(project):
    topic, sub, dead_sub = dead_letters(project)
    ids = topic.publish(b"poison", key="k", colour="green")
    for _ in range(5):
        sub.nack(sub.take_one())
    message = dead_sub.take_one().message
    assert message.message_id != ids[0]
    assert (message.data, message.ordering_key) == (b"poison", "k")
    prefix = "CloudPubSubDeadLetterSource"
    assert set(message.attributes) == {
        "colour",
        prefix + "Subscription",
        prefix + "SubscriptionProject",
        prefix + "TopicPublishTime",
        prefix + "DeliveryCount",
    }
    assert message.attributes["colour"] == "green"
    assert message.attributes[prefix + "Subscription"] == sub.id
    assert message.attributes[prefix + "SubscriptionProject"] == project.id
    assert message.attributes[prefix + "DeliveryCount"] == "5"


def test_edge_16_an_ordered_nack_replays_the_rest_of_the_key(project):
    topic, sub = project.topic_with({"enable_message_ordering": True})
    with Stream(sub, deadline=600) as stream:
        topic.publish(*numbered(5), key="k")
        got = stream.messages(5)
        assert data_of(got) == numbered(5)
        stream.ack(got[0])
        stream.nack(got[1])
        assert data_of(stream.messages(4)) == numbered(5)[1:]


def test_edge_17_keys_run_in_parallel_and_unkeyed_messages_never_block(project):
    topic, sub = project.topic_with({"enable_message_ordering": True})
    topic.publish(b"a1", b"a2", key="a")
    held = sub.pull(max_messages=1)
    assert data_of(held) == [b"a1"]
    topic.publish(b"b1", key="b")
    topic.publish(b"u1")
    topic.publish(b"u2")
    got = set()
    while not {b"b1", b"u1", b"u2"} <= got:
        received = eventually(lambda: sub.pull(at_once=True))
        got |= set(data_of(received))
    assert b"a1" not in got


def test_edge_18_a_key_without_ordering_is_only_told(project):
    topic, sub = project.topic_with({})
    topic.publish(*numbered(3), key="k")
    held = sub.take(3)
    assert {one.message.ordering_key for one in held} == {"k"}
    sub.nack(held[0])
    again = sub.take_one()
    assert again.message.data == held[0].message.data
    assert sub.is_empty(for_seconds=0.3), "nothing else of the key is replayed"


def test_edge_19_seek_purges_and_revives_only_what_is_retained(project):
    topic, plain, retaining = project.topic_with({}, {"retain_acked_messages": True})
    kept = project.topic(message_retention_duration=duration(600))
    by_topic = project.subscription(kept)
    for sub, source in [(plain, topic), (retaining, None), (by_topic, kept)]:
        if source:
            source.publish(b"x")
        sub.data(1)
    for sub in [plain, retaining, by_topic]:
        seek_seconds_from_now(sub, -60)
    assert plain.is_empty(for_seconds=0.3)
    assert retaining.data(1) == by_topic.data(1) == [b"x"]
    topic.publish(b"purged")
    seek_seconds_from_now(plain, 60)
    assert plain.is_empty(for_seconds=0.3)


def test_edge_20_a_snapshot_also_holds_what_is_published_after_it(project):
    topic, sub = project.topic_with({})
    topic.publish(b"before")
    snapshot = project.snapshot(sub)
    topic.publish(b"after")
    assert sorted(sub.data(2)) == [b"after", b"before"]
    sub.seek(snapshot=snapshot.name)
    assert sorted(sub.data(2)) == [b"after", b"before"]


def test_edge_21_unequal_matches_when_the_attribute_is_absent(project):
    topic, sub = project.topic_with({"filter": 'attributes.k != "v"'})
    topic.publish(b"absent")
    topic.publish(b"other", k="w")
    topic.publish(b"equal", k="v")
    assert sorted(sub.data(2)) == [b"absent", b"other"]
    assert sub.is_empty(for_seconds=0.3)


def test_edge_22_and_with_or_needs_parentheses(project):
    topic = project.topic()
    with refused("INVALID_ARGUMENT"):
        project.subscription(topic, filter="attributes:a AND attributes:b OR attributes:c")
    project.subscription(topic, filter="(attributes:a AND attributes:b) OR attributes:c")


def test_edge_23_a_filter_in_an_update_mask_is_refused_even_if_unchanged(project):
    _, sub = project.topic_with({"filter": "attributes:a"})
    for text in ["attributes:a", "attributes:b", ""]:
        with refused("INVALID_ARGUMENT"):
            sub.update("filter", filter=text)
    assert sub.get().filter == "attributes:a"


def test_edge_24_deleting_a_topic_keeps_its_subscriptions(project):
    topic, sub = project.topic_with({})
    topic.publish(b"kept")
    topic.delete()
    assert sub.get().topic == "_deleted-topic_"
    again = project.topic(name=topic.name)
    again.publish(b"not for it")
    assert sub.data(1) == [b"kept"]
    assert sub.is_empty(for_seconds=0.3)
    assert sub.get().topic == "_deleted-topic_"
    assert not list(project.api.publisher.list_topic_subscriptions(topic=topic.name))


def test_edge_25_defaults_read_back(project):
    _, sub = project.topic_with({"ack_deadline_seconds": 0})
    for found in [sub.get(), sub.update("labels", labels={"a": "b"})]:
        assert found.ack_deadline_seconds == 10
        assert found.message_retention_duration.total_seconds() == 7 * DAY_SECONDS
        assert found.expiration_policy.ttl.total_seconds() == 31 * DAY_SECONDS


def test_edge_26_an_empty_expiration_policy_is_never(project):
    _, never, default = project.topic_with({"expiration_policy": {}}, {})
    assert "expiration_policy" in never.get()
    assert "ttl" not in never.get().expiration_policy
    assert default.get().expiration_policy.ttl.total_seconds() == 31 * DAY_SECONDS


def test_edge_27_from_push_to_pull_the_backlog_stays(project):
    with PushEndpoint(otherwise=500) as endpoint:
        topic, sub = project.topic_with({"push_config": {"push_endpoint": endpoint.url}})
        topic.publish(b"x")
        endpoint.pushes(1)
        project.api.subscriber.modify_push_config(subscription=sub.name, push_config={})
        assert sub.data(1) == [b"x"]


def test_edge_28_a_pull_waits_and_is_woken(project):
    topic, sub = project.topic_with({})
    answers = []
    puller = threading.Thread(target=lambda: answers.append(sub.pull()))
    puller.start()
    time.sleep(1)
    assert not answers, "it waits"
    topic.publish(b"x")
    puller.join(20)
    assert data_of(answers[0]) == [b"x"]


def test_edge_28_a_cancelled_pull_leases_nothing(project):
    topic, sub = project.topic_with({"ack_deadline_seconds": 600})
    request = PullRequest(subscription=sub.name, max_messages=10)
    for _ in range(10):
        call = sub.api.subscriber.transport.pull.future(request)
        time.sleep(0.05)
        call.cancel()
    topic.publish(b"x")
    assert sub.data(1) == [b"x"]


def test_edge_28_the_wait_is_bounded(project):
    _, sub = project.topic_with({})
    with stopwatch() as watch:
        assert sub.pull(retry=None, timeout=80) == []
    assert watch.seconds < 60


def test_edge_29_outstanding_messages_count_per_stream(project):
    topic, sub = project.topic_with({})
    topic.publish(*numbered(7))
    with Stream(sub, max_outstanding_messages=2) as one:
        held = one.messages(2)
        assert one.is_quiet()
        with Stream(sub, max_outstanding_messages=1) as two:
            two.message()
            assert two.is_quiet()
        one.ack(held[0])
        one.message()
        assert one.is_quiet()
        one.nack(held[1])
        one.message()
        assert one.is_quiet()


def test_edge_29_an_expiry_frees_as_well(project):
    topic, sub = project.topic_with({})
    topic.publish(b"a", b"b")
    with Stream(sub, max_outstanding_messages=1) as stream:
        first = stream.message()
        assert stream.is_quiet()
        stream.extend(1, first)
        stream.message()


def test_edge_29_the_end_of_a_stream_loses_nothing(project):
    topic, sub = project.topic_with({})
    topic.publish(*numbered(20))
    with Stream(sub, deadline=10, max_outstanding_messages=10) as stream:
        stream.messages(10)
    assert sorted(sub.data(20), key=int) == numbered(20)


def test_edge_30_large_requests_and_responses_and_any_bytes(project, address):
    topic, sub = project.topic_with({})
    rest = Api.over("rest", address)
    data = bytes(range(256)) * 25_000
    rest.publisher.publish(topic=topic.name, messages=[{"data": data}])
    received = rest.subscriber.pull(subscription=sub.name, max_messages=1).received_messages
    assert data_of(received) == [data]
    topic.publish(data + data[:3_000_000])
    assert len(sub.take_one(seconds=60).message.data) == 9_400_000
    # Enums go out as integers and come back as enums.
    assert rest.subscriber.get_subscription(subscription=sub.name).state.name == "ACTIVE"


def test_one_without_a_name_gets_one(project):
    """Only gRPC can leave it out: over REST it is the path."""
    topic = project.topic()
    subscriber = project.api.subscriber
    made = [subscriber.create_subscription(request={"topic": topic.name}) for _ in range(2)]
    names = [one.name for one in made]
    assert len(set(names)) == 2
    assert all(name.startswith(f"{project.path}/subscriptions/") for name in names)
    assert set(project.api.publisher.list_topic_subscriptions(topic=topic.name)) == set(names)
    for name in names:
        subscriber.delete_subscription(subscription=name)
