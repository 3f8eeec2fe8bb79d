"""Properties that hold for any message, tried on generated ones."""

import string

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from support import characters, md5

pytestmark = pytest.mark.parametrize("sqs", ["json", "query"], indirect=True)

# One queue serves all examples of a test, which leave it empty.
steady = settings(
    max_examples=40,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

legal_text = st.text(
    st.characters(codec="utf-8").filter(characters.is_legal), min_size=1, max_size=200
)
names = st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=30).filter(
    lambda name: not name.lower().startswith(("aws", "amazon"))
)
suffixes = st.one_of(st.just(""), names.map(lambda name: "." + name))
numbers = st.one_of(st.integers(-(10**15), 10**15), st.decimals(-1000, 1000, places=3)).map(str)
values = st.one_of(
    st.builds(lambda s, v: {"DataType": "String" + s, "StringValue": v}, suffixes, legal_text),
    st.builds(lambda s, v: {"DataType": "Number" + s, "StringValue": v}, suffixes, numbers),
    st.builds(
        lambda s, v: {"DataType": "Binary" + s, "BinaryValue": v},
        suffixes,
        st.binary(min_size=1, max_size=100),
    ),
)


@steady
@given(body=legal_text)
@example(body="\r\n\r")
@example(body="&quot;&#xD;")
def test_any_legal_body_comes_back(queues, body):
    queue = one_queue(queues)
    sent = queue.send(body)
    assert sent["MD5OfMessageBody"] == md5.of_body(body)
    message = queue.receive_one(wait=0)
    queue.delete(message)
    assert message["Body"] == body
    assert message["MD5OfBody"] == md5.of_body(body)


@steady
@given(attributes=st.dictionaries(names, values, min_size=1, max_size=10), data=st.data())
def test_any_attributes_come_back_and_any_subset_is_summed(queues, attributes, data):
    # Drawn first: a draw may abandon the example, and would leave the message behind.
    wanted = data.draw(st.sets(st.sampled_from(sorted(attributes)), min_size=1))
    queue = one_queue(queues)
    sent = queue.send("m", MessageAttributes=attributes)
    assert sent["MD5OfMessageAttributes"] == md5.of_attributes(attributes)
    message = queue.receive_one(wait=0, MessageAttributeNames=sorted(wanted))
    queue.delete(message)
    subset = {name: attributes[name] for name in wanted}
    assert message["MessageAttributes"] == subset
    assert message["MD5OfMessageAttributes"] == md5.of_attributes(subset)


@steady
@given(tags=st.dictionaries(legal_text, legal_text, min_size=1, max_size=10))
def test_any_tags_come_back(queues, tags):
    queue = one_queue(queues)
    client = queue.client
    # Tags have limits of their own (128 and 256 characters) that these stay within.
    tags = {key[:100]: value for key, value in tags.items()}
    client.tag_queue(QueueUrl=queue.url, Tags=tags)
    listed = client.list_queue_tags(QueueUrl=queue.url)["Tags"]
    client.untag_queue(QueueUrl=queue.url, TagKeys=list(tags))
    assert listed == tags


def one_queue(queues):
    return queues.made[0] if queues.made else queues.standard("any")
