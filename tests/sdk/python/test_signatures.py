"""What a server that enforces signatures makes of botocore's signer: right keys and wrong ones,
sessions, clocks that are off, URLs signed beforehand and forms signed by hand. LCLQ_SIGNED_ENDPOINT
names that server.
"""

import datetime
import hashlib
import os
import time
from urllib.parse import urlencode

import botocore.auth
import pytest
import requests
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from support.clients import DEFAULT_REGION, sqs_client
from support.errors import refused, successful_ids
from support.query import VERSION, Answer
from support.queues import QueueMaker

WRONG_SECRET = "not-the-secret-of-this-key"
MISMATCH = "The request signature we calculated does not match the signature you provided."
UNKNOWN_KEY = "The security token included in the request is invalid."

both_protocols = pytest.mark.parametrize("protocol", ["json", "query"])


def given(name):
    value = os.environ.get(name)
    if not value:
        pytest.fail(f"{name} must be set, of a server that was started with --sqs-auth enforce")
    return value


def signed_endpoint():
    return given("LCLQ_SIGNED_ENDPOINT").rstrip("/")


def signed_client(protocol="json", **other):
    key = {"access_key": given("LCLQ_SIGNED_ID"), "secret": given("LCLQ_SIGNED_SECRET")}
    return sqs_client(signed_endpoint(), protocol, **(key | other))


def session_client(protocol="json", **other):
    key = {
        "access_key": given("LCLQ_SESSION_ID"),
        "secret": given("LCLQ_SESSION_SECRET"),
        "token": given("LCLQ_SESSION_TOKEN"),
    }
    return sqs_client(signed_endpoint(), protocol, **(key | other))


def works_by(client):
    """Does with a queue of its own what clients do."""
    made = QueueMaker(client)
    try:
        queue = made.standard("signed")
        assert "/111122223333/" in queue.url
        queue.send("signed: ü & = + %20")
        message = queue.receive_one()
        assert message["Body"] == "signed: ü & = + %20"
        queue.delete(message)
        entries = [{"Id": entry, "MessageBody": entry} for entry in ["a", "b"]]
        assert successful_ids(queue.send_batch(entries)) == ["a", "b"]
        client.delete_queue(QueueUrl=queue.url)
    finally:
        made.clean_up()


def refuses_to_list(client, code, text):
    with refused(client, code) as caught:
        client.list_queues()
    assert caught.value.response["Error"]["Message"].startswith(text)
    return caught.value.response["Error"]


@both_protocols
def test_the_right_key_works_for_its_account(protocol):
    works_by(signed_client(protocol))


@both_protocols
def test_a_wrong_secret_is_refused(protocol):
    wrong = signed_client(protocol, secret=WRONG_SECRET)
    error = refuses_to_list(wrong, "SignatureDoesNotMatch", MISMATCH)
    if protocol == "json":
        assert error["QueryErrorCode"] == "InvalidSignatureException"


@both_protocols
def test_an_unknown_key_is_refused(protocol):
    unknown = signed_client(protocol, access_key="AKIAIOSFODNN7EXAMPLE")
    error = refuses_to_list(unknown, "InvalidClientTokenId", UNKNOWN_KEY)
    if protocol == "json":
        assert error["QueryErrorCode"] == "UnrecognizedClientException"


@both_protocols
def test_a_session_works_with_its_token_alone(protocol):
    works_by(session_client(protocol))
    for token in [None, "another session's token"]:
        other = session_client(protocol, token=token)
        refuses_to_list(other, "InvalidClientTokenId", UNKNOWN_KEY)


@both_protocols
@pytest.mark.parametrize(
    "minutes, text", [(-20, "Signature expired: "), (20, "Signature not yet current: ")]
)
def test_a_clock_that_is_off_is_refused(monkeypatch, protocol, minutes, text):
    now = botocore.auth.get_current_datetime
    off = datetime.timedelta(minutes=minutes)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: now() + off)
    refuses_to_list(signed_client(protocol), "SignatureDoesNotMatch", text)


class TestPresignedUrls:
    @staticmethod
    def presigned(client, seconds):
        # Only the Query protocol's parameters have a place in a URL.
        return client.generate_presigned_url("list_queues", ExpiresIn=seconds, HttpMethod="GET")

    @staticmethod
    def fetched(url):
        return Answer(requests.get(url, timeout=30), "ListQueues")

    def refused(self, url, text):
        answer = self.fetched(url)
        assert answer.status == 403
        assert answer.error["Code"] == "SignatureDoesNotMatch"
        assert answer.error["Message"].startswith(text)

    def test_one_works_until_it_expires(self):
        # A second is the least that dates tell, so one of a single second may be over at once.
        url = self.presigned(signed_client("query"), 2)
        assert f"?Action=ListQueues&Version={VERSION}&X-Amz-" in url
        assert self.fetched(url).status == 200
        time.sleep(2.2)
        self.refused(url, "Signature expired: ")

    def test_one_of_a_session(self):
        url = self.presigned(session_client("query"), 60)
        assert "X-Amz-Security-Token=" in url
        assert self.fetched(url).status == 200

    @pytest.mark.parametrize(
        "old, new", [(VERSION, "2012-11-06"), ("X-Amz-Expires=60", "X-Amz-Expires=90")]
    )
    def test_a_changed_one_is_refused(self, old, new):
        url = self.presigned(signed_client("query"), 60)
        assert old in url
        self.refused(url.replace(old, new), MISMATCH)


class TestForms:
    """Requests as older libraries send them, signed by botocore's signer without its clients."""

    FORM = urlencode({"Action": "ListQueues", "Version": VERSION, "QueueNamePrefix": "ü & +"})
    OTHER = FORM.replace("ListQueues", "CreateQueue")
    HASH = hashlib.sha256(FORM.encode()).hexdigest()

    def posted(self, sent=FORM, secret=None, content_hash=None):
        """Signs the form and posts what is to be sent in its place."""
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
        if content_hash:
            headers["X-Amz-Content-SHA256"] = content_hash
        request = AWSRequest("POST", signed_endpoint() + "/", headers, self.FORM.encode())
        key = Credentials(given("LCLQ_SIGNED_ID"), secret or given("LCLQ_SIGNED_SECRET"))
        botocore.auth.SigV4Auth(key, "sqs", DEFAULT_REGION).add_auth(request)
        assert content_hash is None or "x-amz-content-sha256;" in request.headers["Authorization"]
        response = requests.post(
            request.url, data=sent, headers=dict(request.headers.items()), timeout=30
        )
        return Answer(response, "ListQueues")

    def refused(self, text, **posted):
        answer = self.posted(**posted)
        assert answer.status == 403
        assert answer.error["Code"] == "SignatureDoesNotMatch"
        assert answer.error["Type"] == "Sender"
        assert text in answer.error["Message"]

    def test_a_signed_one_is_accepted(self):
        assert self.posted().status == 200
        assert self.posted(content_hash=self.HASH).status == 200

    def test_a_wrong_secret_is_refused(self):
        self.refused(MISMATCH, secret=WRONG_SECRET)

    def test_another_body_is_refused(self):
        self.refused(MISMATCH, sent=self.OTHER)
        self.refused("x-amz-content-sha256", sent=self.OTHER, content_hash=self.HASH)

    def test_a_body_may_be_left_unsigned(self):
        other = self.FORM.replace("QueueNamePrefix", "MaxResults=5&QueueNamePrefix")
        assert self.posted(sent=other, content_hash="UNSIGNED-PAYLOAD").status == 200
        self.refused(MISMATCH, secret=WRONG_SECRET, content_hash="UNSIGNED-PAYLOAD")
