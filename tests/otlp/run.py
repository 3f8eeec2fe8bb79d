#!/usr/bin/env python3
"""Traces and metrics as a real OpenTelemetry collector gets them, by gRPC and by HTTP.

Builds the collector in tests/otlp/collector by the Go toolchain, starts the server that LCLQ_BIN names
with it, and looks at what the collector prints. With `build` it only builds.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
CACHE = Path(os.environ.get("LCLQ_TEST_CACHE") or REPO / "target" / "test-cache")
LCLQ = os.environ.get("LCLQ_BIN") or REPO / "target" / "release" / "lclq"
PATIENCE_SECONDS = 30
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
XRAY = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
CONFIGURATION = """
receivers:
  otlp:
    protocols:
      grpc: {{ endpoint: "127.0.0.1:{grpc}" }}
      http: {{ endpoint: "127.0.0.1:{http}" }}
exporters:
  debug: {{ verbosity: detailed, sampling_initial: 1000000 }}
service:
  pipelines:
    traces: {{ receivers: [otlp], exporters: [debug] }}
    metrics: {{ receivers: [otlp], exporters: [debug] }}
"""


def collector_binary():
    binary = CACHE / "otlp" / "collector"
    cache = CACHE / "go"
    flags = f"{os.environ.get('GOFLAGS', '')} -modcacherw -mod=readonly"
    environment = os.environ | {"GOMODCACHE": str(cache / "mod"), "GOCACHE": str(cache / "build"), "GOFLAGS": flags}
    subprocess.run(["go", "build", "-o", binary, "."], cwd=HERE / "collector", env=environment, check=True)
    return binary


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def running(command, log):
    with open(log, "wb") as out:
        process = subprocess.Popen([str(word) for word in command], stdout=out, stderr=out)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0, log.read_text()[-2000:]


def wait_for(log, pattern):
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if found := re.search(pattern, log.read_text(errors="replace"), re.DOTALL):
            return found
        time.sleep(0.05)
    raise SystemExit(f"never told: {pattern}\n{log.read_text(errors='replace')[-4000:]}")


def ask(url, body, **headers):
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        return json.load(refused)


def sqs(endpoint, action, body, **headers):
    headers = {"X-Amz-Target": f"AmazonSQS.{action}", "Content-Type": "application/x-amz-json-1.0"} | headers
    return ask(endpoint, body, **headers)


def span(text, name):
    """The last span of this name that was printed, up to the next."""
    parts = [part for part in re.split(r"Span #\d+", text) if re.search(rf"Name +: {re.escape(name)}\n", part)]
    assert parts, f"no span {name}"
    return parts[-1]


def has(part, *lines):
    for line in lines:
        assert re.search(line, part), f"{line} isn't in\n{part}"


def told(protocol, directory, binary):
    ports = {"grpc": free_port(), "http": free_port()}
    configuration = directory / "collector.yaml"
    configuration.write_text(CONFIGURATION.format(**ports))
    log, server = directory / "collector.log", directory / "server.log"
    zero = [word for port in ("sqs", "pubsub", "pubsub-rest", "admin") for word in (f"--{port}-port", "0")]
    told_how = ["--otlp-endpoint", f"http://127.0.0.1:{ports[protocol]}", "--otlp-protocol", protocol]
    with running([binary, "--config", f"file:{configuration}"], log):
        wait_for(log, "Everything is ready")
        with running([LCLQ, "start", *zero, *told_how, "--otlp-sample", "1", "--otlp-metrics-ms", "300"], server):
            wait_for(server, "ready\n")
            listening = dict(re.findall(r"listening (\S+) (\S+)", server.read_text()))
            endpoint, rest = listening["sqs"], listening["pubsub"]
            url = sqs(endpoint, "CreateQueue", {"QueueName": "orders"})["QueueUrl"]
            traced = {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Amzn-Trace-Id": XRAY, "User-Agent": "tests/1"}
            sqs(endpoint, "SendMessage", {"QueueUrl": url, "MessageBody": "m"}, **traced)
            sqs(endpoint, "ReceiveMessage", {"QueueUrl": url})
            sqs(endpoint, "SendMessage", {"QueueUrl": url + "-none", "MessageBody": "m"})
            unsampled = {"traceparent": f"00-{TRACE}-{PARENT}-00"}
            sqs(endpoint, "ListQueues", {}, **unsampled)
            topic = f"{rest}/v1/projects/project/topics/orders"
            urllib.request.urlopen(urllib.request.Request(topic, b"{}", method="PUT")).close()
            message = {"data": "bQ==", "attributes": {"googclient_traceparent": f"00-{TRACE}-{PARENT}-01"}}
            ask(f"{topic}:publish", {"messages": [message]})
            wait_for(log, r"Name +: Publish orders\n")
            wait_for(log, r"-> Name: lclq_messages_sent_total")
    text = log.read_text(errors="replace")
    sent = span(text, "SendMessage orders")
    has(sent, rf"Trace ID +: {TRACE}", rf"Parent ID +: {PARENT}", r"Kind +: Server", r"messaging\.system: Str\(aws_sqs\)")
    has(sent, r"messaging\.destination\.name: Str\(orders\)", r"user_agent\.original: Str\(tests/1\)")
    received = span(text, "ReceiveMessage orders")
    has(received, r"SpanLink #0", r"Trace ID: 5759e988bd862e3fe1be46a994272793", r"\bID: 53995c3f42cd8ad8")
    refused = span(text, "SendMessage orders-none")
    has(refused, r"Status code +: Error", r"error\.type: Str\(AWS\.SimpleQueueService\.NonExistentQueue\)")
    published = span(text, "Publish orders")
    has(published, r"messaging\.system: Str\(gcp_pubsub\)", rf"Trace ID: {TRACE}")
    assert "Name           : ListQueues" not in text, "its caller doesn't record it"
    has(text, r"service\.name: Str\(lclq\)", r"-> Name: lclq_api_latency_seconds")
    print(f"ok {protocol}: {len(re.findall(r'Span #', text))} spans")


def main():
    binary = collector_binary()
    if sys.argv[1:] == ["build"]:
        return 0
    for protocol in ("grpc", "http"):
        with tempfile.TemporaryDirectory(prefix="lclq-otlp-") as place:
            told(protocol, Path(place), binary)
    print("2 passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
