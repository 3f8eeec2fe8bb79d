"""CreateQueue, GetQueueUrl, ListQueues, DeleteQueue, GetQueueAttributes, SetQueueAttributes, PurgeQueue."""

import re
import time

import pytest

from support.errors import refused
from support.queues import assert_void, is_uuid, keys_of, unique_name

pytestmark = pytest.mark.parametrize("sqs", ["json", "query"], indirect=True)

COMMON_ATTRIBUTES = {
    "VisibilityTimeout": "30",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "DelaySeconds": "0",
    "ReceiveMessageWaitTimeSeconds": "0",
    "ApproximateNumberOfMessages": "0",
    "ApproximateNumberOfMessagesNotVisible": "0",
    "ApproximateNumberOfMessagesDelayed": "0",
    "SqsManagedSseEnabled": "true",
}
FIFO_ATTRIBUTES = {
    "FifoQueue": "true",
    "ContentBasedDeduplication": "false",
    "DeduplicationScope": "queue",
    "FifoThroughputLimit": "perQueue",
}


def missing_url(queues):
    """The URL of a queue that was and is no more."""
    queue = queues.standard("gone")
    queue.client.delete_queue(QueueUrl=queue.url)
    return queue.url


class TestCreateQueue:
    def test_answers_the_url_and_nothing_else(self, sqs, queues, endpoint):
        name = unique_name("create")
        answer = sqs.create_queue(QueueName=name)
        queues.adopt(answer["QueueUrl"])
        assert keys_of(answer) == {"QueueUrl"}
        assert re.fullmatch(re.escape(endpoint) + r"/\d{12}/" + name, answer["QueueUrl"])

    def test_fifo(self, sqs, queues, endpoint):
        name = unique_name("create", fifo=True)
        answer = sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"})
        queues.adopt(answer["QueueUrl"])
        assert keys_of(answer) == {"QueueUrl"}
        assert re.fullmatch(re.escape(endpoint) + r"/\d{12}/" + re.escape(name), answer["QueueUrl"])

    def test_takes_attributes_and_tags(self, sqs, queues):
        queue = queues.standard("create", tags={"team": "blue", "empty": ""}, VisibilityTimeout=7)
        assert queue.attribute("VisibilityTimeout") == "7"
        assert sqs.list_queue_tags(QueueUrl=queue.url)["Tags"] == {"team": "blue", "empty": ""}

    def test_again_answers_the_same_url(self, sqs, queues):
        queue = queues.standard("again")
        assert sqs.create_queue(QueueName=queue.name)["QueueUrl"] == queue.url

    @pytest.mark.parametrize("length", [1, 80])
    def test_name_of_legal_length(self, queues, length):
        # One letter can't be unique, but create is idempotent and nobody else uses it.
        name = unique_name()[:length].ljust(length, "x") if length > 1 else "Y"
        assert queues.create(name).name == name

    def test_fifo_suffix_counts_towards_the_length(self, sqs, queues):
        base = unique_name()
        longest = base.ljust(75, "x") + ".fifo"
        assert queues.create(longest, FifoQueue=True).name == longest
        with refused(sqs, "InvalidParameterValue"):
            sqs.create_queue(
                QueueName=base.ljust(76, "x") + ".fifo", Attributes={"FifoQueue": "true"}
            )

    @pytest.mark.parametrize("name", ["x" * 81, "with space", "dot.ted", "sl/ash", "umläut"])
    def test_illegal_name(self, sqs, name):
        with refused(sqs, "InvalidParameterValue"):
            sqs.create_queue(QueueName=name)

    def test_unknown_attribute(self, sqs):
        with refused(sqs, "InvalidAttributeName", "Unknown Attribute Foobar."):
            sqs.create_queue(QueueName=unique_name(), Attributes={"Foobar": "1"})

    def test_read_only_attribute(self, sqs):
        with refused(sqs, "InvalidAttributeName"):
            sqs.create_queue(
                QueueName=unique_name(), Attributes={"ApproximateNumberOfMessages": "1"}
            )

    def test_fifo_attribute_on_a_standard_queue(self, sqs):
        name = "ContentBasedDeduplication"
        with refused(sqs, "InvalidAttributeName", f"Unknown Attribute {name}."):
            sqs.create_queue(QueueName=unique_name(), Attributes={name: "true"})

    def test_a_refused_creation_leaves_nothing(self, sqs):
        name = unique_name()
        with refused(sqs, "InvalidAttributeValue"):
            sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "-1"})
        with refused(sqs, "QueueDoesNotExist"):
            sqs.get_queue_url(QueueName=name)


class TestGetQueueUrl:
    @pytest.mark.parametrize("fifo", [False, True])
    def test_answers_the_url_that_create_gave(self, sqs, queues, fifo):
        queue = queues.fifo() if fifo else queues.standard()
        answer = sqs.get_queue_url(QueueName=queue.name)
        assert keys_of(answer) == {"QueueUrl"}
        assert answer["QueueUrl"] == queue.url

    def test_with_the_owner_named(self, sqs, queues):
        queue = queues.standard()
        account = queue.url.split("/")[-2]
        answer = sqs.get_queue_url(QueueName=queue.name, QueueOwnerAWSAccountId=account)
        assert answer["QueueUrl"] == queue.url

    def test_with_another_owner_named(self, sqs, queues):
        queue = queues.standard()
        with refused(sqs, "QueueDoesNotExist"):
            sqs.get_queue_url(QueueName=queue.name, QueueOwnerAWSAccountId="999999999999")

    def test_missing(self, sqs):
        with refused(sqs, "QueueDoesNotExist"):
            sqs.get_queue_url(QueueName=unique_name("never"))


class TestListQueues:
    def test_by_prefix(self, sqs, queues):
        prefix = unique_name("list")
        made = [queues.create(f"{prefix}-{letter}").url for letter in "cab"]
        made.append(queues.create(f"{prefix}-d.fifo", FifoQueue=True).url)
        queues.standard("other")
        answer = sqs.list_queues(QueueNamePrefix=prefix)
        assert keys_of(answer) == {"QueueUrls"}
        assert sorted(answer["QueueUrls"]) == sorted(made)

    def test_without_a_prefix(self, sqs, queues):
        queue = queues.standard()
        answer = sqs.list_queues()
        assert keys_of(answer) == {"QueueUrls"}
        assert queue.url in answer["QueueUrls"]

    def test_prefix_is_case_sensitive(self, sqs, queues):
        queue = queues.standard("Case")
        assert keys_of(sqs.list_queues(QueueNamePrefix=queue.name.upper())) == set()

    def test_none_leaves_the_key_out(self, sqs):
        assert keys_of(sqs.list_queues(QueueNamePrefix=unique_name("never"))) == set()


class TestDeleteQueue:
    @pytest.mark.parametrize("fifo", [False, True])
    def test_is_void_and_takes_the_messages_along(self, sqs, queues, fifo):
        queue = queues.fifo() if fifo else queues.standard()
        queue.send_fifo("old") if fifo else queue.send("old")
        assert_void(sqs.delete_queue(QueueUrl=queue.url))
        assert keys_of(sqs.list_queues(QueueNamePrefix=queue.name)) == set()
        # By default a name can be used again at once, and the new queue is empty.
        assert queues.create(queue.name, **({"FifoQueue": True} if fifo else {})).url == queue.url
        assert queue.receive() == []

    def test_of_a_missing_queue(self, sqs, queues):
        url = missing_url(queues)
        with refused(sqs, "QueueDoesNotExist"):
            sqs.delete_queue(QueueUrl=url)

    def test_every_queue_action_then_says_so(self, sqs, queues):
        queue = queues.standard("gone")
        queue.send()
        handle = queue.receive_one()["ReceiptHandle"]
        sqs.delete_queue(QueueUrl=queue.url)
        entry = {"Id": "a", "ReceiptHandle": handle}
        calls = {
            "add_permission": dict(Label="l", AWSAccountIds=["123456789012"], Actions=["*"]),
            "change_message_visibility": dict(ReceiptHandle=handle, VisibilityTimeout=1),
            "change_message_visibility_batch": dict(Entries=[entry | {"VisibilityTimeout": 1}]),
            "delete_message": dict(ReceiptHandle=handle),
            "delete_message_batch": dict(Entries=[entry]),
            "get_queue_attributes": dict(AttributeNames=["All"]),
            "list_dead_letter_source_queues": {},
            "list_queue_tags": {},
            "purge_queue": {},
            "receive_message": {},
            "remove_permission": dict(Label="l"),
            "send_message": dict(MessageBody="b"),
            "send_message_batch": dict(Entries=[{"Id": "a", "MessageBody": "b"}]),
            "set_queue_attributes": dict(Attributes={"VisibilityTimeout": "1"}),
            "tag_queue": dict(Tags={"a": "b"}),
            "untag_queue": dict(TagKeys=["a"]),
        }
        for call, parameters in calls.items():
            with refused(sqs, "QueueDoesNotExist"):
                getattr(sqs, call)(QueueUrl=queue.url, **parameters)


class TestGetQueueAttributes:
    def test_all_of_a_standard_queue(self, sqs, queues):
        before = int(time.time())
        queue = queues.standard()
        answer = sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["All"])
        assert keys_of(answer) == {"Attributes"}
        attributes = answer["Attributes"]
        arn = attributes.pop("QueueArn")
        account = queue.url.split("/")[-2]
        assert arn == f"arn:aws:sqs:us-east-1:{account}:{queue.name}"
        created = attributes.pop("CreatedTimestamp")
        assert attributes.pop("LastModifiedTimestamp") == created
        assert before - 1 <= int(created) <= int(time.time()) + 1, "seconds, not milliseconds"
        assert attributes == COMMON_ATTRIBUTES

    def test_all_of_a_fifo_queue(self, queues):
        attributes = queues.fifo().attributes("All")
        for name in ["QueueArn", "CreatedTimestamp", "LastModifiedTimestamp"]:
            assert attributes.pop(name)
        assert attributes == COMMON_ATTRIBUTES | FIFO_ATTRIBUTES

    def test_only_the_named_ones(self, queues):
        queue = queues.standard(DelaySeconds=3)
        assert queue.attributes("DelaySeconds") == {"DelaySeconds": "3"}
        assert set(queue.attributes("DelaySeconds", "QueueArn")) == {"DelaySeconds", "QueueArn"}

    def test_unset_ones_are_absent(self, sqs, queues):
        queue = queues.standard()
        unset = ["Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId"]
        answer = sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=unset)
        assert answer.get("Attributes", {}) == {}
        assert not set(unset) & set(queue.attributes("All"))

    def test_counts_follow_the_messages(self, queues):
        queue = queues.standard()
        assert queue.counts() == (0, 0, 0)
        queue.send_many(["a", "b", "c"])
        queue.send("later", DelaySeconds=900)
        assert queue.counts() == (3, 0, 1)
        taken = queue.receive_one()
        assert queue.counts() == (2, 1, 1)
        queue.delete(taken)
        assert queue.counts() == (2, 0, 1)


class TestSetQueueAttributes:
    def test_is_void_and_keeps_the_others(self, sqs, queues):
        queue = queues.standard(DelaySeconds=4)
        assert_void(queue.set(VisibilityTimeout=11, MaximumMessageSize=2048))
        attributes = queue.attributes("All")
        assert attributes["VisibilityTimeout"] == "11"
        assert attributes["MaximumMessageSize"] == "2048"
        assert attributes["DelaySeconds"] == "4"

    def test_moves_the_time_of_last_modification(self, queues):
        queue = queues.standard()
        created = queue.attribute("CreatedTimestamp")
        time.sleep(1.01)
        queue.set(VisibilityTimeout=12)
        attributes = queue.attributes("CreatedTimestamp", "LastModifiedTimestamp")
        assert attributes["CreatedTimestamp"] == created
        assert int(attributes["LastModifiedTimestamp"]) > int(created)

    def test_fifo(self, queues):
        queue = queues.fifo()
        assert_void(queue.set(ContentBasedDeduplication=True, DeduplicationScope="messageGroup"))
        attributes = queue.attributes("ContentBasedDeduplication", "DeduplicationScope")
        assert attributes == {
            "ContentBasedDeduplication": "true",
            "DeduplicationScope": "messageGroup",
        }

    def test_unknown_name(self, sqs, queues):
        queue = queues.standard()
        with refused(sqs, "InvalidAttributeName", "Unknown Attribute Foobar."):
            queue.set(Foobar=1)

    @pytest.mark.parametrize(
        "name", ["QueueArn", "CreatedTimestamp", "ApproximateNumberOfMessages"]
    )
    def test_read_only_name(self, sqs, queues, name):
        queue = queues.standard()
        before = queue.attribute(name)
        with refused(sqs, "InvalidAttributeName"):
            queue.set(**{name: "1"})
        assert queue.attribute(name) == before

    def test_one_bad_value_changes_nothing(self, sqs, queues):
        queue = queues.standard()
        with refused(sqs, "InvalidAttributeValue"):
            queue.set(VisibilityTimeout=5, DelaySeconds=901)
        assert queue.attribute("VisibilityTimeout") == "30"


class TestPurgeQueue:
    @pytest.mark.parametrize("fifo", [False, True])
    def test_is_void_and_empties(self, queues, fifo):
        queue = queues.fifo() if fifo else queues.standard()
        bodies = [f"m{index}" for index in range(12)]
        queue.send_many(bodies, **({"MessageGroupId": "g"} if fifo else {}))
        assert_void(queue.purge())
        assert queue.counts() == (0, 0, 0)
        assert queue.receive() == []
        queue.send_fifo("new") if fifo else queue.send("new")
        assert queue.bodies() == ["new"]

    def test_may_be_repeated_at_once_by_default(self, queues):
        queue = queues.standard()
        assert_void(queue.purge())
        assert_void(queue.purge())


def test_every_answer_has_its_own_request_id(sqs, queues):
    queue = queues.standard()
    ids = [queue.send()["ResponseMetadata"]["RequestId"] for _ in range(5)]
    assert all(is_uuid(request_id) for request_id in ids)
    assert len(set(ids)) == 5
