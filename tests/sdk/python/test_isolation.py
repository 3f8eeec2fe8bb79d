"""Regions and accounts: their queues don't see each other."""

import json
import re

import pytest

from support.clients import ANONYMOUS_KEY, sqs_client
from support.errors import refused
from support.queues import QueueMaker, keys_of, unique_name

pytestmark = pytest.mark.parametrize("sqs", ["json", "query"], indirect=True)

ACCOUNTS = ["111122223333", "444455556666"]
REGIONS = ["eu-west-1", "ap-southeast-2"]


@pytest.fixture
def makers(endpoint, sqs):
    """A queue maker for any region and access key."""
    made = []

    def maker(region="us-east-1", access_key=ANONYMOUS_KEY):
        protocol = sqs.meta.service_model.metadata["protocol"]
        made.append(QueueMaker(sqs_client(endpoint, protocol, region, access_key)))
        return made[-1]

    yield maker
    for one in made:
        one.clean_up()


@pytest.fixture(params=["regions", "accounts"])
def apart(request, makers):
    """Two queues of one name that differ in region or in account, and a third one's client."""
    if request.param == "regions":
        sides = [makers(region=region) for region in REGIONS]
        outsider = makers(region="sa-east-1").client
    else:
        sides = [makers(access_key=account) for account in ACCOUNTS]
        outsider = makers(access_key="777788889999").client
    name = unique_name("apart")
    return [side.create(name) for side in sides], outsider


def test_the_region_is_in_the_arn(makers):
    for region in REGIONS:
        queue = makers(region=region).standard()
        assert re.fullmatch(rf"arn:aws:sqs:{region}:\d{{12}}:{queue.name}", queue.arn)


def test_a_twelve_digit_access_key_is_the_account(makers):
    for account in ACCOUNTS:
        queue = makers(access_key=account).standard()
        assert queue.arn == f"arn:aws:sqs:us-east-1:{account}:{queue.name}"
        assert queue.url.endswith(f"/{account}/{queue.name}")


@pytest.mark.parametrize("key", ["AKIAIOSFODNN7EXAMPLE", "12345678901", "1234567890123", "x"])
def test_any_other_access_key_is_of_the_default_account(makers, key):
    default = makers().standard().url.split("/")[-2]
    assert makers(access_key=key).standard().url.split("/")[-2] == default


def test_one_name_is_two_queues(apart):
    (one, other), _ = apart
    assert one.arn != other.arn
    one.send("for one")
    assert one.bodies() == ["for one"]


def test_messages_stay_apart(apart):
    (one, other), _ = apart
    one.send("for one")
    other.send("for the other")
    assert one.bodies() == ["for one"]
    assert other.bodies() == ["for the other"]
    assert one.receive() == []
    assert other.receive() == []


def test_lists_stay_apart(apart):
    (one, other), outsider = apart
    for queue in [one, other]:
        listed = queue.client.list_queues(QueueNamePrefix=queue.name)["QueueUrls"]
        assert listed == [queue.url]
    assert keys_of(outsider.list_queues(QueueNamePrefix=one.name)) == set()


def test_names_resolve_apart(apart):
    (one, other), outsider = apart
    for queue in [one, other]:
        assert queue.client.get_queue_url(QueueName=queue.name)["QueueUrl"] == queue.url
    with refused(outsider, "QueueDoesNotExist"):
        outsider.get_queue_url(QueueName=one.name)


def test_attributes_stay_apart(apart):
    (one, other), _ = apart
    one.set(VisibilityTimeout=11)
    other.set(VisibilityTimeout=22)
    assert one.attribute("VisibilityTimeout") == "11"
    assert other.attribute("VisibilityTimeout") == "22"


def test_deletion_stays_apart(apart):
    (one, other), _ = apart
    other.send("still here")
    one.client.delete_queue(QueueUrl=one.url)
    assert other.bodies() == ["still here"]


def test_the_queue_of_an_owner_named_by_account(makers):
    owner, guest = ACCOUNTS
    queue = makers(access_key=owner).standard()
    answer = makers(access_key=guest).client.get_queue_url(
        QueueName=queue.name, QueueOwnerAWSAccountId=owner
    )
    assert answer["QueueUrl"] == queue.url


def redrive_to(target):
    return json.dumps({"deadLetterTargetArn": target.arn, "maxReceiveCount": 3})


def test_a_dead_letter_queue_is_of_the_same_region(makers):
    one, other = (makers(region=region) for region in REGIONS)
    source, there = one.standard(), other.standard()
    reason = "Dead-letter queue must be in the same region and account as the source."
    with refused(source.client, "InvalidParameterValue", ending=reason):
        source.set(RedrivePolicy=redrive_to(there))
    with refused(one.client, "InvalidParameterValue", ending=reason):
        one.create(unique_name("source"), RedrivePolicy=redrive_to(there))
    # One of the same name there changes nothing.
    here = one.create(there.name)
    source.set(RedrivePolicy=redrive_to(here))
    assert there.client.list_dead_letter_source_queues(QueueUrl=there.url).get("queueUrls", []) == []


def test_a_move_task_knows_queues_of_its_own_region_only(makers):
    one, other = (makers(region=region) for region in REGIONS)
    dead, there = one.standard(), other.standard()
    one.create(unique_name("source"), RedrivePolicy=redrive_to(dead))
    with refused(one.client, "ResourceNotFoundException"):
        one.client.start_message_move_task(SourceArn=dead.arn, DestinationArn=there.arn)
    with refused(other.client, "ResourceNotFoundException"):
        other.client.start_message_move_task(SourceArn=dead.arn)
    with refused(other.client, "ResourceNotFoundException"):
        other.client.list_message_move_tasks(SourceArn=dead.arn)
    task = one.client.start_message_move_task(SourceArn=dead.arn, MaxNumberOfMessagesPerSecond=1)
    with refused(other.client, "ResourceNotFoundException"):
        other.client.cancel_message_move_task(TaskHandle=task["TaskHandle"])


def test_a_queue_lets_sources_of_one_region_alone_use_it(makers):
    one, other = (makers(region=region) for region in REGIONS)
    dead, source = one.standard(), one.standard()
    elsewhere = other.create(source.name)
    allow = {"redrivePermission": "byQueue", "sourceQueueArns": [elsewhere.arn]}
    dead.set(RedriveAllowPolicy=json.dumps(allow))
    with refused(source.client, "InvalidParameterValue", containing="does not allow this queue"):
        source.set(RedrivePolicy=redrive_to(dead))
