import os

import pytest

pytest.register_assert_rewrite("support")

from support.clients import Api  # noqa: E402  (after the registration above)
from support.resources import Project  # noqa: E402


@pytest.fixture(scope="session")
def address():
    """host:port of the server, which speaks gRPC and REST there."""
    return os.environ["LCLQ_PUBSUB"]


@pytest.fixture
def api(request, address):
    """Clients of every service; over gRPC unless the test's module asks for other transports."""
    return Api.over(getattr(request, "param", "grpc"), address)


@pytest.fixture
def project(api):
    made = Project(api)
    yield made
    made.clean_up()


@pytest.fixture
def emulator(monkeypatch, address):
    """What users of the libraries set."""
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", address)
    return address
