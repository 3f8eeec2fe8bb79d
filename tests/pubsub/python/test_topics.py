"""Publisher's methods on topics, over both transports."""

import re

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from support.clients import TRANSPORTS
from support.errors import invalid_name, missing, refused, taken
from support.resources import duration

pytestmark = pytest.mark.parametrize("api", TRANSPORTS, indirect=True)


def test_create_answers_the_topic(api, project):
    name = project.named("topics", "first")
    topic = api.publisher.create_topic(request={"name": name, "labels": {"team": "blue"}})
    assert topic.name == name
    assert topic.labels == {"team": "blue"}
    assert not topic.state, "that of ingestion, and there is none"
    assert "message_retention_duration" not in topic
    api.publisher.delete_topic(topic=name)


def test_create_keeps_every_setting(api, project):
    settings = {
        "labels": {"a": "1", "b": ""},
        "message_retention_duration": duration(600),
        "message_storage_policy": {
            "allowed_persistence_regions": ["europe-west1", "us-east1"],
            "enforce_in_transit": True,
        },
        "kms_key_name": "projects/p/locations/l/keyRings/r/cryptoKeys/k",
    }
    topic = project.topic(**settings).get()
    assert topic.labels == settings["labels"]
    assert topic.message_retention_duration.total_seconds() == 600
    policy = topic.message_storage_policy
    assert list(policy.allowed_persistence_regions) == ["europe-west1", "us-east1"]
    assert policy.enforce_in_transit is True
    assert topic.kms_key_name == settings["kms_key_name"]


def test_create_twice_is_refused(api, project):
    topic = project.topic()
    with refused("ALREADY_EXISTS", taken(topic.id)):
        api.publisher.create_topic(name=topic.name)


@pytest.mark.parametrize(
    "leaf", ["ab", "1abc", "-abc", "goog-topic", "google", "a" * 256, "a b c", "täst", "a,bc"]
)
def test_create_refuses_bad_names(api, project, leaf):
    name = project.named("topics", leaf)
    with refused("INVALID_ARGUMENT", invalid_name(name)):
        api.publisher.create_topic(name=name)


@pytest.mark.parametrize("leaf", ["abc", "a" * 255, "a1-_.~+", "Zed%"])
def test_create_takes_every_legal_name(api, project, leaf):
    topic = project.topic(name=project.named("topics", leaf))
    assert topic.get().name == topic.name


def test_a_missing_topic_is_not_found(api, project):
    name = project.named("topics", "absent")
    calls = {
        "get": lambda: api.publisher.get_topic(topic=name),
        "delete": lambda: api.publisher.delete_topic(topic=name),
        "publish": lambda: api.publisher.publish(topic=name, messages=[{"data": b"x"}]),
        "update": lambda: api.publisher.update_topic(
            topic={"name": name, "labels": {"a": "b"}}, update_mask={"paths": ["labels"]}
        ),
        "subscriptions": lambda: api.publisher.list_topic_subscriptions(topic=name),
        "snapshots": lambda: api.publisher.list_topic_snapshots(topic=name),
    }
    for call in calls.values():
        with refused("NOT_FOUND", missing("absent")):
            call()


def test_update_changes_what_the_mask_names(api, project):
    topic = project.topic(labels={"a": "1"}, message_retention_duration=duration(600))
    updated = topic.update("labels", labels={"b": "2"}, message_retention_duration=duration(1200))
    assert updated.labels == {"b": "2"}
    assert updated.message_retention_duration.total_seconds() == 600
    assert topic.get() == updated


def test_update_can_take_a_setting_away(api, project):
    topic = project.topic(message_retention_duration=duration(600))
    updated = topic.update("message_retention_duration")
    assert "message_retention_duration" not in updated
    assert "message_retention_duration" not in topic.get()


def test_delete_forgets_the_topic(api, project):
    topic = project.topic()
    topic.delete()
    with refused("NOT_FOUND", missing(topic.id)):
        topic.get()
    assert topic.name not in [one.name for one in api.publisher.list_topics(project=project.path)]


def test_list_shows_the_projects_topics_only(api, project):
    names = {project.topic().name for _ in range(3)}
    assert {one.name for one in api.publisher.list_topics(project=project.path)} == names
    assert not list(api.publisher.list_topics(project=project.path + "x"))


def test_publish_answers_one_id_each_in_order(api, project):
    topic, sub = project.topic_with({})
    ids = topic.publish(b"a", b"b", b"c") + topic.publish(b"d")
    assert len(set(ids)) == 4
    assert all(re.fullmatch(r"\d{17}", one) for one in ids), ids
    got = sub.take(4)
    assert {one.message.message_id: one.message.data for one in got} == dict(
        zip(ids, [b"a", b"b", b"c", b"d"])
    )


def test_publish_keeps_data_attributes_and_key(api, project):
    topic, sub = project.topic_with({})
    topic.publish_messages(
        {"data": bytes(range(256)), "attributes": {"k": "v", "empty": "", "ü": "é\n"}},
        {"attributes": {"only": "attributes"}},
        {"data": b"keyed", "ordering_key": "k" * 1024},
    )
    by_data = {one.message.data: one.message for one in sub.take(3)}
    assert by_data[bytes(range(256))].attributes == {"k": "v", "empty": "", "ü": "é\n"}
    assert by_data[b""].attributes == {"only": "attributes"}
    assert by_data[b"keyed"].ordering_key == "k" * 1024


def test_publish_sets_id_and_time_itself(api, project):
    topic, sub = project.topic_with({})
    ids = topic.publish_messages(
        {"data": b"x", "message_id": "mine", "publish_time": Timestamp(seconds=1)}
    )
    message = sub.take_one().message
    assert message.message_id == ids[0] != "mine"
    assert message.publish_time.timestamp() > 1_600_000_000
    assert message.publish_time.nanosecond % 1_000_000 == 0, "milliseconds at most"


def test_list_topic_subscriptions_and_snapshots(api, project):
    topic, first, second = project.topic_with({}, {})
    other, _ = project.topic_with({})
    snapshot = project.snapshot(first)
    subscriptions = set(api.publisher.list_topic_subscriptions(topic=topic.name))
    assert subscriptions == {first.name, second.name}
    assert list(api.publisher.list_topic_snapshots(topic=topic.name)) == [snapshot.name]
    assert list(api.publisher.list_topic_snapshots(topic=other.name)) == []
