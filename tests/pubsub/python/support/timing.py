"""Waiting no longer than needed, and measuring how long something took."""

import time
from contextlib import contextmanager


def eventually(probe, seconds=15.0, pause=0.02):
    """Calls probe until it answers something true, and returns that."""
    deadline = time.monotonic() + seconds
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not so within {seconds} s; the last answer was {answer!r}")
        time.sleep(pause)


class Stopwatch:
    def __init__(self):
        self.started = time.monotonic()
        self.seconds = None

    def stop(self):
        self.seconds = time.monotonic() - self.started


@contextmanager
def stopwatch():
    watch = Stopwatch()
    yield watch
    watch.stop()
