"""Queue attributes: ranges, defaults, encryption."""

import pytest

from support.errors import refused
from support.queues import redrive_policy, unique_name

RANGES = {
    "VisibilityTimeout": (0, 43200),
    "MaximumMessageSize": (1024, 1048576),
    "MessageRetentionPeriod": (60, 1209600),
    "DelaySeconds": (0, 900),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "KmsDataKeyReusePeriodSeconds": (60, 86400),
}


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("end", [0, 1])
def test_the_ends_of_the_range_are_legal(queues, name, end):
    value = RANGES[name][end]
    created = queues.standard(**{name: value})
    assert created.attribute(name) == str(value)
    changed = queues.standard()
    changed.set(**{name: value})
    assert changed.attribute(name) == str(value)


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("beyond", ["below", "above", "word", "fraction", "empty"])
def test_beyond_the_range(sqs, queues, name, beyond):
    low, high = RANGES[name]
    value = {"below": low - 1, "above": high + 1, "word": "x", "fraction": "99.5", "empty": ""}[
        beyond
    ]
    text = f"Invalid value for the parameter {name}."
    with refused(sqs, "InvalidAttributeValue", containing=text):
        sqs.create_queue(QueueName=unique_name(), Attributes={name: str(value)})
    queue = queues.standard()
    before = queue.attribute(name)
    with refused(sqs, "InvalidAttributeValue", containing=text):
        queue.set(**{name: value})
    assert queue.attribute(name) == before


@pytest.mark.parametrize("name", ["ContentBasedDeduplication", "SqsManagedSseEnabled"])
def test_booleans_are_true_or_false(sqs, queues, name):
    queue = queues.fifo()
    for value in ["true", "false"]:
        queue.set(**{name: value})
        assert queue.attribute(name) == value
    with refused(sqs, "InvalidAttributeValue"):
        queue.set(**{name: "maybe"})


def test_a_smaller_maximum_leaves_sent_messages_alone(sqs, queues):
    queue = queues.standard()
    queue.send("x" * 2000)
    queue.set(MaximumMessageSize=1024)
    assert len(queue.receive_one()["Body"]) == 2000
    with refused(sqs, "InvalidParameterValue"):
        queue.send("x" * 2000)


def test_a_new_visibility_timeout_holds_from_the_next_receive_on(queues):
    queue = queues.standard(VisibilityTimeout=600)
    queue.send("early")
    queue.receive_one()
    queue.set(VisibilityTimeout=1)
    queue.send("late")
    assert queue.receive_one()["Body"] == "late"
    assert queue.receive_one(wait=3)["Body"] == "late"
    assert queue.counts()[1] == 2


class TestEncryption:
    def test_kms_on_creation(self, queues):
        queue = queues.standard(KmsMasterKeyId="key", KmsDataKeyReusePeriodSeconds=6000)
        attributes = queue.attributes("All")
        assert attributes["KmsMasterKeyId"] == "key"
        assert attributes["KmsDataKeyReusePeriodSeconds"] == "6000"
        assert attributes["SqsManagedSseEnabled"] == "false"

    def test_the_reuse_period_has_a_default_once_there_is_a_key(self, queues):
        queue = queues.standard(KmsMasterKeyId="key")
        assert queue.attribute("KmsDataKeyReusePeriodSeconds") == "300"

    def test_sse_off_and_on(self, queues):
        queue = queues.standard(SqsManagedSseEnabled=False)
        assert queue.attribute("SqsManagedSseEnabled") == "false"
        queue.set(SqsManagedSseEnabled=True)
        assert queue.attribute("SqsManagedSseEnabled") == "true"

    def test_switching_sse_on_needs_the_key_gone(self, queues):
        queue = queues.standard(KmsMasterKeyId="key")
        queue.set(KmsMasterKeyId="")
        queue.set(SqsManagedSseEnabled=True)
        attributes = queue.attributes("All")
        assert attributes["SqsManagedSseEnabled"] == "true"
        assert "KmsMasterKeyId" not in attributes

    def test_a_key_with_sse_off_in_one_call(self, queues):
        queue = queues.standard()
        queue.set(KmsMasterKeyId="key", SqsManagedSseEnabled=False)
        attributes = queue.attributes("KmsMasterKeyId", "SqsManagedSseEnabled")
        assert attributes == {"KmsMasterKeyId": "key", "SqsManagedSseEnabled": "false"}

    def test_messages_flow_all_the_same(self, queues):
        queue = queues.standard(KmsMasterKeyId="alias/aws/sqs")
        queue.send("secret")
        assert queue.bodies() == ["secret"]

    def test_key_and_period_taken_off(self, queues):
        queue = queues.standard(KmsMasterKeyId="key", KmsDataKeyReusePeriodSeconds=6000)
        queue.set(KmsMasterKeyId="", KmsDataKeyReusePeriodSeconds=300)
        attributes = queue.attributes("All")
        assert "KmsMasterKeyId" not in attributes
        assert "KmsDataKeyReusePeriodSeconds" not in attributes

    def test_both_at_once_are_refused(self, sqs, queues):
        queue = queues.standard()
        text = (
            "You can use one type of server-side encryption (SSE) at one time. You can either "
            "enable KMS SSE or SQS SSE."
        )
        with refused(sqs, "InvalidAttributeName", text):
            queue.set(KmsMasterKeyId="key", SqsManagedSseEnabled=True)

    def test_sse_on_takes_the_key_off(self, queues):
        queue = queues.standard(KmsMasterKeyId="key")
        queue.set(SqsManagedSseEnabled=True)
        attributes = queue.attributes("All")
        assert attributes["SqsManagedSseEnabled"] == "true"
        assert "KmsMasterKeyId" not in attributes


@pytest.mark.parametrize(
    "name, value", [("DeduplicationScope", "queue"), ("FifoThroughputLimit", "perQueue")]
)
def test_modes_of_fifo_queues_on_a_standard_one(sqs, queues, name, value):
    text = f"You can specify the {name} only when FifoQueue is set to true."
    with refused(sqs, "InvalidAttributeName", text):
        queues.standard().set(**{name: value})
    with refused(sqs, "InvalidAttributeName", text):
        queues.standard(**{name: value})


def test_content_based_deduplication_is_unknown_to_a_standard_queue(sqs, queues):
    text = "Unknown Attribute ContentBasedDeduplication."
    with refused(sqs, "InvalidAttributeName", text):
        queues.standard().set(ContentBasedDeduplication=True)


def test_creating_again_with_a_policy_taken_off_is_another_queue(sqs, queues):
    dead = queues.standard("dead")
    queue = queues.standard("source", RedrivePolicy=redrive_policy(dead))
    with refused(sqs, "QueueNameExists", containing="RedrivePolicy"):
        queues.create(queue.name, RedrivePolicy="")
    assert queues.create(dead.name, RedrivePolicy="").url == dead.url
