"""StartMessageMoveTask, ListMessageMoveTasks, CancelMessageMoveTask."""

import time

import pytest

from support.errors import refused
from support.queues import keys_of, redrive_policy
from support.timing import eventually

pytestmark = pytest.mark.parametrize("sqs", ["json", "query"], indirect=True)


def start(queue, **parameters):
    answer = queue.client.start_message_move_task(SourceArn=queue.arn, **parameters)
    assert keys_of(answer) == {"TaskHandle"}
    return answer["TaskHandle"]


def tasks(queue, **parameters):
    answer = queue.client.list_message_move_tasks(SourceArn=queue.arn, **parameters)
    return answer.get("Results", [])


def wait_for(queue, status):
    def reached():
        (task,) = tasks(queue)
        return task if task["Status"] == status else None

    return eventually(reached)


@pytest.mark.parametrize("fifo", [False, True])
def test_back_to_the_source(queues, fifo):
    source, dead = queues.with_dead_letters(fifo)
    source.send_many(["a", "b", "c"], **({"MessageGroupId": "g"} if fifo else {}))
    assert len(source.receive_all(3, VisibilityTimeout=0)) == 3
    assert source.receive() == []
    eventually(lambda: dead.counts() == (3, 0, 0))
    before = int(time.time() * 1000)
    start(dead)
    task = wait_for(dead, "COMPLETED")
    assert set(task) == {
        "Status",
        "SourceArn",
        "ApproximateNumberOfMessagesMoved",
        "ApproximateNumberOfMessagesToMove",
        "StartedTimestamp",
    }, "no handle once it has ended, no destination or rate unless given"
    assert task["SourceArn"] == dead.arn
    assert task["ApproximateNumberOfMessagesMoved"] == 3
    assert task["ApproximateNumberOfMessagesToMove"] == 3
    assert before - 1000 <= task["StartedTimestamp"] <= int(time.time() * 1000) + 1000
    moved = [message["Body"] for message in source.receive_all(3)]
    assert (moved if fifo else sorted(moved)) == ["a", "b", "c"]
    assert dead.counts() == (0, 0, 0)


def test_to_a_named_destination(queues):
    source, dead = queues.with_dead_letters()
    destination = queues.standard("destination")
    dead.send_many([f"m{index}" for index in range(25)])
    start(dead, DestinationArn=destination.arn)
    task = wait_for(dead, "COMPLETED")
    assert task["DestinationArn"] == destination.arn
    assert task["ApproximateNumberOfMessagesMoved"] == 25
    assert len(destination.receive_all(25)) == 25
    assert source.counts() == (0, 0, 0)


def test_each_goes_back_where_it_came_from(queues):
    dead = queues.standard("dead")
    sources = [
        queues.standard(f"source{index}", RedrivePolicy=redrive_policy(dead)) for index in range(3)
    ]
    for source in sources:
        source.send(f"of {source.name}")
        source.receive_one(VisibilityTimeout=0)
        assert source.receive() == []
    eventually(lambda: dead.counts() == (3, 0, 0))
    start(dead)
    wait_for(dead, "COMPLETED")
    for source in sources:
        assert source.receive_one()["Body"] == f"of {source.name}"


def test_a_redriven_message_starts_counting_anew(queues):
    source, dead = queues.with_dead_letters()
    source.send("poison")
    source.receive_one(VisibilityTimeout=0)
    assert source.receive() == []
    eventually(lambda: dead.counts() == (1, 0, 0))
    start(dead)
    # If the old count went along, this receive would move the message straight back.
    assert source.receive_one()["Body"] == "poison"


def test_moving_at_a_rate(queues):
    _, dead = queues.with_dead_letters()
    destination = queues.standard("destination")
    dead.send_many([f"m{index}" for index in range(6)])
    started = time.monotonic()
    start(dead, DestinationArn=destination.arn, MaxNumberOfMessagesPerSecond=3)
    (task,) = tasks(dead)
    assert task["Status"] == "RUNNING"
    assert task["TaskHandle"]
    assert task["MaxNumberOfMessagesPerSecond"] == 3
    task = wait_for(dead, "COMPLETED")
    elapsed = time.monotonic() - started
    assert 0.9 < elapsed < 4, f"6 messages at 3 a second took {elapsed:.2f} s"
    assert task["MaxNumberOfMessagesPerSecond"] == 3
    eventually(lambda: destination.counts() == (6, 0, 0))


@pytest.mark.parametrize("rate", [0, -1, 501])
def test_illegal_rate(sqs, queues, rate):
    _, dead = queues.with_dead_letters()
    with refused(sqs, "InvalidParameterValue"):
        sqs.start_message_move_task(SourceArn=dead.arn, MaxNumberOfMessagesPerSecond=rate)


def test_cancelling(sqs, queues):
    source, dead = queues.with_dead_letters()
    dead.send_many([f"m{index}" for index in range(10)])
    handle = start(dead, DestinationArn=source.arn, MaxNumberOfMessagesPerSecond=1)
    answer = sqs.cancel_message_move_task(TaskHandle=handle)
    assert keys_of(answer) == {"ApproximateNumberOfMessagesMoved"}
    assert 0 <= answer["ApproximateNumberOfMessagesMoved"] < 10
    task = wait_for(dead, "CANCELLED")
    assert "TaskHandle" not in task
    assert task["ApproximateNumberOfMessagesToMove"] == 10
    moved = source.counts()[0]
    assert moved < 10
    assert moved + dead.counts()[0] == 10, "none is lost"
    time.sleep(1.1)
    assert source.counts()[0] == moved, "nothing moves after the cancellation"


def test_cancelling_what_has_ended(sqs, queues):
    source, dead = queues.with_dead_letters()
    dead.send("m")
    handle = start(dead, DestinationArn=source.arn)
    wait_for(dead, "COMPLETED")
    with pytest.raises(sqs.exceptions.ClientError) as caught:
        sqs.cancel_message_move_task(TaskHandle=handle)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] in {400, 404}


def test_cancelling_with_garbage(sqs, queues):
    text = "Value for parameter TaskHandle is invalid."
    with refused(sqs, "InvalidParameterValue", text):
        sqs.cancel_message_move_task(TaskHandle="garbage")


def test_a_new_task_after_the_old_one(sqs, queues):
    source, dead = queues.with_dead_letters()
    for round_number in range(3):
        dead.send(f"round {round_number}")
        start(dead, DestinationArn=source.arn)
        assert source.receive_one()["Body"] == f"round {round_number}"
        eventually(lambda: all(task["Status"] == "COMPLETED" for task in tasks(dead)))
    assert len(tasks(dead)) == 1, "one result by default"
    listed = tasks(dead, MaxResults=10)
    assert len(listed) == 3
    times = [task["StartedTimestamp"] for task in listed]
    assert times == sorted(times, reverse=True), "the newest first"


@pytest.mark.parametrize("maximum", [0, 11])
def test_illegal_number_of_results(sqs, queues, maximum):
    _, dead = queues.with_dead_letters()
    with refused(sqs, "InvalidParameterValue"):
        sqs.list_message_move_tasks(SourceArn=dead.arn, MaxResults=maximum)


def test_no_tasks_yet(queues):
    _, dead = queues.with_dead_letters()
    assert tasks(dead) == []


def test_in_flight_messages_stay(queues):
    source, dead = queues.with_dead_letters()
    dead.send("flying")
    flying = dead.receive_one()
    dead.send("visible")
    start(dead, DestinationArn=source.arn)
    wait_for(dead, "COMPLETED")
    # A message may still be on its way to the queue it was moved to.
    assert source.receive_one()["Body"] == "visible"
    assert dead.counts() == (0, 1, 0)
    dead.delete(flying)
    assert dead.counts() == (0, 0, 0)


def test_attributes_go_along(queues):
    source, dead = queues.with_dead_letters()
    attributes = {"a": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}}
    dead.send("m", MessageAttributes=attributes)
    start(dead, DestinationArn=source.arn)
    message = source.receive_one(MessageAttributeNames=["All"])
    assert message["MessageAttributes"] == attributes


def test_a_source_that_is_no_arn(sqs, queues):
    with pytest.raises(sqs.exceptions.ClientError) as caught:
        sqs.start_message_move_task(SourceArn="garbage")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] in {400, 404}


@pytest.mark.parametrize("fifo", [False, True])
def test_only_between_queues_of_one_type(sqs, queues, fifo):
    _, dead = queues.with_dead_letters(fifo)
    other = queues.standard() if fifo else queues.fifo()
    text = "Source queue and destination queue must be of the same type."
    with refused(sqs, "InvalidParameterValue", text):
        start(dead, DestinationArn=other.arn)
