"""AddPermission, RemovePermission and the Policy attribute that they write."""

import json

import pytest

from support.errors import refused
from support.queues import assert_void

pytestmark = pytest.mark.parametrize("sqs", ["json", "query"], indirect=True)


def policy(queue):
    text = queue.attribute("Policy")
    return text and json.loads(text)


def statement(queue, label, accounts, actions):
    """As the service writes it: a scalar where there is one, a list where there are several."""

    def scalar(values):
        return values[0] if len(values) == 1 else values

    return {
        "Sid": label,
        "Effect": "Allow",
        "Principal": {"AWS": scalar([f"arn:aws:iam::{account}:root" for account in accounts])},
        "Action": scalar([f"SQS:{action}" for action in actions]),
        "Resource": queue.arn,
    }


@pytest.mark.parametrize("fifo", [False, True])
@pytest.mark.parametrize("accounts", [["111122223333"], ["111122223333", "444455556666"]])
@pytest.mark.parametrize("actions", [["*"], ["SendMessage"], ["SendMessage", "ReceiveMessage"]])
def test_the_statement(sqs, queues, fifo, accounts, actions):
    queue = queues.fifo() if fifo else queues.standard()
    assert_void(
        sqs.add_permission(
            QueueUrl=queue.url, Label="label", AWSAccountIds=accounts, Actions=actions
        )
    )
    written = policy(queue)
    assert set(written) == {"Version", "Id", "Statement"}
    assert written["Version"] == "2008-10-17"
    assert written["Id"] == f"{queue.arn}/SQSDefaultPolicy"
    assert written["Statement"] == [statement(queue, "label", accounts, actions)]


def test_several_labels_come_and_go(sqs, queues):
    queue = queues.standard()
    for label in ["first", "second"]:
        sqs.add_permission(
            QueueUrl=queue.url, Label=label, AWSAccountIds=["111122223333"], Actions=["SendMessage"]
        )
    assert [entry["Sid"] for entry in policy(queue)["Statement"]] == ["first", "second"]
    assert_void(sqs.remove_permission(QueueUrl=queue.url, Label="first"))
    assert [entry["Sid"] for entry in policy(queue)["Statement"]] == ["second"]
    assert_void(sqs.remove_permission(QueueUrl=queue.url, Label="second"))
    assert policy(queue) is None


def test_a_duplicate_label_changes_nothing(sqs, queues):
    queue = queues.standard()
    permission = dict(QueueUrl=queue.url, Label="label", Actions=["SendMessage"])
    sqs.add_permission(AWSAccountIds=["111122223333"], **permission)
    before = policy(queue)
    text = "Value label for parameter Label is invalid. Reason: Already exists."
    with refused(sqs, "InvalidParameterValue", text):
        sqs.add_permission(AWSAccountIds=["444455556666"], **permission)
    assert policy(queue) == before


def test_an_unknown_label_is_an_error(sqs, queues):
    queue = queues.standard()
    text = "Value never for parameter Label is invalid. Reason: can't find label."
    with refused(sqs, "InvalidParameterValue", text):
        sqs.remove_permission(QueueUrl=queue.url, Label="never")


def test_a_policy_set_as_an_attribute_comes_back(queues):
    queue = queues.standard()
    own = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "own",
                "Effect": "Allow",
                "Principal": "*",
                "Action": "sqs:SendMessage",
                "Resource": queue.arn,
            }
        ],
    }
    assert_void(queue.set(Policy=own))
    assert policy(queue) == own


def test_add_permission_extends_a_policy_of_the_users(sqs, queues):
    queue = queues.standard()
    own = {"Sid": "own", "Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*"}
    queue.set(Policy={"Version": "2012-10-17", "Statement": [own]})
    sqs.add_permission(
        QueueUrl=queue.url, Label="more", AWSAccountIds=["111122223333"], Actions=["SendMessage"]
    )
    assert [entry["Sid"] for entry in policy(queue)["Statement"]] == ["own", "more"]


def test_a_policy_that_is_no_json_is_refused(sqs, queues):
    queue = queues.standard()
    with refused(sqs, "InvalidAttributeValue"):
        queue.set(Policy="not json")
    assert policy(queue) is None
