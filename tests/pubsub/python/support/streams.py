"""A StreamingPull call without the library's own lease management around it."""

import queue
import threading
import time

import grpc
from google.pubsub_v1 import types

QUIET_SECONDS = 0.7


class Stream:
    """An open stream. Responses are read by a thread of its own as they come."""

    def __init__(self, subscription, deadline=60, reading=True, **first):
        self._requests = queue.SimpleQueue()
        self._events = queue.SimpleQueue()
        self._ended = None
        self._call = subscription.api.subscriber.transport.streaming_pull(
            iter(self._requests.get, None)
        )
        self.send(subscription=subscription.name, stream_ack_deadline_seconds=deadline, **first)
        self._reader = threading.Thread(target=self._read, daemon=True)
        if reading:
            self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cancel()

    def _read(self):
        try:
            for response in self._call:
                self._events.put(response)
            self._events.put((self._call.code(), self._call.details()))
        except grpc.RpcError as error:
            self._events.put((error.code(), error.details()))

    # What the client sends

    def send(self, **fields):
        self._requests.put(types.StreamingPullRequest(**fields))

    def ping(self):
        self.send()

    def ack(self, *received):
        self.send(ack_ids=[one.ack_id for one in received])

    def extend(self, seconds, *received):
        self.send(
            modify_deadline_ack_ids=[one.ack_id for one in received],
            modify_deadline_seconds=[seconds] * len(received),
        )

    def nack(self, *received):
        self.extend(0, *received)

    def half_close(self):
        self._requests.put(None)

    def cancel(self):
        self._requests.put(None)
        self._call.cancel()

    # What the server answers

    def _next_event(self, seconds):
        try:
            event = self._events.get(timeout=seconds)
        except queue.Empty:
            return None
        if isinstance(event, tuple):
            self._ended = event
        return event

    def response(self, seconds=15):
        """The next response, which always carries the subscription's properties."""
        event = self._next_event(seconds)
        assert event is not None, f"no response within {seconds} s"
        assert not isinstance(event, tuple), f"the stream ended: {event}"
        assert "subscription_properties" in event, "a response without the properties"
        return event

    def messages(self, count, seconds=30):
        """Reads on until there are this many messages, which must come without one more."""
        deadline = time.monotonic() + seconds
        got = []
        while len(got) < count:
            left = deadline - time.monotonic()
            assert left > 0, f"{len(got)} of {count} messages within {seconds} s"
            got += self.response(left).received_messages
        assert len(got) == count, f"{len(got)} messages instead of {count}"
        return got

    def message(self, seconds=30):
        return self.messages(1, seconds)[0]

    def is_quiet(self, seconds=QUIET_SECONDS):
        """Nothing comes that carries a message or ends the stream."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            event = self._next_event(left)
            assert not isinstance(event, tuple), f"the stream ended: {event}"
            assert event is None or not event.received_messages, "a message"
        return True

    def end(self, seconds=15):
        """(code, details) of the stream's end; messages that come before are passed over."""
        deadline = time.monotonic() + seconds
        while self._ended is None:
            left = deadline - time.monotonic()
            assert left > 0, f"the stream did not end within {seconds} s"
            self._next_event(left)
        return self._ended
