"""FIFO queues: order, groups, and the high-throughput attributes."""

import threading
import uuid
from collections import defaultdict

import pytest
from botocore.exceptions import ClientError

from support.errors import refused
from support.timing import eventually


def in_group(group, *bodies):
    return [
        {
            "Id": str(index),
            "MessageBody": body,
            "MessageGroupId": group,
            "MessageDeduplicationId": uuid.uuid4().hex,
        }
        for index, body in enumerate(bodies)
    ]


class TestOrder:
    def test_of_one_group_over_many_receives(self, queues):
        queue = queues.fifo()
        bodies = [f"m{index:03}" for index in range(100)]
        queue.send_many(bodies, MessageGroupId="g")
        got = []
        while len(got) < 100:
            messages = queue.receive(count=7)
            assert messages, f"nothing came after {len(got)}"
            for message in messages:
                got.append(message["Body"])
                queue.delete(message)
        assert got == bodies

    def test_within_each_of_many_interleaved_groups(self, queues):
        queue = queues.fifo()
        for number in range(6):
            for group in "abcde":
                queue.send_fifo(f"{group}{number}", group=group)
        by_group = defaultdict(list)
        while messages := queue.receive(AttributeNames=["MessageGroupId"]):
            for message in messages:
                by_group[message["Attributes"]["MessageGroupId"]].append(message["Body"])
                queue.delete(message)
        assert by_group == {g: [f"{g}{number}" for number in range(6)] for g in "abcde"}

    def test_a_receive_takes_as_many_of_one_group_as_it_can(self, queues):
        queue = queues.fifo()
        for number in range(3):
            for group in "ab":
                queue.send_fifo(f"{group}{number}", group=group)
        assert queue.bodies(count=3) == ["a0", "a1", "a2"]

    def test_sequence_numbers_grow_across_groups(self, queues):
        queue = queues.fifo()
        numbers = [queue.send_fifo("m", group=group)["SequenceNumber"] for group in "abcabcabc"]
        assert numbers == sorted(numbers)
        assert len(set(numbers)) == 9

    def test_a_returned_message_comes_back_in_its_old_place(self, queues):
        queue = queues.fifo()
        queue.send_many(["1", "2", "3"], MessageGroupId="g")
        queue.change_visibility(queue.receive_one(), 0)
        queue.send_fifo("4", group="g")
        assert queue.bodies() == ["1", "2", "3", "4"]

    def test_with_concurrent_consumers(self, queues):
        """Eight consumers, twenty groups: each group is worked off in order, by one at a time."""
        queue = queues.fifo()
        for group in range(20):
            queue.send_batch(in_group(f"g{group}", *[str(number) for number in range(10)]))
        worked = defaultdict(list)
        busy, clashes = set(), []
        lock = threading.Lock()

        def consume():
            while True:
                messages = queue.receive(count=3, WaitTimeSeconds=1, AttributeNames=["All"])
                if not messages:
                    return
                groups = {message["Attributes"]["MessageGroupId"] for message in messages}
                with lock:
                    clashes.extend(groups & busy)
                    busy.update(groups)
                    for message in messages:
                        group = message["Attributes"]["MessageGroupId"]
                        worked[group].append(int(message["Body"]))
                for message in messages[:-1]:
                    queue.delete(message)
                with lock:
                    # Before the last delete, which may hand the group to another at once.
                    busy.difference_update(groups)
                queue.delete(messages[-1])

        consumers = [threading.Thread(target=consume) for _ in range(8)]
        for consumer in consumers:
            consumer.start()
        for consumer in consumers:
            consumer.join(30)
        assert not clashes
        assert worked == {f"g{group}": list(range(10)) for group in range(20)}


class TestGroups:
    def test_one_locked_group_does_not_hold_up_the_others(self, queues):
        queue = queues.fifo()
        queue.send_many(["a1", "a2"], MessageGroupId="a")
        assert queue.bodies(count=1) == ["a1"]
        queue.send_many(["b1", "b2"], MessageGroupId="b")
        assert queue.bodies() == ["b1", "b2"]

    def test_a_message_sent_into_a_locked_group_waits(self, queues):
        queue = queues.fifo()
        queue.send_fifo("1", group="g")
        first = queue.receive_one()
        queue.send_fifo("2", group="g")
        assert queue.receive() == []
        queue.delete(first)
        assert queue.bodies() == ["2"]

    def test_visibility_expiry_unlocks(self, queues):
        queue = queues.fifo(VisibilityTimeout=1)
        queue.send_many(["1", "2"], MessageGroupId="g")
        assert queue.bodies(count=1) == ["1"]
        assert queue.bodies(WaitTimeSeconds=3) == ["1", "2"]

    def test_giving_one_up_leaves_the_others_in_flight(self, queues):
        queue = queues.fifo()
        queue.send_many(["a1", "a2"], MessageGroupId="a")
        queue.send_many(["b1"], MessageGroupId="b")
        first, second = queue.receive(count=2)
        queue.change_visibility(first, 0)
        assert sorted(queue.bodies(count=3)) == ["a1", "b1"]
        queue.delete(second)

    def test_zero_visibility_keeps_the_groups_free(self, queues):
        queue = queues.fifo()
        queue.send_many(["a1", "a2"], MessageGroupId="a")
        queue.send_many(["b1"], MessageGroupId="b")
        for _ in range(3):
            assert len(queue.receive(VisibilityTimeout=0)) == 3

    @pytest.mark.parametrize("group", ["x" * 128, "1", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"])
    def test_legal_ids(self, queues, group):
        queue = queues.fifo()
        queue.send_fifo("m", group=group, MessageDeduplicationId=group)
        attributes = queue.receive_one(AttributeNames=["All"])["Attributes"]
        assert attributes["MessageGroupId"] == group
        assert attributes["MessageDeduplicationId"] == group

    @pytest.mark.parametrize("dedup_id", ["x" * 129, "with space", "ümlaut"])
    def test_illegal_deduplication_ids(self, sqs, queues, dedup_id):
        queue = queues.fifo()
        with refused(sqs, "InvalidParameterValue", containing="MessageDeduplicationId"):
            queue.send_fifo("m", MessageDeduplicationId=dedup_id)

    def test_a_thousand_groups(self, queues):
        queue = queues.fifo()
        for start in range(0, 1000, 10):
            queue.send_batch(
                [
                    in_group(f"g{start + index}", f"m{start + index}")[0] | {"Id": str(index)}
                    for index in range(10)
                ]
            )
        got = {message["Body"] for message in queue.receive_all(1000, seconds=20)}
        assert got == {f"m{index}" for index in range(1000)}


class TestRetry:
    def test_the_same_attempt_id_gives_the_same_messages(self, queues):
        queue = queues.fifo()
        queue.send_many(["1", "2"], MessageGroupId="g")
        attempt = uuid.uuid4().hex
        first = queue.receive(ReceiveRequestAttemptId=attempt)
        again = queue.receive(ReceiveRequestAttemptId=attempt)
        assert [message["Body"] for message in first] == ["1", "2"]
        assert [message["Body"] for message in again] == ["1", "2"]


class TestHighThroughput:
    PER_GROUP = {"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}

    def test_on_creation(self, queues):
        queue = queues.fifo(**self.PER_GROUP)
        assert queue.attributes(*self.PER_GROUP) == self.PER_GROUP

    def test_later_and_back(self, queues):
        queue = queues.fifo()
        queue.set(**self.PER_GROUP)
        assert queue.attributes(*self.PER_GROUP) == self.PER_GROUP
        back = {"DeduplicationScope": "queue", "FifoThroughputLimit": "perQueue"}
        queue.set(**back)
        assert queue.attributes(*back) == back

    @pytest.mark.parametrize("scope", [{}, {"DeduplicationScope": "queue"}])
    def test_per_group_limit_needs_per_group_deduplication(self, queues, scope):
        queue = queues.fifo()
        for attempt in [queue.set, queues.fifo]:
            with pytest.raises(ClientError) as caught:
                attempt(FifoThroughputLimit="perMessageGroupId", **scope)
            # The contract does not say which of the two it is.
            assert caught.value.response["Error"]["Code"] in {
                "InvalidAttributeValue",
                "InvalidParameterValue",
            }
        assert queue.attribute("FifoThroughputLimit") == "perQueue"

    @pytest.mark.parametrize("name", ["DeduplicationScope", "FifoThroughputLimit"])
    def test_unknown_value(self, sqs, queues, name):
        queue = queues.fifo()
        with refused(sqs, "InvalidAttributeValue"):
            queue.set(**{name: "perMoonPhase"})

    def test_messages_flow(self, queues):
        queue = queues.fifo(**self.PER_GROUP, ContentBasedDeduplication=True)
        for group in "ab":
            for body in ["1", "2", "1"]:
                queue.send(body, MessageGroupId=group)
        messages = queue.receive_all(4, AttributeNames=["MessageGroupId"])
        seen = sorted((m["Attributes"]["MessageGroupId"], m["Body"]) for m in messages)
        assert seen == [("a", "1"), ("a", "2"), ("b", "1"), ("b", "2")]


def test_counts_of_a_locked_group(queues):
    queue = queues.fifo(VisibilityTimeout=1)
    queue.send_many(["1", "2", "3"], MessageGroupId="g")
    queue.receive_one()
    assert queue.counts() == (2, 1, 0)
    eventually(lambda: queue.counts() == (3, 0, 0))
