"""The Query protocol's bytes: escapes, envelopes, paths, odd forms, JSON on request."""

import json
from urllib.parse import quote

import pytest

from wire import (
    NAMESPACE,
    UUID,
    assert_client_error,
    call,
    path_of,
    query,
    unique_name,
)

BOTH = pytest.mark.parametrize("method", ["POST", "GET"])


class TestAnswers:
    @BOTH
    def test_envelope(self, queue, method):
        parameters = {"QueueUrl": queue, "MessageBody": "m"}
        reply = query("SendMessage", parameters, method)
        assert reply.status == 200
        assert reply.header("content-type").split(";")[0] == "text/xml"
        assert reply.header("content-length") == str(len(reply.body))
        assert f'<SendMessageResponse xmlns="{NAMESPACE}">' in reply.text
        assert reply.xml_text("SendMessageResult", "MessageId")
        request_id = reply.xml_text("ResponseMetadata", "RequestId")
        assert UUID.fullmatch(request_id)
        assert reply.header("x-amzn-requestid") == request_id

    @BOTH
    def test_void_operations_still_have_an_envelope(self, queue, method):
        reply = query("PurgeQueue", {"QueueUrl": queue}, method)
        assert reply.status == 200
        assert [child.tag for child in reply.xml] == [f"{{{NAMESPACE}}}ResponseMetadata"]

    @BOTH
    def test_error_envelope(self, method):
        reply = query("GetQueueUrl", {"QueueName": unique_name()}, method)
        assert reply.status == 400
        assert reply.header("content-type").split(";")[0] == "text/xml"
        assert f'<ErrorResponse xmlns="{NAMESPACE}">' in reply.text
        assert reply.xml_text("Error", "Type") == "Sender"
        assert reply.xml_text("Error", "Code") == "AWS.SimpleQueueService.NonExistentQueue"
        assert (
            reply.xml_text("Error", "Message")
            == "The specified queue does not exist for this wsdl version."
        )
        assert reply.xml_text("Error", "Detail") == ""
        assert reply.xml_text("RequestId") == reply.header("x-amzn-requestid")


class TestEscapes:
    @BOTH
    def test_of_a_body(self, queue, method):
        body = '"quoted" <tag> & \' \r\n\t&quot; ]]> \U0001f600'
        assert query("SendMessage", {"QueueUrl": queue, "MessageBody": body}, method).status == 200
        reply = query("ReceiveMessage", {"QueueUrl": queue}, method)
        text = reply.text
        written = text[text.index("<Body>") + 6 : text.index("</Body>")]
        assert written.startswith("&quot;quoted&quot; &lt;tag&gt; &amp; ")
        assert "&#xD;\n\t&amp;quot; ]]&gt; \U0001f600" in written
        assert "\r" not in text
        assert reply.xml_text("ReceiveMessageResult", "Message", "Body") == body

    def test_of_an_attribute(self, make_queue):
        dead = make_queue()
        arn = call("GetQueueAttributes", {"QueueUrl": dead, "AttributeNames": ["QueueArn"]})
        arn = arn.json["Attributes"]["QueueArn"]
        policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
        source = make_queue(RedrivePolicy=policy)
        names = {"QueueUrl": source, "AttributeName.1": "RedrivePolicy"}
        reply = query("GetQueueAttributes", names)
        assert "&quot;deadLetterTargetArn&quot;:" in reply.text
        value = reply.xml_text("GetQueueAttributesResult", "Attribute", "Value")
        assert json.loads(value)["deadLetterTargetArn"] == arn

    def test_of_an_error_text(self, queue):
        parameters = {"QueueUrl": queue, "ReceiptHandle": '<"garbage"> & more'}
        reply = query("DeleteMessage", parameters)
        assert reply.status == 404
        assert '<"garbage"> & more' in reply.xml_text("Error", "Message")
        assert "&lt;&quot;garbage&quot;&gt; &amp; more" in reply.text

    @pytest.mark.parametrize(
        "written, meant",
        [
            ("a+b", "a b"),
            ("a%20b", "a b"),
            ("a%2Bb", "a+b"),
            ("a%26b%3Dc", "a&b=c"),
            ("%F0%9F%98%80", "\U0001f600"),
            ("%f0%9f%98%80", "\U0001f600"),
            ("\U0001f600", "\U0001f600"),
            ("a%0D%0Ab", "a\r\nb"),
            ("a=b", "a=b"),
        ],
    )
    def test_of_the_form(self, queue, written, meant):
        form = f"Action=SendMessage&QueueUrl={quote(queue, safe='')}&MessageBody={written}"
        assert query(parameters=form).status == 200
        (message,) = call("ReceiveMessage", {"QueueUrl": queue}).json["Messages"]
        assert message["Body"] == meant

    @pytest.mark.parametrize("written", ["%", "%2", "%GG", "%FF", "%C3", "%ED%A0%80"])
    def test_broken_percent_signs_do_no_harm(self, queue, written):
        """Refused or taken literally, but answered, in order, on a working connection."""
        form = f"Action=SendMessage&QueueUrl={quote(queue, safe='')}&MessageBody={written}"
        reply = query(parameters=form)
        assert reply.status in {200, 400}
        assert reply.header("x-amzn-requestid")

    def test_both_protocols_carry_the_same_bytes(self, queue):
        for body in ["carriage\rreturn", "&quot;", 'a\r\n"b"\t<c>']:
            query("SendMessage", {"QueueUrl": queue, "MessageBody": body})
            (message,) = call("ReceiveMessage", {"QueueUrl": queue}).json["Messages"]
            assert message["Body"] == body
            call("SendMessage", {"QueueUrl": queue, "MessageBody": body})
            reply = query("ReceiveMessage", {"QueueUrl": queue})
            assert reply.xml_text("ReceiveMessageResult", "Message", "Body") == body


class TestActions:
    @BOTH
    @pytest.mark.parametrize("action", ["FryMessage", "sendmessage", "SendMessage "])
    def test_unknown(self, method, action):
        reply = query(action, {}, method)
        assert reply.status == 400
        assert reply.xml_text("Error", "Code") == "InvalidAction"

    @BOTH
    def test_none_on_a_queues_path(self, queue, method):
        reply = query(None, {"Version": "2012-11-05"}, method, path_of(queue))
        assert reply.status == 404
        assert reply.text.strip().endswith("<UnknownOperationException/>")

    def test_none_anywhere(self):
        for method, target in [("GET", "/"), ("POST", "/")]:
            reply = query(parameters="", method=method, target=target)
            assert reply.status == 404
            assert "<UnknownOperationException/>" in reply.text

    @BOTH
    @pytest.mark.parametrize("action", ["CreateQueue", "ListQueues"])
    def test_of_the_account_on_a_queues_path(self, queue, method, action):
        reply = query(action, {"QueueName": unique_name()}, method, path_of(queue))
        assert reply.status == 400
        assert reply.xml_text("Error", "Code") == "InvalidAction"
        text = f"The action {action} is not valid for this endpoint."
        assert reply.xml_text("Error", "Message") == text

    @BOTH
    def test_of_the_queue_on_its_path(self, queue, method, queue_count):
        assert query("SendMessage", {"MessageBody": "m"}, method, path_of(queue)).status == 200
        assert queue_count(queue) == (1, 0, 0)

    @BOTH
    def test_a_queue_url_overrides_the_path(self, make_queue, method, queue_count):
        one, other = make_queue(), make_queue()
        parameters = {"QueueUrl": other, "MessageBody": "m"}
        assert query("SendMessage", parameters, method, path_of(one)).status == 200
        assert queue_count(one) == (0, 0, 0)
        assert queue_count(other) == (1, 0, 0)

    def test_an_action_in_the_query_string_of_a_post(self, queue, queue_count):
        form = f"Action=SendMessage&QueueUrl={quote(queue, safe='')}&MessageBody=m"
        reply = query(parameters="", target=f"/?{form}")
        assert reply.status == 200
        assert queue_count(queue) == (1, 0, 0)

    @pytest.mark.parametrize("version", [None, "2012-11-05", "2009-02-01"])
    def test_versions(self, queue, version):
        assert query("ReceiveMessage", {"QueueUrl": queue, "Version": version}).status == 200

    def test_a_content_type_with_parameters_or_none(self, queue):
        form = f"Action=ReceiveMessage&QueueUrl={quote(queue, safe='')}"
        for content_type in [
            "application/x-www-form-urlencoded",
            "APPLICATION/X-WWW-FORM-URLENCODED;charset=UTF-8",
            None,
        ]:
            reply = query(parameters=form, headers={"Content-Type": content_type})
            assert reply.status == 200, content_type


SIGNATURE = {
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": "test/20260101/us-east-1/sqs/aws4_request",
    "X-Amz-Date": "20260101T000000Z",
    "X-Amz-SignedHeaders": "host",
    "X-Amz-Security-Token": "a/b+c==",
    "X-Amz-Signature": "0" * 64,
}
OLD_SIGNATURE = {
    "AWSAccessKeyId": "test",
    "SignatureVersion": "2",
    "SignatureMethod": "HmacSHA256",
    "Timestamp": "2026-01-01T00:00:00Z",
    "Signature": "abc=",
}


@BOTH
@pytest.mark.parametrize("signature", [SIGNATURE, OLD_SIGNATURE], ids=["v4", "v2"])
def test_signature_parameters_are_tolerated(queue, method, signature):
    reply = query("ReceiveMessage", {"QueueUrl": queue, **signature}, method)
    assert reply.status == 200


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "garbage",
        "Bearer token",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=",
        "AWS4-HMAC-SHA256 Credential=test/20260101",
        "AWS4-HMAC-SHA256 Credential=////, SignedHeaders=host, Signature=x",
        "AWS4-HMAC-SHA256 Credential=a/b/c/d/e/f/g/h, SignedHeaders=host, Signature=x",
    ],
)
def test_odd_authorization_headers_are_tolerated(authorization):
    reply = query(
        "ListQueues", {"QueueNamePrefix": "wire-never"}, headers={"Authorization": authorization}
    )
    assert reply.status in {200, 400, 403}
    assert reply.header("x-amzn-requestid")


class TestJsonOnRequest:
    ACCEPT = {"Accept": "application/json"}

    @BOTH
    def test_answers(self, queue, method):
        parameters = {"QueueUrl": queue, "MessageBody": 'a "quoted" body\r'}
        reply = query("SendMessage", parameters, method, headers=self.ACCEPT)
        assert reply.status == 200
        assert reply.header("content-type").split(";")[0] == "application/json"
        envelope = reply.json["SendMessageResponse"]
        assert set(envelope) == {"SendMessageResult", "ResponseMetadata"}
        assert set(envelope["SendMessageResult"]) >= {"MessageId", "MD5OfMessageBody"}
        request_id = envelope["ResponseMetadata"]["RequestId"]
        assert request_id == reply.header("x-amzn-requestid")

    @BOTH
    def test_errors(self, method):
        reply = query("GetQueueUrl", {"QueueName": unique_name()}, method, headers=self.ACCEPT)
        assert reply.status == 400
        assert reply.header("content-type").split(";")[0] == "application/json"
        assert reply.json["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"
        assert reply.json["Error"]["Type"] == "Sender"
        assert reply.json["RequestId"] == reply.header("x-amzn-requestid")

    def test_void(self, queue):
        reply = query("PurgeQueue", {"QueueUrl": queue}, headers=self.ACCEPT)
        envelope = reply.json["PurgeQueueResponse"]
        assert envelope["ResponseMetadata"]["RequestId"]

    @pytest.mark.parametrize("accept", ["*/*", "text/xml", "text/html, */*;q=0.8"])
    def test_other_wishes_get_xml(self, queue, accept):
        reply = query("PurgeQueue", {"QueueUrl": queue}, headers={"Accept": accept})
        assert reply.header("content-type").split(";")[0] == "text/xml"


class TestMalformed:
    @pytest.mark.parametrize(
        "form",
        [
            "&&&",
            "=",
            "Action",
            "Action=",
            "Action=SendMessage",
            "Action=SendMessage&Action=ReceiveMessage",
            "Action=SendMessageBatch&SendMessageBatchRequestEntry.0.Id=a",
            "Action=SendMessageBatch&SendMessageBatchRequestEntry.x.Id=a",
            "Action=SendMessageBatch&SendMessageBatchRequestEntry.99999999999999999999.Id=a",
            "Action=CreateQueue&Attribute.1.Name=VisibilityTimeout",
            "Action=TagQueue&Tag.1.Value=x",
        ],
    )
    def test_is_a_client_error(self, form):
        assert_client_error(query(parameters=form))

    @pytest.mark.parametrize("value", ["x", "", "1.5", "99999999999999999999", "-", "0x1", " 1"])
    def test_numbers_that_are_none(self, queue, value):
        reply = query("ReceiveMessage", {"QueueUrl": queue, "MaxNumberOfMessages": value})
        assert reply.status in ({200, 400} if value == "" else {400})

    def test_binary_that_is_no_base64(self, queue, queue_count):
        reply = query(
            "SendMessage",
            {
                "QueueUrl": queue,
                "MessageBody": "m",
                "MessageAttribute.1.Name": "n",
                "MessageAttribute.1.Value.DataType": "Binary",
                "MessageAttribute.1.Value.BinaryValue": "not base64!",
            },
        )
        assert_client_error(reply)
        assert queue_count(queue) == (0, 0, 0)


class TestListsOfOne:
    """A list of one may go without numbers."""

    def test_of_attributes(self):
        name = unique_name()
        attribute = {"Attribute.Name": "VisibilityTimeout", "Attribute.Value": "77"}
        url = query("CreateQueue", {"QueueName": name, **attribute}).xml_text(
            "CreateQueueResult", "QueueUrl"
        )
        attributes = {"QueueUrl": url, "AttributeName": "VisibilityTimeout"}
        reply = query("GetQueueAttributes", attributes)
        assert reply.xml_text("GetQueueAttributesResult", "Attribute", "Value") == "77"
        attribute["Attribute.Value"] = "78"
        assert query("SetQueueAttributes", {"QueueUrl": url, **attribute}).status == 200
        reply = query("GetQueueAttributes", attributes)
        assert reply.xml_text("GetQueueAttributesResult", "Attribute", "Value") == "78"
        assert query("DeleteQueue", {"QueueUrl": url}).status == 200

    def test_of_message_attributes(self, queue):
        sent = {
            "QueueUrl": queue,
            "MessageBody": "m",
            "MessageAttribute.Name": "a",
            "MessageAttribute.Value.DataType": "String",
            "MessageAttribute.Value.StringValue": "v",
        }
        assert query("SendMessage", sent).xml_text("SendMessageResult", "MD5OfMessageAttributes")
        wanted = {"AttributeName": "SenderId", "MessageAttributeName": "a"}
        reply = query("ReceiveMessage", {"QueueUrl": queue, **wanted})
        message = ("ReceiveMessageResult", "Message")
        assert reply.xml_text(*message, "Attribute", "Name") == "SenderId"
        assert reply.xml_text(*message, "MessageAttribute", "Value", "StringValue") == "v"

    def test_of_entries(self, queue):
        entry = "SendMessageBatchRequestEntry"
        parameters = {f"{entry}.Id": "only", f"{entry}.MessageBody": "m"}
        reply = query("SendMessageBatch", {"QueueUrl": queue, **parameters})
        path = ("SendMessageBatchResult", "SendMessageBatchResultEntry", "Id")
        assert reply.xml_text(*path) == "only"

    def test_of_permissions_and_tags(self, queue):
        permission = {"Label": "l", "AWSAccountId": "111122223333", "ActionName": "SendMessage"}
        assert query("AddPermission", {"QueueUrl": queue, **permission}).status == 200
        assert query("TagQueue", {"QueueUrl": queue, "Tag.Key": "k", "Tag.Value": "v"}).status == 200
        reply = query("ListQueueTags", {"QueueUrl": queue})
        assert reply.xml_text("ListQueueTagsResult", "Tag", "Key") == "k"
        assert query("UntagQueue", {"QueueUrl": queue, "TagKey": "k"}).status == 200
        assert "<ListQueueTagsResult/>" in query("ListQueueTags", {"QueueUrl": queue}).text

    @pytest.mark.parametrize("keys", [{}, {"TagKey.1": ""}, {"TagKey.1": "k" * 129}])
    def test_illegal_tag_keys(self, queue, keys):
        assert query("UntagQueue", {"QueueUrl": queue, **keys}).status == 400


class TestEmptyResults:
    def test_of_a_receive(self, queue):
        reply = query("ReceiveMessage", {"QueueUrl": queue})
        assert "<ReceiveMessageResult/><ResponseMetadata>" in reply.text

    def test_of_attributes(self, queue):
        reply = query("GetQueueAttributes", {"QueueUrl": queue})
        assert "<GetQueueAttributesResult/><ResponseMetadata>" in reply.text

    def test_of_queues(self):
        reply = query("ListQueues", {"QueueNamePrefix": unique_name()})
        assert "<ListQueuesResult/><ResponseMetadata>" in reply.text


class TestBehindAPrefix:
    """A proxy that puts a path before the endpoint."""

    @pytest.mark.parametrize("prefix", ["/sqs", "/sqs/", "/api/sqs", "/a/b/c"])
    def test_of_the_endpoint(self, prefix):
        name = unique_name()
        url = query("CreateQueue", {"QueueName": name}, target=prefix).xml_text(
            "CreateQueueResult", "QueueUrl"
        )
        listed = query("ListQueues", {"QueueNamePrefix": name}, target=prefix)
        assert listed.xml_text("ListQueuesResult", "QueueUrl") == url
        sent = query("SendMessage", {"QueueUrl": url, "MessageBody": "m"}, target=prefix)
        assert sent.status == 200
        assert call("ListQueues", {"QueueNamePrefix": name}, target=prefix).status == 200
        assert query("DeleteQueue", {"QueueUrl": url}, target=prefix).status == 200

    def test_of_a_queues_own_path(self, queue, queue_count):
        sent = query("SendMessage", {"MessageBody": "m"}, target="/proxy" + path_of(queue))
        assert sent.status == 200
        assert queue_count(queue) == (1, 0, 0)


class TestJsonMembers:
    """In JSON on request all members are there, null where absent, and maps are lists."""

    def result(self, action, parameters):
        reply = query(action, parameters, headers={"Accept": "application/json"})
        assert reply.status == 200, reply
        return reply.json[f"{action}Response"][f"{action}Result"]

    def test_of_an_empty_receive(self, queue):
        assert self.result("ReceiveMessage", {"QueueUrl": queue}) == {"messages": None}

    def test_of_a_message(self, queue):
        sent = self.result("SendMessage", {"QueueUrl": queue, "MessageBody": "m"})
        assert sent == {
            "MD5OfMessageBody": "6f8f57715090da2632453988d9a1501b",
            "MD5OfMessageAttributes": None,
            "MD5OfMessageSystemAttributes": None,
            "MessageId": sent["MessageId"],
            "SequenceNumber": None,
        }
        (message,) = self.result("ReceiveMessage", {"QueueUrl": queue})["messages"]
        assert message == {
            "MessageId": sent["MessageId"],
            "ReceiptHandle": message["ReceiptHandle"],
            "MD5OfBody": sent["MD5OfMessageBody"],
            "Body": "m",
            "Attributes": None,
            "MD5OfMessageAttributes": None,
            "MessageAttributes": None,
        }

    def test_of_attributes(self, queue):
        attribute = {
            "MessageAttribute.1.Name": "a",
            "MessageAttribute.1.Value.DataType": "String",
            "MessageAttribute.1.Value.StringValue": "v",
        }
        self.result("SendMessage", {"QueueUrl": queue, "MessageBody": "m", **attribute})
        wanted = {"AttributeName.1": "ApproximateReceiveCount", "MessageAttributeName.1": "*"}
        (message,) = self.result("ReceiveMessage", {"QueueUrl": queue, **wanted})["messages"]
        assert message["Attributes"] == [{"Name": "ApproximateReceiveCount", "Value": "1"}]
        assert message["MessageAttributes"] == [
            {
                "Name": "a",
                "Value": {
                    "StringValue": "v",
                    "BinaryValue": None,
                    "StringListValues": None,
                    "BinaryListValues": None,
                    "DataType": "String",
                },
            }
        ]

    def test_of_a_queue(self, queue):
        asked = {"QueueUrl": queue, "AttributeName.1": "DelaySeconds"}
        attributes = [{"Name": "DelaySeconds", "Value": "0"}]
        assert self.result("GetQueueAttributes", asked) == {"Attributes": attributes}
        assert self.result("GetQueueAttributes", {"QueueUrl": queue}) == {"Attributes": None}
        assert self.result("ListQueueTags", {"QueueUrl": queue}) == {"Tags": None}
        name = path_of(queue).rsplit("/", 1)[1]
        listed = self.result("ListQueues", {"QueueNamePrefix": name})
        assert listed == {"queueUrls": [queue], "NextToken": None}

    def test_of_a_batch(self, queue):
        entry = {"SendMessageBatchRequestEntry.1.Id": "a"}
        result = self.result("SendMessageBatch", {"QueueUrl": queue, **entry})
        assert result["Successful"] is None
        (failed,) = result["Failed"]
        assert failed["Code"] == "EmptyValue"
