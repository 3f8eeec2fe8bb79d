import pytest

pytest.register_assert_rewrite("wire")

import wire  # noqa: E402  (after the registration above)


@pytest.fixture
def make_queue():
    """Makes uniquely named queues, answers their URLs, and removes them in the end."""
    made = []

    def make(fifo=False, **attributes):
        if fifo:
            attributes["FifoQueue"] = "true"
        payload = {"QueueName": wire.unique_name(fifo), "Attributes": attributes}
        reply = wire.call("CreateQueue", payload)
        assert reply.status == 200, reply
        made.append(reply.json["QueueUrl"])
        return made[-1]

    yield make
    for url in made:
        wire.call("DeleteQueue", {"QueueUrl": url})


@pytest.fixture
def queue(make_queue):
    return make_queue()


@pytest.fixture
def queue_count():
    """(visible, in flight, delayed) of a queue."""
    names = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ]

    def count(url):
        reply = wire.call("GetQueueAttributes", {"QueueUrl": url, "AttributeNames": names})
        return tuple(int(reply.json["Attributes"][name]) for name in names)

    return count
