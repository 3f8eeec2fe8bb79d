"""Nodes of a cluster and requests to them, for the benchmarks beside this."""

import json
import re
import urllib.parse
import urllib.request
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader

from cpu_time import answered, connected
from whole_server import started


def module(path):
    """A program beside this one, which has no ending."""
    loader = SourceFileLoader(path.name, str(path))
    found = module_from_spec(spec_from_loader(path.name, loader))
    loader.exec_module(found)
    return found


def request(host, action, body):
    body = json.dumps(body).encode()
    head = f"POST / HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/x-amz-json-1.0\r\n"
    head += f"x-amz-target: AmazonSQS.{action}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Node:
    def __init__(self, binary, store, shards):
        zero = [word for port in ("sqs", "pubsub", "pubsub-rest", "admin", "node") for word in (f"--{port}-port", "0")]
        command = [binary, "start", "--cores", "1", "--shards", str(shards), "--store", store, "--cluster", *zero]
        self.process, self.urls = started(command)
        self.host = urllib.parse.urlsplit(self.urls["sqs"]).netloc

    def figure(self, name):
        with urllib.request.urlopen(self.urls["admin"] + "/metrics") as metrics:
            return int(float(re.search(rf"^{name}(?:{{.*}})? (\S+)$", metrics.read().decode(), re.M)[1]))

    def connections(self, count):
        name, port = self.host.split(":")
        return [connected(name, int(port), None) for _ in range(count)]

    def ask(self, action, body):
        (connection,) = self.connections(1)
        with connection:
            connection.sendall(request(self.host, action, body))
            return answered(connection)
