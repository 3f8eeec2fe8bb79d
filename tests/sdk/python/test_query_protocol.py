"""Every action through plain Query requests, by POST and by GET, and the XML that comes back."""

import base64
import json
import time

import pytest

from support import md5
from support.errors import BATCH_ID_TEXT
from support.query import QueryClient, pairs
from support.queues import is_uuid, redrive_policy, unique_name


@pytest.fixture(params=["POST", "GET"])
def query(request, endpoint):
    return QueryClient(endpoint, request.param)


@pytest.fixture
def queue(queues):
    return queues.standard("query")


def account_of(queue):
    return queue.url.split("/")[-2]


class TestQueues:
    def test_create_with_attributes_and_tags(self, query, queues, endpoint):
        for tag in ["Tag", "Tags"]:
            name = unique_name("query")
            answer = query(
                "CreateQueue",
                QueueName=name,
                **{
                    "Attribute.1.Name": "VisibilityTimeout",
                    "Attribute.1.Value": "40",
                    "Attribute.2.Name": "DelaySeconds",
                    "Attribute.2.Value": "5",
                    f"{tag}.1.Key": "team",
                    f"{tag}.1.Value": "blue & green",
                },
            )
            queue = queues.adopt(answer.one("QueueUrl"))
            assert len(answer.result) == 1
            assert queue.url == f"{endpoint}/{account_of(queue)}/{name}"
            assert queue.attributes("VisibilityTimeout", "DelaySeconds") == {
                "VisibilityTimeout": "40",
                "DelaySeconds": "5",
            }
            tags = queue.client.list_queue_tags(QueueUrl=queue.url)["Tags"]
            assert tags == {"team": "blue & green"}

    def test_get_url(self, query, queue):
        answer = query("GetQueueUrl", QueueName=queue.name)
        assert answer.result == [("QueueUrl", queue.url)]

    def test_list(self, query, queues):
        prefix = unique_name("query")
        urls = sorted(queues.create(f"{prefix}-{index}").url for index in range(3))
        answer = query("ListQueues", QueueNamePrefix=prefix)
        assert sorted(answer.all("QueueUrl")) == urls
        assert len(answer.result) == 3
        page = query("ListQueues", QueueNamePrefix=prefix, MaxResults="2")
        assert [name for name, _ in page.result] == ["QueueUrl", "QueueUrl", "NextToken"]
        rest = query(
            "ListQueues", QueueNamePrefix=prefix, MaxResults="2", NextToken=page.one("NextToken")
        )
        assert sorted(page.all("QueueUrl") + rest.all("QueueUrl")) == urls

    def test_attributes(self, query, queue):
        answer = query(
            "SetQueueAttributes",
            QueueUrl=queue.url,
            **{"Attribute.1.Name": "VisibilityTimeout", "Attribute.1.Value": "33"},
        )
        assert answer.is_void
        answer = query(
            "GetQueueAttributes",
            QueueUrl=queue.url,
            **{"AttributeName.1": "VisibilityTimeout", "AttributeName.2": "QueueArn"},
        )
        assert {name for name, _ in answer.result} == {"Attribute"}
        arn = f"arn:aws:sqs:us-east-1:{account_of(queue)}:{queue.name}"
        assert pairs(answer.all("Attribute")) == {"VisibilityTimeout": "33", "QueueArn": arn}

    def test_all_attributes(self, query, queue):
        answer = query("GetQueueAttributes", QueueUrl=queue.url, **{"AttributeName.1": "All"})
        assert pairs(answer.all("Attribute")) == queue.attributes("All")

    def test_an_attribute_that_needs_escapes(self, query, queues, queue):
        dead = queues.standard("dead")
        queue.set(RedrivePolicy=redrive_policy(dead))
        answer = query(
            "GetQueueAttributes", QueueUrl=queue.url, **{"AttributeName.1": "RedrivePolicy"}
        )
        assert "&quot;" in answer.response.text
        policy = json.loads(pairs(answer.all("Attribute"))["RedrivePolicy"])
        assert policy == redrive_policy(dead)

    def test_delete(self, query, queues):
        queue = queues.standard("query")
        assert query("DeleteQueue", QueueUrl=queue.url).is_void
        answer = query("DeleteQueue", QueueUrl=queue.url)
        assert answer.status == 400
        assert answer.error["Code"] == "AWS.SimpleQueueService.NonExistentQueue"

    def test_purge(self, query, queue):
        queue.send()
        assert query("PurgeQueue", QueueUrl=queue.url).is_void
        assert queue.counts() == (0, 0, 0)

    def test_tags(self, query, queue):
        for tag in ["Tag", "Tags"]:
            tags = {f"{tag}.1.Key": "a", f"{tag}.1.Value": "1", f"{tag}.2.Key": tag}
            tags[f"{tag}.2.Value"] = '"quoted"'
            assert query("TagQueue", QueueUrl=queue.url, **tags).is_void
        answer = query("ListQueueTags", QueueUrl=queue.url)
        assert {name for name, _ in answer.result} == {"Tag"}
        assert pairs(answer.all("Tag"), key="Key") == {
            "a": "1",
            "Tag": '"quoted"',
            "Tags": '"quoted"',
        }
        removed = {"TagKey.1": "Tag", "TagKey.2": "Tags"}
        assert query("UntagQueue", QueueUrl=queue.url, **removed).is_void
        answer = query("ListQueueTags", QueueUrl=queue.url)
        assert pairs(answer.all("Tag"), key="Key") == {"a": "1"}

    def test_permissions(self, query, queue):
        answer = query(
            "AddPermission",
            QueueUrl=queue.url,
            Label="label",
            **{
                "AWSAccountId.1": "111122223333",
                "AWSAccountId.2": "444455556666",
                "ActionName.1": "SendMessage",
                "ActionName.2": "ReceiveMessage",
            },
        )
        assert answer.is_void
        (statement,) = json.loads(queue.attribute("Policy"))["Statement"]
        assert statement["Action"] == ["SQS:SendMessage", "SQS:ReceiveMessage"]
        assert len(statement["Principal"]["AWS"]) == 2
        assert query("RemovePermission", QueueUrl=queue.url, Label="label").is_void
        assert queue.attribute("Policy") is None


class TestMessages:
    def test_send(self, query, queue):
        answer = query("SendMessage", QueueUrl=queue.url, MessageBody="hello", DelaySeconds="0")
        result = dict(answer.result)
        assert set(result) == {"MessageId", "MD5OfMessageBody"}
        assert is_uuid(result["MessageId"])
        assert result["MD5OfMessageBody"] == md5.of_body("hello")

    def test_send_with_attributes(self, query, queue):
        answer = query(
            "SendMessage",
            QueueUrl=queue.url,
            MessageBody="hello",
            **{
                "MessageAttribute.1.Name": "text",
                "MessageAttribute.1.Value.DataType": "String",
                "MessageAttribute.1.Value.StringValue": "a & b",
                "MessageAttribute.2.Name": "bytes",
                "MessageAttribute.2.Value.DataType": "Binary",
                "MessageAttribute.2.Value.BinaryValue": base64.b64encode(b"\x00\xff+/").decode(),
                "MessageSystemAttribute.1.Name": "AWSTraceHeader",
                "MessageSystemAttribute.1.Value.DataType": "String",
                "MessageSystemAttribute.1.Value.StringValue": "Root=1-2-3",
            },
        )
        user = {
            "text": {"DataType": "String", "StringValue": "a & b"},
            "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff+/"},
        }
        system = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-2-3"}}
        assert answer.one("MD5OfMessageAttributes") == md5.of_attributes(user)
        assert answer.one("MD5OfMessageSystemAttributes") == md5.of_attributes(system)
        message = queue.receive_one(MessageAttributeNames=["All"], AttributeNames=["All"])
        assert message["MessageAttributes"] == user
        assert message["Attributes"]["AWSTraceHeader"] == "Root=1-2-3"

    def test_send_fifo(self, query, queues):
        queue = queues.fifo("query")
        answer = query(
            "SendMessage",
            QueueUrl=queue.url,
            MessageBody="hello",
            MessageGroupId="g",
            MessageDeduplicationId="d",
        )
        assert {name for name, _ in answer.result} == {
            "MessageId",
            "MD5OfMessageBody",
            "SequenceNumber",
        }

    def test_receive(self, query, queue):
        attributes = {
            "Text": {"DataType": "String", "StringValue": "<x>"},
            "Bytes": {"DataType": "Binary.raw", "BinaryValue": b"\x00\x01"},
        }
        sent = queue.send("hello", MessageAttributes=attributes)
        answer = query(
            "ReceiveMessage",
            QueueUrl=queue.url,
            MaxNumberOfMessages="10",
            VisibilityTimeout="20",
            WaitTimeSeconds="0",
            **{"AttributeName.1": "All", "MessageAttributeName.1": "All"},
        )
        assert [name for name, _ in answer.result] == ["Message"]
        message = answer.one("Message")
        fields = dict(message)
        assert set(fields) == {
            "MessageId",
            "ReceiptHandle",
            "MD5OfBody",
            "Body",
            "Attribute",
            "MD5OfMessageAttributes",
            "MessageAttribute",
        }
        assert fields["MessageId"] == sent["MessageId"]
        assert fields["Body"] == "hello"
        assert fields["MD5OfMessageAttributes"] == md5.of_attributes(attributes)
        system = pairs(value for name, value in message if name == "Attribute")
        assert set(system) == {
            "SenderId",
            "SentTimestamp",
            "ApproximateReceiveCount",
            "ApproximateFirstReceiveTimestamp",
        }
        user = pairs(value for name, value in message if name == "MessageAttribute")
        assert {name: dict(value) for name, value in user.items()} == {
            "Text": {"DataType": "String", "StringValue": "<x>"},
            "Bytes": {"DataType": "Binary.raw", "BinaryValue": "AAE="},
        }

    def test_receive_nothing(self, query, queue):
        answer = query("ReceiveMessage", QueueUrl=queue.url)
        assert answer.status == 200
        assert "<Message>" not in answer.response.text

    def test_receive_by_the_new_names_parameter(self, query, queue):
        queue.send()
        names = {"MessageSystemAttributeName.1": "SenderId"}
        answer = query("ReceiveMessage", QueueUrl=queue.url, **names)
        assert set(pairs([dict(answer.one("Message"))["Attribute"]])) == {"SenderId"}

    def test_delete(self, query, queue):
        queue.send()
        handle = queue.receive_one()["ReceiptHandle"]
        assert query("DeleteMessage", QueueUrl=queue.url, ReceiptHandle=handle).is_void
        assert queue.counts() == (0, 0, 0)

    def test_change_visibility(self, query, queue):
        queue.send()
        handle = queue.receive_one()["ReceiptHandle"]
        change = dict(QueueUrl=queue.url, ReceiptHandle=handle, VisibilityTimeout="0")
        assert query("ChangeMessageVisibility", **change).is_void
        assert len(queue.receive()) == 1


def entries(kind, *items):
    """[{...}, ...] as kind.1.Field, kind.2.Field, ..."""
    return {
        f"{kind}BatchRequestEntry.{number}.{field}": value
        for number, item in enumerate(items, 1)
        for field, value in item.items()
    }


class TestBatches:
    def test_send(self, query, queue):
        answer = query(
            "SendMessageBatch",
            QueueUrl=queue.url,
            **entries(
                "SendMessage",
                {"Id": "good", "MessageBody": "a"},
                {"Id": "bad", "MessageBody": "\x0b"},
                {
                    "Id": "attributes",
                    "MessageBody": "b",
                    "MessageAttribute.1.Name": "n",
                    "MessageAttribute.1.Value.DataType": "Number",
                    "MessageAttribute.1.Value.StringValue": "1",
                    "DelaySeconds": "900",
                },
            ),
        )
        good, attributes = map(dict, answer.all("SendMessageBatchResultEntry"))
        assert set(good) == {"Id", "MessageId", "MD5OfMessageBody"}
        assert good["Id"] == "good"
        sent = {"n": {"DataType": "Number", "StringValue": "1"}}
        assert attributes["MD5OfMessageAttributes"] == md5.of_attributes(sent)
        failure = dict(answer.one("BatchResultErrorEntry"))
        assert set(failure) == {"Id", "Code", "Message", "SenderFault"}
        assert failure["Id"] == "bad"
        assert failure["Code"] == "InvalidMessageContents"
        assert failure["SenderFault"] == "true"
        assert queue.counts() == (1, 0, 1)

    def test_delete(self, query, queue):
        queue.send()
        handle = queue.receive_one()["ReceiptHandle"]
        answer = query(
            "DeleteMessageBatch",
            QueueUrl=queue.url,
            **entries(
                "DeleteMessage",
                {"Id": "good", "ReceiptHandle": handle},
                {"Id": "bad", "ReceiptHandle": "garbage"},
            ),
        )
        assert answer.one("DeleteMessageBatchResultEntry") == [("Id", "good")]
        assert dict(answer.one("BatchResultErrorEntry"))["Code"] == "ReceiptHandleIsInvalid"

    def test_change_visibility(self, query, queue):
        queue.send()
        handle = queue.receive_one()["ReceiptHandle"]
        answer = query(
            "ChangeMessageVisibilityBatch",
            QueueUrl=queue.url,
            **entries(
                "ChangeMessageVisibility",
                {"Id": "good", "ReceiptHandle": handle, "VisibilityTimeout": "0"},
                {"Id": "bad", "ReceiptHandle": "garbage", "VisibilityTimeout": "0"},
            ),
        )
        assert answer.one("ChangeMessageVisibilityBatchResultEntry") == [("Id", "good")]
        assert dict(answer.one("BatchResultErrorEntry"))["Code"] == "ReceiptHandleIsInvalid"
        assert len(queue.receive()) == 1

    def test_entry_numbers_may_have_gaps_and_any_order(self, query, queue):
        query(
            "SendMessageBatch",
            QueueUrl=queue.url,
            **{
                "SendMessageBatchRequestEntry.7.MessageBody": "second",
                "SendMessageBatchRequestEntry.3.Id": "a",
                "SendMessageBatchRequestEntry.7.Id": "b",
                "SendMessageBatchRequestEntry.3.MessageBody": "first",
            },
        )
        assert sorted(queue.bodies()) == ["first", "second"]

    def test_more_than_nine_entries_sort_by_number(self, query, queues):
        queue = queues.fifo("query", ContentBasedDeduplication=True)
        items = [
            {"Id": str(index), "MessageBody": f"m{index}", "MessageGroupId": "g"}
            for index in range(10)
        ]
        query("SendMessageBatch", QueueUrl=queue.url, **entries("SendMessage", *items))
        assert queue.bodies() == [f"m{index}" for index in range(10)]

    def test_refused_as_a_whole(self, query, queue):
        answer = query(
            "SendMessageBatch",
            QueueUrl=queue.url,
            **entries("SendMessage", {"Id": "not valid", "MessageBody": "m"}),
        )
        assert answer.status == 400
        assert answer.error["Code"] == "AWS.SimpleQueueService.InvalidBatchEntryId"
        assert answer.error["Message"] == BATCH_ID_TEXT


class TestDeadLetters:
    def test_list_sources(self, query, queues):
        source, dead = queues.with_dead_letters()
        answer = query("ListDeadLetterSourceQueues", QueueUrl=dead.url)
        assert answer.result == [("QueueUrl", source.url)]

    def test_move_tasks(self, query, queues):
        source, dead = queues.with_dead_letters()
        dead.send_many(["a", "b", "c"])
        answer = query(
            "StartMessageMoveTask",
            SourceArn=dead.arn,
            DestinationArn=source.arn,
            MaxNumberOfMessagesPerSecond="1",
        )
        handle = answer.one("TaskHandle")
        listed = query("ListMessageMoveTasks", SourceArn=dead.arn)
        assert [name for name, _ in listed.result] == ["ListMessageMoveTasksResultEntry"]
        task = dict(listed.one("ListMessageMoveTasksResultEntry"))
        assert task["TaskHandle"] == handle
        assert task["Status"] == "RUNNING"
        assert task["SourceArn"] == dead.arn
        assert task["DestinationArn"] == source.arn
        assert task["MaxNumberOfMessagesPerSecond"] == "1"
        assert int(task["StartedTimestamp"]) > (time.time() - 60) * 1000
        cancelled = query("CancelMessageMoveTask", TaskHandle=handle)
        assert [name for name, _ in cancelled.result] == ["ApproximateNumberOfMessagesMoved"]
        assert 0 <= int(cancelled.one("ApproximateNumberOfMessagesMoved")) < 3


class TestErrors:
    def test_shape(self, query):
        answer = query("GetQueueUrl", QueueName=unique_name("never"))
        assert answer.status == 400
        assert answer.error == {
            "Type": "Sender",
            "Code": "AWS.SimpleQueueService.NonExistentQueue",
            "Message": "The specified queue does not exist for this wsdl version.",
            "Detail": "",
        }
        assert is_uuid(answer.request_id)

    @pytest.mark.parametrize(
        "action, parameters, code, status",
        [
            ("SendMessage", {}, "MissingParameter", 400),
            ("DeleteMessage", {"ReceiptHandle": "garbage"}, "ReceiptHandleIsInvalid", 404),
            ("ReceiveMessage", {"MaxNumberOfMessages": "11"}, "InvalidParameterValue", 400),
            ("GetQueueAttributes", {"AttributeName.1": "Foobar"}, "InvalidAttributeName", 400),
            (
                "SetQueueAttributes",
                {"Attribute.1.Name": "DelaySeconds", "Attribute.1.Value": "901"},
                "InvalidAttributeValue",
                400,
            ),
            ("SendMessage", {"MessageBody": "\uffff"}, "InvalidMessageContents", 400),
            ("SendMessageBatch", {}, "AWS.SimpleQueueService.EmptyBatchRequest", 400),
            ("StartMessageMoveTask", {"SourceArn": "{arn}"}, "InvalidParameterValue", 400),
            ("StartMessageMoveTask", {"SourceArn": "{arn}-no"}, "ResourceNotFoundException", 404),
        ],
    )
    def test_codes_and_statuses(self, query, queue, action, parameters, code, status):
        parameters = {k: v.replace("{arn}", queue.arn) for k, v in parameters.items()}
        answer = query(action, QueueUrl=queue.url, **parameters)
        assert answer.error["Code"] == code, answer.error
        assert answer.status == status
        assert answer.error["Type"] == "Sender"

    def test_a_number_that_is_none(self, query, queue):
        answer = query("ReceiveMessage", QueueUrl=queue.url, MaxNumberOfMessages="many")
        assert answer.status == 400
        assert answer.error["Type"] == "Sender"

    def test_an_unknown_action(self, query):
        answer = query("FryMessage")
        assert answer.status == 400
        assert answer.error["Code"] == "InvalidAction"


class TestQueueUrlPath:
    """Queue-level operations may go to the queue's URL and then need no QueueUrl."""

    def test_serves_queue_level_operations(self, query, queue):
        sent = query("SendMessage", url=queue.url, MessageBody="by path")
        assert is_uuid(sent.one("MessageId"))
        answer = query("GetQueueAttributes", url=queue.url, **{"AttributeName.1": "QueueArn"})
        assert pairs(answer.all("Attribute")) == {"QueueArn": queue.arn}
        message = dict(query("ReceiveMessage", url=queue.url).one("Message"))
        assert message["Body"] == "by path"
        handle = message["ReceiptHandle"]
        assert query("DeleteMessage", url=queue.url, ReceiptHandle=handle).is_void
        assert queue.counts() == (0, 0, 0)

    def test_a_queue_url_parameter_overrides_the_path(self, query, queues, queue):
        other = queues.standard("query")
        query("SendMessage", url=queue.url, QueueUrl=other.url, MessageBody="m")
        assert queue.counts() == (0, 0, 0)
        assert other.counts() == (1, 0, 0)

    @pytest.mark.parametrize("action", ["CreateQueue", "ListQueues"])
    def test_refuses_account_level_operations(self, query, queue, action):
        answer = query(action, url=queue.url, QueueName=unique_name())
        assert answer.status == 400
        assert answer.error["Code"] == "InvalidAction"
        assert answer.error["Message"] == f"The action {action} is not valid for this endpoint."

    def test_without_an_action(self, query, queue):
        response = query.send({}, queue.url)
        assert response.status_code == 404
        assert response.text.strip().endswith("<UnknownOperationException/>")

    def test_of_a_missing_queue(self, query, queue):
        answer = query("ReceiveMessage", url=queue.url + "-never")
        assert answer.error["Code"] == "AWS.SimpleQueueService.NonExistentQueue"


def test_signature_parameters_in_the_query_string_are_tolerated(query, queue):
    signature = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": "test/20260101/us-east-1/sqs/aws4_request",
        "X-Amz-Date": "20260101T000000Z",
        "X-Amz-SignedHeaders": "host",
        "X-Amz-Expires": "300",
        "X-Amz-Signature": "0" * 64,
    }
    query("SendMessage", QueueUrl=queue.url, MessageBody="presigned", **signature)
    assert queue.bodies() == ["presigned"]


def test_a_credential_in_the_query_string_names_region_and_account(query, endpoint):
    name = unique_name("presigned")
    credential = {"X-Amz-Credential": "111122223333/20260101/eu-west-3/sqs/aws4_request"}
    url = query("CreateQueue", QueueName=name, **credential).one("QueueUrl")
    try:
        assert url == f"{endpoint}/111122223333/{name}"
        answer = query(
            "GetQueueAttributes", QueueUrl=url, **credential, **{"AttributeName.1": "QueueArn"}
        )
        arn = f"arn:aws:sqs:eu-west-3:111122223333:{name}"
        assert pairs(answer.all("Attribute")) == {"QueueArn": arn}
    finally:
        query("DeleteQueue", QueueUrl=url, **credential)


@pytest.mark.parametrize("body", ['"quoted" &quot;', "carriage\rreturn\r\n", "<&>'\t", "a+b c%20"])
def test_awkward_bodies(query, queue, body):
    sent = query("SendMessage", QueueUrl=queue.url, MessageBody=body)
    assert sent.one("MD5OfMessageBody") == md5.of_body(body)
    answer = query("ReceiveMessage", QueueUrl=queue.url)
    assert dict(answer.one("Message"))["Body"] == body
    assert '"quoted"' not in answer.response.text, 'in text, " is written as &quot;'
    assert "\r" not in answer.response.text, "a bare carriage return would be lost in parsing"


def test_both_protocols_see_the_same_queue(query, queue):
    query("SendMessage", QueueUrl=queue.url, MessageBody="by query")
    queue.send("by json")
    assert sorted(queue.bodies()) == ["by json", "by query"]
