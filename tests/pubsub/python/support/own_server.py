"""A server of a test's own, which it may steer."""

import contextlib
import json
import os
import re
import subprocess
import urllib.request

ADDRESSES = re.compile(r"^listening (pubsub|admin) http://(\S+)$")


class OwnServer:
    def __init__(self, addresses):
        self.pubsub = addresses["pubsub"]
        self.admin = addresses["admin"]

    def control(self, method, path, body=None):
        """Asks for one of the test controls."""
        url = f"http://{self.admin}/api/v1/test/{path}"
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(url, data, method=method)) as answer:
            return json.load(answer)


@contextlib.contextmanager
def own_server(*flags):
    ports = ["--sqs-port", "0", "--pubsub-port", "0", "--pubsub-rest-port", "0", "--admin-port", "0"]
    process = subprocess.Popen(
        [os.environ["LCLQ_BIN"], "start", "--test-controls", *ports, *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    addresses = {}
    for line in process.stdout:
        if found := ADDRESSES.match(line):
            addresses[found[1]] = found[2]
        if line.startswith("ready"):
            break
    yield OwnServer(addresses)
    process.terminate()
    process.wait(15)
