import os

import pytest

pytest.register_assert_rewrite("support")

from support.clients import sqs_client  # noqa: E402  (after the registration above)
from support.queues import QueueMaker  # noqa: E402


@pytest.fixture(scope="session")
def endpoint():
    return os.environ["LCLQ_ENDPOINT"].rstrip("/")


@pytest.fixture
def sqs(request, endpoint):
    """A boto3 client; JSON unless the test's module asks for other protocols."""
    return sqs_client(endpoint, getattr(request, "param", "json"))


@pytest.fixture
def queues(sqs):
    maker = QueueMaker(sqs)
    yield maker
    maker.clean_up()
