"""Fixtures for pytest, which finds this module by itself where lclq is installed."""

from __future__ import annotations

import sys
from typing import Any, Iterator

import pytest

from ._sandbox import Sandbox
from ._server import Server


@pytest.fixture(scope="session")
def lclq_args() -> list[str]:
    """Flags of `lclq start` for the fixtures' servers. A conftest.py may have its own fixture of this name."""
    return []


@pytest.fixture(scope="session")
def lclq_server(lclq_args: list[str]) -> Iterator[Server]:
    """One server for the session, or for each worker of pytest-xdist."""
    with Server(*lclq_args) as server:
        yield server


@pytest.fixture
def lclq(lclq_server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """An account and a project for this test alone, on the session's server; SDKs are brought there by the
    environment, so code under test needs no change."""
    with lclq_server.sandbox() as sandbox:
        _enter(sandbox, monkeypatch)
        yield sandbox


@pytest.fixture
def lclq_alone(lclq_args: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """The same on a server of this test's own, for tests that move the clock or set faults."""
    with Server(*lclq_args) as server:
        sandbox = server.sandbox()
        _enter(sandbox, monkeypatch)
        yield sandbox


def _enter(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in sandbox.env.items():
        monkeypatch.setenv(name, value)
    # The session that boto3 keeps has the keys of an earlier test.
    boto3 = sys.modules.get("boto3")
    if boto3 is not None:
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", boto3.Session(botocore_session=_botocore_session()))


def _botocore_session() -> Any:
    """A new session that reads no service's model again, which takes longer than most tests."""
    from botocore.session import get_session

    session = get_session()
    _models.append(session.get_component("data_loader"))
    del _models[1:]
    session.register_component("data_loader", _models[0])
    return session


# What has read them, once there is one.
_models: list[Any] = []
