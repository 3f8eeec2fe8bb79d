"""Exactly-once delivery: unary calls with their error details, and the library's futures."""

import pytest
from google.api_core.exceptions import GoogleAPICallError
from google.cloud.pubsub_v1.subscriber.exceptions import AcknowledgeError, AcknowledgeStatus
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status

from support.clients import Api
from support.resources import data_of
from support.subscriber import Inbox, subscribed
from support.timing import eventually

ONCE = {"enable_exactly_once_delivery": True}
INVALID = "PERMANENT_FAILURE_INVALID_ACK_ID"


def failures(error):
    """ack id -> failure, from the ErrorInfo in grpc-status-details-bin."""
    status = rpc_status.from_call(error.response)
    assert status is not None, "no grpc-status-details-bin"
    infos = [
        ErrorInfo.FromString(one.value) for one in status.details if one.Is(ErrorInfo.DESCRIPTOR)
    ]
    assert len(infos) == 1
    return dict(infos[0].metadata)


def redelivered(sub, first):
    """Nacks the message and answers its next delivery."""
    sub.nack(first)
    again = sub.take_one()
    assert again.ack_id != first.ack_id
    return again


def test_a_message_comes_once_when_it_is_acked(project):
    topic, sub = project.topic_with(ONCE)
    topic.publish(*[b"%d" % n for n in range(100)])
    got = sub.take(100)
    sub.extend(3, *got)
    sub.ack(*got)
    assert sub.is_empty(for_seconds=3.5)


def test_nothing_comes_twice_while_it_is_leased(project):
    topic, sub = project.topic_with(ONCE)
    topic.publish(b"x")
    sub.take_one()
    assert sub.is_empty(for_seconds=1)


@pytest.mark.parametrize("call", ["acknowledge", "modify_ack_deadline"])
def test_old_ids_are_named_and_the_good_ones_apply(project, call):
    topic, sub = project.topic_with(ONCE)
    topic.publish(b"a", b"b")
    first, good = sub.take(2)
    new = redelivered(sub, first)
    with pytest.raises(GoogleAPICallError) as caught:
        if call == "acknowledge":
            sub.ack(first, good)
        else:
            sub.extend(600, first, good)
    assert failures(caught.value) == {first.ack_id: INVALID}
    sub.extend(600, new)
    if call == "acknowledge":
        assert sub.is_empty(for_seconds=0.3)
    sub.ack(new)


def test_an_expired_id_fails(project):
    topic, sub = project.topic_with(ONCE)
    topic.publish(b"x")
    got = sub.take_one()
    sub.extend(1, got)
    again = sub.take_one()
    with pytest.raises(GoogleAPICallError) as caught:
        sub.ack(got)
    assert failures(caught.value) == {got.ack_id: INVALID}
    sub.ack(again)
    assert sub.is_empty(for_seconds=0.3)


UNORDERED = "TRANSIENT_FAILURE_UNORDERED_ACK_ID"


def test_an_ordering_key_is_acknowledged_in_order(project):
    topic, sub = project.topic_with({"enable_message_ordering": True, **ONCE})
    topic.publish(b"1", b"2", b"3", key="k")
    topic.publish(b"other", key="another key")
    got = {one.message.data: one for one in sub.take(4)}
    first, second, third = got[b"1"], got[b"2"], got[b"3"]
    with pytest.raises(GoogleAPICallError) as caught:
        sub.ack(second, got[b"other"])
    assert failures(caught.value) == {second.ack_id: UNORDERED}
    assert caught.value.grpc_status_code.name == "FAILED_PRECONDITION", "nothing is sent again by itself"
    again = redelivered(sub, first)
    assert again.message.data == b"1"
    # The leases of the later ones go on, and nothing of the key comes before they end.
    sub.extend(60, second, third)
    with pytest.raises(GoogleAPICallError) as caught:
        sub.ack(third, first)
    assert failures(caught.value) == {third.ack_id: UNORDERED, first.ack_id: INVALID}
    sub.ack(third, again, second)
    assert sub.is_empty(for_seconds=0.3)


def test_over_rest_the_details_are_json(project, address):
    topic, sub = project.topic_with(ONCE)
    topic.publish(b"x")
    first = sub.take_one()
    redelivered(sub, first)
    with pytest.raises(GoogleAPICallError) as caught:
        Api.over("rest", address).subscriber.acknowledge(
            subscription=sub.name, ack_ids=[first.ack_id]
        )
    details = caught.value.response.json()["error"]["details"]
    infos = [one for one in details if one["@type"].endswith("google.rpc.ErrorInfo")]
    assert [one["metadata"] for one in infos] == [{first.ack_id: INVALID}]


def test_it_can_be_turned_on_and_off(project):
    topic, sub = project.topic_with({})
    sub.update("enable_exactly_once_delivery", enable_exactly_once_delivery=True)
    topic.publish(b"x")
    first = sub.take_one()
    second = redelivered(sub, first)
    with pytest.raises(GoogleAPICallError):
        sub.ack(first)
    sub.update("enable_exactly_once_delivery", enable_exactly_once_delivery=False)
    third = redelivered(sub, second)
    sub.ack(second)  # best effort again: no error
    sub.ack(third)


# The library


@pytest.mark.usefixtures("emulator")
def test_ack_with_response_succeeds(project):
    topic, sub = project.topic_with(ONCE)
    answers = []
    inbox = Inbox(lambda message: answers.append(message.ack_with_response()))
    with subscribed(sub, inbox):
        topic.publish(*[b"%d" % n for n in range(20)])
        inbox.wait(20)
        eventually(lambda: len(answers) == 20)
        results = {future.result(timeout=20) for future in answers}
        assert results == {AcknowledgeStatus.SUCCESS}
        assert len(inbox.wait_for_exactly(20)) == 20
    assert sub.is_empty()


@pytest.mark.usefixtures("emulator")
def test_nack_and_modack_with_response(project):
    topic, sub = project.topic_with(ONCE)
    answers = []

    def settle(message):
        if not answers:
            answers.append(message.modify_ack_deadline_with_response(60).result(timeout=20))
            answers.append(message.nack_with_response().result(timeout=20))
        else:
            answers.append(message.ack_with_response().result(timeout=20))

    inbox = Inbox(settle)
    with subscribed(sub, inbox):
        topic.publish(b"x")
        inbox.wait(2)
        eventually(lambda: len(answers) == 3)
    assert answers == [AcknowledgeStatus.SUCCESS] * 3


@pytest.mark.usefixtures("emulator")
@pytest.mark.parametrize(
    "method, args",
    [("ack_with_response", ()), ("modify_ack_deadline_with_response", (30,))],
)
def test_an_id_that_is_no_longer_good_fails_its_future(project, method, args):
    topic, sub = project.topic_with(ONCE)
    codes, seen = [], []

    def settle(message):
        seen.append(message)
        if len(seen) > 1:
            message.ack()
            return
        # Behind the library's back, so that it still holds the message.
        sub.modack_ids(0, [message.ack_id])
        try:
            getattr(message, method)(*args).result(timeout=20)
            codes.append("no error")
        except AcknowledgeError as error:
            codes.append(error.error_code)

    inbox = Inbox(settle)
    with subscribed(sub, inbox):
        topic.publish(b"x")
        inbox.wait(2)
        eventually(lambda: codes)
    assert codes == [AcknowledgeStatus.INVALID_ACK_ID]


@pytest.mark.usefixtures("emulator")
def test_without_exactly_once_every_ack_succeeds(project):
    topic, sub = project.topic_with({})
    results = []

    def settle(message):
        sub.modack_ids(0, [message.ack_id])
        results.append(message.ack_with_response().result(timeout=20))

    inbox = Inbox(settle)
    with subscribed(sub, inbox):
        topic.publish(b"x")
        inbox.wait(1)
        eventually(lambda: results)
    assert results[0] == AcknowledgeStatus.SUCCESS


def test_with_ordering_keys_it_holds_as_well(project):
    topic, sub = project.topic_with(ONCE | {"enable_message_ordering": True})
    topic.publish(b"0", b"1", b"2", key="k")
    got = []
    while len(got) < 3:
        received = eventually(lambda: sub.pull(at_once=True))
        got += data_of(received)
        sub.ack(*received)
    assert got == [b"0", b"1", b"2"]
