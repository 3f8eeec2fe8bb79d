"""The official library with a service account's file over TLS, as it is used with the real service."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys

import pytest
from support.own_server import own_server

CLIENT = pathlib.Path(__file__).parent / "support" / "service_account_client.py"


@contextlib.contextmanager
def secured(tmp_path):
    """A server that wants tokens, and the variables that a client of it has in its environment."""
    keys = tmp_path / "keys.toml"
    made = subprocess.run(
        [os.environ["LCLQ_BIN"], "credentials", "create-service-account", "--project", "p", "--file", keys],
        check=True,
        capture_output=True,
    ).stdout
    tls = tmp_path / "tls"
    flags = ["--pubsub-auth", "enforce", "--credentials", keys, "--tls", "self-signed", "--tls-dir", tls]
    with own_server(*flags) as server:
        port = server.pubsub.rsplit(":", 1)[1]
        account = json.loads(made) | {"token_uri": f"https://localhost:{port}/token"}
        file = tmp_path / "account.json"
        file.write_text(json.dumps(account))
        trusted = str(tls / "ca.pem")
        yield os.environ | {
            "GOOGLE_APPLICATION_CREDENTIALS": str(file),
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": trusted,
            "REQUESTS_CA_BUNDLE": trusted,
            "ENDPOINT": f"localhost:{port}",
        }


def run(environment, how):
    """Runs the client in a process of its own: trust is read once a process."""
    ran = subprocess.run(
        [sys.executable, CLIENT, how], env=environment, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.parametrize("how", ["own token", "exchanged token", "rest"])
def test_a_service_account_publishes_and_pulls(tmp_path, how):
    with secured(tmp_path) as environment:
        assert run(environment, how) == {"data": "hello"}


@pytest.mark.parametrize("how", ["no token", "token of another key"])
def test_a_stranger_is_unauthenticated(tmp_path, how):
    with secured(tmp_path) as environment:
        told = run(environment, how)
        assert told["error"] == "Unauthenticated"
        assert told["reason"] in ("CREDENTIALS_MISSING", "ACCESS_TOKEN_TYPE_UNSUPPORTED")
