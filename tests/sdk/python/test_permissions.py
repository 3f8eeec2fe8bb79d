"""AddPermission, RemovePermission and the Policy attribute that they write."""

import json

import pytest

from support.clients import protocol_of, sqs_client
from support.errors import refused
from support.queues import QueueMaker, assert_void

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


def test_at_most_seven_actions(sqs, queues):
    queue = queues.standard()
    actions = ["SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility"]
    actions += ["GetQueueAttributes", "GetQueueUrl", "PurgeQueue"]
    permission = dict(QueueUrl=queue.url, AWSAccountIds=["111122223333"])
    sqs.add_permission(Label="seven", Actions=actions, **permission)
    with refused(sqs, "OverLimit", "8 Actions were found, maximum allowed is 7."):
        sqs.add_permission(Label="eight", Actions=[*actions, "*"], **permission)
    assert len(policy(queue)["Statement"]) == 1


def test_at_most_twenty_statements(sqs, queues):
    queue = queues.standard()
    permission = dict(QueueUrl=queue.url, AWSAccountIds=["111122223333"], Actions=["*"])
    for index in range(20):
        sqs.add_permission(Label=f"label{index}", **permission)
    with refused(sqs, "OverLimit", "21 Statements were found, maximum allowed is 20."):
        sqs.add_permission(Label="label20", **permission)
    assert len(policy(queue)["Statement"]) == 20


@pytest.mark.parametrize(
    "own, text",
    [
        ({"Action": [f"sqs:A{n}" for n in range(8)]}, "8 Actions were found"),
        ({"Principal": {"AWS": [f"{n:012}" for n in range(51)]}}, "51 Principals were found"),
        ({"Condition": {"Null": {f"k{n}": "true" for n in range(11)}}}, "11 Conditions were found"),
        ({"Sid": "s" * 8192}, "Bytes were found, maximum allowed is 8192."),
    ],
    ids=["actions", "principals", "conditions", "bytes"],
)
def test_quotas_of_a_policy(sqs, queues, own, text):
    queue = queues.standard()
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"} | own
    with refused(sqs, "OverLimit", containing=text):
        queue.set(Policy={"Statement": [statement]})
    assert policy(queue) is None


@pytest.mark.parametrize(
    "wrong, shape, text",
    [
        ({"Actions": []}, "MissingParameter", "The request must contain the parameter Actions."),
        (
            {"AWSAccountIds": []},
            "InvalidParameterValue",
            "Value [] for parameter PrincipalId is invalid. Reason: Unable to verify.",
        ),
        (
            {"AWSAccountIds": ["123"]},
            "InvalidParameterValue",
            "Value [123] for parameter PrincipalId is invalid. Reason: Unable to verify.",
        ),
        (
            {"Actions": ["Foobar"]},
            "InvalidParameterValue",
            "Value SQS:Foobar for parameter ActionName is invalid. Reason: Please refer to the "
            "appropriate WSDL for a list of valid actions.",
        ),
        (
            {"Actions": ["DeleteQueue"]},
            "InvalidParameterValue",
            "Value SQS:DeleteQueue for parameter ActionName is invalid. Reason: Only the queue "
            "owner is allowed to invoke this action.",
        ),
        (
            {"Label": "no spaces"},
            "InvalidParameterValue",
            "Value no spaces for parameter Label is invalid. Reason: Can only include alphanumeric "
            "characters, hyphens, or underscores. 1 to 80 in length",
        ),
    ],
    ids=["no action", "no account", "bad account", "unknown action", "owner's", "label"],
)
def test_illegal_parameters(sqs, queues, wrong, shape, text):
    queue = queues.standard()
    permission = {"Label": "l", "AWSAccountIds": ["111122223333"], "Actions": ["SendMessage"]}
    with refused(sqs, shape, text):
        sqs.add_permission(QueueUrl=queue.url, **(permission | wrong))


@pytest.mark.parametrize(
    "region, partition", [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_arns_are_of_the_regions_partition(sqs, endpoint, region, partition):
    maker = QueueMaker(sqs_client(endpoint, protocol_of(sqs), region))
    try:
        queue = maker.standard()
        assert queue.arn.startswith(f"arn:{partition}:sqs:{region}:")
        queue.client.add_permission(
            QueueUrl=queue.url, Label="l", AWSAccountIds=["111122223333"], Actions=["SendMessage"]
        )
        (written,) = policy(queue)["Statement"]
        assert written["Resource"] == queue.arn
        assert written["Principal"] == {"AWS": f"arn:{partition}:iam::111122223333:root"}
        source, dead = maker.with_dead_letters()
        source.send("poison")
        source.receive_one(VisibilityTimeout=0)
        assert source.receive() == []
        moved = dead.receive_one(AttributeNames=["All"])
        assert moved["Attributes"]["DeadLetterQueueSourceArn"] == source.arn
    finally:
        maker.clean_up()
