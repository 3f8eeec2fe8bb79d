"""One table of cases. Each runs over gRPC and over REST, and both must give the same result."""

import json
import re

import pytest
from google.api_core.exceptions import GoogleAPICallError
from google.iam.v1 import iam_policy_pb2, policy_pb2
from google.protobuf import json_format

from support.clients import TRANSPORTS, Api
from support.errors import code_and_text
from support.resources import Project
from support.transport_cases import CASES

# What differs from one call to the next, whatever the transport.
PASSING = {
    "ack_id",
    "etag",
    "expire_time",
    "message_id",
    "next_page_token",
    "publish_time",
    "revision_create_time",
    "revision_id",
}


def plain(value):
    """The value as JSON would have it, without what no two calls have in common."""
    if isinstance(value, (policy_pb2.Policy, iam_policy_pb2.TestIamPermissionsResponse)):
        return plain(json_format.MessageToDict(value))
    if hasattr(type(value), "to_dict"):
        return plain(type(value).to_dict(value))
    if hasattr(value, "pages"):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {
            key: f"<{key}>" if key in PASSING and item else plain(item)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value


def run(function, project):
    result = []
    try:
        for step in function(project, project.api):
            result.append(plain(step))
    except GoogleAPICallError as error:
        result.append(["refused", *code_and_text(error)])
    text = json.dumps(result, indent=1, sort_keys=True)
    text = re.sub(r"\b[0-9a-f]{8}\b(?=\")", "<revision>", text)
    return text.replace(project.id, "<project>")


@pytest.mark.parametrize("name", CASES)
def test_grpc_and_rest_give_the_same(address, name):
    results = {}
    for transport in TRANSPORTS:
        project = Project(Api.over(transport, address))
        try:
            results[transport] = run(CASES[name], project)
        finally:
            project.clean_up()
    assert results["grpc"] == results["rest"]
    assert json.loads(results["grpc"]), "a case without a result shows nothing"
