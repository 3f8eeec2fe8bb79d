"""The numbered edge cases of the contract, one test or more for each, under its number."""

import base64
import json
import threading
import time

import pytest

from support.clients import protocol_of, sqs_client
from support.characters import MIB
from support.errors import BATCH_ID_TEXT, failed_entry, refused, successful_ids
from support.queues import assert_void, keys_of, unique_name
from support.server import running
from support.timing import eventually, stopwatch

pytestmark = pytest.mark.parametrize("sqs", ["json", "query"], indirect=True)

PERMISSION = dict(AWSAccountIds=["123456789012"], Actions=["ReceiveMessage"])
ONE_SSE_ONLY = (
    "You can use one type of server-side encryption (SSE) at one time. "
    "You can either enable KMS SSE or SQS SSE."
)
NO_DEDUPLICATION = (
    "The queue should either have ContentBasedDeduplication enabled or "
    "MessageDeduplicationId provided explicitly"
)


def different_value(attribute):
    return (
        "A queue already exists with the same name and a different value for attribute " + attribute
    )


# 1. Creating what is there already


def test_edge_01_equal_or_fewer_attributes_succeed(sqs, queues):
    attributes = {"VisibilityTimeout": "45", "DelaySeconds": "3"}
    queue = queues.standard(**attributes)
    for repeated in [attributes, {"VisibilityTimeout": "45"}, {"DelaySeconds": "3"}, {}]:
        answer = sqs.create_queue(QueueName=queue.name, Attributes=repeated)
        assert answer["QueueUrl"] == queue.url


def test_edge_01_a_default_value_is_equal_to_none_given(sqs, queues):
    queue = queues.standard()
    answer = sqs.create_queue(QueueName=queue.name, Attributes={"VisibilityTimeout": "30"})
    assert answer["QueueUrl"] == queue.url


def test_edge_01_a_different_value_is_refused(sqs, queues):
    queue = queues.standard(DelaySeconds=3)
    with refused(sqs, "QueueNameExists", different_value("DelaySeconds")):
        sqs.create_queue(QueueName=queue.name, Attributes={"DelaySeconds": "4"})
    with refused(sqs, "QueueNameExists", different_value("VisibilityTimeout")):
        sqs.create_queue(QueueName=queue.name, Attributes={"VisibilityTimeout": "31"})
    assert queue.attribute("DelaySeconds") == "3"


def test_edge_01_a_different_value_on_fifo_is_refused(sqs, queues):
    queue = queues.fifo(ContentBasedDeduplication=True)
    with refused(sqs, "QueueNameExists", different_value("ContentBasedDeduplication")):
        sqs.create_queue(
            QueueName=queue.name,
            Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "false"},
        )


def test_edge_01_values_set_later_count(sqs, queues):
    queue = queues.standard(VisibilityTimeout=45)
    queue.set(VisibilityTimeout=46)
    with refused(sqs, "QueueNameExists", different_value("VisibilityTimeout")):
        sqs.create_queue(QueueName=queue.name, Attributes={"VisibilityTimeout": "45"})
    answer = sqs.create_queue(QueueName=queue.name, Attributes={"VisibilityTimeout": "46"})
    assert answer["QueueUrl"] == queue.url


# 2. The type of a queue


@pytest.mark.parametrize("value", ["true", "false"])
def test_edge_02_fifo_queue_is_unknown_to_a_standard_queue(sqs, queues, value):
    queue = queues.standard()
    with refused(sqs, "InvalidAttributeName", "Unknown Attribute FifoQueue."):
        queue.set(FifoQueue=value)


def test_edge_02_fifo_queue_stays_fifo(sqs, queues):
    queue = queues.fifo()
    text = (
        "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported."
    )
    with refused(sqs, "InvalidAttributeValue", text):
        queue.set(FifoQueue=False)
    assert queue.attribute("FifoQueue") == "true"
    assert_void(queue.set(FifoQueue=True))


# 3. The name of a FIFO queue


def test_edge_03_suffix_and_attribute_must_agree(sqs):
    with refused(sqs, "InvalidParameterValue"):
        sqs.create_queue(QueueName=unique_name(fifo=True))
    with refused(sqs, "InvalidParameterValue"):
        sqs.create_queue(QueueName=unique_name(), Attributes={"FifoQueue": "true"})


# 4. Deleting late


def test_edge_04_standard_deletes_after_expiry(queues):
    queue = queues.standard(VisibilityTimeout=1)
    queue.send()
    message = queue.receive_one()
    eventually(lambda: queue.counts() == (1, 0, 0))
    assert_void(queue.delete(message))
    assert queue.counts() == (0, 0, 0)
    assert queue.receive() == []


def test_edge_04_fifo_refuses_after_expiry(sqs, queues):
    queue = queues.fifo(VisibilityTimeout=1)
    queue.send_fifo("m")
    message = queue.receive_one()
    eventually(lambda: queue.counts() == (1, 0, 0))
    with refused(
        sqs,
        "InvalidParameterValue",
        f"Value {message['ReceiptHandle']} for parameter ReceiptHandle is invalid. "
        "Reason: The receipt handle has expired.",
    ):
        queue.delete(message)
    assert queue.bodies() == ["m"]


# 5. Deleting twice, deleting nonsense


@pytest.mark.parametrize("fifo", [False, True])
def test_edge_05_a_repeated_delete_succeeds(queues, fifo):
    queue = queues.fifo() if fifo else queues.standard()
    queue.send_fifo("m") if fifo else queue.send("m")
    message = queue.receive_one()
    assert_void(queue.delete(message))
    assert_void(queue.delete(message))


def test_edge_05_garbage_is_no_receipt_handle(sqs, queues):
    queue = queues.standard()
    text = 'The input receipt handle "garbage" is not a valid receipt handle.'
    with refused(sqs, "ReceiptHandleIsInvalid", text):
        queue.delete("garbage")


# 6. Changing the visibility of what is not in flight


def test_edge_06_an_expired_standard_message_can_be_hidden_again(queues):
    queue = queues.standard(VisibilityTimeout=1)
    queue.send()
    message = queue.receive_one()
    eventually(lambda: queue.counts() == (1, 0, 0))
    assert_void(queue.change_visibility(message, 600))
    assert queue.receive() == []
    assert queue.counts() == (0, 1, 0)


def test_edge_06_a_deleted_message_has_no_visibility(sqs, queues):
    queue = queues.standard()
    queue.send()
    message = queue.receive_one()
    queue.delete(message)
    with refused(
        sqs,
        "InvalidParameterValue",
        f"Value {message['ReceiptHandle']} for parameter ReceiptHandle is invalid. "
        "Reason: Message does not exist or is not available for visibility timeout change.",
    ):
        queue.change_visibility(message, 10)


# 7. What a change of visibility reaches


def test_edge_07_a_change_affects_the_current_receive_only(queues):
    queue = queues.standard(VisibilityTimeout=1)
    queue.send()
    queue.change_visibility(queue.receive_one(), 2)
    with stopwatch() as changed:
        queue.receive_one()
    assert changed.seconds > 1.5
    with stopwatch() as following:
        queue.receive_one()
    assert following.seconds < 1.5, "the next receive has the queue's own timeout again"


def test_edge_07_an_earlier_handle_still_deletes(queues):
    queue = queues.standard()
    queue.send()
    earlier = queue.receive_one(VisibilityTimeout=0)
    later = queue.receive_one()
    assert earlier["ReceiptHandle"] != later["ReceiptHandle"]
    assert_void(queue.delete(earlier))
    assert queue.counts() == (0, 0, 0)


def test_edge_07_an_earlier_handle_still_changes_visibility(queues):
    queue = queues.standard()
    queue.send()
    earlier = queue.receive_one(VisibilityTimeout=0)
    queue.receive_one()
    assert_void(queue.change_visibility(earlier, 0))
    assert len(queue.receive()) == 1


# 8. No visibility timeout at all


@pytest.mark.parametrize("fifo", [False, True])
def test_edge_08_zero_timeout_leaves_it_visible_with_fresh_handles(queues, fifo):
    queue = queues.fifo() if fifo else queues.standard()
    queue.send_fifo("m") if fifo else queue.send("m")
    seen = [queue.receive_one(wait=0, VisibilityTimeout=0) for _ in range(3)]
    assert len({message["MessageId"] for message in seen}) == 1
    assert len({message["ReceiptHandle"] for message in seen}) == 3
    assert queue.counts() == (1, 0, 0)


# 9. Ranges of ReceiveMessage


@pytest.mark.parametrize("count", [0, 11])
def test_edge_09_number_of_messages(sqs, queues, count):
    queue = queues.standard()
    text = (
        f"Value {count} for parameter MaxNumberOfMessages is invalid. "
        "Reason: Must be between 1 and 10, if provided."
    )
    with refused(sqs, "InvalidParameterValue", text):
        queue.receive(count=count)


@pytest.mark.parametrize("seconds", [-1, 21])
def test_edge_09_wait_time(sqs, queues, seconds):
    queue = queues.standard()
    text = (
        f"Value {seconds} for parameter WaitTimeSeconds is invalid. "
        "Reason: Must be >= 0 and <= 20, if provided."
    )
    with refused(sqs, "InvalidParameterValue", text):
        queue.receive(WaitTimeSeconds=seconds)


# 10. Long polls (their punctuality is measured in test_long_polling.py)


def test_edge_10_answers_with_fewer_than_asked_for(queues):
    queue = queues.standard()
    queue.send("only")
    with stopwatch() as watch:
        assert len(queue.receive(count=10, WaitTimeSeconds=20)) == 1
    assert watch.seconds < 1


def test_edge_10_wakes_on_send(queues):
    queue = queues.standard()
    timer = threading.Timer(0.3, queue.send)
    timer.start()
    with stopwatch() as watch:
        assert len(queue.receive(count=10, WaitTimeSeconds=20)) == 1
    timer.join()
    assert watch.seconds < 1.5


def test_edge_10_wakes_on_delay_expiry(queues):
    queue = queues.standard()
    queue.send(DelaySeconds=1)
    with stopwatch() as watch:
        assert len(queue.receive(count=10, WaitTimeSeconds=20)) == 1
    assert watch.seconds < 2


def test_edge_10_wakes_on_visibility_expiry(queues):
    queue = queues.standard(VisibilityTimeout=1)
    queue.send()
    queue.receive_one()
    with stopwatch() as watch:
        assert len(queue.receive(count=10, WaitTimeSeconds=20)) == 1
    assert watch.seconds < 2


# 11. Nothing to send


@pytest.mark.parametrize("fifo", [False, True])
def test_edge_11_an_empty_body_is_a_missing_parameter(sqs, queues, fifo):
    queue = queues.fifo() if fifo else queues.standard()
    text = "The request must contain the parameter MessageBody."
    with refused(sqs, "MissingParameter", text):
        queue.send_fifo("") if fifo else queue.send("")


# 12. The size of one message


def too_long(limit):
    return (
        f"One or more parameters are invalid. Reason: Message must be shorter than {limit} bytes."
    )


def test_edge_12_body_alone(sqs, queues):
    queue = queues.standard(MaximumMessageSize=1024)
    queue.send("x" * 1024)
    with refused(sqs, "InvalidParameterValue", too_long(1024)):
        queue.send("x" * 1025)
    with refused(sqs, "InvalidParameterValue", too_long(1024)):
        queue.send("é" * 513)


def test_edge_12_the_default_limit_is_one_mebibyte(sqs, queues):
    queue = queues.standard()
    queue.send("x" * MIB)
    with refused(sqs, "InvalidParameterValue", too_long(MIB)):
        queue.send("x" * (MIB + 1))


@pytest.mark.parametrize(
    "attribute",
    [
        {"DataType": "String", "StringValue": "v" * 10},
        {"DataType": "Number.int", "StringValue": "1234567890"},
        {"DataType": "Binary", "BinaryValue": b"\x00" * 10},
    ],
)
def test_edge_12_names_types_and_values_count(sqs, queues, attribute):
    queue = queues.standard(MaximumMessageSize=1024)
    size = len("name") + len(attribute["DataType"]) + 10
    queue.send("x" * (1024 - size), MessageAttributes={"name": attribute})
    with refused(sqs, "InvalidParameterValue", too_long(1024)):
        queue.send("x" * (1025 - size), MessageAttributes={"name": attribute})
    with refused(sqs, "InvalidParameterValue", too_long(1024)):
        queue.send("x" * (1024 - size), MessageAttributes={"name2": attribute})


def test_edge_12_in_a_batch_only_the_entry_fails(queues):
    queue = queues.standard(MaximumMessageSize=1024)
    answer = queue.send_batch(
        [
            {"Id": "fits", "MessageBody": "x" * 1024},
            {"Id": "not", "MessageBody": "x" * 1025},
            {"Id": "small", "MessageBody": "x"},
        ]
    )
    assert successful_ids(answer) == ["fits", "small"]
    failure = failed_entry(answer, "not")
    assert failure["Code"] == "InvalidParameterValue"
    assert failure["Message"] == too_long(1024)
    assert queue.counts() == (2, 0, 0)


# 13. The size of a batch


def test_edge_13_a_batch_of_exactly_one_mebibyte(queues):
    queue = queues.standard()
    half = "x" * (MIB // 2)
    answer = queue.send_batch([{"Id": "1", "MessageBody": half}, {"Id": "2", "MessageBody": half}])
    assert successful_ids(answer) == ["1", "2"]


def test_edge_13_one_byte_more_fails_the_whole_batch(sqs, queues):
    queue = queues.standard()
    half = "x" * (MIB // 2)
    text = "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes."
    with refused(sqs, "BatchRequestTooLong", text):
        queue.send_batch([{"Id": "1", "MessageBody": half}, {"Id": "2", "MessageBody": half + "x"}])
    assert queue.counts() == (0, 0, 0)


def test_edge_13_attributes_count_towards_the_batch(sqs, queues):
    queue = queues.standard()
    half = "x" * (MIB // 2)
    attributes = {"n": {"DataType": "String", "StringValue": "v"}}
    text = "Batch requests cannot be longer than 1048576 bytes. You have sent 1048584 bytes."
    with refused(sqs, "BatchRequestTooLong", text):
        queue.send_batch(
            [
                {"Id": "1", "MessageBody": half},
                {"Id": "2", "MessageBody": half, "MessageAttributes": attributes},
            ]
        )


# 14. The entries of a batch

BATCHES = {
    "send_message_batch": {"MessageBody": "b"},
    "delete_message_batch": {"ReceiptHandle": "h"},
    "change_message_visibility_batch": {"ReceiptHandle": "h", "VisibilityTimeout": 1},
}


def call_batch(queue, call, ids):
    entries = [{"Id": entry_id, **BATCHES[call]} for entry_id in ids]
    return getattr(queue.client, call)(QueueUrl=queue.url, Entries=entries)


@pytest.mark.parametrize("call", BATCHES)
def test_edge_14_twenty_entries(sqs, queues, call):
    queue = queues.standard()
    text = "Maximum number of entries per request are 10. You have sent 20."
    with refused(sqs, "TooManyEntriesInBatchRequest", text):
        call_batch(queue, call, [str(index) for index in range(20)])


@pytest.mark.parametrize("call", BATCHES)
def test_edge_14_no_entries(sqs, queues, call):
    queue = queues.standard()
    with refused(sqs, "EmptyBatchRequest"):
        call_batch(queue, call, [])


@pytest.mark.parametrize("call", BATCHES)
def test_edge_14_duplicate_ids(sqs, queues, call):
    queue = queues.standard()
    with refused(sqs, "BatchEntryIdsNotDistinct", containing="twice"):
        call_batch(queue, call, ["once", "twice", "twice"])
    assert queue.counts() == (0, 0, 0)


@pytest.mark.parametrize("call", BATCHES)
@pytest.mark.parametrize("entry_id", ["", "x" * 81, "in:valid", "with space", "ü"])
def test_edge_14_illegal_ids(sqs, queues, call, entry_id):
    queue = queues.standard()
    with refused(sqs, "InvalidBatchEntryId", BATCH_ID_TEXT):
        call_batch(queue, call, ["fine", entry_id])
    assert queue.counts() == (0, 0, 0)


def test_edge_14_the_longest_id(queues):
    answer = call_batch(queues.standard(), "send_message_batch", ["x" * 80])
    assert successful_ids(answer) == ["x" * 80]


# 15. An invalid character in a batch


def test_edge_15_an_invalid_character_fails_only_its_entry(queues):
    queue = queues.standard()
    answer = queue.send_batch(
        [
            {"Id": "good", "MessageBody": "fine"},
            {"Id": "bad", "MessageBody": "not \ufffe fine"},
            {"Id": "also-good", "MessageBody": "fine too"},
        ]
    )
    assert successful_ids(answer) == ["good", "also-good"]
    assert failed_entry(answer, "bad")["Code"] == "InvalidMessageContents"
    assert sorted(queue.bodies()) == ["fine", "fine too"]


# 16. Sending to FIFO without the ids


def test_edge_16_a_batch_without_a_group_fails_whole(sqs, queues):
    queue = queues.fifo()
    with refused(sqs, "InvalidParameterValue", containing="MessageGroupId"):
        queue.send_batch(
            [
                {
                    "Id": "1",
                    "MessageBody": "a",
                    "MessageGroupId": "g",
                    "MessageDeduplicationId": "1",
                },
                {"Id": "2", "MessageBody": "b", "MessageDeduplicationId": "2"},
            ]
        )
    assert queue.counts() == (0, 0, 0)


def test_edge_16_a_batch_without_a_deduplication_id_fails_whole(sqs, queues):
    queue = queues.fifo()
    with refused(sqs, "InvalidParameterValue", NO_DEDUPLICATION):
        queue.send_batch(
            [
                {
                    "Id": "1",
                    "MessageBody": "a",
                    "MessageGroupId": "g",
                    "MessageDeduplicationId": "1",
                },
                {"Id": "2", "MessageBody": "b", "MessageGroupId": "g"},
            ]
        )
    assert queue.counts() == (0, 0, 0)


def test_edge_16_a_single_send_without_a_group(sqs, queues):
    queue = queues.fifo()
    text = "The request must contain the parameter MessageGroupId."
    with refused(sqs, "MissingParameter", text):
        queue.send("a", MessageDeduplicationId="d")


def test_edge_16_a_single_send_without_a_deduplication_id(sqs, queues):
    queue = queues.fifo()
    with refused(sqs, "InvalidParameterValue", NO_DEDUPLICATION):
        queue.send("a", MessageGroupId="g")


# 17. Delays on FIFO


def test_edge_17_fifo_has_no_delay_for_one_message(sqs, queues):
    queue = queues.fifo()
    text = (
        "Value 2 for parameter DelaySeconds is invalid. Reason: "
        "The request include parameter that is not valid for this queue type."
    )
    with refused(sqs, "InvalidParameterValue", text):
        queue.send_fifo("m", DelaySeconds=2)
    assert queue.counts() == (0, 0, 0)


def test_edge_17_zero_falls_back_to_the_queues_delay(queues):
    queue = queues.fifo(DelaySeconds=1)
    queue.send_fifo("m", DelaySeconds=0)
    assert queue.counts() == (0, 0, 1)
    assert queue.receive() == []
    with stopwatch() as watch:
        assert queue.receive_one(wait=5)["Body"] == "m"
    assert 0.5 < watch.seconds < 2


# 18. How long a deduplication id is remembered


def test_edge_18_deduplication_survives_deletion(queues):
    queue = queues.fifo()
    queue.send_fifo("m", MessageDeduplicationId="d")
    queue.delete(queue.receive_one())
    queue.send_fifo("m", MessageDeduplicationId="d")
    assert queue.counts() == (0, 0, 0)
    assert queue.receive() == []


def test_edge_18_purge_clears_it(queues):
    queue = queues.fifo()
    queue.send_fifo("m", MessageDeduplicationId="d")
    queue.purge()
    queue.send_fifo("m", MessageDeduplicationId="d")
    assert queue.bodies() == ["m"]


def test_edge_18_message_group_scope_needs_no_throughput_limit(queues):
    queue = queues.fifo(DeduplicationScope="messageGroup")
    assert queue.attribute("FifoThroughputLimit") == "perQueue"
    queue.send_fifo("in a", group="a", MessageDeduplicationId="d")
    queue.send_fifo("in b", group="b", MessageDeduplicationId="d")
    queue.send_fifo("again in b", group="b", MessageDeduplicationId="d")
    assert sorted(queue.bodies()) == ["in a", "in b"]


# 19. Groups


def test_edge_19_several_messages_of_one_group_in_one_receive(queues):
    queue = queues.fifo()
    queue.send_many(["1", "2", "3"], MessageGroupId="g")
    assert queue.bodies() == ["1", "2", "3"]


def test_edge_19_a_group_locks_while_any_is_in_flight(queues):
    queue = queues.fifo()
    queue.send_many(["a1", "a2", "a3"], MessageGroupId="a")
    queue.send_many(["b1"], MessageGroupId="b")
    assert queue.bodies(count=1) == ["a1"]
    assert queue.bodies(count=10) == ["b1"]
    assert queue.receive() == []


# 20. Partly settled groups


def test_edge_20_a_partial_delete_keeps_the_group_locked(queues):
    queue = queues.fifo()
    queue.send_many(["1", "2", "3"], MessageGroupId="g")
    first, second = queue.receive(count=2)
    queue.delete(first)
    assert queue.receive() == []
    queue.delete(second)
    assert queue.bodies() == ["3"]


def test_edge_20_extending_one_blocks_it_and_the_later_ones(queues):
    queue = queues.fifo(VisibilityTimeout=1)
    queue.send_many(["1", "2", "3"], MessageGroupId="g")
    received = queue.receive(count=10)
    assert [message["Body"] for message in received] == ["1", "2", "3"]
    queue.change_visibility(received[1], 600)
    eventually(lambda: queue.counts() == (2, 1, 0))
    assert queue.bodies() == ["1"], "what came before the extended one is free again"


# 21. Dead letters


def test_edge_21_moves_on_the_receive_that_exceeds_the_maximum(queues):
    source, dead = queues.with_dead_letters(max_receives=2)
    source.send("poison")
    for _ in range(2):
        assert source.receive_one(wait=0, VisibilityTimeout=0)["Body"] == "poison"
        assert dead.counts() == (0, 0, 0), "not before the maximum is exceeded"
    assert source.receive() == []
    assert dead.receive_one()["Body"] == "poison"
    assert source.counts() == (0, 0, 0)


def test_edge_21_identity_and_attributes_are_kept(queues):
    source, dead = queues.with_dead_letters()
    attributes = {"Colour": {"DataType": "String", "StringValue": "blue"}}
    source.send("poison", MessageAttributes=attributes)
    before = source.receive_one(
        VisibilityTimeout=0, AttributeNames=["All"], MessageAttributeNames=["All"]
    )
    assert source.receive() == []
    after = dead.receive_one(AttributeNames=["All"], MessageAttributeNames=["All"])
    assert after["MessageId"] == before["MessageId"]
    assert after["Body"] == "poison"
    assert after["MessageAttributes"] == attributes
    assert after["MD5OfMessageAttributes"] == before["MD5OfMessageAttributes"]
    assert after["Attributes"]["SentTimestamp"] == before["Attributes"]["SentTimestamp"]
    assert after["Attributes"]["SenderId"] == before["Attributes"]["SenderId"]
    assert after["Attributes"]["DeadLetterQueueSourceArn"] == source.arn
    assert int(after["Attributes"]["ApproximateReceiveCount"]) > 1, "the count continues"


def test_edge_21_a_fifo_group_stays_usable(queues):
    source, dead = queues.with_dead_letters(fifo=True)
    source.send_many(["poison", "next"], MessageGroupId="g")
    assert source.receive_one(VisibilityTimeout=0)["Body"] == "poison"
    following = source.receive_one()
    assert following["Body"] == "next"
    moved = dead.receive_one(AttributeNames=["All"])
    assert moved["Body"] == "poison"
    assert moved["Attributes"]["MessageGroupId"] == "g"
    source.delete(following)
    source.send_fifo("last", group="g")
    assert source.receive_one()["Body"] == "last"


# 22. Removing policies


def test_edge_22_an_empty_redrive_policy_removes_it(sqs, queues):
    source, dead = queues.with_dead_letters()
    assert source.attribute("RedrivePolicy")
    assert_void(source.set(RedrivePolicy=""))
    assert "RedrivePolicy" not in source.attributes("All")
    assert not sqs.list_dead_letter_source_queues(QueueUrl=dead.url).get("queueUrls")
    source.send("kept")
    for _ in range(4):
        assert source.receive_one(wait=0, VisibilityTimeout=0)["Body"] == "kept"


def test_edge_22_an_empty_policy_removes_it(sqs, queues):
    queue = queues.standard()
    sqs.add_permission(QueueUrl=queue.url, Label="l", **PERMISSION)
    assert queue.attribute("Policy")
    assert_void(queue.set(Policy=""))
    assert "Policy" not in queue.attributes("All")


# 23. Move tasks (their work is tested in test_redrive.py)


def test_edge_23_the_source_must_be_a_dead_letter_queue(sqs, queues):
    queue = queues.standard()
    text = "Source queue must be configured as a Dead Letter Queue."
    with refused(sqs, "InvalidParameterValue", text):
        sqs.start_message_move_task(SourceArn=queue.arn)


def test_edge_23_the_source_must_exist(sqs, queues):
    arn = queues.standard().arn + "-never"
    with refused(sqs, "ResourceNotFoundException", containing="SourceArn"):
        sqs.start_message_move_task(SourceArn=arn)
    with refused(sqs, "ResourceNotFoundException", containing="SourceArn"):
        sqs.list_message_move_tasks(SourceArn=arn)


def test_edge_23_the_destination_must_exist(sqs, queues):
    source, dead = queues.with_dead_letters()
    with refused(sqs, "ResourceNotFoundException", containing="DestinationArn"):
        sqs.start_message_move_task(SourceArn=dead.arn, DestinationArn=source.arn + "-never")


def test_edge_23_a_task_must_exist_to_be_cancelled(sqs, queues):
    _, dead = queues.with_dead_letters()
    handle = base64.b64encode(
        json.dumps(
            {"taskId": "10f6af0b-3a5e-4b5f-8c8e-0a0b8c3f0000", "sourceArn": dead.arn}
        ).encode()
    ).decode()
    with refused(sqs, "ResourceNotFoundException", "Task does not exist."):
        sqs.cancel_message_move_task(TaskHandle=handle)


def test_edge_23_one_task_at_a_time_and_its_handle(sqs, queues):
    source, dead = queues.with_dead_letters()
    dead.send_many([f"m{index}" for index in range(5)])
    started = sqs.start_message_move_task(
        SourceArn=dead.arn, DestinationArn=source.arn, MaxNumberOfMessagesPerSecond=1
    )
    handle = started["TaskHandle"]
    decoded = json.loads(base64.b64decode(handle, validate=True))
    assert set(decoded) == {"taskId", "sourceArn"}
    assert decoded["sourceArn"] == dead.arn
    with refused(sqs, "InvalidParameterValue") as second:
        sqs.start_message_move_task(SourceArn=dead.arn, DestinationArn=source.arn)
    message = second.value.response["Error"]["Message"]
    assert message.startswith("There is already a task running")
    sqs.cancel_message_move_task(TaskHandle=handle)


def test_edge_23_a_destination_deleted_meanwhile_fails_the_task(sqs, queues):
    _, dead = queues.with_dead_letters()
    destination = queues.standard("destination")
    dead.send_many([f"m{index}" for index in range(10)])
    sqs.start_message_move_task(
        SourceArn=dead.arn, DestinationArn=destination.arn, MaxNumberOfMessagesPerSecond=2
    )
    sqs.delete_queue(QueueUrl=destination.url)

    def failed():
        (task,) = sqs.list_message_move_tasks(SourceArn=dead.arn)["Results"]
        return task if task["Status"] == "FAILED" else None

    task = eventually(failed)
    assert task["FailureReason"] == "AWS.SimpleQueueService.NonExistentQueue"
    assert "TaskHandle" not in task


# 24. Purging


def test_edge_24_purge_removes_in_flight_and_delayed_messages_too(queues):
    queue = queues.standard(VisibilityTimeout=1)
    queue.send_many(["flying", "visible"])
    queue.receive_one()
    queue.send("delayed", DelaySeconds=1)
    assert queue.counts() == (1, 1, 1)
    queue.purge()
    assert queue.counts() == (0, 0, 0)
    time.sleep(1.2)
    assert queue.receive() == []


def test_edge_24_and_25_the_sixty_seconds_where_enforced(sqs):
    # One server for both limits, since starting it is what takes the time.
    with running("--sqs-enforce-purge-interval", "--sqs-enforce-recreate-interval") as server:
        strict = sqs_client(server.endpoint, protocol_of(sqs))
        name = unique_name("strict")
        url = strict.create_queue(QueueName=name)["QueueUrl"]
        assert_void(strict.purge_queue(QueueUrl=url))
        text = f"Only one PurgeQueue operation on {name} is allowed every 60 seconds."
        with refused(strict, "PurgeQueueInProgress", text):
            strict.purge_queue(QueueUrl=url)
        other = strict.create_queue(QueueName=unique_name("other"))["QueueUrl"]
        assert_void(strict.purge_queue(QueueUrl=other))

        strict.delete_queue(QueueUrl=url)
        text = (
            "You must wait 60 seconds after deleting a queue "
            "before you can create another with the same name."
        )
        with refused(strict, "QueueDeletedRecently", text):
            strict.create_queue(QueueName=name)
        assert strict.create_queue(QueueName=unique_name("fresh"))["QueueUrl"]


# 26. Names of attributes


def test_edge_26_no_names_no_attributes_key(sqs, queues):
    queue = queues.standard()
    assert keys_of(sqs.get_queue_attributes(QueueUrl=queue.url)) == set()


def test_edge_26_an_unknown_name_is_an_error(sqs, queues):
    queue = queues.standard()
    with refused(sqs, "InvalidAttributeName", "Unknown Attribute Foobar."):
        queue.attributes("Foobar")
    with refused(sqs, "InvalidAttributeName", "Unknown Attribute Foobar."):
        queue.attributes("QueueArn", "Foobar")


def test_edge_26_an_unknown_system_attribute_is_ignored_on_receive(queues):
    queue = queues.standard()
    queue.send()
    message = queue.receive_one(VisibilityTimeout=0, AttributeNames=["Foobar", "SenderId"])
    assert set(message["Attributes"]) == {"SenderId"}
    message = queue.receive_one(AttributeNames=["Foobar"])
    assert "Attributes" not in message


# 27. Server-side encryption


def test_edge_27_sse_is_on_and_kms_flips_it_off_for_good(queues):
    queue = queues.standard()
    assert queue.attribute("SqsManagedSseEnabled") == "true"
    queue.set(KmsMasterKeyId="alias/aws/sqs")
    attributes = queue.attributes("All")
    assert attributes["SqsManagedSseEnabled"] == "false"
    assert attributes["KmsMasterKeyId"] == "alias/aws/sqs"
    queue.set(KmsMasterKeyId="")
    attributes = queue.attributes("All")
    assert attributes["SqsManagedSseEnabled"] == "false"
    assert "KmsMasterKeyId" not in attributes


def test_edge_27_both_together_are_refused(sqs, queues):
    queue = queues.standard()
    with refused(sqs, "InvalidAttributeName", ONE_SSE_ONLY):
        queue.set(KmsMasterKeyId="key", SqsManagedSseEnabled=True)
    with refused(sqs, "InvalidAttributeName", ONE_SSE_ONLY):
        queues.standard(KmsMasterKeyId="key", SqsManagedSseEnabled=True)


# 28. AddPermission (more in test_permissions.py)


def test_edge_28_the_policy_that_add_permission_writes(sqs, queues):
    queue = queues.standard()
    assert_void(sqs.add_permission(QueueUrl=queue.url, Label="first", **PERMISSION))
    assert json.loads(queue.attribute("Policy")) == {
        "Version": "2008-10-17",
        "Id": f"{queue.arn}/SQSDefaultPolicy",
        "Statement": [
            {
                "Sid": "first",
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
                "Action": "SQS:ReceiveMessage",
                "Resource": queue.arn,
            }
        ],
    }
    text = "Value first for parameter Label is invalid. Reason: Already exists."
    with refused(sqs, "InvalidParameterValue", text):
        sqs.add_permission(QueueUrl=queue.url, Label="first", **PERMISSION)
    assert_void(sqs.remove_permission(QueueUrl=queue.url, Label="first"))
    assert "Policy" not in queue.attributes("All")


# 29. Empty attributes, invalid groups


def test_edge_29_an_empty_string_attribute_is_refused(sqs, queues):
    queue = queues.standard()
    text = "Message (user) attribute 'Colour' must contain a non-empty value of type 'String'."
    with refused(sqs, "InvalidParameterValue", text):
        queue.send(MessageAttributes={"Colour": {"DataType": "String", "StringValue": ""}})
    assert queue.counts() == (0, 0, 0)


@pytest.mark.parametrize("fifo", [False, True])
@pytest.mark.parametrize("group", ["x" * 129, "with space", "ümlaut", "line\nfeed"])
def test_edge_29_an_invalid_group_is_refused_on_every_queue(sqs, queues, fifo, group):
    queue = queues.fifo() if fifo else queues.standard()
    with refused(sqs, "InvalidParameterValue", containing="MessageGroupId"):
        queue.send_fifo("m", group=group) if fifo else queue.send("m", MessageGroupId=group)
    assert queue.counts() == (0, 0, 0)


# 30. Absent, not empty


def test_edge_30_absent_keys(sqs, queues):
    queue = queues.standard()
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix=unique_name("never"))
    assert "Tags" not in sqs.list_queue_tags(QueueUrl=queue.url)
    assert "MD5OfMessageAttributes" not in queue.send()
    message = queue.receive_one(MessageAttributeNames=["All"])
    assert "MessageAttributes" not in message
    assert "MD5OfMessageAttributes" not in message


def test_edge_30_a_duplicate_answers_the_original(queues):
    queue = queues.fifo()
    first = queue.send_fifo("original", MessageDeduplicationId="d")
    queue.send_fifo("between", MessageDeduplicationId="e")
    second = queue.send_fifo("duplicate", MessageDeduplicationId="d")
    assert second["MessageId"] == first["MessageId"]
    assert second["SequenceNumber"] == first["SequenceNumber"]
    assert queue.bodies() == ["original", "between"]


@pytest.mark.parametrize(
    "body",
    [
        "carriage\rreturn",
        "both\r\nends",
        '&quot;"&amp;&',
        "<a href='x'>&#xD;</a>",
        "\ttab\n",
        " ",
        "\r",
    ],
)
def test_edge_30_awkward_bodies_survive(queues, body):
    queue = queues.standard()
    queue.send(body)
    assert queue.receive_one()["Body"] == body
