"""Dead-letter queues: policies, the move itself, and ListDeadLetterSourceQueues."""

import json
import time

import pytest

from support.errors import refused
from support.queues import keys_of, redrive_policy, unique_name
from support.timing import eventually


class TestRedrivePolicy:
    @pytest.mark.parametrize("count", [1, 1000, "5"])
    def test_is_kept_whether_the_count_is_a_number_or_a_string(self, queues, count):
        dead = queues.standard("dead")
        source = queues.standard("source", RedrivePolicy=redrive_policy(dead, count))
        kept = json.loads(source.attribute("RedrivePolicy"))
        assert kept["deadLetterTargetArn"] == dead.arn
        assert int(kept["maxReceiveCount"]) == int(count)

    def test_the_count_works_as_a_string(self, queues):
        source, dead = queues.with_dead_letters(max_receives="1")
        source.send("poison")
        source.receive_one(VisibilityTimeout=0)
        assert source.receive() == []
        assert dead.receive_one()["Body"] == "poison"

    @pytest.mark.parametrize("count", [0, -1, 1001, "many", ""])
    def test_illegal_count(self, sqs, queues, count):
        dead = queues.standard("dead")
        source = queues.standard("source")
        with refused(sqs, "InvalidParameterValue"):
            source.set(RedrivePolicy=redrive_policy(dead, count))
        assert source.attribute("RedrivePolicy") is None

    @pytest.mark.parametrize("part", ["deadLetterTargetArn", "maxReceiveCount"])
    def test_both_parts_are_needed(self, sqs, queues, part):
        dead = queues.standard("dead")
        policy = redrive_policy(dead)
        del policy[part]
        with refused(sqs, "InvalidParameterValue"):
            queues.standard("source", RedrivePolicy=policy)

    def test_no_json(self, sqs, queues):
        with refused(sqs, "InvalidParameterValue"):
            queues.standard("source", RedrivePolicy="not json")

    def test_the_target_must_exist(self, sqs, queues):
        queue = queues.standard()
        policy = {"deadLetterTargetArn": queue.arn + "-never", "maxReceiveCount": 1}
        with refused(sqs, "InvalidParameterValue"):
            queue.set(RedrivePolicy=policy)

    def test_the_target_must_be_an_arn(self, sqs, queues):
        queue = queues.standard()
        policy = {"deadLetterTargetArn": "dummy", "maxReceiveCount": 42}
        text = (
            f"Value {json.dumps(policy)} for parameter RedrivePolicy is invalid. "
            "Reason: Invalid value for deadLetterTargetArn."
        )
        with refused(sqs, "InvalidParameterValue", text):
            queue.set(RedrivePolicy=policy)

    def test_both_queues_must_be_of_one_type(self, sqs, queues):
        standard, fifo = queues.standard(), queues.fifo()
        with refused(sqs, "InvalidParameterValue"):
            standard.set(RedrivePolicy=redrive_policy(fifo))
        with refused(sqs, "InvalidParameterValue"):
            fifo.set(RedrivePolicy=redrive_policy(standard))


    def test_is_shown_in_one_way(self, queues):
        dead = queues.standard("dead")
        given = f'{{ "maxReceiveCount" : "1",\n "deadLetterTargetArn" : "{dead.arn}" }}'
        source = queues.standard("source", RedrivePolicy=given)
        shown = f'{{"deadLetterTargetArn":"{dead.arn}","maxReceiveCount":1}}'
        assert source.attribute("RedrivePolicy") == shown

    def test_layout_makes_no_other_queue(self, sqs, queues):
        dead = queues.standard("dead")
        source = queues.standard("source", RedrivePolicy=redrive_policy(dead, 1))
        again = f'{{ "maxReceiveCount": "1", "deadLetterTargetArn": "{dead.arn}" }}'
        assert queues.create(source.name, RedrivePolicy=again).url == source.url
        with refused(sqs, "QueueNameExists", containing="RedrivePolicy"):
            queues.create(source.name, RedrivePolicy=redrive_policy(dead, 2))


class TestRedriveAllowPolicy:
    def test_sources_that_are_null_are_dropped(self, queues):
        policy = {"redrivePermission": "allowAll", "sourceQueueArns": None}
        dead = self.allowing(queues, policy)
        assert json.loads(dead.attribute("RedriveAllowPolicy")) == {"redrivePermission": "allowAll"}

    def test_layout_makes_no_other_queue(self, queues):
        arns = [queues.standard(name).arn for name in ["one", "two"]]
        policy = {"redrivePermission": "byQueue", "sourceQueueArns": arns}
        dead = self.allowing(queues, policy)
        again = {"sourceQueueArns": arns[::-1], "redrivePermission": "byQueue"}
        assert queues.create(dead.name, RedriveAllowPolicy=again).url == dead.url

    def allowing(self, queues, policy, fifo=False):
        make = queues.fifo if fifo else queues.standard
        return make("dead", RedriveAllowPolicy=policy)

    @pytest.mark.parametrize("fifo", [False, True])
    def test_allow_all(self, queues, fifo):
        dead = self.allowing(queues, {"redrivePermission": "allowAll"}, fifo)
        make = queues.fifo if fifo else queues.standard
        assert make("source", RedrivePolicy=redrive_policy(dead)).attribute("RedrivePolicy")

    def test_deny_all(self, sqs, queues):
        dead = self.allowing(queues, {"redrivePermission": "denyAll"})
        source = queues.standard("source")
        with refused(sqs, "InvalidParameterValue"):
            source.set(RedrivePolicy=redrive_policy(dead))
        with refused(sqs, "InvalidParameterValue"):
            queues.standard("source", RedrivePolicy=redrive_policy(dead))

    def test_by_queue(self, sqs, queues):
        named, other = queues.standard("named"), queues.standard("other")
        policy = {"redrivePermission": "byQueue", "sourceQueueArns": [named.arn]}
        dead = self.allowing(queues, policy)
        assert json.loads(dead.attribute("RedriveAllowPolicy")) == policy
        named.set(RedrivePolicy=redrive_policy(dead))
        assert named.attribute("RedrivePolicy")
        with refused(sqs, "InvalidParameterValue"):
            other.set(RedrivePolicy=redrive_policy(dead))

    def test_by_ten_queues_at_most(self, sqs, queues):
        dead = queues.standard("dead")
        arns = [f"{dead.arn}-{index}" for index in range(11)]
        dead.set(RedriveAllowPolicy={"redrivePermission": "byQueue", "sourceQueueArns": arns[:10]})
        with refused(sqs, "InvalidParameterValue"):
            dead.set(RedriveAllowPolicy={"redrivePermission": "byQueue", "sourceQueueArns": arns})

    @pytest.mark.parametrize(
        "policy",
        [
            {"redrivePermission": "sometimes"},
            {"redrivePermission": "byQueue"},
            {"redrivePermission": "allowAll", "sourceQueueArns": ["arn:aws:sqs:us-east-1:1:q"]},
            {},
            "not json",
        ],
    )
    def test_illegal(self, sqs, queues, policy):
        queue = queues.standard("dead")
        with refused(sqs, "InvalidParameterValue"):
            queue.set(RedriveAllowPolicy=policy)
        assert queue.attribute("RedriveAllowPolicy") is None

    def test_an_empty_value_removes_it(self, queues):
        dead = self.allowing(queues, {"redrivePermission": "denyAll"})
        dead.set(RedriveAllowPolicy="")
        assert dead.attribute("RedriveAllowPolicy") is None
        source = queues.standard("source", RedrivePolicy=redrive_policy(dead))
        assert source.attribute("RedrivePolicy")


class TestTheMove:
    # Queues spread over the shards by name; with this many some pairs share one and some don't.
    @pytest.mark.parametrize("fifo", [False, True])
    def test_over_many_pairs(self, queues, fifo):
        pairs = [queues.with_dead_letters(fifo) for _ in range(12)]
        for index, (source, _) in enumerate(pairs):
            if fifo:
                source.send_fifo(f"poison {index}")
            else:
                source.send(f"poison {index}")
        for source, _ in pairs:
            source.receive_one(VisibilityTimeout=0)
            assert source.receive() == []
        for index, (source, dead) in enumerate(pairs):
            assert dead.receive_one()["Body"] == f"poison {index}"
            assert source.counts() == (0, 0, 0)

    def test_many_sources_share_one_dead_letter_queue(self, sqs, queues):
        dead = queues.standard("dead")
        sources = [
            queues.standard(f"source{index}", RedrivePolicy=redrive_policy(dead))
            for index in range(6)
        ]
        for source in sources:
            source.send(source.name)
            source.receive_one(VisibilityTimeout=0)
            assert source.receive() == []
        moved = dead.receive_all(6, AttributeNames=["DeadLetterQueueSourceArn"])
        assert {m["Body"]: m["Attributes"]["DeadLetterQueueSourceArn"] for m in moved} == {
            source.name: source.arn for source in sources
        }

    def test_only_the_ones_over_the_limit_move(self, queues):
        source, dead = queues.with_dead_letters(max_receives=1)
        source.send("poison")
        source.receive_one(VisibilityTimeout=0)
        source.send("fresh")
        assert source.bodies(WaitTimeSeconds=2) == ["fresh"]
        assert dead.receive_one()["Body"] == "poison"

    def test_on_visibility_expiry_it_still_takes_a_receive(self, queues):
        source, dead = queues.with_dead_letters(VisibilityTimeout=1)
        source.send("poison")
        source.receive_one()
        assert source.receive(WaitTimeSeconds=2) == []
        assert dead.receive_one()["Body"] == "poison"

    def test_lowering_the_limit_holds_from_the_next_receive_on(self, queues):
        source, dead = queues.with_dead_letters(max_receives=1000)
        source.send("poison")
        for _ in range(3):
            source.receive_one(VisibilityTimeout=0)
        source.set(RedrivePolicy=redrive_policy(dead, 2))
        assert source.receive() == []
        assert dead.receive_one()["Body"] == "poison"

    def test_a_fifo_message_keeps_its_group_and_order(self, queues):
        source, dead = queues.with_dead_letters(fifo=True)
        source.send_many(["1", "2", "3"], MessageGroupId="g")
        assert source.bodies(VisibilityTimeout=0) == ["1", "2", "3"]
        assert source.receive() == []
        # They come one by one, and the first received would lock the group for the others.
        eventually(lambda: dead.counts() == (3, 0, 0))
        moved = dead.receive_all(3, AttributeNames=["All"])
        assert [message["Body"] for message in moved] == ["1", "2", "3"]
        assert {message["Attributes"]["MessageGroupId"] for message in moved} == {"g"}

    def test_a_fifo_message_takes_its_id_for_deduplication(self, queues):
        # Some of the pairs share a shard and some don't.
        for _ in range(6):
            source, dead = queues.with_dead_letters(fifo=True)
            sent = source.send_fifo("poison", MessageDeduplicationId="own")
            time.sleep(0.05)
            source.receive_one(VisibilityTimeout=0)
            assert source.receive() == []
            moved = dead.receive_one(AttributeNames=["All"])
            assert moved["MessageId"] == sent["MessageId"]
            assert moved["Attributes"]["MessageDeduplicationId"] == sent["MessageId"]
            # Its time begins anew with the move.
            first = int(moved["Attributes"]["SentTimestamp"])
            assert first >= int(time.time() * 1000) - 10_000

    def test_a_chain(self, queues):
        last = queues.standard("last")
        middle = queues.standard("middle", RedrivePolicy=redrive_policy(last))
        first = queues.standard("first", RedrivePolicy=redrive_policy(middle))
        first.send("poison")
        first.receive_one(VisibilityTimeout=0)
        assert first.receive() == []
        middle.receive_one(VisibilityTimeout=0)
        assert middle.receive() == []
        assert last.receive_one()["Body"] == "poison"

    def test_without_its_dead_letter_queue_the_message_stays(self, sqs, queues):
        source, dead = queues.with_dead_letters()
        sqs.delete_queue(QueueUrl=dead.url)
        source.send("kept")
        seen = [source.receive(VisibilityTimeout=0) for _ in range(3)]
        assert seen[0][0]["Body"] == "kept"
        # Where its dead-letter queue was elsewhere, the message comes back from there.
        eventually(lambda: sum(source.counts()) == 1)


class TestListDeadLetterSourceQueues:
    @pytest.mark.parametrize("fifo", [False, True])
    def test_names_the_sources(self, sqs, queues, fifo):
        make = queues.fifo if fifo else queues.standard
        dead = make("dead")
        sources = [make("source", RedrivePolicy=redrive_policy(dead)) for _ in range(3)]
        make("other")
        answer = sqs.list_dead_letter_source_queues(QueueUrl=dead.url)
        assert keys_of(answer) == {"queueUrls"}
        assert sorted(answer["queueUrls"]) == sorted(source.url for source in sources)

    def test_none_is_an_empty_list(self, sqs, queues):
        answer = sqs.list_dead_letter_source_queues(QueueUrl=queues.standard().url)
        assert keys_of(answer) == {"queueUrls"}
        assert answer["queueUrls"] == []

    def test_follows_changes(self, sqs, queues):
        one, two = queues.standard("one"), queues.standard("two")
        source = queues.standard("source", RedrivePolicy=redrive_policy(one))

        def sources(dead):
            return sqs.list_dead_letter_source_queues(QueueUrl=dead.url)["queueUrls"]

        source.set(RedrivePolicy=redrive_policy(two))
        assert (sources(one), sources(two)) == ([], [source.url])
        sqs.delete_queue(QueueUrl=source.url)
        assert sources(two) == []

    def test_unknown_queue(self, sqs, queues):
        url = queues.standard().url + unique_name("never")
        with refused(sqs, "QueueDoesNotExist"):
            sqs.list_dead_letter_source_queues(QueueUrl=url)
