"""What a refused call must look like to boto3: class, code, status, sender fault and text."""

from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError

from support.clients import protocol_of
from support.queues import is_uuid

PREFIX = "AWS.SimpleQueueService."

# error shape -> (query code, HTTP status), where boto3 has a class for the shape
MODELLED = {
    "BatchEntryIdsNotDistinct": (PREFIX + "BatchEntryIdsNotDistinct", 400),
    "BatchRequestTooLong": (PREFIX + "BatchRequestTooLong", 400),
    "EmptyBatchRequest": (PREFIX + "EmptyBatchRequest", 400),
    "InvalidAttributeName": ("InvalidAttributeName", 400),
    "InvalidAttributeValue": ("InvalidAttributeValue", 400),
    "InvalidBatchEntryId": (PREFIX + "InvalidBatchEntryId", 400),
    "InvalidMessageContents": ("InvalidMessageContents", 400),
    "OverLimit": ("OverLimit", 403),
    "PurgeQueueInProgress": (PREFIX + "PurgeQueueInProgress", 403),
    "QueueDeletedRecently": (PREFIX + "QueueDeletedRecently", 400),
    "QueueDoesNotExist": (PREFIX + "NonExistentQueue", 400),
    "QueueNameExists": ("QueueAlreadyExists", 400),
    "ReceiptHandleIsInvalid": ("ReceiptHandleIsInvalid", 404),
    "ResourceNotFoundException": ("ResourceNotFoundException", 404),
    "TooManyEntriesInBatchRequest": (PREFIX + "TooManyEntriesInBatchRequest", 400),
    "UnsupportedOperation": (PREFIX + "UnsupportedOperation", 400),
}
# and where it has none.
UNMODELLED = {
    "InvalidClientTokenId": ("InvalidClientTokenId", 403),
    "InvalidParameterValue": ("InvalidParameterValue", 400),
    "MissingParameter": ("MissingParameter", 400),
    "SignatureDoesNotMatch": ("SignatureDoesNotMatch", 403),
}
# The query protocol's model does not know this one, so its client has no class for it.
UNKNOWN_TO_QUERY = {"InvalidAttributeValue"}

# Exact texts that several tests meet.
NO_SUCH_QUEUE = {
    "json": "The specified queue does not exist.",
    "query": "The specified queue does not exist for this wsdl version.",
}
BATCH_ID_TEXT = (
    "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
    "It can be at most 80 letters long."
)


@contextmanager
def refused(client, shape, text=None, ending=None, containing=None):
    """The calls inside must be refused with the error shape, and the message as far as it is given."""
    with pytest.raises(ClientError) as caught:
        yield caught
    error = caught.value
    protocol = protocol_of(client)
    code, status = (MODELLED | UNMODELLED)[shape]
    details = error.response["Error"]
    message = details["Message"]
    assert details["Code"] == code, message
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == status, message
    assert details["Type"] == "Sender"
    assert is_uuid(error.response["ResponseMetadata"]["RequestId"])
    if shape in MODELLED and not (protocol == "query" and shape in UNKNOWN_TO_QUERY):
        assert type(error) is getattr(client.exceptions, shape)
    else:
        assert type(error) is ClientError
    if protocol == "json" and shape == "InvalidParameterValue":
        assert details["QueryErrorCode"] == "InvalidParameterValueException"
    if shape == "QueueDoesNotExist":
        text = text or NO_SUCH_QUEUE[protocol]
    if text is not None:
        assert message == text
    if ending is not None:
        assert message.endswith(ending), message
    if containing is not None:
        assert containing in message
    assert message, "an error without a text helps nobody"


def failed_entry(result, entry_id):
    """The one failed entry of a batch answer with this id, its shape checked."""
    found = [entry for entry in result.get("Failed", []) if entry["Id"] == entry_id]
    assert len(found) == 1, f"no single failure of {entry_id!r} in {result!r}"
    assert set(found[0]) == {"Id", "SenderFault", "Code", "Message"}
    assert found[0]["SenderFault"] is True
    return found[0]


def successful_ids(result):
    return [entry["Id"] for entry in result.get("Successful", [])]
