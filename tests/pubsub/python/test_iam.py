"""IAMPolicy on all four kinds of resources, over both transports."""

import pytest
from google.iam.v1 import iam_policy_pb2, policy_pb2

from support.clients import TRANSPORTS
from support.errors import missing, refused
from support.schemas import AVRO

KINDS = ["topics", "subscriptions", "snapshots", "schemas"]
pytestmark = [
    pytest.mark.parametrize("api", TRANSPORTS, indirect=True),
    pytest.mark.parametrize("kind", KINDS),
]


@pytest.fixture
def resource(api, project, kind):
    """(client that serves it, name)"""
    topic, sub = project.topic_with({})
    if kind == "topics":
        return api.publisher, topic.name
    if kind == "subscriptions":
        return api.subscriber, sub.name
    if kind == "snapshots":
        return api.subscriber, project.snapshot(sub).name
    return api.schemas, project.schema("AVRO", AVRO).name


def policy_of(resource):
    client, name = resource
    return client.get_iam_policy(request={"resource": name})


def set_policy(resource, policy):
    client, name = resource
    return client.set_iam_policy(request={"resource": name, "policy": policy})


def test_a_new_resource_has_an_empty_policy(resource):
    assert not policy_of(resource).bindings


def test_a_policy_that_was_set_reads_back(resource):
    policy = policy_pb2.Policy(
        version=1,
        bindings=[
            {"role": "roles/pubsub.publisher", "members": ["user:a@example.com", "allUsers"]},
            {"role": "roles/viewer", "members": ["group:g@example.com"]},
        ],
    )
    made = set_policy(resource, policy)
    assert made.bindings == policy.bindings
    assert made.etag
    assert policy_of(resource) == made


def test_a_policy_is_replaced_as_a_whole(resource):
    binding = {"role": "roles/viewer", "members": ["user:a@example.com"]}
    first = set_policy(resource, policy_pb2.Policy(bindings=[binding]))
    second = set_policy(resource, policy_pb2.Policy(etag=first.etag))
    assert not second.bindings
    assert second.etag != first.etag
    assert policy_of(resource) == second


def test_a_stale_etag_is_refused(resource):
    binding = {"role": "roles/viewer", "members": ["user:a@example.com"]}
    first = set_policy(resource, policy_pb2.Policy(bindings=[binding]))
    second = set_policy(resource, policy_pb2.Policy())
    with refused("ABORTED"):
        set_policy(resource, policy_pb2.Policy(bindings=[binding], etag=first.etag))
    assert policy_of(resource) == second


def test_every_permission_that_is_asked_for_is_granted(resource):
    client, name = resource
    asked = ["pubsub.topics.get", "pubsub.subscriptions.consume"]
    answer = client.test_iam_permissions(request={"resource": name, "permissions": asked})
    assert isinstance(answer, iam_policy_pb2.TestIamPermissionsResponse)
    assert list(answer.permissions) == asked


def test_permissions_with_wildcards_are_refused(resource):
    client, name = resource
    with refused("INVALID_ARGUMENT"):
        client.test_iam_permissions(request={"resource": name, "permissions": ["pubsub.*"]})


def test_a_missing_resource_is_not_found(api, project, kind):
    client, name = api.publisher, project.named(kind, "absent")
    with refused("NOT_FOUND", missing("absent")):
        client.get_iam_policy(request={"resource": name})
    with refused("NOT_FOUND", missing("absent")):
        client.set_iam_policy(request={"resource": name, "policy": policy_pb2.Policy()})
