"""TagQueue, UntagQueue, ListQueueTags."""

import pytest

from support.errors import refused
from support.queues import assert_void, keys_of

pytestmark = pytest.mark.parametrize("sqs", ["json", "query"], indirect=True)

KEY_LENGTH = "Tag keys must be between 1 and 128 characters in length."


@pytest.fixture(params=["standard", "fifo"])
def queue(request, queues):
    return getattr(queues, request.param)("tags")


def tags_of(queue):
    return queue.client.list_queue_tags(QueueUrl=queue.url).get("Tags")


def test_tag_adds_and_overwrites(sqs, queue):
    assert_void(sqs.tag_queue(QueueUrl=queue.url, Tags={"a": "1", "b": "2"}))
    assert_void(sqs.tag_queue(QueueUrl=queue.url, Tags={"b": "two", "c": ""}))
    answer = sqs.list_queue_tags(QueueUrl=queue.url)
    assert keys_of(answer) == {"Tags"}
    assert answer["Tags"] == {"a": "1", "b": "two", "c": ""}


def test_keys_are_case_sensitive(sqs, queue):
    sqs.tag_queue(QueueUrl=queue.url, Tags={"Team": "1", "team": "2"})
    assert tags_of(queue) == {"Team": "1", "team": "2"}


def test_any_unicode(sqs, queue):
    tags = {"größe": "zwölf & <mehr>", "鍵": '"値"'}
    sqs.tag_queue(QueueUrl=queue.url, Tags=tags)
    assert tags_of(queue) == tags


def test_untag_removes_only_the_named(sqs, queue):
    sqs.tag_queue(QueueUrl=queue.url, Tags={"a": "1", "b": "2", "c": "3"})
    assert_void(sqs.untag_queue(QueueUrl=queue.url, TagKeys=["a", "c"]))
    assert tags_of(queue) == {"b": "2"}


def test_untag_of_an_unknown_key_is_no_error(sqs, queue):
    sqs.tag_queue(QueueUrl=queue.url, Tags={"a": "1"})
    assert_void(sqs.untag_queue(QueueUrl=queue.url, TagKeys=["never"]))
    assert tags_of(queue) == {"a": "1"}


def test_the_last_untag_leaves_no_tags_key(sqs, queue):
    sqs.tag_queue(QueueUrl=queue.url, Tags={"a": "1"})
    sqs.untag_queue(QueueUrl=queue.url, TagKeys=["a"])
    assert keys_of(sqs.list_queue_tags(QueueUrl=queue.url)) == set()


def test_creating_again_with_other_tags_keeps_the_old_ones(sqs, queues):
    queue = queues.standard("tags", tags={"a": "1"})
    answer = sqs.create_queue(QueueName=queue.name, tags={"b": "2"})
    assert answer["QueueUrl"] == queue.url
    assert "a" in tags_of(queue)


def test_tags_do_not_survive_deletion(sqs, queues):
    queue = queues.standard("tags", tags={"a": "1"})
    sqs.delete_queue(QueueUrl=queue.url)
    queues.create(queue.name)
    assert tags_of(queue) is None


def test_untag_needs_keys(sqs, queue):
    sqs.tag_queue(QueueUrl=queue.url, Tags={"kept": "1"})
    for keys, shape, text in [
        ([], "MissingParameter", "The request must contain the parameter TagKeys."),
        ([""], "InvalidParameterValue", KEY_LENGTH),
        (["kept", "k" * 129], "InvalidParameterValue", KEY_LENGTH),
    ]:
        with refused(sqs, shape, text):
            sqs.untag_queue(QueueUrl=queue.url, TagKeys=keys)
    assert tags_of(queue) == {"kept": "1"}
    assert_void(sqs.untag_queue(QueueUrl=queue.url, TagKeys=["k" * 128]))


@pytest.mark.parametrize(
    "tags, text",
    [
        ({"": "v"}, "Tag keys must be between 1 and 128 characters in length."),
        ({"k" * 129: "v"}, "Tag keys must be between 1 and 128 characters in length."),
        ({"k": "v" * 257}, "Tag values must be between 0 and 256 characters in length."),
        ({"aws:k": "v"}, "Tag keys must not start with aws:."),
        (
            {f"k{index}": "v" for index in range(51)},
            "Too many tags added for queue. At most 50 are allowed.",
        ),
    ],
    ids=["empty key", "long key", "long value", "aws:", "51 tags"],
)
def test_illegal_tags(sqs, queue, tags, text):
    with refused(sqs, "InvalidParameterValue", text):
        sqs.tag_queue(QueueUrl=queue.url, Tags=tags)
    assert not tags_of(queue)


def test_tags_are_needed(sqs, queue):
    with refused(sqs, "MissingParameter", "The request must contain the parameter Tags."):
        sqs.tag_queue(QueueUrl=queue.url, Tags={})
