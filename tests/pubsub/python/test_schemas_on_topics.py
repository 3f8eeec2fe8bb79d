"""Topics with a schema: what may be published, and what is told to subscribers."""

import pytest
from google.pubsub_v1.types import Encoding, Schema

from google.rpc.error_details_pb2 import ErrorInfo

from support.clients import Api
from support.errors import missing, refused
from support.schemas import BAD, DEFINITIONS, GOOD, REVISED

KINDS = ["AVRO", "PROTOCOL_BUFFER"]
ENCODINGS = ["JSON", "BINARY"]
WITH_EMAIL = b'{"name": "Ada", "age": 36, "email": "a@b"}'


def settings(schema, encoding="JSON", **bounds):
    return {"schema_settings": {"schema": schema.name, "encoding": Encoding[encoding], **bounds}}


def commit(project, schema, kind):
    return project.api.schemas.commit_schema(
        name=schema.name,
        schema={
            "name": schema.name,
            "type_": Schema.Type[kind],
            "definition": REVISED[kind],
        },
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_messages_are_validated(project, kind, encoding):
    schema = project.schema(kind, DEFINITIONS[kind])
    topic, sub = project.topic_with({}, **settings(schema, encoding))
    topic.publish(GOOD[kind, encoding], mine="kept")
    message = sub.take_one().message
    assert message.data == GOOD[kind, encoding]
    assert message.attributes == {
        "mine": "kept",
        "googclient_schemaname": schema.name,
        "googclient_schemaencoding": encoding,
        "googclient_schemarevisionid": schema.revision_id,
    }
    for bad in BAD[kind, encoding]:
        with refused("INVALID_ARGUMENT"):
            topic.publish_messages({"data": bad, "attributes": {"mine": "bad"}})
    assert sub.is_empty()


def test_one_bad_message_refuses_the_whole_request(project):
    schema = project.schema("AVRO", DEFINITIONS["AVRO"])
    topic, sub = project.topic_with({}, **settings(schema))
    with refused("INVALID_ARGUMENT"):
        topic.publish(GOOD["AVRO", "JSON"], b"{}")
    assert sub.is_empty(for_seconds=0.2)


def test_settings_read_back(project):
    schema = project.schema("AVRO", DEFINITIONS["AVRO"])
    topic = project.topic(
        **settings(
            schema,
            "BINARY",
            first_revision_id=schema.revision_id,
            last_revision_id=schema.revision_id,
        )
    )
    found = topic.get().schema_settings
    assert found.schema == schema.name
    assert found.encoding == Encoding.BINARY
    assert found.first_revision_id == found.last_revision_id == schema.revision_id


def test_the_schema_must_exist(project):
    with refused("NOT_FOUND", missing("absent")):
        project.topic(
            schema_settings={
                "schema": project.named("schemas", "absent"),
                "encoding": Encoding.JSON,
            }
        )


def test_any_revision_in_bounds_will_do_and_the_message_tells_which(project):
    schema = project.schema("AVRO", DEFINITIONS["AVRO"])
    topic, sub = project.topic_with({}, **settings(schema))
    second = commit(project, schema, "AVRO")
    for data, revision in [(GOOD["AVRO", "JSON"], schema), (WITH_EMAIL, second)]:
        topic.publish(data)
        got = sub.take_one()
        sub.ack(got)
        assert got.message.attributes["googclient_schemarevisionid"] == revision.revision_id


def test_the_first_revision_bounds_what_is_taken(project):
    schema = project.schema("AVRO", DEFINITIONS["AVRO"])
    second = commit(project, schema, "AVRO")
    topic, sub = project.topic_with({}, **settings(schema, first_revision_id=second.revision_id))
    with refused("INVALID_ARGUMENT"):
        topic.publish(GOOD["AVRO", "JSON"])
    topic.publish(WITH_EMAIL)
    assert sub.data(1) == [WITH_EMAIL]


def test_the_last_revision_bounds_what_is_taken(project):
    schema = project.schema("AVRO", DEFINITIONS["AVRO"])
    topic, sub = project.topic_with({}, **settings(schema, last_revision_id=schema.revision_id))
    commit(project, schema, "AVRO")
    with refused("INVALID_ARGUMENT"):
        topic.publish(WITH_EMAIL)
    topic.publish(GOOD["AVRO", "JSON"])
    assert sub.data(1) == [GOOD["AVRO", "JSON"]]


def test_the_settings_can_change_and_go(project):
    schema = project.schema("AVRO", DEFINITIONS["AVRO"])
    topic, sub = project.topic_with({})
    topic.publish(b"anything")
    topic.update("schema_settings", **settings(schema))
    with refused("INVALID_ARGUMENT"):
        topic.publish(b"anything")
    topic.update("schema_settings")
    assert "schema_settings" not in topic.get()
    topic.publish(b"anything")
    assert sub.data(2) == [b"anything"] * 2


def test_a_deleted_schema_shows_and_nothing_can_be_published(project):
    schema = project.schema("AVRO", DEFINITIONS["AVRO"])
    topic = project.topic(**settings(schema))
    project.api.schemas.delete_schema(name=schema.name)
    assert topic.get().schema_settings.schema == "_deleted-schema_"
    with refused({"INVALID_ARGUMENT", "FAILED_PRECONDITION", "NOT_FOUND"}):
        topic.publish(GOOD["AVRO", "JSON"])


REFUSED = "Invalid data in message: Message failed schema validation."
REASONS = {
    ("AVRO", "JSON"): "INVALID_JSON_AVRO_MESSAGE",
    ("AVRO", "BINARY"): "INVALID_BINARY_AVRO_MESSAGE",
    ("PROTOCOL_BUFFER", "JSON"): "INVALID_JSON_PROTO_MESSAGE",
    ("PROTOCOL_BUFFER", "BINARY"): "INVALID_BINARY_PROTO_MESSAGE",
}


@pytest.mark.parametrize("kind, encoding", REASONS)
def test_a_refusal_tells_what_was_tried(project, address, kind, encoding):
    schema = project.schema(kind, DEFINITIONS[kind])
    topic = project.topic(**settings(schema, encoding))
    bad = {"data": BAD[kind, encoding][0]}
    with refused("INVALID_ARGUMENT", REFUSED) as caught:
        topic.publish_messages(bad)
    (info,) = [one for one in caught.value.details if isinstance(one, ErrorInfo)]
    assert (info.reason, info.domain) == (REASONS[kind, encoding], "pubsub.googleapis.com")
    assert set(info.metadata) == {"message", "revisionInfo"}
    assert info.metadata["message"] == "Message failed schema validation"
    start = (
        f"Could not validate message with any schema revision for schema: {schema.name}, last "
        f"checked revision: revision_id={schema.revision_id} failed with status: "
    )
    assert info.metadata["revisionInfo"].startswith(start)
    with refused("INVALID_ARGUMENT", REFUSED) as caught:
        Api.over("rest", address).publisher.publish(topic=topic.name, messages=[bad])
    (detail,) = caught.value.response.json()["error"]["details"]
    assert detail["reason"] == REASONS[kind, encoding]
    assert detail["metadata"] == dict(info.metadata)
    with refused("INVALID_ARGUMENT", REFUSED) as caught:
        project.api.schemas.validate_message(
            request={
                "parent": project.path,
                "name": schema.name,
                "message": bad["data"],
                "encoding": encoding,
            }
        )
    (again,) = [one for one in caught.value.details if isinstance(one, ErrorInfo)]
    assert again == info


def test_a_schema_made_again_is_another(project):
    schema = project.schema("AVRO", DEFINITIONS["AVRO"])
    topic = project.topic(**settings(schema))
    project.api.schemas.delete_schema(name=schema.name)
    leaf = schema.name.rpartition("/")[2]
    project.schema("AVRO", DEFINITIONS["AVRO"], schema_id=leaf)
    assert topic.get().schema_settings.schema == "_deleted-schema_"
    with refused("NOT_FOUND", missing(leaf)):
        topic.publish(GOOD["AVRO", "JSON"])
    with refused("NOT_FOUND", missing(leaf)):
        topic.update("schema_settings.encoding", schema_settings={"encoding": Encoding.BINARY})
    topic.update("labels", labels={"still": "deleted"})
    assert topic.get().schema_settings.schema == "_deleted-schema_"
    topic.update("schema_settings", **settings(schema))
    assert topic.get().schema_settings.schema == schema.name
    topic.publish(GOOD["AVRO", "JSON"])
