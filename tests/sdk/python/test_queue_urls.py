"""The forms of queue URLs that are understood, and the host that is answered."""

from urllib.parse import urlsplit

import pytest
import requests

from support.clients import sqs_client
from support.errors import refused
from support.queues import QueueMaker, unique_name

REGION = "eu-central-1"


@pytest.fixture
def queue(endpoint):
    """Not in the default region, so that a form that says nothing of it relies on the signature."""
    maker = QueueMaker(sqs_client(endpoint, region=REGION))
    yield maker.standard("url")
    maker.clean_up()


FORMS = {
    "path": "http://{host}/{account}/{name}",
    "https": "https://{host}/{account}/{name}",
    "other host": "http://sqs.internal:1234/{account}/{name}",
    "service": "https://sqs.{region}.amazonaws.com/{account}/{name}",
    "service of another host": "http://sqs.{region}.localhost.localstack.cloud:4566/{account}/{name}",
    "queue host with region": "https://{region}.queue.amazonaws.com/{account}/{name}",
    "queue host": "http://queue.localhost:4566/{account}/{name}",
    "path with region": "http://{host}/queue/{region}/{account}/{name}",
    "bare name": "{name}",
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_names_the_queue(endpoint, queue, form):
    url = FORMS[form].format(
        host=urlsplit(endpoint).netloc,
        account=queue.url.split("/")[-2],
        name=queue.name,
        region=REGION,
    )
    client = queue.client
    sent = client.send_message(QueueUrl=url, MessageBody=form)
    (message,) = client.receive_message(QueueUrl=url)["Messages"]
    assert (message["MessageId"], message["Body"]) == (sent["MessageId"], form)
    client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert queue.counts() == (0, 0, 0)


@pytest.mark.parametrize("form", ["service", "queue host with region", "path with region"])
def test_a_region_in_the_url_is_not_the_default_one(sqs, endpoint, queues, form):
    """The same name exists in the default region as well; the URL's region must win there."""
    name = unique_name("url")
    here = queues.create(name)
    there = queues.create(name, client=sqs_client(endpoint, region=REGION))
    url = FORMS[form].format(
        host=urlsplit(endpoint).netloc,
        account=here.url.split("/")[-2],
        name=name,
        region=REGION,
    )
    there.client.send_message(QueueUrl=url, MessageBody="there")
    assert here.counts() == (0, 0, 0)
    assert there.counts() == (1, 0, 0)


@pytest.mark.parametrize(
    "url", ["http://{host}/", "http://{host}/{account}", "http://{host}/{account}/no such", ""]
)
def test_nonsense_names_no_queue(sqs, endpoint, url):
    nonsense = url.format(host=urlsplit(endpoint).netloc, account="000000000000")
    with pytest.raises(sqs.exceptions.ClientError) as caught:
        sqs.send_message(QueueUrl=nonsense, MessageBody="m")
    metadata = caught.value.response["ResponseMetadata"]
    assert 400 <= metadata["HTTPStatusCode"] < 500


def test_a_wrong_account_in_the_url(sqs, queues):
    queue = queues.standard()
    account = queue.url.split("/")[-2]
    with refused(sqs, "QueueDoesNotExist"):
        sqs.send_message(QueueUrl=queue.url.replace(account, "999999999999"), MessageBody="m")


class TestAnsweredHost:
    HOSTS = ["queue.example.test", "queue.example.test:8080", "10.1.2.3:9324", "lclq", "[::1]:9324"]

    def call(self, endpoint, host, operation, payload):
        response = requests.post(
            endpoint,
            json=payload,
            headers={
                "Host": host,
                "Content-Type": "application/x-amz-json-1.0",
                "X-Amz-Target": f"AmazonSQS.{operation}",
            },
            timeout=10,
        )
        assert response.status_code == 200
        return response.json()

    @pytest.mark.parametrize("host", HOSTS)
    def test_is_the_one_that_the_request_came_with(self, endpoint, queues, host):
        name = unique_name("host")
        created = self.call(endpoint, host, "CreateQueue", {"QueueName": name})["QueueUrl"]
        queue = queues.adopt(created)
        account = created.split("/")[-2]
        assert created == f"http://{host}/{account}/{name}"
        got = self.call(endpoint, host, "GetQueueUrl", {"QueueName": name})["QueueUrl"]
        assert got == created
        listed = self.call(endpoint, host, "ListQueues", {"QueueNamePrefix": name})["QueueUrls"]
        assert listed == [created]
        # And it is understood again, whatever the host that this request comes with.
        queue.send("m")
        assert queue.bodies() == ["m"]

    def test_of_the_sources_of_a_dead_letter_queue(self, endpoint, queues):
        source, dead = queues.with_dead_letters()
        answer = self.call(
            endpoint, "other.test:1", "ListDeadLetterSourceQueues", {"QueueUrl": dead.url}
        )
        account = source.url.split("/")[-2]
        assert answer["queueUrls"] == [f"http://other.test:1/{account}/{source.name}"]


def test_requests_to_the_queues_url_itself(endpoint, queues):
    """JavaScript's client takes the queue's URL for the endpoint."""
    queue = queues.standard()
    payload = {"QueueUrl": queue.url, "MessageBody": "sent to the URL"}
    response = requests.post(
        queue.url,
        json=payload,
        headers={
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": "AmazonSQS.SendMessage",
        },
        timeout=10,
    )
    assert response.status_code == 200
    assert queue.bodies() == ["sent to the URL"]


@pytest.mark.parametrize("protocol", ["json", "query"])
@pytest.mark.parametrize("url", ["http://{host}", "http://{host}/"])
def test_a_url_without_a_path_names_no_queue(endpoint, protocol, url):
    client = sqs_client(endpoint, protocol)
    with refused(client, "QueueDoesNotExist"):
        client.receive_message(QueueUrl=url.format(host=urlsplit(endpoint).netloc))
