"""The library's own streaming subscriber, with a callback that collects."""

import threading
import time
from contextlib import contextmanager

from google.cloud import pubsub_v1


class Inbox:
    """Collects messages, and settles each as `settle` says."""

    def __init__(self, settle=lambda message: message.ack()):
        self._settle = settle
        self._messages = []
        self._changed = threading.Condition()

    def __call__(self, message):
        with self._changed:
            self._messages.append(message)
            self._changed.notify_all()
        self._settle(message)

    def wait(self, count, seconds=30):
        with self._changed:
            arrived = self._changed.wait_for(lambda: len(self._messages) >= count, seconds)
            assert arrived, f"{len(self._messages)} of {count} messages within {seconds} s"
            return list(self._messages)

    def wait_for_exactly(self, count, settle_seconds=0.5):
        self.wait(count)
        time.sleep(settle_seconds)
        with self._changed:
            assert len(self._messages) == count
            return list(self._messages)

    def wait_until_quiet(self, count, seconds):
        """Waits for so many messages at least, and until no other has come for a while."""
        self.wait(count)
        with self._changed:
            arrived = len(self._messages)
            while self._changed.wait_for(lambda: len(self._messages) > arrived, seconds):
                arrived = len(self._messages)
            return list(self._messages)

    def data(self, count):
        return [message.data for message in self.wait(count)]

    def __len__(self):
        with self._changed:
            return len(self._messages)


@contextmanager
def subscribed(subscription, callback, **options):
    """The subscriber of google-cloud-pubsub on this subscription; PUBSUB_EMULATOR_HOST must be set."""
    with pubsub_v1.SubscriberClient() as client:
        future = client.subscribe(subscription.name, callback, **options)
        try:
            yield future
        finally:
            future.cancel()
            future.exception(timeout=20)  # how it ended is for the test to look at
