"""Push subscriptions against a local HTTP server."""

import base64
import itertools
import re
import time

import pytest

from support.errors import NOT_FOR_THIS_TYPE, refused
from support.push_endpoint import PushEndpoint
from support.resources import duration
from support.timing import eventually

RFC3339_MILLIS = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z"


@pytest.fixture
def endpoint():
    with PushEndpoint() as running:
        yield running


def push_to(endpoint, **config):
    return {"push_config": {"push_endpoint": endpoint.url, **config}}


def quick_retry(**settings):
    return {
        "retry_policy": {"minimum_backoff": duration(0), "maximum_backoff": duration(0)}
    } | settings


# What is sent


def test_the_wrapped_form(project, endpoint):
    topic, sub = project.topic_with(push_to(endpoint))
    ids = topic.publish(b"hello", colour="blue")
    push = endpoint.only()
    assert push.path == "/push"
    assert push.headers["content-type"].startswith("application/json")
    published = push.json["message"]["publishTime"]
    assert re.fullmatch(RFC3339_MILLIS, published)
    assert push.json == {
        "message": {
            "data": base64.b64encode(b"hello").decode(),
            "attributes": {"colour": "blue"},
            "messageId": ids[0],
            "message_id": ids[0],
            "publishTime": published,
            "publish_time": published,
        },
        "subscription": sub.name,
    }
    assert "authorization" not in push.headers


def test_the_ordering_key_is_told(project, endpoint):
    topic, _ = project.topic_with(push_to(endpoint) | {"enable_message_ordering": True})
    topic.publish(b"x", key="k")
    assert endpoint.only().json["message"]["orderingKey"] == "k"


def test_any_bytes_as_data(project, endpoint):
    topic, _ = project.topic_with(push_to(endpoint))
    topic.publish(bytes(range(256)))
    data = endpoint.only().json["message"]["data"]
    assert base64.b64decode(data, validate=True) == bytes(range(256))


def test_without_a_wrapper_the_data_is_the_body(project, endpoint):
    topic, _ = project.topic_with(push_to(endpoint, no_wrapper={}))
    topic.publish(bytes(range(256)), colour="blue")
    push = endpoint.only()
    assert push.body == bytes(range(256))
    assert "colour" not in push.headers
    assert not [name for name in push.headers if name.startswith("x-goog-pubsub-")]


def test_without_a_wrapper_but_with_metadata(project, endpoint):
    topic, sub = project.topic_with(
        push_to(endpoint, no_wrapper={"write_metadata": True}) | {"enable_message_ordering": True}
    )
    ids = topic.publish(b"raw", key="k", colour="blue")
    push = endpoint.only()
    assert push.body == b"raw"
    assert push.headers["x-goog-pubsub-subscription-name"] == sub.name
    assert push.headers["x-goog-pubsub-message-id"] == ids[0]
    assert re.fullmatch(RFC3339_MILLIS, push.headers["x-goog-pubsub-publish-time"])
    assert push.headers["x-goog-pubsub-ordering-key"] == "k"
    assert push.headers["colour"] == "blue"


def test_an_explicit_wrapper(project, endpoint):
    topic, _ = project.topic_with(push_to(endpoint, pubsub_wrapper={}))
    topic.publish(b"x")
    assert endpoint.only().json["message"]["data"] == "eA=="


def test_the_attempt_is_told_with_a_dead_letter_policy_only(project, endpoint):
    dead, dead_sub = project.topic_with({})
    endpoint.otherwise = 500
    topic, _ = project.topic_with(
        push_to(endpoint) | quick_retry(dead_letter_policy={"dead_letter_topic": dead.name})
    )
    topic.publish(b"x")
    pushes = endpoint.pushes(5, seconds=60)
    assert [one.json["deliveryAttempt"] for one in pushes] == [1, 2, 3, 4, 5]
    assert dead_sub.data(1) == [b"x"]
    assert endpoint.count == 5


# What the answers mean


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_answers_that_ack(project, status):
    with PushEndpoint(otherwise=status) as endpoint:
        topic, _ = project.topic_with(push_to(endpoint) | quick_retry())
        topic.publish(b"x")
        endpoint.only(settle_seconds=1)


@pytest.mark.parametrize("status", [203, 205, 301, 400, 404, 429, 500, 503])
def test_answers_that_nack(project, status):
    with PushEndpoint(answers=[status]) as endpoint:
        topic, _ = project.topic_with(push_to(endpoint) | quick_retry())
        ids = topic.publish(b"x")
        first, second = endpoint.pushes(2)
        assert first.json["message"]["messageId"] == ids[0]
        assert second.json["message"]["messageId"] == ids[0]
        assert second.json == first.json


def test_failures_are_retried_until_one_succeeds(project):
    with PushEndpoint(answers=[500] * 4) as endpoint:
        topic, _ = project.topic_with(push_to(endpoint) | quick_retry())
        topic.publish(b"x")
        times = [one.at for one in endpoint.pushes(5)]
        gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
        assert all(gap > 0.05 for gap in gaps), f"no backoff: {gaps}"


def test_a_retry_policy_delays_the_message(project):
    with PushEndpoint(answers=[500]) as endpoint:
        topic, _ = project.topic_with(
            push_to(endpoint)
            | {
                "retry_policy": {
                    "minimum_backoff": duration(2),
                    "maximum_backoff": duration(2),
                }
            }
        )
        topic.publish(b"x")
        first, second = endpoint.pushes(2)
        assert second.at - first.at > 1.9


def test_an_endpoint_that_comes_up_late(project):
    with PushEndpoint() as gone:
        url = gone.url
    topic, sub = project.topic_with({"push_config": {"push_endpoint": url}} | quick_retry())
    topic.publish(b"x")
    with PushEndpoint() as endpoint:
        sub.api.subscriber.modify_push_config(
            subscription=sub.name, push_config={"push_endpoint": endpoint.url}
        )
        assert endpoint.pushes(1)[0].json["message"]["data"] == "eA=="


def test_many_messages_all_arrive(project, endpoint):
    topic, _ = project.topic_with(push_to(endpoint))
    topic.publish(*[b"%d" % n for n in range(300)])
    pushes = endpoint.pushes(300, seconds=60)
    bodies = {base64.b64decode(one.json["message"]["data"]) for one in pushes}
    assert bodies == {b"%d" % n for n in range(300)}


def test_a_key_is_pushed_in_order(project, endpoint):
    topic, _ = project.topic_with(push_to(endpoint) | {"enable_message_ordering": True})
    topic.publish(*[b"%d" % n for n in range(30)], key="k")
    pushes = endpoint.pushes(30, seconds=60)
    bodies = [base64.b64decode(one.json["message"]["data"]) for one in pushes]
    assert bodies == [b"%d" % n for n in range(30)]


def test_a_filter_holds_for_push(project, endpoint):
    topic, _ = project.topic_with(push_to(endpoint) | {"filter": "attributes:keep"})
    topic.publish(b"no")
    topic.publish(b"yes", keep="")
    assert endpoint.only().json["message"]["data"] == base64.b64encode(b"yes").decode()


# Changing the configuration


def test_creation_adds_the_version(project, endpoint):
    _, sub = project.topic_with(push_to(endpoint))
    config = sub.get().push_config
    assert config.push_endpoint == endpoint.url
    assert config.attributes == {"x-goog-version": "v1"}


def test_settings_read_back(project, endpoint):
    token = {"service_account_email": "a@b.example", "audience": "me"}
    _, sub = project.topic_with(
        push_to(endpoint, oidc_token=token, no_wrapper={"write_metadata": True})
    )
    config = sub.get().push_config
    assert config.oidc_token.service_account_email == "a@b.example"
    assert config.oidc_token.audience == "me"
    assert config.no_wrapper.write_metadata is True


def test_from_pull_to_push_sends_the_backlog(project, endpoint):
    topic, sub = project.topic_with({})
    topic.publish(b"waiting")
    sub.api.subscriber.modify_push_config(
        subscription=sub.name, push_config={"push_endpoint": endpoint.url}
    )
    assert endpoint.only().json["message"]["data"] == base64.b64encode(b"waiting").decode()
    with refused("FAILED_PRECONDITION", NOT_FOR_THIS_TYPE):
        sub.pull(at_once=True)


def test_from_push_to_pull_stops_pushing(project, endpoint):
    topic, sub = project.topic_with(push_to(endpoint))
    sub.api.subscriber.modify_push_config(subscription=sub.name, push_config={})
    topic.publish(b"x")
    assert sub.data(1) == [b"x"]
    assert endpoint.count == 0


def test_update_subscription_can_change_the_endpoint(project, endpoint):
    with PushEndpoint() as old:
        topic, sub = project.topic_with(push_to(old))
        sub.update("push_config", push_config={"push_endpoint": endpoint.url})
        topic.publish(b"x")
        endpoint.only()
        assert old.count == 0


@pytest.mark.parametrize(
    "url", ["not a url", "ftp://127.0.0.1/push", "http://", "/push", "127.0.0.1:80"]
)
def test_bad_endpoints_are_refused(project, url):
    with refused("INVALID_ARGUMENT"):
        project.subscription(project.topic(), push_config={"push_endpoint": url})


def test_push_with_exactly_once_is_refused(project, endpoint):
    with refused("INVALID_ARGUMENT"):
        project.subscription(
            project.topic(), enable_exactly_once_delivery=True, **push_to(endpoint)
        )


def test_a_deleted_subscription_is_pushed_no_more(project):
    with PushEndpoint(otherwise=500) as endpoint:
        topic, sub = project.topic_with(push_to(endpoint) | quick_retry())
        topic.publish(b"x")
        endpoint.pushes(2)
        sub.delete()

        def is_still():
            before = endpoint.count
            time.sleep(0.6)
            return endpoint.count == before

        eventually(is_still)
