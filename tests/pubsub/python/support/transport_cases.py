"""What is done over each transport: one table of cases, in a project of their own."""

from google.iam.v1 import policy_pb2
from google.pubsub_v1.types import Encoding, SchemaView

from support.resources import DAY_SECONDS, duration
from support.schemas import AVRO, AVRO_WITH_EMAIL, BROKEN, PROTOBUF

CASES = {}


def case(function):
    """Adds to the table. A case is a generator; all it yields is the result."""
    CASES[function.__name__] = function
    return function


# Topics


@case
def topic_with_everything(project, api):
    name = project.named("topics", "full")
    yield api.publisher.create_topic(
        request={
            "name": name,
            "labels": {"a": "1", "b": ""},
            "message_retention_duration": duration(601.000000005),
            "message_storage_policy": {"allowed_persistence_regions": ["europe-west1"]},
            "kms_key_name": "key",
        }
    )
    yield api.publisher.get_topic(topic=name)
    yield api.publisher.delete_topic(topic=name)
    yield api.publisher.get_topic(topic=name)


@case
def topic_twice(project, api):
    yield api.publisher.create_topic(name=project.topic().name)


@case
def topic_with_a_bad_name(project, api):
    yield api.publisher.create_topic(name=project.named("topics", "goog-topic"))


@case
def topic_with_a_bad_retention(project, api):
    yield project.topic(message_retention_duration=duration(1)).get()


@case
def topic_with_a_bad_label(project, api):
    yield project.topic(labels={"K": "v"}).get()


@case
def topic_update(project, api):
    topic = project.topic(labels={"a": "1"})
    yield topic.update("labels", labels={"b": "2"})
    yield topic.update("message_retention_duration", message_retention_duration=duration(700))
    yield topic.update("labels", "message_retention_duration")
    yield topic.update("nonsense")


@case
def topic_update_without_a_mask(project, api):
    yield project.topic().update()


@case
def topic_lists(project, api):
    topic = project.topic()
    subs = [project.subscription(topic) for _ in range(3)]
    project.snapshot(subs[0])
    yield api.publisher.list_topics(project=project.path)
    yield api.publisher.list_topic_subscriptions(topic=topic.name)
    yield api.publisher.list_topic_snapshots(topic=topic.name)
    yield api.publisher.list_topics(request={"project": project.path, "page_size": -1})


@case
def topic_list_with_a_bad_token(project, api):
    yield api.publisher.list_topics(request={"project": project.path, "page_token": "bad"})


@case
def topic_deleted_under_its_subscription(project, api):
    topic, sub = project.topic_with({})
    topic.publish(b"kept")
    topic.delete()
    yield sub.get()
    yield sub.data(1)


# Publishing


@case
def publish_all_kinds(project, api):
    topic, sub = project.topic_with({"enable_message_ordering": True})
    topic.publish_messages(
        {"data": bytes(range(256)), "ordering_key": "k"},
        {"attributes": {"ü": "é\u2028😀", "e": ""}, "ordering_key": "k"},
        {"data": b"last", "attributes": {"a": "b"}, "ordering_key": "k"},
    )
    yield sub.take(3)


@case
def publish_nothing(project, api):
    yield api.publisher.publish(topic=project.topic().name, messages=[])


@case
def publish_an_empty_message(project, api):
    yield project.topic().publish(b"")


@case
def publish_too_many(project, api):
    yield project.topic().publish(*[b"x"] * 1001)


@case
def publish_too_long_a_key(project, api):
    yield project.topic().publish(b"x", key="k" * 1025)


@case
def publish_a_goog_attribute(project, api):
    yield project.topic().publish(b"x", googattribute="v")


@case
def publish_to_nothing(project, api):
    yield api.publisher.publish(topic=project.named("topics", "absent"), messages=[{"data": b"x"}])


# Subscriptions


@case
def subscription_defaults(project, api):
    yield project.subscription(project.topic()).get()


@case
def subscription_with_everything(project, api):
    dead = project.topic()
    topic = project.topic(message_retention_duration=duration(1200))
    yield project.subscription(
        topic,
        ack_deadline_seconds=600,
        retain_acked_messages=True,
        message_retention_duration=duration(601.000000005),
        labels={"k": "v"},
        enable_message_ordering=True,
        expiration_policy={"ttl": duration(2 * DAY_SECONDS)},
        filter='attributes.k = "v" AND NOT attributes:x',
        dead_letter_policy={"dead_letter_topic": dead.name, "max_delivery_attempts": 7},
        retry_policy={"minimum_backoff": duration(0.25)},
        enable_exactly_once_delivery=True,
    ).get()


@case
def subscription_that_never_expires(project, api):
    yield project.subscription(project.topic(), expiration_policy={}).get()


@case
def subscription_with_push(project, api):
    config = {
        "push_endpoint": "http://127.0.0.1:9/x",
        "oidc_token": {"service_account_email": "a@b.c", "audience": "me"},
        "no_wrapper": {"write_metadata": True},
    }
    sub = project.subscription(project.topic(), push_config=config)
    yield sub.get()
    yield sub.pull()


@case
def subscription_with_storage(project, api):
    config = {"bucket": "bucket-1", "max_bytes": 1000, "text_config": {}}
    yield project.subscription(project.topic(), cloud_storage_config=config).get()


@case
def subscription_twice(project, api):
    topic, sub = project.topic_with({})
    yield api.subscriber.create_subscription(name=sub.name, topic=topic.name)


@case
def subscription_to_nothing(project, api):
    yield project.subscription(project.named("topics", "absent")).get()


@case
def subscription_with_a_bad_deadline(project, api):
    yield project.subscription(project.topic(), ack_deadline_seconds=9).get()


@case
def subscription_with_a_bad_filter(project, api):
    yield project.subscription(project.topic(), filter="a AND b OR c").get()


@case
def subscription_with_bad_backoffs(project, api):
    policy = {"minimum_backoff": duration(20), "maximum_backoff": duration(10)}
    yield project.subscription(project.topic(), retry_policy=policy).get()


@case
def subscription_update(project, api):
    _, sub = project.topic_with({"labels": {"a": "1"}})
    yield sub.update("ack_deadline_seconds", "labels", ack_deadline_seconds=60)
    yield sub.update("expiration_policy", expiration_policy={})
    yield sub.update("retry_policy.minimum_backoff")


@case
def subscription_update_of_the_filter(project, api):
    _, sub = project.topic_with({"filter": "attributes:a"})
    yield sub.update("filter", filter="attributes:a")


@case
def subscription_update_of_ordering(project, api):
    _, sub = project.topic_with({})
    yield sub.update("enable_message_ordering", enable_message_ordering=True)


@case
def subscription_update_without_a_mask(project, api):
    _, sub = project.topic_with({})
    yield sub.update()


@case
def subscription_lists(project, api):
    topic = project.topic()
    subs = [project.subscription(topic) for _ in range(3)]
    yield api.subscriber.list_subscriptions(project=project.path)
    yield subs[0].delete()
    yield api.subscriber.list_subscriptions(project=project.path)
    yield subs[0].get()


@case
def subscription_detached(project, api):
    _, sub = project.topic_with({})
    yield sub.detach()
    yield sub.get()
    yield sub.pull()


@case
def push_config_and_back(project, api):
    _, sub = project.topic_with({})
    yield api.subscriber.modify_push_config(
        subscription=sub.name, push_config={"push_endpoint": "http://127.0.0.1:9/x"}
    )
    yield sub.get()
    yield api.subscriber.modify_push_config(subscription=sub.name, push_config={})
    yield sub.get()


# Pull and settling


@case
def pull_nothing(project, api):
    _, sub = project.topic_with({})
    yield sub.pull(at_once=True)
    yield sub.pull(max_messages=0)


@case
def pull_with_attempts(project, api):
    dead = project.topic()
    topic, sub = project.topic_with({"dead_letter_policy": {"dead_letter_topic": dead.name}})
    topic.publish(b"x")
    for _ in range(3):
        got = sub.take_one()
        yield got
        sub.nack(got)


@case
def settle_with_nothing(project, api):
    _, sub = project.topic_with({})
    yield sub.ack_ids([])


@case
def extend_with_nothing(project, api):
    _, sub = project.topic_with({})
    yield sub.modack_ids(10, [])


@case
def settle_with_nonsense(project, api):
    _, sub = project.topic_with({})
    yield sub.ack_ids(["nonsense"])


@case
def extend_too_far(project, api):
    topic, sub = project.topic_with({})
    topic.publish(b"x")
    yield sub.extend(601, sub.take_one())


@case
def ack_for_good(project, api):
    topic, sub = project.topic_with({})
    topic.publish(b"x")
    got = sub.take_one()
    yield sub.ack(got)
    yield sub.nack(got)
    yield sub.is_empty(for_seconds=0.2)


# Snapshots and seek


@case
def snapshot_life(project, api):
    topic, sub = project.topic_with({})
    topic.publish(b"x")
    snapshot = project.snapshot(sub, labels={"a": "1"})
    yield snapshot
    yield api.subscriber.get_snapshot(snapshot=snapshot.name)
    sub.data(1)
    yield sub.seek(snapshot=snapshot.name)
    yield sub.data(1)
    yield api.subscriber.list_snapshots(project=project.path)
    yield api.subscriber.update_snapshot(
        request={
            "snapshot": {"name": snapshot.name, "labels": {"b": "2"}},
            "update_mask": {"paths": ["labels"]},
        }
    )
    yield api.subscriber.delete_snapshot(snapshot=snapshot.name)
    yield api.subscriber.get_snapshot(snapshot=snapshot.name)


@case
def snapshot_of_nothing(project, api):
    yield api.subscriber.create_snapshot(
        name=project.named("snapshots", "snap"),
        subscription=project.named("subscriptions", "absent"),
    )


@case
def snapshot_of_another_topic(project, api):
    _, one = project.topic_with({})
    _, other = project.topic_with({})
    yield other.seek(snapshot=project.snapshot(one).name)


@case
def seek_without_a_target(project, api):
    _, sub = project.topic_with({})
    yield sub.seek()


@case
def seek_to_a_time(project, api):
    topic, sub = project.topic_with({"retain_acked_messages": True})
    topic.publish(b"x")
    sub.data(1)
    yield sub.seek(time={"seconds": 1_700_000_000, "nanos": 5})
    yield sub.data(1)
    yield sub.seek(time={"seconds": 4_000_000_000})
    yield sub.is_empty(for_seconds=0.2)


# Schemas


@case
def schema_life(project, api):
    schema = project.schema("AVRO", AVRO)
    yield schema
    name = schema.name
    yield api.schemas.commit_schema(
        name=name, schema={"name": name, "type_": "AVRO", "definition": AVRO_WITH_EMAIL}
    )
    yield api.schemas.list_schema_revisions(
        request={"name": name, "view": SchemaView.FULL, "page_size": 1}
    )
    yield api.schemas.rollback_schema(name=name, revision_id=schema.revision_id)
    yield api.schemas.get_schema(request={"name": name, "view": SchemaView.BASIC})
    yield api.schemas.get_schema(name=f"{name}@{schema.revision_id}")
    yield api.schemas.delete_schema_revision(name=f"{name}@{schema.revision_id}")
    yield len(list(api.schemas.list_schema_revisions(name=name)))
    yield api.schemas.list_schemas(parent=project.path)
    yield api.schemas.delete_schema(name=name)
    yield api.schemas.get_schema(name=name)


@case
def schema_that_is_broken(project, api):
    yield project.schema("PROTOCOL_BUFFER", BROKEN["PROTOCOL_BUFFER"])


@case
def schema_validation(project, api):
    schema = {"type_": "PROTOCOL_BUFFER", "definition": PROTOBUF}
    yield api.schemas.validate_schema(parent=project.path, schema=schema)
    request = {"parent": project.path, "schema": schema, "encoding": Encoding.BINARY}
    yield api.schemas.validate_message(request={**request, "message": b"\x0a\x03Ada"})
    yield api.schemas.validate_message(request={**request, "message": b"\xff"})


@case
def schema_on_a_topic(project, api):
    schema = project.schema("AVRO", AVRO)
    topic, sub = project.topic_with(
        {}, schema_settings={"schema": schema.name, "encoding": Encoding.JSON}
    )
    yield topic.get()
    topic.publish(b'{"name": "Ada", "age": 36}')
    yield sub.take_one()
    yield topic.publish(b"{}")


# IAM


@case
def iam_policies(project, api):
    topic = project.topic()
    policy = policy_pb2.Policy(bindings=[{"role": "roles/viewer", "members": ["allUsers"]}])
    publisher = api.publisher
    yield publisher.get_iam_policy(request={"resource": topic.name})
    yield publisher.set_iam_policy(request={"resource": topic.name, "policy": policy})
    yield publisher.get_iam_policy(request={"resource": topic.name})
    asked = {"resource": topic.name, "permissions": ["pubsub.topics.get"]}
    yield publisher.test_iam_permissions(request=asked)
    yield publisher.get_iam_policy(request={"resource": topic.name + "-absent"})
