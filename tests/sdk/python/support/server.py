"""A server of the test's own, for what can only be asked for by a flag."""

import os
import re
import selectors
import signal
import subprocess
import time
from contextlib import contextmanager


# The SQS endpoint is what the tests ask; Pub/Sub listens too.
FREE_PORTS = ["--sqs-port", "0", "--pubsub-port", "0", "--pubsub-rest-port", "0"]


class Server:
    def __init__(self, *flags, start_seconds=20):
        self.process = subprocess.Popen(
            [os.environ["LCLQ_BIN"], "start", *FREE_PORTS, *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.endpoint = None
        try:
            self._await_ready(start_seconds)
        except BaseException:
            self.kill()
            raise

    def _await_ready(self, seconds):
        deadline = time.monotonic() + seconds
        heard = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while b"ready" not in heard.split(b"\n")[:-1]:
                assert selector.select(deadline - time.monotonic()), f"no 'ready' in {heard!r}"
                piece = os.read(self.process.stdout.fileno(), 4096)
                assert piece, f"the server ended before it was ready, having said {heard!r}"
                heard += piece
        listening = re.search(rb"^listening sqs (http://\S+)$", heard, re.MULTILINE)
        assert listening, f"no SQS endpoint in {heard!r}"
        self.endpoint = listening[1].decode()

    def stop(self):
        """Asks it to end, as an init system would, and returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=15)
        self.process.stdout.close()
        return code

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@contextmanager
def running(*flags):
    server = Server(*flags)
    try:
        yield server
    except BaseException:
        server.kill()
        raise
    assert server.stop() == 0, "SIGTERM must end the server with exit code 0"
