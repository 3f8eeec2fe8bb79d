"""SendMessage, ReceiveMessage, DeleteMessage, ChangeMessageVisibility and their batches."""

import re
import time

import pytest

from support import md5
from support.errors import refused, successful_ids
from support.queues import assert_void, is_uuid, keys_of

pytestmark = pytest.mark.parametrize("sqs", ["json", "query"], indirect=True)


def entries(*ids, **common):
    return [{"Id": entry_id, **common} for entry_id in ids]


class TestSendMessage:
    def test_standard(self, queues):
        answer = queues.standard().send("hello")
        assert keys_of(answer) == {"MessageId", "MD5OfMessageBody"}
        assert is_uuid(answer["MessageId"])
        assert answer["MD5OfMessageBody"] == md5.of_body("hello")

    def test_fifo_adds_the_sequence_number(self, queues):
        queue = queues.fifo()
        answers = [queue.send_fifo(body) for body in ["a", "b"]]
        for answer in answers:
            assert keys_of(answer) == {"MessageId", "MD5OfMessageBody", "SequenceNumber"}
            assert re.fullmatch(r"\d{20}", answer["SequenceNumber"])
        assert answers[0]["SequenceNumber"] < answers[1]["SequenceNumber"]

    def test_attributes_add_their_sums(self, queues):
        user = {"Colour": {"DataType": "String", "StringValue": "blue"}}
        system = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988"}}
        answer = queues.standard().send(
            "hello", MessageAttributes=user, MessageSystemAttributes=system
        )
        assert keys_of(answer) == {
            "MessageId",
            "MD5OfMessageBody",
            "MD5OfMessageAttributes",
            "MD5OfMessageSystemAttributes",
        }
        assert answer["MD5OfMessageAttributes"] == md5.of_attributes(user)
        assert answer["MD5OfMessageSystemAttributes"] == md5.of_attributes(system)

    @pytest.mark.parametrize("delay", [-1, 901])
    def test_delay_out_of_range(self, sqs, queues, delay):
        queue = queues.standard()
        with refused(sqs, "InvalidParameterValue", containing="DelaySeconds"):
            queue.send(DelaySeconds=delay)
        assert queue.counts() == (0, 0, 0)

    def test_dedup_id_on_a_standard_queue(self, sqs, queues):
        queue = queues.standard()
        with refused(sqs, "InvalidParameterValue", containing="MessageDeduplicationId"):
            queue.send(MessageDeduplicationId="d")


class TestSendMessageBatch:
    def test_standard(self, queues):
        queue = queues.standard()
        answer = queue.send_batch(
            [{"Id": "first", "MessageBody": "a"}, {"Id": "second-_2", "MessageBody": "b"}]
        )
        assert keys_of(answer) == {"Successful"}, "an empty Failed list must be left out"
        assert successful_ids(answer) == ["first", "second-_2"]
        for entry, body in zip(answer["Successful"], "ab"):
            assert set(entry) == {"Id", "MessageId", "MD5OfMessageBody"}
            assert is_uuid(entry["MessageId"])
            assert entry["MD5OfMessageBody"] == md5.of_body(body)
        assert sorted(queue.bodies()) == ["a", "b"]

    def test_fifo(self, queues):
        queue = queues.fifo()
        answer = queue.send_batch(
            [
                {"Id": i, "MessageBody": i, "MessageGroupId": "g", "MessageDeduplicationId": i}
                for i in "abc"
            ]
        )
        assert keys_of(answer) == {"Successful"}
        numbers = [entry["SequenceNumber"] for entry in answer["Successful"]]
        assert numbers == sorted(set(numbers)), "sequence numbers grow in the order of the entries"
        assert queue.bodies() == ["a", "b", "c"]

    def test_every_field_of_an_entry(self, queues):
        queue = queues.standard()
        user = {"N": {"DataType": "Number", "StringValue": "12.5"}}
        system = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-2-3"}}
        answer = queue.send_batch(
            [
                {
                    "Id": "full",
                    "MessageBody": "now",
                    "MessageAttributes": user,
                    "MessageSystemAttributes": system,
                },
                {"Id": "late", "MessageBody": "later", "DelaySeconds": 900},
            ]
        )
        full = answer["Successful"][0]
        assert full["MD5OfMessageAttributes"] == md5.of_attributes(user)
        assert full["MD5OfMessageSystemAttributes"] == md5.of_attributes(system)
        assert "MD5OfMessageAttributes" not in answer["Successful"][1]
        assert queue.counts() == (1, 0, 1)
        got = queue.receive_one(MessageAttributeNames=["All"], AttributeNames=["All"])
        assert got["MessageAttributes"] == user
        assert got["Attributes"]["AWSTraceHeader"] == "Root=1-2-3"

    def test_ten_entries(self, queues):
        queue = queues.standard()
        answer = queue.send_batch([{"Id": str(i), "MessageBody": str(i)} for i in range(10)])
        assert len(answer["Successful"]) == 10
        assert queue.counts() == (10, 0, 0)


class TestReceiveMessage:
    def test_plain(self, sqs, queues):
        queue = queues.standard()
        sent = queue.send("hello")
        answer = sqs.receive_message(QueueUrl=queue.url)
        assert keys_of(answer) == {"Messages"}
        (message,) = answer["Messages"]
        assert set(message) == {"MessageId", "ReceiptHandle", "MD5OfBody", "Body"}
        assert message["MessageId"] == sent["MessageId"]
        assert message["MD5OfBody"] == md5.of_body("hello")
        assert message["Body"] == "hello"
        assert message["ReceiptHandle"]

    def test_empty_leaves_the_key_out(self, sqs, queues):
        queue = queues.standard()
        assert keys_of(sqs.receive_message(QueueUrl=queue.url)) == set()

    def test_one_by_default_and_ten_at_most(self, sqs, queues):
        queue = queues.standard()
        queue.send_many([f"m{index}" for index in range(12)])
        assert len(sqs.receive_message(QueueUrl=queue.url)["Messages"]) == 1
        assert len(queue.receive(count=10)) == 10
        assert len(queue.receive(count=10)) == 1

    def test_all_system_attributes(self, queues):
        queue = queues.standard()
        before = int(time.time() * 1000)
        queue.send("hello")
        attributes = queue.receive_one(AttributeNames=["All"])["Attributes"]
        assert set(attributes) == {
            "SenderId",
            "SentTimestamp",
            "ApproximateReceiveCount",
            "ApproximateFirstReceiveTimestamp",
        }
        assert attributes["ApproximateReceiveCount"] == "1"
        sent = int(attributes["SentTimestamp"])
        first = int(attributes["ApproximateFirstReceiveTimestamp"])
        assert before - 1000 <= sent <= first <= int(time.time() * 1000) + 1000, "milliseconds"

    def test_all_system_attributes_of_a_fifo_message(self, queues):
        queue = queues.fifo()
        sent = queue.send_fifo("hello", group="g1", MessageDeduplicationId="d1")
        attributes = queue.receive_one(AttributeNames=["All"])["Attributes"]
        assert set(attributes) == {
            "SenderId",
            "SentTimestamp",
            "ApproximateReceiveCount",
            "ApproximateFirstReceiveTimestamp",
            "MessageGroupId",
            "MessageDeduplicationId",
            "SequenceNumber",
        }
        assert attributes["MessageGroupId"] == "g1"
        assert attributes["MessageDeduplicationId"] == "d1"
        assert attributes["SequenceNumber"] == sent["SequenceNumber"]

    def test_receive_count_and_first_time(self, queues):
        queue = queues.standard()
        queue.send()
        seen = [
            queue.receive_one(VisibilityTimeout=0, AttributeNames=["All"])["Attributes"]
            for _ in range(3)
        ]
        assert [attributes["ApproximateReceiveCount"] for attributes in seen] == ["1", "2", "3"]
        assert len({attributes["ApproximateFirstReceiveTimestamp"] for attributes in seen}) == 1
        assert len({attributes["SentTimestamp"] for attributes in seen}) == 1

    def test_hides_for_the_timeout_of_the_queue(self, queues):
        queue = queues.standard(VisibilityTimeout=1)
        queue.send()
        first = queue.receive_one()
        assert queue.receive() == []
        again = queue.receive_one(wait=3)
        assert again["MessageId"] == first["MessageId"]
        assert again["ReceiptHandle"] != first["ReceiptHandle"]

    def test_own_timeout_overrides_the_queues(self, queues):
        queue = queues.standard(VisibilityTimeout=600)
        queue.send()
        first = queue.receive_one(VisibilityTimeout=1)
        assert queue.receive_one(wait=3)["MessageId"] == first["MessageId"]

    @pytest.mark.parametrize("timeout", [-1, 43201])
    def test_timeout_out_of_range(self, sqs, queues, timeout):
        queue = queues.standard()
        with refused(sqs, "InvalidParameterValue", containing="VisibilityTimeout"):
            queue.receive(VisibilityTimeout=timeout)


class TestDeleteMessage:
    @pytest.mark.parametrize("fifo", [False, True])
    def test_is_void_and_final(self, queues, fifo):
        queue = queues.fifo(VisibilityTimeout=1) if fifo else queues.standard(VisibilityTimeout=1)
        queue.send_fifo("m") if fifo else queue.send("m")
        assert_void(queue.delete(queue.receive_one()))
        assert queue.counts() == (0, 0, 0)
        time.sleep(1.1)
        assert queue.receive() == []

    def test_handle_of_another_queue(self, sqs, queues):
        one, other = queues.standard(), queues.standard()
        one.send()
        message = one.receive_one()
        with refused(sqs, "ReceiptHandleIsInvalid"):
            other.delete(message)
        assert one.counts() == (0, 1, 0)


class TestDeleteMessageBatch:
    @pytest.mark.parametrize("fifo", [False, True])
    def test_all_succeed(self, sqs, queues, fifo):
        queue = queues.fifo() if fifo else queues.standard()
        queue.send_many(["a", "b", "c"], **({"MessageGroupId": "g"} if fifo else {}))
        messages = queue.receive()
        answer = sqs.delete_message_batch(
            QueueUrl=queue.url,
            Entries=[
                {"Id": f"id{i}", "ReceiptHandle": message["ReceiptHandle"]}
                for i, message in enumerate(messages)
            ],
        )
        assert keys_of(answer) == {"Successful"}
        assert answer["Successful"] == entries("id0", "id1", "id2")
        assert queue.counts() == (0, 0, 0)


class TestChangeMessageVisibility:
    @pytest.mark.parametrize("fifo", [False, True])
    def test_zero_makes_it_visible_at_once(self, queues, fifo):
        queue = queues.fifo() if fifo else queues.standard()
        queue.send_fifo("m") if fifo else queue.send("m")
        message = queue.receive_one()
        assert_void(queue.change_visibility(message, 0))
        assert queue.receive_one(wait=0)["MessageId"] == message["MessageId"]

    def test_extends(self, queues):
        queue = queues.standard(VisibilityTimeout=1)
        queue.send()
        queue.change_visibility(queue.receive_one(), 600)
        time.sleep(1.2)
        assert queue.receive() == []
        assert queue.counts() == (0, 1, 0)

    def test_shortens(self, queues):
        queue = queues.standard(VisibilityTimeout=600)
        queue.send()
        message = queue.receive_one()
        queue.change_visibility(message, 1)
        assert queue.receive() == []
        assert queue.receive_one(wait=3)["MessageId"] == message["MessageId"]

    @pytest.mark.parametrize("timeout", [-1, 43201])
    def test_out_of_range(self, sqs, queues, timeout):
        queue = queues.standard()
        queue.send()
        message = queue.receive_one()
        with refused(sqs, "InvalidParameterValue", containing="VisibilityTimeout"):
            queue.change_visibility(message, timeout)

    def test_garbage_handle(self, sqs, queues):
        queue = queues.standard()
        with refused(
            sqs,
            "ReceiptHandleIsInvalid",
            'The input receipt handle "garbage" is not a valid receipt handle.',
        ):
            queue.change_visibility("garbage", 1)

    def test_twelve_hours_in_all(self, sqs, queues):
        queue = queues.standard(VisibilityTimeout=43200)
        queue.send()
        message = queue.receive_one()
        time.sleep(1.1)
        with refused(sqs, "InvalidParameterValue"):
            queue.change_visibility(message, 43200)
        assert_void(queue.change_visibility(message, 43190))


class TestChangeMessageVisibilityBatch:
    @pytest.mark.parametrize("fifo", [False, True])
    def test_all_succeed(self, sqs, queues, fifo):
        queue = queues.fifo() if fifo else queues.standard()
        queue.send_many(["a", "b"], **({"MessageGroupId": "g"} if fifo else {}))
        messages = queue.receive()
        answer = sqs.change_message_visibility_batch(
            QueueUrl=queue.url,
            Entries=[
                {"Id": f"id{i}", "ReceiptHandle": m["ReceiptHandle"], "VisibilityTimeout": 0}
                for i, m in enumerate(messages)
            ],
        )
        assert keys_of(answer) == {"Successful"}
        assert answer["Successful"] == entries("id0", "id1")
        assert sorted(queue.bodies()) == ["a", "b"]
