"""An HTTP server that plays the endpoint of push subscriptions, and remembers what it was sent."""

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Push:
    path: str
    headers: dict  # names in lower case
    body: bytes
    at: float = field(default_factory=time.monotonic)

    @property
    def json(self):
        return json.loads(self.body)


class PushEndpoint:
    """Answers each request with the next of `answers`, and with `otherwise` once they are used up."""

    def __init__(self, answers=(), otherwise=204):
        self.otherwise = otherwise
        self._answers = list(answers)
        self._pushes = []
        self._changed = threading.Condition()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                length = int(self.headers.get("content-length") or 0)
                body = self.rfile.read(length)
                headers = {name.lower(): value for name, value in self.headers.items()}
                status = endpoint._record(Push(self.path, headers, body))
                self.send_response(status)
                if status != 204:
                    self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_address[1]}/push"

    def _record(self, push):
        with self._changed:
            self._pushes.append(push)
            self._changed.notify_all()
            return self._answers.pop(0) if self._answers else self.otherwise

    def pushes(self, count, seconds=30):
        """The first so many requests, waited for."""
        with self._changed:
            arrived = self._changed.wait_for(lambda: len(self._pushes) >= count, seconds)
            assert arrived, f"{len(self._pushes)} of {count} pushes within {seconds} s"
            return self._pushes[:count]

    def only(self, settle_seconds=0.5):
        """The one request, when after a while there is still no other."""
        self.pushes(1)
        time.sleep(settle_seconds)
        with self._changed:
            assert len(self._pushes) == 1, f"{len(self._pushes)} pushes instead of one"
            return self._pushes[0]

    @property
    def count(self):
        with self._changed:
            return len(self._pushes)
