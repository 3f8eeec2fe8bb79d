"""Subscriber's methods on snapshots, over both transports."""

import datetime

import pytest

from support.clients import TRANSPORTS
from support.errors import MASK_NEEDED, invalid_name, missing, refused, taken
from support.resources import DAY_SECONDS

pytestmark = pytest.mark.parametrize("api", TRANSPORTS, indirect=True)


def days_until(moment):
    now = datetime.datetime.now(datetime.UTC)
    return (moment - now).total_seconds() / DAY_SECONDS


def test_create_and_get(api, project):
    topic, sub = project.topic_with({})
    made = project.snapshot(sub, labels={"k": "v"})
    assert made.topic == topic.name
    assert made.labels == {"k": "v"}
    assert 6.9 < days_until(made.expire_time) <= 7.01
    assert api.subscriber.get_snapshot(snapshot=made.name) == made


def test_create_twice_is_refused(api, project):
    _, sub = project.topic_with({})
    made = project.snapshot(sub)
    with refused("ALREADY_EXISTS", taken(made.name.rpartition("/")[2])):
        project.snapshot(sub, name=made.name)


def test_create_needs_a_good_name(api, project):
    _, sub = project.topic_with({})
    bad = project.named("snapshots", "1x")
    with refused("INVALID_ARGUMENT", invalid_name(bad)):
        project.snapshot(sub, name=bad)


def test_a_missing_snapshot_is_not_found(api, project):
    _, sub = project.topic_with({})
    name = project.named("snapshots", "absent")
    calls = [
        lambda: api.subscriber.get_snapshot(snapshot=name),
        lambda: api.subscriber.delete_snapshot(snapshot=name),
        lambda: api.subscriber.update_snapshot(
            request={
                "snapshot": {"name": name, "labels": {"a": "b"}},
                "update_mask": {"paths": ["labels"]},
            }
        ),
        lambda: sub.seek(snapshot=name),
    ]
    for call in calls:
        with refused("NOT_FOUND", missing("absent")):
            call()


def test_update_labels(api, project):
    _, sub = project.topic_with({})
    made = project.snapshot(sub, labels={"a": "1"})
    updated = api.subscriber.update_snapshot(
        request={
            "snapshot": {"name": made.name, "labels": {"b": "2"}},
            "update_mask": {"paths": ["labels"]},
        }
    )
    assert updated.labels == {"b": "2"}
    assert updated.topic == made.topic
    assert api.subscriber.get_snapshot(snapshot=made.name) == updated


def test_update_needs_a_mask(api, project):
    _, sub = project.topic_with({})
    made = project.snapshot(sub)
    with refused("INVALID_ARGUMENT", MASK_NEEDED.format("UpdateSnapshotRequest")):
        api.subscriber.update_snapshot(
            request={"snapshot": {"name": made.name}, "update_mask": {"paths": []}}
        )


def test_list_and_delete(api, project):
    _, sub = project.topic_with({})
    first, second = project.snapshot(sub), project.snapshot(sub)
    found = api.subscriber.list_snapshots(project=project.path)
    assert {one.name for one in found} == {first.name, second.name}
    api.subscriber.delete_snapshot(snapshot=first.name)
    found = api.subscriber.list_snapshots(project=project.path)
    assert [one.name for one in found] == [second.name]
    with refused("NOT_FOUND", missing(first.name.rpartition("/")[2])):
        api.subscriber.get_snapshot(snapshot=first.name)


def test_seek_to_a_snapshot_of_another_topic_is_refused(api, project):
    _, one = project.topic_with({})
    _, other = project.topic_with({})
    snapshot = project.snapshot(one)
    with refused({"INVALID_ARGUMENT", "FAILED_PRECONDITION"}):
        other.seek(snapshot=snapshot.name)


def test_a_snapshot_outlives_its_subscription(api, project):
    topic, sub = project.topic_with({})
    topic.publish(b"kept")
    snapshot = project.snapshot(sub)
    sub.delete()
    again = project.subscription(topic)
    assert again.is_empty(for_seconds=0.2)
    again.seek(snapshot=snapshot.name)
    assert again.data(1) == [b"kept"]
