"""Subscriber's methods that administer subscriptions, over both transports."""

import pytest

from support.clients import TRANSPORTS
from support.errors import invalid_name, missing, refused, taken
from support.resources import DAY_SECONDS, duration

pytestmark = pytest.mark.parametrize("api", TRANSPORTS, indirect=True)


def test_create_answers_the_defaults(api, project):
    topic = project.topic()
    name = project.named("subscriptions", "plain")
    made = api.subscriber.create_subscription(name=name, topic=topic.name)
    assert made.name == name
    assert made.topic == topic.name
    assert made.ack_deadline_seconds == 10
    assert made.message_retention_duration.total_seconds() == 7 * DAY_SECONDS
    assert made.expiration_policy.ttl.total_seconds() == 31 * DAY_SECONDS
    assert made.state.name == "ACTIVE"
    assert "push_config" in made and not made.push_config.push_endpoint
    assert not made.retain_acked_messages
    assert not made.enable_message_ordering
    assert not made.enable_exactly_once_delivery
    assert not made.detached
    assert made.filter == ""
    assert "dead_letter_policy" not in made
    assert "retry_policy" not in made
    assert api.subscriber.get_subscription(subscription=name) == made
    api.subscriber.delete_subscription(subscription=name)


def test_create_keeps_every_setting(api, project):
    topic, dead = project.topic(), project.topic()
    sub = project.subscription(
        topic,
        ack_deadline_seconds=600,
        retain_acked_messages=True,
        message_retention_duration=duration(600),
        labels={"k": "v"},
        enable_message_ordering=True,
        expiration_policy={"ttl": duration(DAY_SECONDS)},
        filter='attributes.k = "v"',
        dead_letter_policy={"dead_letter_topic": dead.name, "max_delivery_attempts": 100},
        retry_policy={"minimum_backoff": duration(0.5), "maximum_backoff": duration(600)},
        enable_exactly_once_delivery=True,
    )
    found = sub.get()
    assert found.ack_deadline_seconds == 600
    assert found.retain_acked_messages
    assert found.message_retention_duration.total_seconds() == 600
    assert found.labels == {"k": "v"}
    assert found.enable_message_ordering
    assert found.expiration_policy.ttl.total_seconds() == DAY_SECONDS
    assert found.filter == 'attributes.k = "v"'
    assert found.dead_letter_policy.dead_letter_topic == dead.name
    assert found.dead_letter_policy.max_delivery_attempts == 100
    assert found.retry_policy.minimum_backoff.total_seconds() == 0.5
    assert found.retry_policy.maximum_backoff.total_seconds() == 600
    assert found.enable_exactly_once_delivery


def test_the_topics_retention_shows_in_its_subscriptions(api, project):
    topic = project.topic(message_retention_duration=duration(1200))
    sub = project.subscription(topic)
    assert sub.get().topic_message_retention_duration.total_seconds() == 1200


def test_create_twice_is_refused(api, project):
    topic, sub = project.topic_with({})
    with refused("ALREADY_EXISTS", taken(sub.id)):
        api.subscriber.create_subscription(name=sub.name, topic=topic.name)


def test_create_needs_the_topic(api, project):
    with refused("NOT_FOUND", missing("absent")):
        project.subscription(project.named("topics", "absent"))


@pytest.mark.parametrize("leaf", ["ab", "9abc", "googsub", "a" * 256, "a b c"])
def test_create_refuses_bad_names(api, project, leaf):
    topic = project.topic()
    name = project.named("subscriptions", leaf)
    with refused("INVALID_ARGUMENT", invalid_name(name)):
        api.subscriber.create_subscription(name=name, topic=topic.name)


def test_a_missing_subscription_is_not_found(api, project):
    subscriber, name = api.subscriber, project.named("subscriptions", "absent")
    calls = [
        lambda: subscriber.get_subscription(subscription=name),
        lambda: subscriber.delete_subscription(subscription=name),
        lambda: subscriber.pull(subscription=name, max_messages=1),
        lambda: subscriber.acknowledge(subscription=name, ack_ids=["x"]),
        lambda: subscriber.modify_ack_deadline(
            subscription=name, ack_ids=["x"], ack_deadline_seconds=10
        ),
        lambda: subscriber.modify_push_config(subscription=name, push_config={}),
        lambda: subscriber.seek(request={"subscription": name, "time": {"seconds": 1}}),
        lambda: subscriber.update_subscription(
            subscription={"name": name, "labels": {"a": "b"}}, update_mask={"paths": ["labels"]}
        ),
        lambda: subscriber.create_snapshot(
            name=project.named("snapshots", "snap"), subscription=name
        ),
        lambda: api.publisher.detach_subscription(request={"subscription": name}),
    ]
    for call in calls:
        with refused("NOT_FOUND", missing("absent")):
            call()


def test_update_changes_what_the_mask_names(api, project):
    _, sub = project.topic_with({"labels": {"a": "1"}})
    updated = sub.update(
        "ack_deadline_seconds",
        "retry_policy",
        ack_deadline_seconds=20,
        retry_policy={"minimum_backoff": duration(1), "maximum_backoff": duration(2)},
        labels={"b": "2"},
    )
    assert updated.ack_deadline_seconds == 20
    assert updated.retry_policy.maximum_backoff.total_seconds() == 2
    assert updated.labels == {"a": "1"}
    assert sub.get() == updated


def test_update_of_every_mutable_setting(api, project):
    _, sub = project.topic_with({})
    dead = project.topic()
    fields = {
        "ack_deadline_seconds": 30,
        "retain_acked_messages": True,
        "message_retention_duration": duration(3600),
        "labels": {"x": "y"},
        "expiration_policy": {"ttl": duration(2 * DAY_SECONDS)},
        "dead_letter_policy": {"dead_letter_topic": dead.name},
        "retry_policy": {"minimum_backoff": duration(3)},
        "enable_exactly_once_delivery": True,
    }
    sub.update(*fields, **fields)
    found = sub.get()
    assert found.ack_deadline_seconds == 30
    assert found.retain_acked_messages
    assert found.message_retention_duration.total_seconds() == 3600
    assert found.labels == {"x": "y"}
    assert found.expiration_policy.ttl.total_seconds() == 2 * DAY_SECONDS
    assert found.dead_letter_policy.max_delivery_attempts == 5
    assert found.retry_policy.minimum_backoff.total_seconds() == 3
    assert found.retry_policy.maximum_backoff.total_seconds() == 600
    assert found.enable_exactly_once_delivery
    sub.update("dead_letter_policy", "retry_policy")
    found = sub.get()
    assert "dead_letter_policy" not in found
    assert "retry_policy" not in found


def test_delete_forgets_the_subscription(api, project):
    topic, sub = project.topic_with({})
    sub.delete()
    with refused("NOT_FOUND", missing(sub.id)):
        sub.get()
    assert not list(api.publisher.list_topic_subscriptions(topic=topic.name))


def test_list_shows_the_projects_subscriptions_only(api, project):
    topic = project.topic()
    names = {project.subscription(topic).name for _ in range(3)}
    found = api.subscriber.list_subscriptions(project=project.path)
    assert {one.name for one in found} == names
    assert not list(api.subscriber.list_subscriptions(project=project.path + "x"))


def test_modify_push_config_sets_and_takes_away_the_endpoint(api, project):
    _, sub = project.topic_with({})
    # Nothing listens there, and nothing is published.
    api.subscriber.modify_push_config(
        subscription=sub.name, push_config={"push_endpoint": "http://127.0.0.1:9/push"}
    )
    assert sub.get().push_config.push_endpoint == "http://127.0.0.1:9/push"
    api.subscriber.modify_push_config(subscription=sub.name, push_config={})
    assert not sub.get().push_config.push_endpoint


def test_detach_cuts_the_subscription_off(api, project):
    topic, sub = project.topic_with({})
    topic.publish(b"lost")
    sub.detach()
    assert sub.get().detached
    assert sub.name not in list(api.publisher.list_topic_subscriptions(topic=topic.name))
    with refused("FAILED_PRECONDITION"):
        sub.pull()
    topic.publish(b"later")
    with refused("FAILED_PRECONDITION"):
        sub.pull(at_once=True)
