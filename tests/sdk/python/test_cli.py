"""The aws command line, as people and their scripts use it.

Starting `aws` takes a second of CPU, so all but one test call its entry point in this process.
"""

import json
import os
import subprocess

import pytest
from awscli.clidriver import create_clidriver

from support.queues import unique_name

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_MAX_ATTEMPTS": "1",
    "AWS_PAGER": "",
}


@pytest.fixture
def aws(endpoint, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)

    def run(operation, *arguments, fails=False):
        """The parsed output, None where there is none; with fails, the error text."""
        capfd.readouterr()
        code = create_clidriver().main(
            ["--endpoint-url", endpoint, "--output", "json", "sqs", operation, *arguments]
        )
        output, errors = capfd.readouterr()
        assert (code != 0) == fails, errors
        if fails:
            return errors
        return json.loads(output) if output.strip() else None

    return run


def test_the_program_itself(endpoint, queues, tmp_path):
    name = unique_name("cli")
    finished = subprocess.run(
        ["aws", "--endpoint-url", endpoint, "sqs", "create-queue", "--queue-name", name],
        env=ENVIRONMENT | {"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=45,
    )
    assert finished.returncode == 0, finished.stderr
    queue = queues.adopt(json.loads(finished.stdout)["QueueUrl"])
    assert queue.name == name


def test_the_life_of_a_queue(aws, queues):
    name = unique_name("cli")
    url = aws("create-queue", "--queue-name", name, "--attributes", "DelaySeconds=3")["QueueUrl"]
    queues.adopt(url)
    assert aws("get-queue-url", "--queue-name", name) == {"QueueUrl": url}
    assert aws("list-queues", "--queue-name-prefix", name)["QueueUrls"] == [url]
    assert aws("set-queue-attributes", "--queue-url", url, "--attributes", "DelaySeconds=4") is None
    answer = aws("get-queue-attributes", "--queue-url", url, "--attribute-names", "DelaySeconds")
    assert answer == {"Attributes": {"DelaySeconds": "4"}}
    assert aws("delete-queue", "--queue-url", url) is None
    assert aws("list-queues", "--queue-name-prefix", name) is None


def test_the_life_of_a_message(aws, queues):
    queue = queues.standard("cli")
    sent = aws(
        "send-message",
        "--queue-url",
        queue.url,
        "--message-body",
        'a "quoted" body with ümläuts',
        "--message-attributes",
        json.dumps({"colour": {"DataType": "String", "StringValue": "blue"}}),
    )
    assert set(sent) == {"MessageId", "MD5OfMessageBody", "MD5OfMessageAttributes"}
    (message,) = aws(
        "receive-message", "--queue-url", queue.url, "--message-attribute-names", "All"
    )["Messages"]
    assert message["MessageId"] == sent["MessageId"]
    assert message["Body"] == 'a "quoted" body with ümläuts'
    assert message["MessageAttributes"] == {"colour": {"StringValue": "blue", "DataType": "String"}}
    handle = message["ReceiptHandle"]
    settle = ["--queue-url", queue.url, "--receipt-handle", handle]
    assert aws("change-message-visibility", *settle, "--visibility-timeout", "60") is None
    assert aws("delete-message", *settle) is None
    assert queue.counts() == (0, 0, 0)
    assert aws("receive-message", "--queue-url", queue.url) is None


def test_batches(aws, queues):
    queue = queues.standard("cli")
    entries = [{"Id": "a", "MessageBody": "good"}, {"Id": "b", "MessageBody": "bad \uffff"}]
    answer = aws("send-message-batch", "--queue-url", queue.url, "--entries", json.dumps(entries))
    assert [entry["Id"] for entry in answer["Successful"]] == ["a"]
    assert [entry["Code"] for entry in answer["Failed"]] == ["InvalidMessageContents"]
    message = queue.receive_one()
    entries = [{"Id": "x", "ReceiptHandle": message["ReceiptHandle"]}]
    answer = aws("delete-message-batch", "--queue-url", queue.url, "--entries", json.dumps(entries))
    assert answer == {"Successful": [{"Id": "x"}]}


def test_fifo(aws, queues):
    name = unique_name("cli", fifo=True)
    attributes = "FifoQueue=true,ContentBasedDeduplication=true"
    url = aws("create-queue", "--queue-name", name, "--attributes", attributes)["QueueUrl"]
    queue = queues.adopt(url)
    send = ["--queue-url", url, "--message-group-id", "g", "--message-body", "m"]
    first, second = aws("send-message", *send), aws("send-message", *send)
    assert first["SequenceNumber"] == second["SequenceNumber"]
    assert queue.bodies() == ["m"]


def test_tags_and_purge(aws, queues):
    queue = queues.standard("cli")
    queue.send()
    assert aws("tag-queue", "--queue-url", queue.url, "--tags", "a=1,b=2") is None
    assert aws("list-queue-tags", "--queue-url", queue.url) == {"Tags": {"a": "1", "b": "2"}}
    assert aws("untag-queue", "--queue-url", queue.url, "--tag-keys", "a", "b") is None
    assert aws("list-queue-tags", "--queue-url", queue.url) is None
    assert aws("purge-queue", "--queue-url", queue.url) is None
    assert queue.counts() == (0, 0, 0)


def test_permissions(aws, queues):
    queue = queues.standard("cli")
    who = ["--aws-account-ids", "111122223333", "--actions", "SendMessage"]
    assert aws("add-permission", "--queue-url", queue.url, "--label", "l", *who) is None
    assert json.loads(queue.attribute("Policy"))["Statement"][0]["Sid"] == "l"
    assert aws("remove-permission", "--queue-url", queue.url, "--label", "l") is None
    assert queue.attribute("Policy") is None


def test_redrive(aws, queues):
    source, dead = queues.with_dead_letters()
    dead.send("back")
    sources = aws("list-dead-letter-source-queues", "--queue-url", dead.url)
    assert sources == {"queueUrls": [source.url]}
    handle = aws(
        "start-message-move-task", "--source-arn", dead.arn, "--destination-arn", source.arn
    )["TaskHandle"]
    assert handle
    assert source.receive_one()["Body"] == "back"
    (task,) = aws("list-message-move-tasks", "--source-arn", dead.arn)["Results"]
    assert task["Status"] == "COMPLETED"


def test_errors_are_named(aws, queues):
    error = aws("get-queue-url", "--queue-name", unique_name("never"), fails=True)
    assert "(AWS.SimpleQueueService.NonExistentQueue)" in error
    assert "The specified queue does not exist." in error
    queue = queues.standard("cli")
    error = aws(
        "delete-message", "--queue-url", queue.url, "--receipt-handle", "garbage", fails=True
    )
    assert "(ReceiptHandleIsInvalid)" in error


def test_list_queues_pages_by_itself(aws, queues):
    prefix = unique_name("cli")
    urls = sorted(queues.create(f"{prefix}-{index}").url for index in range(5))
    answer = aws("list-queues", "--queue-name-prefix", prefix, "--page-size", "2")
    assert sorted(answer["QueueUrls"]) == urls
