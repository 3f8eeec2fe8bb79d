"""Pages of ListQueues and ListDeadLetterSourceQueues."""

import pytest

from support.errors import refused
from support.pipeline import call_all
from support.queues import keys_of, redrive_policy, unique_name

pytestmark = pytest.mark.parametrize("sqs", ["json", "query"], indirect=True)


def pages(call, key, **parameters):
    """Follows NextToken to the end; every page but the last has one."""
    token, collected = None, []
    while True:
        answer = call(**parameters, **({"NextToken": token} if token else {}))
        collected.append(answer.get(key, []))
        token = answer.get("NextToken")
        if token is None:
            return collected
        assert keys_of(answer) == {key, "NextToken"}
        assert len(collected) < 100, "the pages never end"


@pytest.fixture
def seven(queues):
    prefix = unique_name("page")
    return prefix, sorted(queues.create(f"{prefix}-{index}").url for index in range(7))


@pytest.mark.parametrize("size, count", [(1, 7), (3, 3), (6, 2), (7, 1), (1000, 1)])
def test_list_queues(sqs, seven, size, count):
    prefix, urls = seven
    got = pages(sqs.list_queues, "QueueUrls", QueueNamePrefix=prefix, MaxResults=size)
    assert all(len(page) <= size for page in got)
    assert [url for page in got for url in page if url] == sorted(urls)
    # A full last page may be followed by an empty one, as the service does.
    assert len([page for page in got if page]) == count


def test_list_queues_without_maximum_has_no_token(sqs, seven):
    prefix, urls = seven
    answer = sqs.list_queues(QueueNamePrefix=prefix)
    assert keys_of(answer) == {"QueueUrls"}
    assert sorted(answer["QueueUrls"]) == urls


def test_boto3s_own_paginator(sqs, seven):
    prefix, urls = seven
    paginator = sqs.get_paginator("list_queues")
    got = [
        url
        for page in paginator.paginate(QueueNamePrefix=prefix, PaginationConfig={"PageSize": 2})
        for url in page.get("QueueUrls", [])
    ]
    assert sorted(got) == urls


@pytest.mark.parametrize("maximum", [0, -1, 1001])
def test_illegal_maximum(sqs, queues, maximum):
    queue = queues.standard()
    with refused(sqs, "InvalidParameterValue"):
        sqs.list_queues(MaxResults=maximum)
    with refused(sqs, "InvalidParameterValue"):
        sqs.list_dead_letter_source_queues(QueueUrl=queue.url, MaxResults=maximum)


def test_a_queue_deleted_between_pages_does_no_harm(sqs, seven):
    prefix, urls = seven
    first = sqs.list_queues(QueueNamePrefix=prefix, MaxResults=3)
    sqs.delete_queue(QueueUrl=first["QueueUrls"][-1])
    rest = sqs.list_queues(QueueNamePrefix=prefix, MaxResults=10, NextToken=first["NextToken"])
    assert sorted(first["QueueUrls"] + rest["QueueUrls"]) == urls


def test_a_garbage_token(sqs, queues):
    queue = queues.standard()
    with refused(sqs, "InvalidParameterValue"):
        sqs.list_queues(MaxResults=1, NextToken="garbage")
    with refused(sqs, "InvalidParameterValue"):
        sqs.list_dead_letter_source_queues(QueueUrl=queue.url, MaxResults=1, NextToken="garbage")


@pytest.mark.parametrize("size, count", [(2, 3), (5, 1)])
def test_list_dead_letter_source_queues(sqs, queues, size, count):
    dead = queues.standard("dead")
    sources = [
        queues.standard(f"s{index}", RedrivePolicy=redrive_policy(dead)) for index in range(5)
    ]
    got = pages(sqs.list_dead_letter_source_queues, "queueUrls", QueueUrl=dead.url, MaxResults=size)
    assert all(len(page) <= size for page in got)
    assert sorted(url for page in got for url in page) == sorted(queue.url for queue in sources)
    assert len([page for page in got if page]) == count


def test_more_than_a_thousand(sqs, endpoint):
    """Without MaxResults at most a thousand come, and there is no way to the rest."""
    prefix = unique_name("k")
    names = [f"{prefix}-{index}" for index in range(1001)]
    made = call_all(endpoint, "CreateQueue", [{"QueueName": name} for name in names])
    urls = [answer["QueueUrl"] for answer in made]
    try:
        answer = sqs.list_queues(QueueNamePrefix=prefix)
        assert keys_of(answer) == {"QueueUrls"}
        assert len(answer["QueueUrls"]) == 1000
        got = pages(sqs.list_queues, "QueueUrls", QueueNamePrefix=prefix, MaxResults=1000)
        assert sorted(url for page in got for url in page) == sorted(urls)
    finally:
        call_all(endpoint, "DeleteQueue", [{"QueueUrl": url} for url in urls])
