"""What a refused call must look like, whichever transport it went over."""

import re
from contextlib import contextmanager

import pytest
import requests
from google.api_core.exceptions import GoogleAPICallError

HTTP_STATUS = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}

NO_ACK_IDS = "You have not specified an ack ID in the request."
NOT_FOR_THIS_TYPE = "This method is not supported for this subscription type."
MASK_NEEDED = "The update_mask in the {} must be set, and must contain a non-empty paths list."


def missing(leaf):
    return f"Resource not found (resource={leaf})."


def taken(leaf):
    return f"Resource already exists in the project (resource={leaf})."


def invalid_name(name):
    return (
        f"Invalid resource name given (name={name}). Refer to "
        "https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names for more information."
    )


def invalid_ack_id(ack_id):
    return f"You have passed an invalid ack ID to the service (ack_id={ack_id})."


def invalid_argument(name):
    return f"You have passed an invalid argument to the service (argument={name})."


def invalid_page_token(token):
    return f"Invalid page token given (token={token})."


def invalid_ack_deadline(seconds, least):
    return (
        f"Invalid ack deadline given (ack_deadline={seconds}). "
        f"The ack deadline must be between {least} and 600 seconds."
    )


def code_and_text(error):
    """(status name, message) of a failed call."""
    if isinstance(error.response, requests.Response):
        answer = error.response.json()["error"]
        assert {"code", "message", "status"} <= set(answer)
        assert answer["code"] == error.response.status_code == HTTP_STATUS[answer["status"]]
        return answer["status"], answer["message"]
    return error.grpc_status_code.name, error.message


@contextmanager
def refused(code, text=None, starting=None, ending=None, containing=None, matching=None):
    """The calls inside must be refused with the code, and the message as far as it is given."""
    with pytest.raises(GoogleAPICallError) as caught:
        yield caught
    found, message = code_and_text(caught.value)
    assert found in ({code} if isinstance(code, str) else set(code)), message
    assert message, "an error without a text helps nobody"
    if text is not None:
        assert message == text
    if starting is not None:
        assert message.startswith(starting), message
    if ending is not None:
        assert message.endswith(ending), message
    if containing is not None:
        assert containing in message
    if matching is not None:
        assert re.search(matching, message), message
