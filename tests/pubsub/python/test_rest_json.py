"""The REST surface as plain HTTP sees it: paths, the JSON mapping, error bodies."""

import base64
import json
import re

import pytest
import requests

from support.errors import missing


class Rest:
    """Requests as somebody with curl would make them."""

    def __init__(self, address):
        self.base = f"http://{address}"
        self.session = requests.Session()

    def __call__(self, method, path, body=None, **options):
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if body is not None:
            options.setdefault("headers", {"Content-Type": "application/json"})
        return self.session.request(
            method, f"{self.base}/v1/{path}", data=body, timeout=60, **options
        )

    def ok(self, method, path, body=None, **options):
        answer = self(method, path, body, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def error(self, method, path, body=None, **options):
        answer = self(method, path, body, **options)
        error = answer.json()["error"]
        assert error["code"] == answer.status_code
        return error


@pytest.fixture
def rest(address):
    return Rest(address)


@pytest.fixture
def topic_and_sub(project):
    return project.topic_with({})


# How answers are written


def test_answers_are_pretty_json_with_a_newline(rest, project):
    topic, sub = project.topic_with({"labels": {"k": "é"}})
    for path in [topic.name, sub.name, f"{project.path}/subscriptions"]:
        answer = rest("GET", path)
        assert answer.headers["content-type"] == "application/json; charset=UTF-8"
        expected = json.dumps(answer.json(), indent=2, ensure_ascii=False) + "\n"
        assert answer.content.decode() == expected


def test_empty_answers(rest, project, topic_and_sub):
    topic, sub = topic_and_sub
    pull = rest("POST", f"{sub.name}:pull", {"maxMessages": 1, "returnImmediately": True})
    assert (pull.status_code, pull.text) == (200, "{}\n")
    for method, path in [
        ("GET", f"{project.path}/snapshots"),
        ("GET", f"{topic.name}/snapshots"),
        ("DELETE", sub.name),
        ("DELETE", topic.name),
    ]:
        answer = rest(method, path)
        assert (answer.status_code, answer.text) == (200, "{}\n")


def test_a_subscription_always_shows_these(rest, project, topic_and_sub):
    topic, sub = topic_and_sub
    assert rest.ok("GET", sub.name) == {
        "name": sub.name,
        "topic": topic.name,
        "pushConfig": {},
        "ackDeadlineSeconds": 10,
        "messageRetentionDuration": "604800s",
        "expirationPolicy": {"ttl": "2678400s"},
        "state": "ACTIVE",
    }


def test_a_topic_shows_what_is_set_only(rest, topic_and_sub):
    topic, _ = topic_and_sub
    found = rest.ok("GET", topic.name)
    assert found == {"name": topic.name}


def test_durations_and_int64_are_strings(rest, project):
    topic = project.topic()
    name = project.named("subscriptions", "stored")
    made = rest.ok(
        "PUT",
        name,
        {
            "topic": topic.name,
            "messageRetentionDuration": "601.000000005s",
            "retryPolicy": {"minimumBackoff": "0.100s", "maximumBackoff": "1.5s"},
            "cloudStorageConfig": {"bucket": "bucket-1", "maxBytes": "2000", "maxMessages": 1500},
        },
    )
    assert made["messageRetentionDuration"] == "601.000000005s"
    assert made["retryPolicy"] == {"minimumBackoff": "0.100s", "maximumBackoff": "1.500s"}
    assert made["cloudStorageConfig"]["maxBytes"] == "2000"
    assert made["cloudStorageConfig"]["maxMessages"] == "1500"
    rest.ok("DELETE", name)


# What requests may look like


@pytest.mark.parametrize("body", ["{}", "with name", ""])
def test_a_topic_is_made_from_its_path(rest, project, body):
    name = project.named("topics", "made")
    body = json.dumps({"name": name}) if body == "with name" else body
    query = {"$alt": "json;enum-encoding=int"}
    made = rest.ok("PUT", name, body, params=query)
    assert made == {"name": name}
    rest.ok("DELETE", name)


def test_enums_are_names_unless_integers_are_asked_for(rest, project, topic_and_sub):
    _, sub = topic_and_sub
    assert rest.ok("GET", sub.name)["state"] == "ACTIVE"
    assert rest.ok("GET", sub.name, params={"$alt": "json;enum-encoding=int"})["state"] == 1
    answer = requests.get(
        f"{rest.base}/v1/{sub.name}?%24alt=json%3Benum-encoding%3Dint", timeout=30
    )
    assert answer.json()["state"] == 1


@pytest.mark.parametrize("kind", ["AVRO", 2], ids=repr)
def test_enums_arrive_as_names_or_integers(rest, project, kind):
    definition = '{"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]}'
    path = f"{project.path}/schemas?schemaId=sc1"
    made = rest.ok("POST", path, {"type": kind, "definition": definition})
    assert made["type"] == "AVRO"
    assert made["name"] == project.named("schemas", "sc1")
    assert re.fullmatch("[0-9a-f]{8}", made["revisionId"])
    rest.ok("DELETE", made["name"])


def test_names_as_in_the_proto_are_taken_too(rest, project):
    topic = project.topic()
    name = project.named("subscriptions", "snake")
    made = rest.ok("PUT", name, {"topic": topic.name, "ack_deadline_seconds": 42})
    assert made["ackDeadlineSeconds"] == 42
    rest.ok("DELETE", name)


def test_null_is_absent_and_numbers_may_be_strings(rest, project):
    topic = project.topic()
    name = project.named("subscriptions", "nulls")
    made = rest.ok("PUT", name, {"topic": topic.name, "ackDeadlineSeconds": "42", "labels": None})
    assert made["ackDeadlineSeconds"] == 42
    assert "labels" not in made
    rest.ok("DELETE", name)


def test_update_with_a_mask_in_the_body(rest, project, topic_and_sub):
    topic, sub = topic_and_sub
    body = {
        "topic": {"labels": {"a": "b"}, "messageRetentionDuration": "601.000000005s"},
        "updateMask": "labels,messageRetentionDuration",
    }
    updated = rest.ok("PATCH", topic.name, body)
    assert updated["labels"] == {"a": "b"}
    assert updated["messageRetentionDuration"] == "601.000000005s"
    body = {
        "subscription": {"name": sub.name, "ackDeadlineSeconds": 33},
        "updateMask": "ackDeadlineSeconds",
    }
    assert rest.ok("PATCH", sub.name, body)["ackDeadlineSeconds"] == 33


def test_publish_and_pull(rest, project, topic_and_sub):
    topic, sub = topic_and_sub
    data = bytes(range(256))
    answer = rest.ok(
        "POST",
        f"{topic.name}:publish",
        {
            "messages": [
                {
                    "data": base64.b64encode(data).decode(),
                    "attributes": {"k": "v"},
                    "orderingKey": "o",
                }
            ]
        },
    )
    assert set(answer) == {"messageIds"}
    assert re.fullmatch(r"\d{17}", answer["messageIds"][0])
    got = rest.ok("POST", f"{sub.name}:pull", {"maxMessages": 1})
    received = got["receivedMessages"][0]
    published = received["message"].pop("publishTime")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", published)
    assert received["message"] == {
        "data": base64.b64encode(data).decode(),
        "attributes": {"k": "v"},
        "messageId": answer["messageIds"][0],
        "orderingKey": "o",
    }
    assert set(received) == {"ackId", "message"}
    settle = {"ackIds": [received["ackId"]]}
    assert (
        rest.ok("POST", f"{sub.name}:modifyAckDeadline", settle | {"ackDeadlineSeconds": 60}) == {}
    )
    assert rest.ok("POST", f"{sub.name}:acknowledge", settle) == {}


@pytest.mark.parametrize("text", ["-_8=", "-_8", "+/8=", "+/8"])
def test_base64_in_every_spelling(rest, topic_and_sub, text):
    topic, sub = topic_and_sub
    rest.ok("POST", f"{topic.name}:publish", {"messages": [{"data": text}]})
    assert sub.data(1) == [b"\xfb\xff"]


def test_unicode_escapes(rest, topic_and_sub):
    topic, sub = topic_and_sub
    body = '{"messages": [{"attributes": {"\\u00fc": "\\ud83d\\ude00", "t": "\\n\\"\\\\"}}]}'
    rest.ok("POST", f"{topic.name}:publish", body)
    assert sub.take_one().message.attributes == {"ü": "😀", "t": '\n"\\'}


def test_every_other_binding(rest, project, topic_and_sub):
    topic, sub = topic_and_sub
    snapshot = project.named("snapshots", "snap")
    assert rest.ok("PUT", snapshot, {"subscription": sub.name})["topic"] == topic.name
    assert rest.ok("GET", f"{topic.name}/snapshots") == {"snapshots": [snapshot]}
    assert rest.ok("GET", f"{topic.name}/subscriptions") == {"subscriptions": [sub.name]}
    patch = {"snapshot": {"labels": {"a": "b"}}, "updateMask": "labels"}
    assert rest.ok("PATCH", snapshot, patch)["labels"] == {"a": "b"}
    assert rest.ok("GET", snapshot)["labels"] == {"a": "b"}
    assert rest.ok("POST", f"{sub.name}:seek", {"snapshot": snapshot}) == {}
    assert rest.ok("POST", f"{sub.name}:seek", {"time": "2026-01-02T03:04:05.678Z"}) == {}
    listed = rest.ok("GET", f"{project.path}/snapshots")["snapshots"]
    assert [one["name"] for one in listed] == [snapshot]
    assert rest.ok("DELETE", snapshot) == {}
    assert rest.ok("POST", f"{sub.name}:modifyPushConfig", {"pushConfig": {}}) == {}
    policy = rest.ok("POST", f"{topic.name}:setIamPolicy", {"policy": {"bindings": []}})
    assert rest.ok("GET", f"{topic.name}:getIamPolicy") == policy
    asked = {"permissions": ["pubsub.topics.get"]}
    assert rest.ok("POST", f"{topic.name}:testIamPermissions", asked) == asked
    assert rest.ok("POST", f"{sub.name}:detach") == {}
    assert rest.ok("GET", sub.name)["detached"] is True


def test_schemas_over_plain_http(rest, project):
    definition = 'syntax = "proto3"; message M { string a = 1; }'
    schema = {"type": "PROTOCOL_BUFFER", "definition": definition}
    made = rest.ok("POST", f"{project.path}/schemas?schemaId=sc1", schema)
    name = made["name"]
    second = rest.ok(
        "POST",
        f"{name}:commit",
        {"schema": {**schema, "name": name, "definition": definition + "\n"}},
    )
    assert len(rest.ok("GET", f"{name}:listRevisions")["schemas"]) == 2
    third = rest.ok("POST", f"{name}:rollback", {"revisionId": made["revisionId"]})
    assert third["definition"] == definition
    rest.ok("DELETE", f"{name}%40{second['revisionId']}:deleteRevision")
    assert len(rest.ok("GET", f"{name}:listRevisions")["schemas"]) == 2
    assert rest.ok("GET", f"{name}@{made['revisionId']}")["definition"] == definition
    assert "definition" not in rest.ok("GET", f"{name}?view=BASIC")
    assert "definition" in rest.ok("GET", f"{project.path}/schemas?view=2")["schemas"][0]
    assert rest.ok("POST", f"{project.path}/schemas:validate", {"schema": schema}) == {}
    message = {"name": name, "message": base64.b64encode(b'{"a": "x"}').decode()}
    path = f"{project.path}/schemas:validateMessage"
    assert rest.ok("POST", path, message | {"encoding": "JSON"}) == {}
    assert rest.ok("POST", path, message | {"encoding": 1}) == {}
    assert rest.ok("DELETE", name) == {}


def test_pages_by_query_parameters(rest, project):
    names = sorted(project.topic().name for _ in range(3))
    first = rest.ok("GET", f"{project.path}/topics?pageSize=2")
    token = first["nextPageToken"]
    second = rest.ok("GET", f"{project.path}/topics", params={"page_size": 2, "pageToken": token})
    assert "nextPageToken" not in second
    found = [one["name"] for one in first["topics"] + second["topics"]]
    assert sorted(found) == names


# Errors


def test_the_body_of_an_error(rest, project):
    answer = rest("GET", project.named("topics", "absent"))
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    expected = {"error": {"code": 404, "message": missing("absent"), "status": "NOT_FOUND"}}
    assert answer.json() == expected
    assert answer.text == json.dumps(expected, indent=2) + "\n"


def test_an_unknown_field_is_named(rest, project):
    error = rest.error("PUT", project.named("topics", "made"), {"x": 1})
    text = 'Invalid JSON payload received. Unknown name "x": Cannot find field.'
    assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
    assert error["message"] == text
    details = error["details"]
    assert details[0]["@type"] == "type.googleapis.com/google.rpc.BadRequest"
    assert details[0]["fieldViolations"] == [{"description": text}]
    assert rest("GET", project.named("topics", "made")).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[]",
        "null",
        '"x"',
        "{'messages': []}",
        '{"messages": {}}',
        '{"messages": [{"data": "***"}]}',
        '{"messages": [{"data": 5}]}',
        '{"messages": [{"attributes": {"k": 5}}]}',
        '{"messages": [{"attributes": []}]}',
        '{"messages": [{"data": "eA==", "publishTime": "yesterday"}]}',
        b'{"messages": [{"attributes": {"k": "\xff"}}]}',
        '{"messages": ' + "[" * 5000,
    ],
    ids=lambda body: repr(body)[:40],
)
def test_bodies_that_are_refused(rest, topic_and_sub, body):
    topic, sub = topic_and_sub
    error = rest.error("POST", f"{topic.name}:publish", body)
    assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
    assert error["message"]
    assert sub.is_empty()


@pytest.mark.parametrize(
    "body",
    [
        {"ackDeadlineSeconds": 10.5},
        {"ackDeadlineSeconds": "ten"},
        {"ackDeadlineSeconds": 2**31},
        {"retainAckedMessages": "yes"},
        {"messageRetentionDuration": "600"},
        {"messageRetentionDuration": 600},
        {"messageRetentionDuration": "x s"},
        {"labels": {"k": None}},
        {"labels": ["k"]},
        {"pushConfig": "http://x"},
        {"state": "NO_SUCH_STATE"},
    ],
    ids=json.dumps,
)
def test_values_of_the_wrong_type(rest, project, body):
    topic = project.topic()
    name = project.named("subscriptions", "typed")
    error = rest.error("PUT", name, {"topic": topic.name, **body})
    assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
    assert rest("GET", name).status_code == 404


@pytest.mark.parametrize(
    "method, path",
    [
        ("GET", "nothing"),
        ("GET", "projects/p/nothing"),
        ("POST", "projects/p/topics/t:nothing"),
        ("GET", "projects/p/topics/t/subscriptions/more"),
        ("PUT", "projects/p/topics/t:publish"),
    ],
)
def test_unknown_paths_are_not_found(rest, method, path):
    answer = rest(method, path, "{}" if method != "GET" else None)
    assert answer.status_code in (404, 405)


def test_a_connection_goes_on_after_an_error(rest, project, topic_and_sub):
    topic, _ = topic_and_sub
    for _ in range(3):
        assert rest("POST", f"{topic.name}:publish", "{").status_code == 400
        assert rest("GET", topic.name).status_code == 200
