"""A subscription that pushes to an HTTP server, and comes again after an answer that isn't a success."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import SimpleQueue

from support import publish, subscribe, topic_of

pushed = SimpleQueue()
statuses = [503, 204]


class Endpoint(BaseHTTPRequestHandler):
    def do_POST(self):
        status = statuses.pop(0)
        envelope = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(status)
        self.end_headers()
        pushed.put((status, base64.b64decode(envelope["message"]["data"]).decode()))

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Endpoint)
threading.Thread(target=server.serve_forever, daemon=True).start()

with topic_of("webhooks") as topic:
    endpoint = f"http://127.0.0.1:{server.server_port}/push"
    subscribe(topic, "webhooks", push_config={"push_endpoint": endpoint})
    publish(topic, "order-1")
    for expected in (503, 204):
        status, text = pushed.get(timeout=20)
        assert (status, text) == (expected, "order-1")
        print(f"pushed {text}, answered {status}")
server.shutdown()
