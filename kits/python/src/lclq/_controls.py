"""What tests do to a server that was started with its test controls."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timedelta
from typing import Any

CONTROL_SECONDS_MAX = 60.0

# Proxies of the environment are for others: this is loopback.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ControlError(RuntimeError):
    """The server has refused what a test asked of it. `code` is the refusal's code, such as `NotFound`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


def call(admin: str, method: str, path: str, body: Any = None) -> Any:
    """Asks the admin API, whose answers are JSON. `path` begins below `/api/v1/`."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{admin}/api/v1/{path}", data=data, method=method)
    try:
        with _opener.open(request, timeout=CONTROL_SECONDS_MAX) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        text = refused.read().decode(errors="replace")
        try:
            error = json.loads(text)["error"]
            code, message = error["code"], error["message"]
        except (ValueError, KeyError, TypeError):
            code, message = str(refused.code), text
        raise ControlError(code, message) from None


class Clock:
    """The server's clock, which all its sandboxes share: tests that move it want a server of their own."""

    def __init__(self, admin: str) -> None:
        self._admin = admin

    def stop(self) -> None:
        """Has time stand still."""
        call(self._admin, "POST", "test/clock/stop")

    def resume(self) -> None:
        """Has time go on from where it is."""
        call(self._admin, "POST", "test/clock/resume")

    def advance(self, by: timedelta | float) -> None:
        """Jumps ahead, by a timedelta or by seconds; all that becomes due meanwhile happens."""
        seconds = by.total_seconds() if isinstance(by, timedelta) else by
        call(self._admin, "POST", "test/clock/advance", {"ms": round(seconds * 1000)})

    def set(self, to: datetime) -> None:
        """Jumps ahead to a time, which has to have its time zone."""
        if to.tzinfo is None:
            raise ValueError("the time has no time zone")
        call(self._admin, "POST", "test/clock/set", {"to": to.isoformat()})


class Faults:
    """Rules that have requests fail; docs/testing.md of lclq has what a rule may say."""

    def __init__(self, admin: str) -> None:
        self._admin = admin

    def set(self, effect: Any, **rule: Any) -> str:
        """Sets a rule and answers its name.

            server.faults.set({"error": {"code": "InternalFailure"}}, dialect="sqs", action="SendMessage", times=1)
        """
        return call(self._admin, "POST", "test/faults", {**rule, "effect": effect})["name"]

    def list(self) -> list[dict[str, Any]]:
        """All rules, each with its `name`, the `rule`, and how many requests it `matched` and `fired` at."""
        return call(self._admin, "GET", "test/faults")["faults"]

    def remove(self, name: str) -> None:
        """Takes one rule away."""
        call(self._admin, "DELETE", "test/faults/" + urllib.parse.quote(name, safe=""))

    def clear(self) -> None:
        """Takes all rules away."""
        call(self._admin, "DELETE", "test/faults")
