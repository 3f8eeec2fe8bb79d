"""JSON 1.0 as it is on the wire: headers, void answers, errors, malformed input."""

import json

import pytest

from wire import (
    HOST,
    UUID,
    assert_client_error,
    assert_json_error,
    call,
    exchange,
    path_of,
    unique_name,
)

JSON = "application/x-amz-json-1.0"


class TestAnswers:
    def test_headers(self, queue):
        reply = call("SendMessage", {"QueueUrl": queue, "MessageBody": "m"})
        assert reply.status == 200
        assert reply.header("content-type") == JSON
        assert UUID.fullmatch(reply.header("x-amzn-requestid"))
        assert reply.header("content-length") == str(len(reply.body))
        assert reply.header("x-amzn-query-error") is None
        assert reply.header("date")

    def test_request_ids_differ(self):
        ids = {call("ListQueues", {}).header("x-amzn-requestid") for _ in range(5)}
        assert len(ids) == 5

    @pytest.mark.parametrize(
        "operation, parameters",
        [
            ("SetQueueAttributes", {"Attributes": {"DelaySeconds": "1"}}),
            ("TagQueue", {"Tags": {"a": "b"}}),
            ("UntagQueue", {"TagKeys": ["a"]}),
            ("AddPermission", {"Label": "l", "AWSAccountIds": ["111122223333"], "Actions": ["*"]}),
            ("PurgeQueue", {}),
            ("DeleteQueue", {}),
        ],
    )
    def test_void_operations_have_an_empty_body(self, make_queue, operation, parameters):
        reply = call(operation, {"QueueUrl": make_queue(), **parameters})
        assert reply.status == 200
        assert reply.body == b"", "nothing at all, not {}"
        assert reply.header("content-length") == "0"
        assert UUID.fullmatch(reply.header("x-amzn-requestid"))

    def test_void_message_operations_have_an_empty_body(self, queue):
        call("SendMessage", {"QueueUrl": queue, "MessageBody": "m"})
        (message,) = call("ReceiveMessage", {"QueueUrl": queue}).json["Messages"]
        handle = {"QueueUrl": queue, "ReceiptHandle": message["ReceiptHandle"]}
        assert call("ChangeMessageVisibility", handle | {"VisibilityTimeout": 9}).body == b""
        assert call("DeleteMessage", handle).body == b""

    def test_an_empty_receive_is_an_empty_object(self, queue):
        assert call("ReceiveMessage", {"QueueUrl": queue}).body == b"{}"

    @pytest.mark.parametrize(
        "operation, parameters",
        [
            ("ListQueues", {"QueueNamePrefix": "wire-never"}),
            ("ListQueueTags", {}),
            ("GetQueueAttributes", {}),
        ],
    )
    def test_other_empty_answers_have_no_empty_lists(self, queue, operation, parameters):
        assert call(operation, {"QueueUrl": queue, **parameters}).json == {}

    def test_numbers_of_a_move_task_are_numbers(self, make_queue):
        dead = make_queue()
        arn = call("GetQueueAttributes", {"QueueUrl": dead, "AttributeNames": ["QueueArn"]})
        arn = arn.json["Attributes"]["QueueArn"]
        policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
        make_queue(RedrivePolicy=policy)
        assert call("StartMessageMoveTask", {"SourceArn": arn}).status == 200
        (task,) = call("ListMessageMoveTasks", {"SourceArn": arn}).json["Results"]
        assert isinstance(task["ApproximateNumberOfMessagesMoved"], int)
        assert isinstance(task["StartedTimestamp"], int)

    def test_query_mode_header_changes_nothing(self, queue):
        reply = call(
            "SendMessage", {"QueueUrl": queue, "MessageBody": "m"}, {"X-Amzn-Query-Mode": "true"}
        )
        assert set(reply.json) == {"MessageId", "MD5OfMessageBody"}

    @pytest.mark.parametrize("content_type", [JSON, JSON + "; charset=utf-8", JSON.upper()])
    def test_forms_of_the_content_type(self, queue, content_type):
        reply = call("ReceiveMessage", {"QueueUrl": queue}, {"Content-Type": content_type})
        assert (reply.status, reply.body) == (200, b"{}")

    def test_header_names_in_any_case(self, queue):
        body = json.dumps({"QueueUrl": queue}).encode()
        headers = {"x-aMZ-tArget": "AmazonSQS.ReceiveMessage", "cONTENT-tYPE": JSON}
        assert exchange("POST", "/", headers, body).body == b"{}"

    def test_at_the_queues_own_path(self, queue):
        reply = call("SendMessage", {"QueueUrl": queue, "MessageBody": "m"}, target=path_of(queue))
        assert reply.status == 200

    def test_the_host_is_answered(self, queue):
        name = queue.rsplit("/", 1)[1]
        reply = call("GetQueueUrl", {"QueueName": name}, {"Host": "some.host:77"})
        assert reply.json["QueueUrl"] == f"http://some.host:77{path_of(queue)}"
        assert queue == f"http://{HOST}{path_of(queue)}"


class TestStrings:
    @pytest.mark.parametrize(
        "written, meant",
        [
            (rb'"\u0041\n\t\r\"\\\/"', 'A\n\t\r"\\/'),
            (rb'"\ud83d\ude00"', "\U0001f600"),
            ('"\U0001f600é"'.encode(), "\U0001f600é"),
            (rb'"\u00e9"', "é"),
            (rb'"&quot;&#xD;"', "&quot;&#xD;"),
        ],
    )
    def test_escapes(self, queue, written, meant):
        payload = b'{"QueueUrl":"%s","MessageBody":%s}' % (queue.encode(), written)
        assert call("SendMessage", payload).status == 200
        (message,) = call("ReceiveMessage", {"QueueUrl": queue}).json["Messages"]
        assert message["Body"] == meant

    @pytest.mark.parametrize("half", [rb"\ud83d", rb"\ude00", rb"\ud83d\ud83d", rb"\ude00\ud83d"])
    def test_half_a_surrogate_pair_is_refused(self, queue, queue_count, half):
        payload = b'{"QueueUrl":"%s","MessageBody":"a%sb"}' % (queue.encode(), half)
        assert_client_error(call("SendMessage", payload))
        assert queue_count(queue) == (0, 0, 0)

    @pytest.mark.parametrize("raw", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80"])
    def test_invalid_utf_8_is_refused(self, queue, queue_count, raw):
        payload = b'{"QueueUrl":"%s","MessageBody":"a%sb"}' % (queue.encode(), raw)
        assert_client_error(call("SendMessage", payload))
        assert queue_count(queue) == (0, 0, 0)

    def test_escaped_nul_is_refused_as_content(self, queue):
        payload = b'{"QueueUrl":"%s","MessageBody":"a\\u0000b"}' % queue.encode()
        reply = call("SendMessage", payload)
        assert_json_error(reply, "InvalidMessageContents", "InvalidMessageContents")


class TestErrors:
    def test_of_a_missing_queue(self):
        reply = call("GetQueueUrl", {"QueueName": unique_name()})
        assert_json_error(
            reply,
            "QueueDoesNotExist",
            "AWS.SimpleQueueService.NonExistentQueue",
            message="The specified queue does not exist.",
        )
        assert reply.json["__type"] == "com.amazonaws.sqs#QueueDoesNotExist"
        assert set(reply.json) == {"__type", "message"}

    def test_of_an_unmodelled_kind(self, queue):
        reply = call("ReceiveMessage", {"QueueUrl": queue, "MaxNumberOfMessages": 11})
        assert_json_error(reply, "InvalidParameterValueException", "InvalidParameterValue")
        assert reply.json["__type"] == "com.amazon.coral.service#InvalidParameterValueException"

    def test_of_a_missing_parameter(self, queue):
        reply = call("SendMessage", {"QueueUrl": queue, "MessageBody": ""})
        assert reply.status == 400
        assert reply.header("x-amzn-query-error") == "MissingParameter;Sender"
        assert reply.json["message"] == "The request must contain the parameter MessageBody."

    @pytest.mark.parametrize(
        "operation, parameters, shape, code, status",
        [
            ("SendMessageBatch", {"Entries": []}, "EmptyBatchRequest", True, 400),
            ("DeleteMessage", {"ReceiptHandle": "x"}, "ReceiptHandleIsInvalid", False, 404),
            ("GetQueueAttributes", {"AttributeNames": ["x"]}, "InvalidAttributeName", False, 400),
            (
                "SetQueueAttributes",
                {"Attributes": {"DelaySeconds": "x"}},
                "InvalidAttributeValue",
                False,
                400,
            ),
        ],
    )
    def test_codes(self, queue, operation, parameters, shape, code, status):
        reply = call(operation, {"QueueUrl": queue, **parameters})
        query_code = "AWS.SimpleQueueService." + shape if code else shape
        assert_json_error(reply, shape, query_code, status)

    def test_quotes_in_a_message_are_escaped(self, queue):
        reply = call("DeleteMessage", {"QueueUrl": queue, "ReceiptHandle": 'say "x" \\ \n'})
        assert reply.status == 404
        assert 'say "x" \\ \n' in reply.json["message"]


class TestMalformed:
    @pytest.mark.parametrize(
        "payload",
        [
            b"",
            b" ",
            b"{",
            b"}",
            b"null",
            b"[]",
            b'"text"',
            b"7",
            b"{]",
            b'{"QueueName":}',
            b'{"QueueName" "x"}',
            b"{'QueueName':'x'}",
            b'{"QueueName":"unterminated',
            b'{"QueueName":"x"}{"QueueName":"y"}',
            b'{"QueueName":"x"} trailing',
            b'{"QueueName":"x",}',
            b'{"QueueName":"\t"}',
            b'{"QueueName":"\\x"}',
            b'{"QueueName":"\\u12"}',
            b"\xef\xbb\xbf[]",
            b"[" * 100_000,
            b'{"a":' * 100_000,
        ],
        ids=lambda payload: ascii(payload[:20]),
    )
    def test_is_a_client_error(self, payload):
        reply = call("GetQueueUrl", payload)
        assert_client_error(reply)
        assert reply.header("content-type") == JSON
        assert reply.json["__type"]

    def test_an_empty_body_is_as_good_as_an_empty_object(self):
        """For operations without required members, as some clients send it."""
        reply = call("ListQueues", b"{}")
        assert reply.status == 200

    @pytest.mark.parametrize(
        "operation, parameters",
        [
            ("SendMessage", {"MessageBody": 7}),
            ("SendMessage", {"MessageBody": None}),
            ("SendMessage", {"MessageBody": ["m"]}),
            ("SendMessage", {"MessageBody": {"m": 1}}),
            ("SendMessage", {"MessageBody": "m", "DelaySeconds": "many"}),
            ("SendMessage", {"MessageBody": "m", "DelaySeconds": [1]}),
            ("SendMessage", {"MessageBody": "m", "DelaySeconds": 1.5}),
            ("SendMessage", {"MessageBody": "m", "DelaySeconds": 10**30}),
            ("SendMessage", {"MessageBody": "m", "MessageAttributes": []}),
            ("SendMessage", {"MessageBody": "m", "MessageAttributes": {"a": "b"}}),
            ("SendMessage", {"MessageBody": "m", "MessageAttributes": {"a": {}}}),
            (
                "SendMessage",
                {
                    "MessageBody": "m",
                    "MessageAttributes": {"a": {"DataType": "Binary", "BinaryValue": "no base64!"}},
                },
            ),
            ("SendMessageBatch", {"Entries": {}}),
            ("SendMessageBatch", {"Entries": "x"}),
            ("SendMessageBatch", {"Entries": ["x"]}),
            ("SendMessageBatch", {"Entries": [{}]}),
            ("SendMessageBatch", {}),
            ("ReceiveMessage", {"MaxNumberOfMessages": {}}),
            ("ReceiveMessage", {"AttributeNames": "All"}),
            ("ReceiveMessage", {"AttributeNames": [7]}),
            ("DeleteMessage", {}),
            ("DeleteMessage", {"ReceiptHandle": 5}),
            ("ChangeMessageVisibility", {"ReceiptHandle": "x"}),
            ("SetQueueAttributes", {"Attributes": {"DelaySeconds": []}}),
            ("SetQueueAttributes", {}),
            ("TagQueue", {"Tags": ["a"]}),
            ("TagQueue", {}),
            ("UntagQueue", {"TagKeys": {"a": "b"}}),
            ("AddPermission", {"Label": "l"}),
        ],
        ids=lambda value: str(value)[:50],
    )
    def test_wrong_types_and_missing_members(self, queue, queue_count, operation, parameters):
        reply = call(operation, {"QueueUrl": queue, **parameters})
        assert_client_error(reply)
        assert reply.json["__type"]
        assert queue_count(queue) == (0, 0, 0)

    def test_without_a_queue_url(self):
        for operation in ["SendMessage", "ReceiveMessage", "PurgeQueue", "DeleteQueue"]:
            reply = call(operation, {"MessageBody": "m"})
            assert_client_error(reply)

    def test_unknown_members_are_ignored(self, queue):
        reply = call(
            "SendMessage",
            {"QueueUrl": queue, "MessageBody": "m", "Foobar": {"a": [1, None, True, 1e5]}},
        )
        assert reply.status == 200

    def test_nulls_for_optional_members_are_as_good_as_absent(self, queue):
        reply = call(
            "SendMessage",
            {
                "QueueUrl": queue,
                "MessageBody": "m",
                "DelaySeconds": None,
                "MessageAttributes": None,
                "MessageGroupId": None,
            },
        )
        assert reply.status == 200
        assert set(reply.json) == {"MessageId", "MD5OfMessageBody"}

    @pytest.mark.parametrize(
        "target",
        [
            "AmazonSQS.FryMessage",
            "AmazonSQS.",
            "AmazonSQS",
            "SendMessage",
            "AmazonSNS.Publish",
            "x",
        ],
    )
    def test_unknown_targets(self, target):
        headers = {"X-Amz-Target": target, "Content-Type": JSON}
        reply = exchange("POST", "/", headers, b"{}")
        assert_client_error(reply)
        assert reply.json["__type"]

    def test_no_target(self):
        assert_client_error(exchange("POST", "/", {"Content-Type": JSON}, b"{}"))


def test_a_trace_header_becomes_the_system_attribute(queue):
    trace = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1"
    call("SendMessage", {"QueueUrl": queue, "MessageBody": "m"}, {"X-Amzn-Trace-Id": trace})
    reply = call("ReceiveMessage", {"QueueUrl": queue, "AttributeNames": ["AWSTraceHeader"]})
    assert reply.json["Messages"][0]["Attributes"] == {"AWSTraceHeader": trace}
