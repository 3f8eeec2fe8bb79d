"""Batches of which some entries succeed and some fail."""

import pytest

from support import md5
from support.errors import failed_entry, refused, successful_ids
from support.queues import keys_of

pytestmark = pytest.mark.parametrize("sqs", ["json", "query"], indirect=True)


def test_send_reports_each_entry_on_its_own(queues):
    queue = queues.standard(MaximumMessageSize=2048)
    good = {"N": {"DataType": "Number", "StringValue": "1"}}
    empty = {"Empty": {"DataType": "String", "StringValue": ""}}
    answer = queue.send_batch(
        [
            {"Id": "good", "MessageBody": "a", "MessageAttributes": good},
            {"Id": "long", "MessageBody": "x" * 2049},
            {"Id": "character", "MessageBody": "\uffff"},
            {"Id": "delay", "MessageBody": "b", "DelaySeconds": 901},
            {"Id": "attribute", "MessageBody": "c", "MessageAttributes": empty},
            {"Id": "also-good", "MessageBody": "d"},
        ]
    )
    assert keys_of(answer) == {"Successful", "Failed"}
    assert successful_ids(answer) == ["good", "also-good"]
    assert answer["Successful"][0]["MD5OfMessageAttributes"] == md5.of_attributes(good)
    codes = {
        entry_id: failed_entry(answer, entry_id)["Code"]
        for entry_id in ["long", "character", "delay", "attribute"]
    }
    assert codes == {
        "long": "InvalidParameterValue",
        "character": "InvalidMessageContents",
        "delay": "InvalidParameterValue",
        "attribute": "InvalidParameterValue",
    }
    assert sorted(queue.bodies()) == ["a", "d"]


def test_send_where_all_fail(queues):
    queue = queues.standard()
    answer = queue.send_batch([{"Id": "only", "MessageBody": "\x0b"}])
    assert keys_of(answer) == {"Failed"}, "an empty Successful list must be left out"
    assert failed_entry(answer, "only")["Code"] == "InvalidMessageContents"


def test_send_fifo_with_a_failure_keeps_the_order_of_the_rest(queues):
    queue = queues.fifo(ContentBasedDeduplication=True)
    answer = queue.send_batch(
        [
            {"Id": "1", "MessageBody": "first", "MessageGroupId": "g"},
            {"Id": "2", "MessageBody": "bad\x00", "MessageGroupId": "g"},
            {"Id": "3", "MessageBody": "third", "MessageGroupId": "g"},
        ]
    )
    assert successful_ids(answer) == ["1", "3"]
    assert failed_entry(answer, "2")["Code"] == "InvalidMessageContents"
    assert queue.bodies() == ["first", "third"]


def test_duplicates_within_one_fifo_batch(queues):
    queue = queues.fifo(ContentBasedDeduplication=True)
    answer = queue.send_batch(
        [{"Id": i, "MessageBody": "same", "MessageGroupId": "g"} for i in ["1", "2"]]
    )
    first, second = answer["Successful"]
    assert second["MessageId"] == first["MessageId"]
    assert second["SequenceNumber"] == first["SequenceNumber"]
    assert queue.bodies() == ["same"]


def test_delete_with_a_bad_handle(sqs, queues):
    queue = queues.standard()
    queue.send()
    message = queue.receive_one()
    answer = sqs.delete_message_batch(
        QueueUrl=queue.url,
        Entries=[
            {"Id": "bad", "ReceiptHandle": "garbage"},
            {"Id": "good", "ReceiptHandle": message["ReceiptHandle"]},
        ],
    )
    assert keys_of(answer) == {"Successful", "Failed"}
    assert answer["Successful"] == [{"Id": "good"}]
    failure = failed_entry(answer, "bad")
    assert failure["Code"] == "ReceiptHandleIsInvalid"
    assert failure["Message"] == 'The input receipt handle "garbage" is not a valid receipt handle.'
    assert queue.counts() == (0, 0, 0)


def test_delete_of_the_already_deleted(sqs, queues):
    queue = queues.standard()
    queue.send()
    message = queue.receive_one()
    queue.delete(message)
    answer = sqs.delete_message_batch(
        QueueUrl=queue.url, Entries=[{"Id": "again", "ReceiptHandle": message["ReceiptHandle"]}]
    )
    assert keys_of(answer) == {"Successful"}


def test_change_visibility_with_failures(sqs, queues):
    queue = queues.standard()
    queue.send_many(["deleted", "changed", "beyond"])
    handles = {m["Body"]: m["ReceiptHandle"] for m in queue.receive_all(3)}
    queue.delete(handles["deleted"])
    answer = sqs.change_message_visibility_batch(
        QueueUrl=queue.url,
        Entries=[
            {"Id": "bad", "ReceiptHandle": "garbage", "VisibilityTimeout": 1},
            {"Id": "deleted", "ReceiptHandle": handles["deleted"], "VisibilityTimeout": 1},
            {"Id": "changed", "ReceiptHandle": handles["changed"], "VisibilityTimeout": 0},
            {"Id": "beyond", "ReceiptHandle": handles["beyond"], "VisibilityTimeout": 43201},
        ],
    )
    assert keys_of(answer) == {"Successful", "Failed"}
    assert answer["Successful"] == [{"Id": "changed"}]
    assert failed_entry(answer, "bad")["Code"] == "ReceiptHandleIsInvalid"
    assert failed_entry(answer, "deleted")["Code"] == "InvalidParameterValue"
    assert failed_entry(answer, "beyond")["Code"] == "InvalidParameterValue"
    assert queue.bodies() == ["changed"]


def test_checks_of_the_whole_batch_come_before_any_entry(sqs, queues):
    queue = queues.standard()
    with refused(sqs, "BatchEntryIdsNotDistinct"):
        queue.send_batch(
            [
                {"Id": "same", "MessageBody": "fine"},
                {"Id": "same", "MessageBody": "\uffff"},
            ]
        )
    assert queue.counts() == (0, 0, 0)


@pytest.mark.parametrize("fifo", [False, True])
def test_an_empty_body_is_named_by_its_place(queues, fifo):
    queue = queues.fifo() if fifo else queues.standard()
    ids = {"MessageGroupId": "g"} if fifo else {}
    answer = queue.send_batch(
        [
            {"Id": name, "MessageBody": body, **ids}
            | ({"MessageDeduplicationId": name} if fifo else {})
            for name, body in [("good", "a"), ("bad", "")]
        ]
    )
    assert successful_ids(answer) == ["good"]
    failed = failed_entry(answer, "bad")
    assert failed["Code"] == "EmptyValue"
    assert failed["Message"] == "No Value Found for SendMessageBatchRequestEntry.2.MessageBody."


def test_an_empty_handle_is_named_by_its_place(sqs, queues):
    queue = queues.standard()
    answer = sqs.delete_message_batch(
        QueueUrl=queue.url, Entries=[{"Id": "bad", "ReceiptHandle": ""}]
    )
    failed = failed_entry(answer, "bad")
    assert failed["Code"] == "EmptyValue"
    assert failed["Message"] == "No Value Found for DeleteMessageBatchRequestEntry.1.ReceiptHandle."


def test_a_missing_timeout_is_named_by_its_place(sqs, queues):
    queue = queues.standard()
    queue.send()
    handle = queue.receive_one()["ReceiptHandle"]
    answer = sqs.change_message_visibility_batch(
        QueueUrl=queue.url, Entries=[{"Id": "bad", "ReceiptHandle": handle}]
    )
    failed = failed_entry(answer, "bad")
    assert failed["Code"] == "EmptyValue"
    entry = "ChangeMessageVisibilityBatchRequestEntry.1"
    assert failed["Message"] == f"No Value Found for {entry}.VisibilityTimeout."


def test_a_missing_group_says_only_that(sqs, queues):
    queue = queues.fifo()
    text = "The request must contain the parameter MessageGroupId."
    with refused(sqs, "InvalidParameterValue", text):
        queue.send_batch([{"Id": "1", "MessageBody": "a", "MessageDeduplicationId": "1"}])
