"""A server in a process of its own, for as long as it is wanted."""

from __future__ import annotations

import os
import queue
import subprocess
import threading
import time
from collections import deque
from typing import Any, Mapping

from ._binary import find_binary
from ._controls import Clock, Faults, call
from ._sandbox import Sandbox

START_SECONDS_MAX = 20.0
STOP_SECONDS_MAX = 10.0
LOG_LINES_MAX = 1000

# What holds where no flag says otherwise: free ports, one core, no file of the working directory.
DEFAULTS = {
    "LCLQ_CONFIG": os.devnull,
    "LCLQ_SQS_PORT": "0",
    "LCLQ_PUBSUB_PORT": "0",
    "LCLQ_PUBSUB_REST_PORT": "0",
    "LCLQ_ADMIN_PORT": "0",
    "LCLQ_CORES": "1",
    "LCLQ_SHUTDOWN_MS_MAX": "1000",
}


class StartError(RuntimeError):
    """The server didn't start; the message has what it said."""


class Server:
    """A running `lclq start`, on free ports of loopback and in memory unless flags say otherwise.

    `args` are flags of `lclq start`, such as `"--data-dir", "queues"`. `env` are further variables; those that
    begin with LCLQ_ aren't taken over from this process. The server ends with `stop()`, with the context
    manager, and with this process, however that ends.
    """

    def __init__(
        self,
        *args: str,
        binary: str | None = None,
        env: Mapping[str, str] | None = None,
        test_controls: bool = True,
    ) -> None:
        self._args = args
        self._binary = binary
        self._env = env
        self._test_controls = test_controls
        self._process: subprocess.Popen[str] | None = None
        self._said: dict[str, str] = {}
        self._log: deque[str] = deque(maxlen=LOG_LINES_MAX)

    def start(self) -> Server:
        """Starts it and waits until it is ready. Raises StartError where it can't be."""
        if self._process is not None:
            raise RuntimeError("the server runs already")
        try:
            binary = self._binary or find_binary()
        except FileNotFoundError as error:
            raise StartError(str(error)) from None
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("LCLQ_")}
        controls = {"LCLQ_TEST_CONTROLS": "true" if self._test_controls else "false"}
        try:
            process = subprocess.Popen(
                [binary, "start", "--stop-with-stdin", *self._args],
                env={**inherited, **DEFAULTS, **controls, **(self._env or {})},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
            )
        except OSError as error:
            raise StartError(f"lclq can't be run: {error}") from None
        self._process, self._said = process, {}
        self._log.clear()
        lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._readers = [
            threading.Thread(target=_read_lines, args=(process.stdout, lines), daemon=True),
            threading.Thread(target=self._log.extend, args=(process.stderr,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        try:
            self._wait_until_ready(lines)
        except BaseException:
            self.stop()
            raise
        return self

    def _wait_until_ready(self, lines: queue.SimpleQueue[str | None]) -> None:
        until = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                line = lines.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                raise StartError(f"lclq isn't ready after {START_SECONDS_MAX} s:\n{self.log}") from None
            if line is None:
                assert self._process is not None
                code = self._process.wait(STOP_SECONDS_MAX)
                self._readers[1].join(STOP_SECONDS_MAX)
                raise StartError(f"lclq ended with code {code}:\n{self.log}")
            if line == "ready":
                return
            if line.startswith("listening "):
                _, name, url = line.split(" ", 2)
                self._said[name] = url

    def stop(self) -> None:
        """Ends it and waits for that. Does nothing where it doesn't run."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for reader in self._readers:
            reader.join(STOP_SECONDS_MAX)
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, *_: Any) -> None:
        self.stop()

    def _address(self, name: str) -> str:
        if self._process is None:
            raise RuntimeError("the server doesn't run")
        try:
            return self._said[name]
        except KeyError:
            raise RuntimeError(f"the server has no endpoint {name}") from None

    @property
    def endpoint(self) -> str:
        """The URL of SQS."""
        return self._address("sqs")

    @property
    def pubsub(self) -> str:
        """Host and port of Pub/Sub, as PUBSUB_EMULATOR_HOST wants them."""
        return self._address("pubsub").split("://", 1)[1]

    @property
    def admin(self) -> str:
        """The URL of the admin API, the metrics and the web console."""
        return self._address("admin")

    @property
    def pid(self) -> int | None:
        """The process' id; None where it doesn't run."""
        return self._process.pid if self._process else None

    @property
    def log(self) -> str:
        """The last lines that it has logged, LOG_LINES_MAX at most."""
        return "".join(self._log.copy())

    @property
    def clock(self) -> Clock:
        """Its clock, for tests to stop and move."""
        return Clock(self.admin)

    @property
    def faults(self) -> Faults:
        """Its rules of which requests fail."""
        return Faults(self.admin)

    def sandbox(self) -> Sandbox:
        """An account and a project that nobody else has."""
        return Sandbox(self)

    def reset(self) -> None:
        """Deletes everything, for all sandboxes."""
        call(self.admin, "POST", "test/reset", {})

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Asks the admin API for anything else: `server.call("GET", "queues")`."""
        return call(self.admin, method, path, body)


def _read_lines(stream: Any, lines: queue.SimpleQueue[str | None]) -> None:
    is_ready = False
    for line in stream:
        # After that only an access log would come, which nobody here reads.
        if not is_ready:
            lines.put(line.rstrip("\n"))
        is_ready = is_ready or line == "ready\n"
    lines.put(None)
