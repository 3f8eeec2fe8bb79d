"""All ten methods of SchemaService, over both transports and in both schema languages."""

import re

import pytest
from google.pubsub_v1.types import Encoding, Schema, SchemaView

from support.clients import TRANSPORTS
from support.errors import invalid_name, missing, refused, taken
from support.schemas import BAD, BROKEN, DEFINITIONS, GOOD, REVISED

KINDS = ["AVRO", "PROTOCOL_BUFFER"]
pytestmark = [
    pytest.mark.parametrize("api", TRANSPORTS, indirect=True),
    pytest.mark.parametrize("kind", KINDS),
]
ENCODINGS = ["JSON", "BINARY"]


@pytest.fixture
def schema(project, kind):
    return project.schema(kind, DEFINITIONS[kind])


def schema_of(kind, definition):
    return {"type_": Schema.Type[kind], "definition": definition}


def commit(api, schema, kind, definition):
    return api.schemas.commit_schema(
        name=schema.name, schema={"name": schema.name, **schema_of(kind, definition)}
    )


def at(schema, revision):
    return f"{schema.name}@{revision.revision_id}"


def leaf(name):
    return name.rpartition("/")[2]


def revisions(api, schema):
    return [one.revision_id for one in api.schemas.list_schema_revisions(name=schema.name)]


def test_create_answers_the_first_revision(project, kind, schema):
    assert schema.name.startswith(f"{project.path}/schemas/")
    assert schema.type_.name == kind
    assert schema.definition == DEFINITIONS[kind]
    assert re.fullmatch("[0-9a-f]{8}", schema.revision_id)
    assert schema.revision_create_time.timestamp() > 1_600_000_000


def test_create_refuses_what_it_must(api, project, kind, schema):
    schema_id = leaf(schema.name)
    with refused("ALREADY_EXISTS", taken(schema_id)):
        project.schema(kind, DEFINITIONS[kind], schema_id=schema_id)
    with refused("INVALID_ARGUMENT", invalid_name(project.named("schemas", "1x"))):
        project.schema(kind, DEFINITIONS[kind], schema_id="1x")
    with refused("INVALID_ARGUMENT"):
        project.schema(kind, BROKEN[kind])
    with refused("INVALID_ARGUMENT"):
        project.schema("TYPE_UNSPECIFIED", DEFINITIONS[kind])


def test_get_is_full_unless_basic_is_asked_for(api, schema):
    assert api.schemas.get_schema(name=schema.name) == schema
    full = {"name": schema.name, "view": SchemaView.FULL}
    assert api.schemas.get_schema(request=full) == schema
    basic = api.schemas.get_schema(request={"name": schema.name, "view": SchemaView.BASIC})
    assert basic.definition == ""
    assert (basic.name, basic.type_) == (schema.name, schema.type_)


def test_list_is_basic_unless_full_is_asked_for(api, project, schema):
    basic = list(api.schemas.list_schemas(parent=project.path))
    assert [(one.name, one.type_, one.definition) for one in basic] == [
        (schema.name, schema.type_, "")
    ]
    full = api.schemas.list_schemas(request={"parent": project.path, "view": SchemaView.FULL})
    assert [one.definition for one in full] == [schema.definition]


def test_a_missing_schema_is_not_found(api, project, kind):
    name = project.named("schemas", "absent")
    for call in [
        lambda: api.schemas.get_schema(name=name),
        lambda: api.schemas.delete_schema(name=name),
        lambda: api.schemas.list_schema_revisions(name=name),
        lambda: api.schemas.rollback_schema(name=name, revision_id="01234567"),
        lambda: api.schemas.commit_schema(
            name=name, schema={"name": name, **schema_of(kind, DEFINITIONS[kind])}
        ),
        lambda: api.schemas.validate_message(
            request={
                "parent": project.path,
                "name": name,
                "message": b"{}",
                "encoding": Encoding.JSON,
            }
        ),
    ]:
        with refused("NOT_FOUND", missing("absent")):
            call()


def test_commit_makes_a_revision(api, kind, schema):
    second = commit(api, schema, kind, REVISED[kind])
    assert second.revision_id != schema.revision_id
    assert second.definition == REVISED[kind]
    latest = api.schemas.get_schema(name=schema.name)
    assert latest.revision_id == second.revision_id
    assert revisions(api, schema) == [second.revision_id, schema.revision_id]
    first = api.schemas.get_schema(name=at(schema, schema))
    assert first.definition == DEFINITIONS[kind]
    assert first.revision_id == schema.revision_id


def test_commit_refuses_a_broken_definition_and_another_language(api, kind, schema):
    with refused("INVALID_ARGUMENT"):
        commit(api, schema, kind, BROKEN[kind])
    other = next(one for one in KINDS if one != kind)
    with refused("INVALID_ARGUMENT"):
        commit(api, schema, other, DEFINITIONS[other])
    assert revisions(api, schema) == [schema.revision_id]


def test_a_missing_revision_is_not_found(api, schema):
    with refused("NOT_FOUND"):
        api.schemas.get_schema(name=f"{schema.name}@00000000")
    with refused("NOT_FOUND"):
        api.schemas.rollback_schema(name=schema.name, revision_id="00000000")


def test_rollback_makes_a_new_revision_of_the_old_definition(api, kind, schema):
    second = commit(api, schema, kind, REVISED[kind])
    third = api.schemas.rollback_schema(name=schema.name, revision_id=schema.revision_id)
    assert third.definition == DEFINITIONS[kind]
    assert third.revision_id not in {schema.revision_id, second.revision_id}
    assert api.schemas.get_schema(name=schema.name).revision_id == third.revision_id
    assert len(revisions(api, schema)) == 3


def test_delete_revision(api, kind, schema):
    second = commit(api, schema, kind, REVISED[kind])
    left = api.schemas.delete_schema_revision(name=at(schema, schema))
    assert leaf(left.name).startswith(leaf(schema.name))
    assert revisions(api, schema) == [second.revision_id]
    with refused("NOT_FOUND"):
        api.schemas.get_schema(name=at(schema, schema))


def test_the_last_revision_stays(api, schema):
    with refused({"INVALID_ARGUMENT", "FAILED_PRECONDITION"}):
        api.schemas.delete_schema_revision(name=at(schema, schema))
    assert revisions(api, schema) == [schema.revision_id]


def test_twenty_revisions_at_most(api, kind, schema):
    definitions = [REVISED[kind], DEFINITIONS[kind]]
    for n in range(19):
        commit(api, schema, kind, definitions[n % 2])
    with refused({"INVALID_ARGUMENT", "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED"}):
        commit(api, schema, kind, definitions[19 % 2])
    assert len(revisions(api, schema)) == 20


def test_delete_forgets_every_revision(api, project, kind, schema):
    commit(api, schema, kind, REVISED[kind])
    api.schemas.delete_schema(name=schema.name)
    with refused("NOT_FOUND", missing(leaf(schema.name))):
        api.schemas.get_schema(name=schema.name)
    assert not list(api.schemas.list_schemas(parent=project.path))


def test_validate_schema(api, project, kind):
    api.schemas.validate_schema(parent=project.path, schema=schema_of(kind, DEFINITIONS[kind]))
    with refused("INVALID_ARGUMENT"):
        api.schemas.validate_schema(parent=project.path, schema=schema_of(kind, BROKEN[kind]))
    too_long = DEFINITIONS[kind] + " " * 300_001
    with refused("INVALID_ARGUMENT"):
        api.schemas.validate_schema(parent=project.path, schema=schema_of(kind, too_long))
    assert not list(api.schemas.list_schemas(parent=project.path))


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("spec", ["name", "schema"])
def test_validate_message(api, project, kind, schema, encoding, spec):
    which = {
        "name": {"name": schema.name},
        "schema": {"schema": schema_of(kind, DEFINITIONS[kind])},
    }[spec]
    request = {"parent": project.path, "encoding": Encoding[encoding], **which}
    api.schemas.validate_message(request={**request, "message": GOOD[kind, encoding]})
    for bad in BAD[kind, encoding]:
        with refused("INVALID_ARGUMENT"):
            api.schemas.validate_message(request={**request, "message": bad})
