"""What only a server with flags of its own can show. (The 60 s limits: test_edge_cases.py.)"""

import threading

import pytest
from botocore.exceptions import ClientError

from support.clients import sqs_client
from support.queues import QueueMaker, unique_name
from support.server import Server, running
from support.timing import eventually


def maker(server, **client):
    return QueueMaker(sqs_client(server.endpoint, **client))


def test_region_and_account():
    with running("--region", "eu-north-1", "--account", "123123123123") as server:
        # The credential scope's region wins over the flag; an access key that is no account doesn't.
        queue = maker(server, region="us-west-2").standard()
        assert queue.arn == f"arn:aws:sqs:us-west-2:123123123123:{queue.name}"
        assert queue.url == f"{server.endpoint}/123123123123/{queue.name}"
        own = maker(server, access_key="111122223333").standard()
        assert own.url == f"{server.endpoint}/111122223333/{own.name}"


@pytest.mark.parametrize("runtime", ["auto", "epoll"])
@pytest.mark.parametrize("cores, shards", [("1", "1"), ("1", "5"), ("2", "3")])
def test_shapes_of_a_server(runtime, cores, shards):
    with running("--runtime", runtime, "--cores", cores, "--shards", shards) as server:
        made = [maker(server).standard(f"q{index}") for index in range(8)]
        for queue in made:
            queue.send(queue.name)
        for queue in made:
            assert queue.bodies() == [queue.name]
        source, dead = maker(server).with_dead_letters()
        source.send("poison")
        source.receive_one(VisibilityTimeout=0)
        assert source.receive() == []
        assert dead.receive_one()["Body"] == "poison"


@pytest.fixture
def data(tmp_path):
    return ["--data-dir", str(tmp_path / "data")]


@pytest.mark.parametrize("durability", ["full", "normal"])
def test_everything_survives_a_restart(data, durability):
    flags = [*data, "--durability", durability]
    attributes = {"a": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}}
    with running(*flags) as server:
        made = maker(server)
        queue = made.standard("kept", tags={"team": "blue"}, VisibilityTimeout=77)
        sent = queue.send("kept", MessageAttributes=attributes)
        queue.delete(receive_other(queue))
        fifo = made.fifo("kept")
        fifo.send_many(["1", "2", "3"], MessageGroupId="g")
        first_id = fifo.send_fifo("4", group="g", MessageDeduplicationId="d")["MessageId"]
        dead = made.standard("dead")
        made.standard(
            "source", RedrivePolicy={"deadLetterTargetArn": dead.arn, "maxReceiveCount": 3}
        )
        gone = made.standard("gone")
        gone.client.delete_queue(QueueUrl=gone.url)
    with running(*flags) as server:
        client = sqs_client(server.endpoint)
        again = QueueMaker(client)
        old = {
            one: again.adopt(client.get_queue_url(QueueName=one.name)["QueueUrl"])
            for one in [queue, fifo, dead]
        }
        assert old[queue].attribute("VisibilityTimeout") == "77"
        assert client.list_queue_tags(QueueUrl=old[queue].url)["Tags"] == {"team": "blue"}
        (message,) = old[queue].receive(MessageAttributeNames=["All"])
        assert message["MessageId"] == sent["MessageId"]
        assert message["Body"] == "kept"
        assert message["MessageAttributes"] == attributes
        duplicate = old[fifo].send_fifo("4", group="g", MessageDeduplicationId="d")
        assert duplicate["MessageId"] == first_id, "deduplication outlives the restart"
        assert old[fifo].bodies() == ["1", "2", "3", "4"]
        sources = client.list_dead_letter_source_queues(QueueUrl=old[dead].url)["queueUrls"]
        assert len(sources) == 1
        assert "QueueUrls" not in client.list_queues(QueueNamePrefix=gone.name)


def receive_other(queue):
    """A second message, received, to be deleted: it must not come back after the restart."""
    queue.send("deleted")
    for message in queue.receive_all(2, VisibilityTimeout=1):
        if message["Body"] == "deleted":
            other = message
        else:
            queue.change_visibility(message, 0)
    return other


def test_answered_messages_survive_a_kill(data):
    server = Server(*data)
    try:
        queue = maker(server).standard("killed")
        ids = {queue.send(f"m{index}")["MessageId"] for index in range(50)}
        received = queue.receive_one()
        queue.delete(received)
    finally:
        server.kill()
    with running(*data) as server:
        client = sqs_client(server.endpoint)
        again = QueueMaker(client).adopt(client.get_queue_url(QueueName=queue.name)["QueueUrl"])
        got = {message["MessageId"] for message in again.receive_all(49)}
        assert got == ids - {received["MessageId"]}


MEBIBYTE_BODY = "x" * 1_000_000


def test_eviction_reject():
    with running("--memory-bytes-max", "8000000", "--eviction", "reject") as server:
        queue = maker(server).standard()
        accepted = 0
        with pytest.raises(ClientError) as caught:
            for _ in range(30):
                queue.send(MEBIBYTE_BODY)
                accepted += 1
        assert 2 <= accepted <= 8
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] in {400, 403, 503}
        # What was accepted is still there, and room is made by deleting.
        for _ in range(accepted):
            queue.delete(queue.receive_one())
        assert queue.counts() == (0, 0, 0)
        eventually(lambda: queue.send("room again")["MessageId"])


def test_eviction_oldest():
    with running("--memory-bytes-max", "8000000", "--eviction", "oldest") as server:
        queue = maker(server).standard()
        for index in range(20):
            queue.send(f"{index:02}{MEBIBYTE_BODY}")
        kept = [message["Body"][:2] for message in receive_until_empty(queue)]
        assert 2 <= len(kept) <= 8
        assert sorted(kept) == [f"{index:02}" for index in range(20)][-len(kept) :]


def test_eviction_lru():
    # The memory is shared out among the shards; with one there is one order of use.
    with running("--memory-bytes-max", "8000000", "--eviction", "lru", "--shards", "1") as server:
        made = maker(server)
        used, unused = made.standard("used"), made.standard("unused")
        used.send("the oldest of all, but in use")
        unused.send(MEBIBYTE_BODY)
        # Looking at the unused queue would be a use, so nobody does until it must have given way.
        for _ in range(7):
            used.send(MEBIBYTE_BODY)
        assert unused.counts() == (0, 0, 0), "the queue that nobody uses gives way first"
        assert used.counts()[0] >= 7


def receive_until_empty(queue):
    got = []
    while messages := queue.receive():
        got += messages
    return got


def test_the_ready_line_and_the_exit_code():
    server = Server()
    assert server.endpoint.startswith("http://127.0.0.1:")
    assert "QueueUrl" in sqs_client(server.endpoint).create_queue(QueueName=unique_name())
    assert server.stop() == 0


def test_sigterm_ends_a_long_poll_and_the_server():
    server = Server()
    queue = maker(server).standard()
    poll = threading.Thread(target=lambda: swallow(queue.receive, WaitTimeSeconds=20))
    poll.start()
    eventually(lambda: poll.is_alive())
    assert server.stop() == 0
    poll.join(5)
    assert not poll.is_alive()


def swallow(call, **parameters):
    """The poll may end with an empty answer or with a closed connection; either is an end."""
    try:
        call(**parameters)
    except Exception:
        pass
