"""Message system attributes: what a sender may set and what a receiver may ask for."""

import pytest

from support import md5
from support.errors import refused

HEADER = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1"


def trace(value=HEADER, data_type="String"):
    return {"AWSTraceHeader": {"DataType": data_type, "StringValue": value}}


@pytest.mark.parametrize("fifo", [False, True])
def test_trace_header_is_summed_and_kept(queues, fifo):
    queue = queues.fifo() if fifo else queues.standard()
    send = queue.send_fifo if fifo else queue.send
    sent = send("m", MessageSystemAttributes=trace())
    assert sent["MD5OfMessageSystemAttributes"] == md5.of_attributes(trace())
    assert "MD5OfMessageAttributes" not in sent
    message = queue.receive_one(MessageSystemAttributeNames=["AWSTraceHeader"])
    assert message["Attributes"] == {"AWSTraceHeader": HEADER}
    assert "MD5OfMessageAttributes" not in message


def test_the_documented_vector(queues):
    sample = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    documented = "5ae4d5d7636402d80f4eb6d213245a88"
    assert md5.of_attributes(trace(sample)) == documented
    sent = queues.standard().send("m", MessageSystemAttributes=trace(sample))
    assert sent["MD5OfMessageSystemAttributes"] == documented


def test_user_attributes_have_a_sum_of_their_own(queues):
    queue = queues.standard()
    user = {"a": {"DataType": "String", "StringValue": "v"}}
    sent = queue.send("m", MessageAttributes=user, MessageSystemAttributes=trace())
    assert sent["MD5OfMessageAttributes"] == md5.of_attributes(user)
    assert sent["MD5OfMessageSystemAttributes"] == md5.of_attributes(trace())
    message = queue.receive_one(
        MessageAttributeNames=["All"], MessageSystemAttributeNames=["AWSTraceHeader"]
    )
    assert message["MD5OfMessageAttributes"] == md5.of_attributes(user)


def test_system_attributes_do_not_count_towards_the_size(queues):
    queue = queues.standard(MaximumMessageSize=1024)
    queue.send("x" * 1024, MessageSystemAttributes=trace())
    assert queue.counts() == (1, 0, 0)


@pytest.mark.parametrize("name", ["SenderId", "SentTimestamp", "Foobar"])
def test_no_other_may_be_set(sqs, queues, name):
    queue = queues.standard()
    with refused(sqs, "InvalidParameterValue"):
        queue.send("m", MessageSystemAttributes={name: trace()["AWSTraceHeader"]})
    assert queue.counts() == (0, 0, 0)


def test_the_trace_header_must_be_a_string(sqs, queues):
    queue = queues.standard()
    with refused(sqs, "InvalidParameterValue"):
        queue.send("m", MessageSystemAttributes=trace("7", "Number"))


def test_an_http_trace_header_becomes_the_attribute(sqs, queues):
    queue = queues.standard()

    def add_header(request, **_):
        request.headers["X-Amzn-Trace-Id"] = HEADER

    sqs.meta.events.register("before-sign.sqs.SendMessage", add_header, unique_id="trace")
    try:
        sent = queue.send("m")
    finally:
        sqs.meta.events.unregister("before-sign.sqs.SendMessage", unique_id="trace")
    assert "MessageId" in sent
    message = queue.receive_one(MessageSystemAttributeNames=["All"])
    assert message["Attributes"]["AWSTraceHeader"] == HEADER


STANDARD = {
    "SenderId",
    "SentTimestamp",
    "ApproximateReceiveCount",
    "ApproximateFirstReceiveTimestamp",
}
FIFO = STANDARD | {"SequenceNumber", "MessageDeduplicationId", "MessageGroupId"}


@pytest.mark.parametrize("parameter", ["AttributeNames", "MessageSystemAttributeNames"])
def test_all_through_the_old_and_the_new_parameter(queues, parameter):
    standard, fifo = queues.standard(), queues.fifo()
    standard.send()
    fifo.send_fifo("m")
    assert set(standard.receive_one(**{parameter: ["All"]})["Attributes"]) == STANDARD
    assert set(fifo.receive_one(**{parameter: ["All"]})["Attributes"]) == FIFO


@pytest.mark.parametrize("parameter", ["AttributeNames", "MessageSystemAttributeNames"])
@pytest.mark.parametrize("name", sorted(FIFO))
def test_each_by_its_name(queues, parameter, name):
    queue = queues.fifo()
    queue.send_fifo("m")
    message = queue.receive_one(**{parameter: [name]})
    assert set(message["Attributes"]) == {name}
    assert message["Attributes"][name]


def test_both_parameters_together_add_up(queues):
    queue = queues.standard()
    queue.send()
    message = queue.receive_one(
        AttributeNames=["SenderId"], MessageSystemAttributeNames=["SentTimestamp"]
    )
    assert set(message["Attributes"]) == {"SenderId", "SentTimestamp"}


def test_what_the_message_does_not_have_is_absent(queues):
    queue = queues.standard()
    queue.send()
    message = queue.receive_one(
        MessageSystemAttributeNames=["AWSTraceHeader", "SequenceNumber", "DeadLetterQueueSourceArn"]
    )
    assert "Attributes" not in message
