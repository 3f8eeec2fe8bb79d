"""A part of a server that one test has to itself."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from ._controls import call

if TYPE_CHECKING:
    from ._server import Server

REGION = "us-east-1"


class Sandbox:
    """An SQS account and a Pub/Sub project that nobody else has. Names in it collide with nobody's.

    As a context manager it deletes all that is in it at its end.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        # An access key that is an account's number puts a client into that account.
        self.account = f"{secrets.randbelow(9 * 10**11) + 10**11}"
        self.project = f"test-{self.account}"

    @property
    def aws(self) -> dict[str, str]:
        """Arguments for an SQS client: `boto3.client("sqs", **sandbox.aws)`."""
        return {
            "endpoint_url": self.server.endpoint,
            "region_name": REGION,
            "aws_access_key_id": self.account,
            "aws_secret_access_key": "test",
        }

    @property
    def env(self) -> dict[str, str]:
        """Environment variables that bring AWS' and Google's SDKs here."""
        return {
            "AWS_ENDPOINT_URL_SQS": self.server.endpoint,
            "AWS_ACCESS_KEY_ID": self.account,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "PUBSUB_EMULATOR_HOST": self.server.pubsub,
            "PUBSUB_PROJECT_ID": self.project,
            "GOOGLE_CLOUD_PROJECT": self.project,
        }

    def reset(self) -> None:
        """Deletes all that is in it. Needs the test controls."""
        call(self.server.admin, "POST", "test/reset", {"account": self.account})
        call(self.server.admin, "POST", "test/reset", {"project": self.project})

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: Any) -> None:
        self.reset()

    def __repr__(self) -> str:
        return f"<lclq.Sandbox {self.account} {self.project}>"
