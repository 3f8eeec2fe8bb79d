"""Settings that are stored and read back, over both transports."""

import pytest
from google.pubsub_v1.types import Topic

from support.clients import TRANSPORTS
from support.errors import refused
from support.resources import duration

pytestmark = pytest.mark.parametrize("api", TRANSPORTS, indirect=True)

UDF = "function upper(message, metadata) { message.data = message.data.toUpperCase(); return message; }"


def test_message_transforms_of_topics_and_subscriptions(api, project):
    transforms = [{"javascript_udf": {"function_name": "upper", "code": UDF}}]
    topic, sub = project.topic_with(
        {"message_transforms": transforms}, message_transforms=transforms
    )
    for found in [topic.get(), sub.get()]:
        assert [one.javascript_udf.function_name for one in found.message_transforms] == ["upper"]
        assert found.message_transforms[0].javascript_udf.code == UDF


def test_bigquery(api, project):
    config = {"table": "p.d.t", "use_table_schema": True, "write_metadata": True}
    sub = project.subscription(project.topic(), bigquery_config=config)
    found = sub.get().bigquery_config
    assert (found.table, found.use_table_schema, found.write_metadata) == ("p.d.t", True, True)
    assert found.state.name == "ACTIVE"


def test_cloud_storage(api, project):
    config = {
        "bucket": "bucket-1",
        "filename_prefix": "logs/",
        "filename_suffix": ".avro",
        "avro_config": {"write_metadata": True},
        "max_duration": duration(120),
        "max_bytes": 5000,
        "max_messages": 1000,
    }
    sub = project.subscription(project.topic(), cloud_storage_config=config)
    found = sub.get().cloud_storage_config
    assert found.bucket == "bucket-1"
    assert found.filename_prefix == "logs/"
    assert found.avro_config.write_metadata
    assert found.max_duration.total_seconds() == 120
    assert (found.max_bytes, found.max_messages) == (5000, 1000)
    assert found.state.name == "ACTIVE"


def test_bigtable(api, project):
    table = "projects/p/instances/i/tables/t"
    config = {"table": table, "app_profile_id": "profile", "write_metadata": True}
    found = project.subscription(project.topic(), bigtable_config=config).get()
    assert found.bigtable_config.table == table
    assert found.bigtable_config.app_profile_id == "profile"


def test_two_kinds_of_delivery_exclude_each_other(api, project):
    with refused("INVALID_ARGUMENT"):
        project.subscription(
            project.topic(),
            bigquery_config={"table": "p.d.t"},
            push_config={"push_endpoint": "http://127.0.0.1:9/"},
        )


def test_pull_of_an_export_subscription_is_refused(api, project):
    sub = project.subscription(project.topic(), bigquery_config={"table": "p.d.t"})
    with refused("FAILED_PRECONDITION"):
        sub.pull(at_once=True)


def test_ingestion_settings(api, project):
    kinesis = {
        "stream_arn": "arn:aws:kinesis:us-east-1:111111111111:stream/s",
        "consumer_arn": "arn:aws:kinesis:us-east-1:111111111111:stream/s/consumer/c:1",
        "aws_role_arn": "arn:aws:iam::111111111111:role/r",
        "gcp_service_account": "a@b.iam.gserviceaccount.com",
    }
    topic = project.topic(ingestion_data_source_settings={"aws_kinesis": kinesis})
    found = topic.get().ingestion_data_source_settings.aws_kinesis
    assert topic.get().state.name == "ACTIVE"
    assert found.stream_arn == kinesis["stream_arn"]
    assert found.aws_role_arn == kinesis["aws_role_arn"]


def test_output_only_fields_are_not_taken_from_requests(api, project):
    topic = project.topic(state=Topic.State.INGESTION_RESOURCE_ERROR, satisfies_pzs=True)
    assert not topic.get().state
    sub = project.subscription(topic, detached=True, topic_message_retention_duration=duration(700))
    assert not sub.get().detached
    assert "topic_message_retention_duration" not in sub.get()


def test_a_javascript_transform_is_applied(api, project):
    transform = {"javascript_udf": {"function_name": "upper", "code": UDF}}
    topic, changed, plain = project.topic_with({"message_transforms": [transform]}, {})
    topic.publish(b"hello")
    assert changed.data(1) == [b"HELLO"]
    assert plain.data(1) == [b"hello"]
    topic, sub = project.topic_with({}, message_transforms=[transform])
    topic.publish(b"world")
    assert sub.data(1) == [b"WORLD"]


def test_a_transform_that_answers_null_drops_the_message(api, project):
    code = "function keep(message) { return message.attributes.keep ? message : null; }"
    transform = {"javascript_udf": {"function_name": "keep", "code": code}}
    topic, sub = project.topic_with({"message_transforms": [transform]})
    topic.publish(b"dropped")
    topic.publish(b"kept", keep="yes")
    assert sub.data(1) == [b"kept"]
    assert sub.is_empty(for_seconds=0.2)


def test_a_disabled_transform_does_nothing(api, project):
    transform = {"javascript_udf": {"function_name": "upper", "code": UDF}, "disabled": True}
    topic, sub = project.topic_with({"message_transforms": [transform]})
    topic.publish(b"hello")
    assert sub.data(1) == [b"hello"]


def test_broken_transforms_are_refused(api, project):
    for udf in [
        {"function_name": "f", "code": "function f(message) {"},
        {"function_name": "g", "code": "function f(message) { return message; }"},
        {"function_name": "", "code": "function f(message) { return message; }"},
        {"function_name": "f", "code": ""},
    ]:
        with refused("INVALID_ARGUMENT"):
            project.topic(message_transforms=[{"javascript_udf": udf}])
