"""The codes and messages of the contract's table, over both transports."""

import pytest

from support.clients import TRANSPORTS
from support.errors import (
    MASK_NEEDED,
    invalid_ack_deadline,
    invalid_argument,
    invalid_name,
    missing,
    refused,
)
from support.resources import DAY_SECONDS, duration

pytestmark = pytest.mark.parametrize("api", TRANSPORTS, indirect=True)

OUT_OF_BOUNDS = (
    "is out of bounds. You passed {} in the request, but the value must be between 10m and 744h."
)


@pytest.mark.parametrize("leaf", ["x", "ab", "goog-x"])
def test_names_in_the_wrong_form(api, project, leaf):
    topic = project.topic()
    name = project.named("subscriptions", leaf)
    with refused("INVALID_ARGUMENT", invalid_name(name)):
        api.subscriber.create_subscription(name=name, topic=topic.name)


def test_messages_per_publish(api, project):
    topic = project.topic()
    topic.publish(*[b"x"] * 1000)
    with refused(
        "INVALID_ARGUMENT",
        "The value for message_count is too large. You passed 1001 in the request, "
        "but the maximum value is 1000.",
    ):
        topic.publish(*[b"x"] * 1001)
    with refused("INVALID_ARGUMENT"):
        api.publisher.publish(topic=topic.name, messages=[])


@pytest.mark.parametrize(
    "message",
    [
        {"data": b""},
        {"data": b"", "ordering_key": "k"},
        {"data": b"x", "attributes": {f"k{n}": "v" for n in range(101)}},
        {"data": b"x", "attributes": {"k" * 257: "v"}},
        {"data": b"x", "attributes": {"k": "v" * 1025}},
        {"data": b"x", "attributes": {"k": "é" * 513}},
        {"data": b"x", "attributes": {"googkey": "v"}},
        {"data": b"x", "ordering_key": "k" * 1025},
    ],
    ids=[
        "empty",
        "empty with key",
        "101 attributes",
        "long key",
        "long value",
        "long in bytes",
        "goog",
        "long ordering key",
    ],
)
def test_messages_that_are_refused(api, project, message):
    topic, sub = project.topic_with({})
    with refused("INVALID_ARGUMENT"):
        topic.publish_messages({"data": b"good"}, message)
    assert sub.is_empty(), "the whole request is refused"


TOO_LONG = (
    "The length is {} characters, but the maximum allowed is {}. "
    "Refer to https://cloud.google.com/pubsub/quotas for more information."
)
RESERVED = (
    "The request contains an attribute key that is not valid (key={}). Attribute keys must be "
    "non-empty and must not begin with 'goog' (case-insensitive)."
)


@pytest.mark.parametrize(
    "key, value, text",
    [
        (
            "app_id",
            "v" * 1043,
            'The attribute "app_id" in the request has a value that is too long. '
            + TOO_LONG.format(1043, 1024),
        ),
        (
            "k" * 257,
            "v",
            f'The attribute "{"k" * 257}" in the request has a key that is too long. '
            + TOO_LONG.format(257, 256),
        ),
        ("", "v", RESERVED.format("")),
        ("googly", "v", RESERVED.format("googly")),
        ("GooGle", "v", RESERVED.format("GooGle")),
        ("googclient_schemaname", "v", RESERVED.format("googclient_schemaname")),
        ("Googclient_traceparent", "v", RESERVED.format("Googclient_traceparent")),
    ],
    ids=["value", "key", "empty", "goog", "in whatever case", "of schemas", "in another case"],
)
def test_what_is_said_about_attributes(api, project, key, value, text):
    topic = project.topic()
    with refused("INVALID_ARGUMENT", text):
        topic.publish_messages({"data": b"x", "attributes": {key: value}})


def test_traces_are_carried(api, project):
    topic, sub = project.topic_with({})
    traces = {
        "googclient_traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "googclient_tracestate": "vendor=1",
    }
    topic.publish_messages({"data": b"x", "attributes": traces})
    assert sub.take_one().message.attributes == traces


BACKOFF = "is out of bounds. You passed {} in the request, but the value must be between 0 and 10m."


@pytest.mark.parametrize(
    "fields, text",
    [
        (
            {"dead_letter_policy": {"max_delivery_attempts": 4}},
            "The value for max_delivery_attempts is too small. You passed 4 in the request, but "
            "the minimum value is 5.",
        ),
        (
            {"dead_letter_policy": {"max_delivery_attempts": 101}},
            "The value for max_delivery_attempts is too large. You passed 101 in the request, but "
            "the maximum value is 100.",
        ),
        (
            {"retry_policy": {"minimum_backoff": duration(601)}},
            f"The value for minimum_backoff {BACKOFF.format('10m1s')}",
        ),
        (
            {"retry_policy": {"maximum_backoff": duration(-1)}},
            f"The value for maximum_backoff {BACKOFF.format('-1s')}",
        ),
    ],
    ids=["few attempts", "many attempts", "long backoff", "negative backoff"],
)
def test_values_of_a_subscription_out_of_bounds(api, project, fields, text):
    topic = project.topic()
    if "dead_letter_policy" in fields:
        fields["dead_letter_policy"]["dead_letter_topic"] = topic.name
    with refused("INVALID_ARGUMENT", text):
        project.subscription(topic, **fields)


@pytest.mark.parametrize("size", [-1, 1001])
def test_a_page_size_out_of_bounds(api, project, size):
    with refused(
        "INVALID_ARGUMENT",
        f"The value for page_size is out of bounds. You passed {size} in the request, but the "
        "value must be between 0 and 1000.",
    ):
        api.publisher.list_topics(request={"project": project.path, "page_size": size})


def calls_on_what_is_not_there(api, project):
    """Each call is wrong in another way too."""
    topic, sub = project.named("topics", "absent"), project.named("subscriptions", "absent")
    schema, snapshot = project.named("schemas", "absent"), project.named("snapshots", "absent")
    publisher, subscriber, schemas = api.publisher, api.subscriber, api.schemas
    there = project.topic()
    bad_labels = {"labels": {"UPPER": "case"}}
    bad_deadline = {"ack_deadline_seconds": 9}
    made = {"name": project.named("subscriptions", "made"), **bad_deadline}
    yield publisher.publish, {"topic": topic, "messages": []}
    yield publisher.publish, {"topic": topic, "messages": [{"data": b""}]}
    yield publisher.publish, {"topic": topic, "messages": [{"attributes": {"goog": ""}}]}
    yield publisher.publish, {"topic": topic, "messages": [{"data": b"x"}] * 1001}
    yield publisher.update_topic, {"topic": {"name": topic}, "update_mask": {"paths": ["name"]}}
    yield publisher.list_topic_subscriptions, {"topic": topic, "page_size": -1}
    yield publisher.list_topic_snapshots, {"topic": topic, "page_token": "bad"}
    yield (
        publisher.create_topic,
        {
            "name": project.named("topics", "made"),
            "schema_settings": {"schema": schema},
            **bad_labels,
        },
    )
    yield subscriber.create_subscription, {"topic": topic, **made}
    yield (
        subscriber.create_subscription,
        {"topic": there.name, "dead_letter_policy": {"dead_letter_topic": topic}, **made},
    )
    yield (
        subscriber.update_subscription,
        {"subscription": {"name": sub}, "update_mask": {"paths": ["filter"]}},
    )
    yield subscriber.pull, {"subscription": sub, "max_messages": 0}
    yield subscriber.acknowledge, {"subscription": sub, "ack_ids": []}
    yield (
        subscriber.modify_ack_deadline,
        {"subscription": sub, "ack_ids": ["x"], "ack_deadline_seconds": 601},
    )
    yield (
        subscriber.modify_push_config,
        {"subscription": sub, "push_config": {"push_endpoint": "no url"}},
    )
    yield subscriber.seek, {"subscription": sub}
    yield subscriber.create_snapshot, {"name": snapshot, "subscription": sub, **bad_labels}
    yield (
        subscriber.update_snapshot,
        {"snapshot": {"name": snapshot}, "update_mask": {"paths": ["topic"]}},
    )
    yield schemas.list_schema_revisions, {"name": schema, "page_size": 1001}
    yield schemas.commit_schema, {"name": schema, "schema": {"name": schema, "definition": "{"}}
    yield schemas.rollback_schema, {"name": schema, "revision_id": "bad"}
    yield (
        schemas.validate_message,
        {"parent": project.path, "name": schema, "message": b"", "encoding": 0},
    )


def test_what_is_missing_is_told_before_what_is_wrong(api, project):
    for call, request in calls_on_what_is_not_there(api, project):
        with refused("NOT_FOUND", missing("absent")):
            answer = call(request=request)
            pytest.fail(f"{call.__name__}({request}) answered {answer}")


def test_messages_at_their_limits(api, project):
    topic, sub = project.topic_with({})
    attributes = {"k" * 256: "v" * 1024} | {f"k{n}": "" for n in range(99)}
    topic.publish_messages({"attributes": attributes, "ordering_key": "o" * 1024}, {"data": b"x"})
    by_data = {one.message.data: one.message for one in sub.take(2)}
    assert by_data[b""].attributes == attributes


@pytest.mark.parametrize("seconds", [9, 1, 601, -1])
def test_ack_deadline_of_a_subscription(api, project, seconds):
    text = invalid_ack_deadline(seconds, 10)
    topic, sub = project.topic_with({})
    with refused("INVALID_ARGUMENT", text):
        project.subscription(topic, ack_deadline_seconds=seconds)
    with refused("INVALID_ARGUMENT", text):
        sub.update("ack_deadline_seconds", ack_deadline_seconds=seconds)
    assert sub.get().ack_deadline_seconds == 10


@pytest.mark.parametrize("max_messages", [0, -1])
def test_max_messages_of_pull(api, project, max_messages):
    _, sub = project.topic_with({})
    with refused("INVALID_ARGUMENT", invalid_argument("max_messages")):
        sub.pull(max_messages=max_messages)


@pytest.mark.parametrize(
    "seconds, text",
    [(599, "9m59s"), (1, "1s"), (745 * 3600, "745h"), (60 * DAY_SECONDS, "1440h")],
)
def test_retention(api, project, seconds, text):
    topic, sub = project.topic_with({})
    ending = OUT_OF_BOUNDS.format(text)
    with refused("INVALID_ARGUMENT", ending=ending):
        project.subscription(topic, message_retention_duration=duration(seconds))
    with refused("INVALID_ARGUMENT", ending=ending):
        project.topic(message_retention_duration=duration(seconds))
    with refused("INVALID_ARGUMENT", ending=ending):
        sub.update("message_retention_duration", message_retention_duration=duration(seconds))


@pytest.mark.parametrize("days", [10 / (24 * 60), 31])
def test_retention_at_its_bounds(api, project, days):
    topic = project.topic(message_retention_duration=duration(days * DAY_SECONDS))
    sub = project.subscription(
        topic,
        message_retention_duration=duration(days * DAY_SECONDS),
        expiration_policy={},
    )
    assert sub.get().message_retention_duration.total_seconds() == days * DAY_SECONDS


def test_expiration(api, project):
    topic = project.topic()
    for seconds in [DAY_SECONDS - 1, 0, -1]:
        with refused("INVALID_ARGUMENT"):
            project.subscription(topic, expiration_policy={"ttl": duration(seconds)})
    with refused("INVALID_ARGUMENT"):
        # Retention may not outlast the subscription.
        project.subscription(
            topic,
            expiration_policy={"ttl": duration(DAY_SECONDS)},
            message_retention_duration=duration(2 * DAY_SECONDS),
        )


@pytest.mark.parametrize("paths", [[], None])
def test_an_update_needs_a_mask(api, project, paths):
    topic, sub = project.topic_with({})
    mask = {} if paths is None else {"update_mask": {"paths": paths}}
    with refused("INVALID_ARGUMENT", MASK_NEEDED.format("UpdateSubscriptionRequest")):
        api.subscriber.update_subscription(
            request={"subscription": {"name": sub.name, "labels": {"a": "b"}}, **mask}
        )
    with refused("INVALID_ARGUMENT", MASK_NEEDED.format("UpdateTopicRequest")):
        api.publisher.update_topic(
            request={"topic": {"name": topic.name, "labels": {"a": "b"}}, **mask}
        )


@pytest.mark.parametrize(
    "field, value",
    [("enable_message_ordering", True), ("filter", "attributes:x"), ("topic", "t"), ("name", "n")],
)
def test_what_cannot_be_changed(api, project, field, value):
    _, sub = project.topic_with({})
    fields = {} if field == "name" else {field: value}
    with refused(
        "INVALID_ARGUMENT", ending=f"the '{field}' field in the Subscription is not mutable."
    ):
        sub.update(field, **fields)


@pytest.mark.parametrize("field", ["nonsense", "labels.a.b", "ack_deadline_secondss"])
def test_unknown_paths_in_a_mask(api, project, field):
    topic, sub = project.topic_with({})
    with refused("INVALID_ARGUMENT"):
        sub.update(field)
    with refused("INVALID_ARGUMENT"):
        topic.update(field)


def test_updates_are_atomic(api, project):
    _, sub = project.topic_with({})
    before = sub.get()
    with refused("INVALID_ARGUMENT"):
        sub.update(
            "labels", "ack_deadline_seconds", labels={"new": "label"}, ack_deadline_seconds=9
        )
    with refused("INVALID_ARGUMENT"):
        sub.update("labels", "filter", labels={"new": "label"}, filter="attributes:x")
    assert sub.get() == before


@pytest.mark.parametrize(
    "labels",
    [
        {"": "v"},
        {"K": "v"},
        {"1k": "v"},
        {"-k": "v"},
        {"k.k": "v"},
        {"k" * 64: "v"},
        {"k": "v" * 64},
        {"k": "V"},
        {"k": "v v"},
    ],
    ids=lambda labels: str(labels)[:20],
)
def test_labels_that_are_refused(api, project, labels):
    topic, sub = project.topic_with({})
    with refused("INVALID_ARGUMENT"):
        project.topic(labels=labels)
    with refused("INVALID_ARGUMENT"):
        project.subscription(topic, labels=labels)
    with refused("INVALID_ARGUMENT"):
        project.snapshot(sub, labels=labels)
    with refused("INVALID_ARGUMENT"):
        sub.update("labels", labels=labels)


def test_labels_that_are_taken(api, project):
    labels = {"k" * 63: "v" * 63, "key_1-2": "", "ключ": "значение", "k": "1-_v"}
    topic, sub = project.topic_with({"labels": labels}, labels=labels)
    assert topic.get().labels == labels
    assert sub.get().labels == labels
    assert project.snapshot(sub, labels=labels).labels == labels


def test_acking_twice_is_fine(api, project):
    topic, sub = project.topic_with({})
    topic.publish(b"x")
    got = sub.take_one()
    sub.ack(got)
    sub.ack(got)


def test_ack_requests_of_more_than_512_kib(api, project):
    topic, sub = project.topic_with({})
    topic.publish(b"x")
    ack_id = sub.take_one().ack_id
    sub.ack_ids([ack_id] * (500 * 1024 // (len(ack_id) + 3)))
    with refused("INVALID_ARGUMENT", "Request payload size exceeds the limit: 524288 bytes."):
        sub.ack_ids([ack_id] * (540 * 1024 // len(ack_id)))
