"""StreamingPull as the wire carries it, without the library's lease management around it."""

import time

import grpc
import pytest

from support.errors import NOT_FOR_THIS_TYPE, invalid_ack_id
from support.resources import data_of
from support.streams import Stream
from support.timing import stopwatch


def numbered(count, start=0):
    return [b"%d" % n for n in range(start, start + count)]


# Keepalive


@pytest.mark.parametrize("version", [1, 2])
def test_a_ping_is_answered_at_once_with_the_properties_only(project, version):
    _, sub = project.topic_with({})
    with Stream(sub, protocol_version=version) as stream:
        for _ in range(3):
            with stopwatch() as watch:
                stream.ping()
                answer = stream.response(10)
            assert watch.seconds < 5
            assert not answer.received_messages
            assert "acknowledge_confirmation" not in answer
            assert "modify_ack_deadline_confirmation" not in answer
            assert "subscription_properties" in answer


def test_a_ping_right_after_the_first_request_is_answered(project):
    _, sub = project.topic_with({})
    with Stream(sub, protocol_version=1, reading=True) as stream:
        stream.ping()
        stream.response(10)


def test_pings_are_answered_while_messages_are_outstanding(project):
    topic, sub = project.topic_with({})
    with Stream(sub, protocol_version=1, max_outstanding_messages=1) as stream:
        topic.publish(b"a", b"b")
        stream.message()
        stream.ping()
        assert not stream.response(10).received_messages


# Properties


@pytest.mark.parametrize("exactly_once", [False, True])
@pytest.mark.parametrize("ordered", [False, True])
def test_every_response_tells_the_properties(project, exactly_once, ordered):
    topic, sub = project.topic_with(
        {"enable_exactly_once_delivery": exactly_once, "enable_message_ordering": ordered}
    )
    with Stream(sub, protocol_version=1) as stream:
        topic.publish(b"x")
        stream.ping()
        got = 0
        for _ in range(20):
            response = stream.response()
            properties = response.subscription_properties
            assert properties.exactly_once_delivery_enabled == exactly_once
            assert properties.message_ordering_enabled == ordered
            got += len(response.received_messages)
            if got:
                break
            stream.ping()
        assert got == 1


def test_an_update_of_exactly_once_shows_in_open_streams(project):
    _, sub = project.topic_with({})
    with Stream(sub, protocol_version=1) as stream:
        sub.update("enable_exactly_once_delivery", enable_exactly_once_delivery=True)
        for _ in range(100):
            stream.ping()
            if stream.response().subscription_properties.exactly_once_delivery_enabled:
                break
            time.sleep(0.05)
        else:
            pytest.fail("the stream still says that exactly-once is off")


# Delivery


def test_messages_that_waited_and_messages_that_come_later(project):
    topic, sub = project.topic_with({})
    topic.publish(*numbered(5))
    with Stream(sub) as stream:
        assert set(data_of(stream.messages(5))) == set(numbered(5))
        for n in range(5, 10):
            topic.publish(b"%d" % n)
            assert stream.message().message.data == b"%d" % n


def test_two_streams_share_the_messages(project):
    topic, sub = project.topic_with({})
    limit = {"max_outstanding_messages": 5}
    with Stream(sub, **limit) as one, Stream(sub, **limit) as two:
        topic.publish(*numbered(10))
        got = data_of(one.messages(5)) + data_of(two.messages(5))
        assert sorted(got) == numbered(10)


def test_acks_and_nacks_on_the_stream(project):
    topic, sub = project.topic_with({})
    with Stream(sub) as stream:
        topic.publish(b"acked", b"nacked")
        by_data = {one.message.data: one for one in stream.messages(2)}
        stream.extend(1, by_data[b"acked"])
        stream.ack(by_data[b"acked"])
        stream.nack(by_data[b"nacked"])
        assert stream.message().message.data == b"nacked"
        assert stream.is_quiet(1.5)


def test_the_stream_deadline_holds_for_its_messages(project):
    topic, sub = project.topic_with({"ack_deadline_seconds": 600})
    with Stream(sub, deadline=10) as stream:
        topic.publish(b"x")
        stream.message()
        with stopwatch() as watch:
            again = stream.message(30)
        assert again.message.data == b"x"
        assert watch.seconds > 8


def test_the_deadline_can_change_on_a_later_request(project):
    topic, sub = project.topic_with({})
    with Stream(sub, deadline=600, protocol_version=1) as stream:
        stream.send(stream_ack_deadline_seconds=10)
        stream.response()  # it was heard
        topic.publish(b"x")
        stream.message()
        assert stream.message(30).message.data == b"x"


def test_a_first_deadline_of_zero_is_let_pass(project):
    topic, sub = project.topic_with({})
    with Stream(sub, deadline=0) as stream:
        topic.publish(b"x")
        assert stream.message().message.data == b"x"


def test_messages_of_a_stream_that_ended_go_to_the_next(project):
    topic, sub = project.topic_with({})
    topic.publish(*numbered(3))
    with Stream(sub, deadline=600) as stream:
        stream.messages(3)
    with Stream(sub, deadline=600) as stream:
        assert set(data_of(stream.messages(3))) == set(numbered(3))


def test_a_half_closed_stream_ends_well(project):
    _, sub = project.topic_with({})
    with Stream(sub, protocol_version=1) as stream:
        stream.ping()
        stream.response()
        stream.half_close()
        code, _ = stream.end()
        assert code == grpc.StatusCode.OK


# Flow control


def test_max_outstanding_messages_holds_and_frees_on_ack(project):
    topic, sub = project.topic_with({})
    topic.publish(*numbered(5))
    with Stream(sub, max_outstanding_messages=2) as stream:
        first = stream.messages(2)
        assert stream.is_quiet()
        stream.ack(first[0])
        stream.message()
        assert stream.is_quiet()
        sub.ack(first[1])  # a unary ack frees as well
        stream.message()
        assert stream.is_quiet()


def test_max_outstanding_bytes_holds_and_frees(project):
    topic, sub = project.topic_with({})
    topic.publish(*[bytes(1000)] * 4)
    with Stream(sub, max_outstanding_bytes=2500) as stream:
        first = stream.response().received_messages
        first += stream.response().received_messages if len(first) < 2 else []
        # Two fit; a third may go out before the bound is reached, and no fourth.
        assert 2 <= len(first) <= 3
        assert stream.is_quiet()
        stream.ack(*first)
        stream.messages(4 - len(first))


def test_a_message_larger_than_the_byte_limit_passes_alone(project):
    topic, sub = project.topic_with({})
    topic.publish(bytes(100_000))
    with Stream(sub, max_outstanding_bytes=1000) as stream:
        assert len(stream.message().message.data) == 100_000


@pytest.mark.parametrize("limit", [0, -1])
def test_no_limit_when_it_is_not_positive(project, limit):
    topic, sub = project.topic_with({})
    topic.publish(*[b"x"] * 1000)
    topic.publish(*[b"x"] * 500)
    limits = {"max_outstanding_messages": limit, "max_outstanding_bytes": limit}
    with Stream(sub, **limits) as stream:
        assert len(stream.messages(1500)) == 1500


# Requests that end the stream


def end_after(sub, /, **later):
    with Stream(sub, protocol_version=1) as stream:
        stream.ping()
        stream.response()
        stream.send(**later)
        return stream.end()


@pytest.mark.parametrize(
    "later",
    [
        {"max_outstanding_messages": 5},
        {"max_outstanding_bytes": 5},
        {"protocol_version": 1},
        {"modify_deadline_ack_ids": ["x"], "modify_deadline_seconds": []},
        {"modify_deadline_ack_ids": [], "modify_deadline_seconds": [10]},
        {"stream_ack_deadline_seconds": 9},
        {"stream_ack_deadline_seconds": 601},
        {"stream_ack_deadline_seconds": -1},
        {"ack_ids": ["malformed"]},
    ],
    ids=lambda later: "+".join(later),
)
def test_later_requests_that_are_refused(project, later):
    _, sub = project.topic_with({})
    code, details = end_after(sub, **later)
    assert code == grpc.StatusCode.INVALID_ARGUMENT, details
    assert details


def test_a_negative_modify_deadline_is_refused(project):
    topic, sub = project.topic_with({})
    topic.publish(b"x")
    with Stream(sub) as stream:
        stream.extend(-1, stream.message())
        code, details = stream.end()
    assert code == grpc.StatusCode.INVALID_ARGUMENT, details


def test_a_malformed_ack_id_is_named(project):
    _, sub = project.topic_with({})
    code, details = end_after(sub, ack_ids=["malformed"])
    assert (code, details) == (grpc.StatusCode.INVALID_ARGUMENT, invalid_ack_id("malformed"))


@pytest.mark.parametrize("deadline", [9, 601, -1])
def test_a_first_deadline_out_of_bounds_is_refused(project, deadline):
    _, sub = project.topic_with({})
    with Stream(sub, deadline=deadline) as stream:
        code, details = stream.end()
    assert code == grpc.StatusCode.INVALID_ARGUMENT, details


def test_a_stream_on_a_missing_subscription(project):
    _, sub = project.topic_with({})
    sub.name += "-absent"
    with Stream(sub) as stream:
        code, details = stream.end()
    assert code == grpc.StatusCode.NOT_FOUND
    assert details == f"Resource not found (resource={sub.id}-absent)."


def test_a_stream_on_a_push_subscription(project):
    _, sub = project.topic_with({"push_config": {"push_endpoint": "http://127.0.0.1:9/"}})
    with Stream(sub) as stream:
        code, details = stream.end()
    assert (code, details) == (grpc.StatusCode.FAILED_PRECONDITION, NOT_FOR_THIS_TYPE)


# Events that end the stream


def test_deletion_ends_the_stream(project):
    _, sub = project.topic_with({})
    with Stream(sub, protocol_version=1) as stream:
        stream.ping()
        stream.response()
        sub.delete()
        code, details = stream.end()
    assert code == grpc.StatusCode.NOT_FOUND
    assert details == f"Resource not found (resource={sub.id})."


def test_detaching_ends_the_stream(project):
    _, sub = project.topic_with({})
    with Stream(sub, protocol_version=1) as stream:
        stream.ping()
        stream.response()
        sub.detach()
        code, details = stream.end()
    assert code == grpc.StatusCode.FAILED_PRECONDITION, details


def test_turning_to_push_ends_the_stream(project):
    _, sub = project.topic_with({})
    with Stream(sub, protocol_version=1) as stream:
        stream.ping()
        stream.response()
        sub.api.subscriber.modify_push_config(
            subscription=sub.name, push_config={"push_endpoint": "http://127.0.0.1:9/"}
        )
        code, details = stream.end()
    assert code == grpc.StatusCode.FAILED_PRECONDITION, details


def test_deleting_the_topic_leaves_the_stream(project):
    topic, sub = project.topic_with({})
    with Stream(sub, protocol_version=1) as stream:
        topic.publish(b"still here")
        topic.delete()
        assert stream.message().message.data == b"still here"
        stream.ping()
        stream.response()


# Confirmations under exactly-once


def confirmation(stream, field):
    for _ in range(10):
        response = stream.response()
        if field in response:
            return getattr(response, field)
    raise AssertionError(f"ten responses without {field}")


def test_acks_are_confirmed_under_exactly_once(project):
    topic, sub = project.topic_with({"enable_exactly_once_delivery": True})
    with Stream(sub) as stream:
        topic.publish(b"x")
        got = stream.message()
        stream.extend(30, got)
        confirmed = confirmation(stream, "modify_ack_deadline_confirmation")
        assert list(confirmed.ack_ids) == [got.ack_id]
        assert not confirmed.invalid_ack_ids
        stream.ack(got)
        confirmed = confirmation(stream, "acknowledge_confirmation")
        assert list(confirmed.ack_ids) == [got.ack_id]
        assert not confirmed.invalid_ack_ids


def test_old_ids_are_told_apart_under_exactly_once(project):
    topic, sub = project.topic_with({"enable_exactly_once_delivery": True})
    with Stream(sub) as stream:
        topic.publish(b"x")
        old = stream.message()
        stream.nack(old)
        assert list(confirmation(stream, "modify_ack_deadline_confirmation").ack_ids) == [
            old.ack_id
        ]
        new = stream.message()
        assert new.ack_id != old.ack_id
        stream.extend(30, old)
        confirmed = confirmation(stream, "modify_ack_deadline_confirmation")
        assert list(confirmed.invalid_ack_ids) == [old.ack_id]
        stream.send(ack_ids=[old.ack_id, new.ack_id])
        confirmed = confirmation(stream, "acknowledge_confirmation")
        assert list(confirmed.ack_ids) == [new.ack_id]
        assert list(confirmed.invalid_ack_ids) == [old.ack_id]


def test_what_is_acked_out_of_order_is_told_apart(project):
    topic, sub = project.topic_with(
        {"enable_exactly_once_delivery": True, "enable_message_ordering": True}
    )
    topic.publish(b"1", b"2", key="k")
    with Stream(sub) as stream:
        first, second = stream.messages(2)
        stream.ack(second)
        confirmed = confirmation(stream, "acknowledge_confirmation")
        assert list(confirmed.unordered_ack_ids) == [second.ack_id]
        assert not confirmed.ack_ids and not confirmed.invalid_ack_ids
        stream.ack(second, first)
        confirmed = confirmation(stream, "acknowledge_confirmation")
        assert set(confirmed.ack_ids) == {first.ack_id, second.ack_id}
        assert not confirmed.unordered_ack_ids


def test_nothing_is_confirmed_without_exactly_once(project):
    topic, sub = project.topic_with({})
    with Stream(sub, protocol_version=1) as stream:
        topic.publish(b"x")
        got = stream.message()
        stream.extend(30, got)
        stream.ack(got)
        stream.ping()
        for _ in range(3):
            response = stream.response()
            assert "acknowledge_confirmation" not in response
            assert "modify_ack_deadline_confirmation" not in response
            if not response.received_messages:
                break
