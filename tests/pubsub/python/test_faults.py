"""What gRPC clients see of fault rules, on a server of the test's own."""

import pytest
from google.api_core import exceptions
from google.pubsub_v1.types import StreamingPullRequest

from support.own_server import own_server


@pytest.fixture(scope="module")
def server():
    with own_server() as server:
        yield server


@pytest.fixture
def address(server):
    return server.pubsub


@pytest.fixture
def fault(server):
    """Sets a rule, until the test ends."""
    yield lambda effect, **rule: server.control("POST", "faults", {"effect": effect, **rule})
    server.control("DELETE", "faults")


def test_an_error_has_the_code_and_text_of_its_rule(api, project, fault):
    topic, other = project.topic(), project.topic()
    fault(
        {"error": {"code": "ABORTED", "message": "as asked"}},
        dialect="pubsub",
        action="Publish",
        resource=topic.name,
    )
    messages = [{"data": b"x"}]
    with pytest.raises(exceptions.Aborted, match="as asked"):
        api.publisher.publish(topic=topic.name, messages=messages, retry=None)
    assert api.publisher.publish(topic=other.name, messages=messages).message_ids


def test_the_library_retries_what_is_throttled(api, project, fault):
    topic = project.topic()
    fault("throttle", action="Publish", times=2)
    answer = api.publisher.publish(topic=topic.name, messages=[{"data": b"x"}])
    assert len(answer.message_ids) == 1


def test_a_call_whose_connection_ends_may_have_been_carried_out(api, project, fault):
    topic = project.topic()
    subscription = project.subscription(topic)
    fault({"drop": "after"}, action="Publish", times=1)
    with pytest.raises(exceptions.ServiceUnavailable):
        api.publisher.publish(topic=topic.name, messages=[{"data": b"x"}], retry=None)
    pulled = api.subscriber.pull(subscription=subscription.name, max_messages=10)
    assert [one.message.data for one in pulled.received_messages] == [b"x"]


def test_a_stream_that_may_not_begin(api, project, fault):
    subscription = project.subscription(project.topic())
    fault({"error": {"code": "PERMISSION_DENIED"}}, dialect="pubsub", action="StreamingPull")
    first = StreamingPullRequest(subscription=subscription.name, stream_ack_deadline_seconds=10)
    with pytest.raises(exceptions.PermissionDenied):
        next(iter(api.subscriber.streaming_pull(iter([first]), retry=None)))
