"""Fair queues: groups on standard queues, where a noisy one must not starve quiet ones."""

from support.queues import keys_of


def test_a_group_is_allowed_and_comes_back(queues):
    queue = queues.standard()
    sent = queue.send("m", MessageGroupId="tenant-1")
    assert keys_of(sent) == {"MessageId", "MD5OfMessageBody"}, "no SequenceNumber"
    attributes = queue.receive_one(AttributeNames=["All"])["Attributes"]
    assert attributes["MessageGroupId"] == "tenant-1"
    assert "SequenceNumber" not in attributes
    assert "MessageDeduplicationId" not in attributes


def test_in_a_batch(queues):
    queue = queues.standard()
    answer = queue.send_batch(
        [
            {"Id": "with", "MessageBody": "with", "MessageGroupId": "t"},
            {"Id": "without", "MessageBody": "without"},
        ]
    )
    assert all("SequenceNumber" not in entry for entry in answer["Successful"])
    got = {m["Body"]: m for m in queue.receive_all(2, AttributeNames=["MessageGroupId"])}
    assert got["with"]["Attributes"] == {"MessageGroupId": "t"}
    assert "Attributes" not in got["without"]


def test_a_group_does_not_lock(queues):
    queue = queues.standard()
    for body in ["1", "2"]:
        queue.send(body, MessageGroupId="t")
    assert len(queue.receive(count=1)) == 1
    assert len(queue.receive(count=1)) == 1


def test_nothing_is_deduplicated(queues):
    queue = queues.standard()
    for _ in range(2):
        queue.send("same", MessageGroupId="t")
    assert len(queue.receive_all(2)) == 2


def test_a_noisy_group_does_not_starve_quiet_ones(queues):
    queue = queues.standard()
    queue.send_many([f"noise {index}" for index in range(300)], MessageGroupId="noisy")
    # The noisy tenant keeps its consumers busy...
    assert len(queue.receive_all(30)) == 30
    # ...when quiet ones turn up behind 270 of its messages.
    for tenant in ["quiet-1", "quiet-2", "quiet-3"]:
        queue.send(f"of {tenant}", MessageGroupId=tenant)
    next_bodies = [body for _ in range(5) for body in queue.bodies(count=10)]
    assert {body for body in next_bodies if body.startswith("of ")} == {
        "of quiet-1",
        "of quiet-2",
        "of quiet-3",
    }, "within the next 50 messages"


def test_a_noisy_group_gets_all_its_messages_in_the_end(queues):
    queue = queues.standard()
    queue.send_many([f"noise {index}" for index in range(100)], MessageGroupId="noisy")
    queue.send("quiet", MessageGroupId="quiet")
    got = [message["Body"] for message in queue.receive_all(101)]
    assert sorted(got) == sorted([f"noise {index}" for index in range(100)] + ["quiet"])
