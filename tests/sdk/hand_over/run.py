#!/usr/bin/env python3
"""Consumers of five languages, while nodes of a cluster come and go in order: no SDK sees an error, nothing is lost and
nothing comes twice.

    LCLQ_BIN=target/release/lclq tests/sdk/hand_over/run.py

Starts a Redis and two nodes on it. Each language's program polls its queues by its SDK, without retries, and deletes
what it gets; producers send meanwhile, one node is ended by SIGTERM and another joins. All ask the node that stays. A
program is given LCLQ_ENDPOINT, LCLQ_QUEUE_URLS (by spaces), and LCLQ_REPORT, a file to which it adds a line for each
message's body, or "error ..."; a message "end" is the last of its queue. Dependencies are those of the SDK suites,
which keep them in LCLQ_TEST_CACHE.
"""

import collections
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

SDK = Path(__file__).resolve().parents[1]
REPO = SDK.parents[1]
CACHE = Path(os.environ.get("LCLQ_TEST_CACHE") or REPO / "target" / "test-cache").resolve()
LCLQ = os.environ.get("LCLQ_BIN") or str(REPO / "target" / "release" / "lclq")
QUEUES = 6  # of each language: with fewer, all could be on the node that stays
SHARDS = 12
BUILD_SECONDS_MAX = 900  # the first of all may compile SDKs
PATIENCE_SECONDS = 60
SEND_PAUSE_SECONDS = 0.02
OWN = ("LCLQ_", "AWS_")


class Failure(Exception):
    pass


def until(true, what, seconds=PATIENCE_SECONDS):
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise Failure(f"not within {seconds} s: {what}")
        time.sleep(0.05)


class Language:
    """How a language's program is made ready, and run."""

    def __init__(self, name, directory, prepare, command, **environment):
        self.name, self.directory, self.environment = name, SDK / directory, environment
        self.prepare, self.command = prepare, command
        self.urls, self.sent = [], collections.Counter()
        self.report = None
        self.process = None

    def settings(self, **more):
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
        return inherited | {"LCLQ_TEST_CACHE": str(CACHE)} | self.environment | more

    def make_ready(self):
        if self.prepare:
            self.run(self.prepare, LCLQ_ENDPOINT="none")

    def run(self, command, **more):
        ran = subprocess.run(
            command,
            cwd=self.directory,
            env=self.settings(**more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=BUILD_SECONDS_MAX,
        )
        if ran.returncode != 0:
            raise Failure(f"{self.name}: {' '.join(command)}\n{ran.stdout}")

    def start(self, endpoint, scratch):
        self.report = scratch / f"{self.name}.report"
        self.report.touch()
        self.log = open(scratch / f"{self.name}.log", "w")
        self.process = subprocess.Popen(
            self.command,
            cwd=self.directory,
            env=self.settings(
                LCLQ_ENDPOINT=endpoint, LCLQ_QUEUE_URLS=" ".join(self.urls), LCLQ_REPORT=str(self.report)
            ),
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            # Maven runs another process.
            start_new_session=True,
        )

    def seen(self):
        """Bodies that came, each with how often it did."""
        lines = self.report.read_text().split("\n")[:-1]
        errors = [line for line in lines if line.startswith("error ")]
        if errors:
            raise Failure(f"{self.name} saw {errors[0]}")
        if self.process.poll() not in (None, 0):
            raise Failure(f"{self.name} exited with {self.process.returncode}: {self.told()}")
        return collections.Counter(lines)

    def told(self):
        return Path(self.log.name).read_text()[-3000:]


def languages():
    go = {"GOMODCACHE": f"{CACHE}/go/mod", "GOCACHE": f"{CACHE}/go/build", "GOFLAGS": "-modcacherw -mod=readonly"}
    maven = ["mvn", "-B", "-ntp", "-q", "-Dstyle.color=never", f"-Dmaven.repo.local={CACHE}/java/m2"]
    maven += [f"-Dbuild.dir={CACHE}/java/build"]
    rust = CACHE / "rust" / "target"
    hand_over_go = CACHE / "go" / "hand_over"
    installed = ["npm", "ci", "--cache", f"{CACHE}/javascript/npm", "--prefer-offline", "--no-audit", "--no-fund"]
    if (SDK / "javascript" / "node_modules" / ".installed-lock").exists():
        installed = None
    return [
        # Makes the environment, and asks pytest alone.
        Language("python", "python", ["./run.sh", "--version"], [f"{CACHE}/python/venv/bin/python", "hand_over.py"]),
        Language("javascript", "javascript", installed, ["node", "hand-over.js"], NODE_NO_WARNINGS="1"),
        Language("go", "go", ["go", "build", "-o", str(hand_over_go), "./hand_over"], [str(hand_over_go)], **go),
        Language("java", "java", [*maven, "test-compile"], [*maven, "-Dtest=HandOver", "test"]),
        Language(
            "rust",
            "rust",
            ["cargo", "build", "--quiet", "--locked", "--example", "hand_over"],
            [f"{rust}/debug/examples/hand_over"],
            CARGO_TARGET_DIR=str(rust),
        ),
    ]


class Redis:
    def __init__(self, scratch):
        program = subprocess.check_output([REPO / "tests" / "redis"], text=True).strip()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        directory = scratch / "redis"
        directory.mkdir()
        settings = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(directory)]
        settings += ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        of_its_own = {"stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT, "start_new_session": True}
        self.process = subprocess.Popen([program, *settings], **of_its_own)
        until(self.answers, "Redis answers")
        self.url = f"redis://127.0.0.1:{self.port}"

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False


class Node:
    def __init__(self, name, store, scratch):
        self.log = open(scratch / f"{name}.log", "w")
        free = [f"--{port}-port=0" for port in ("sqs", "pubsub", "pubsub-rest", "admin", "node")]
        settings = ["--store", store, "--cluster", "--shards", str(SHARDS), "--cores", "1"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
        self.process = subprocess.Popen(
            [LCLQ, "start", *free, *settings],
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            env=environment,
            start_new_session=True,
        )
        self.listening = {}
        for line in self.process.stdout:
            if line.startswith("ready"):
                return
            if line.startswith("listening "):
                _, what, where = line.split()
                self.listening[what] = where.split("://")[-1]
        raise Failure(f"{name} did not start: {Path(self.log.name).read_text()}")

    def shards(self):
        connection = http.client.HTTPConnection(self.listening["admin"], timeout=PATIENCE_SECONDS)
        connection.request("GET", "/api/v1/cores")
        cores = json.load(connection.getresponse())["cores"]
        connection.close()
        return sum(len(core["shards"]) for core in cores)

    def leave(self):
        self.process.terminate()
        if self.process.wait(PATIENCE_SECONDS) != 0:
            raise Failure(f"a node ended with {self.process.returncode}: {Path(self.log.name).read_text()[-3000:]}")


class Client:
    """Asks a node by one connection. Whatever isn't done is a failure."""

    def __init__(self, address):
        self.connection = http.client.HTTPConnection(address, timeout=PATIENCE_SECONDS)

    def call(self, action, **request):
        headers = {"X-Amz-Target": f"AmazonSQS.{action}", "Content-Type": "application/x-amz-json-1.0"}
        self.connection.request("POST", "/", json.dumps(request), headers)
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise Failure(f"{action} was answered {answer.status}: {body.decode()}")
        return json.loads(body or b"{}")


class Producer(threading.Thread):
    """Sends to a language's queues until it is told to stop."""

    def __init__(self, language, address):
        super().__init__(daemon=True)
        self.language, self.client = language, Client(address)
        self.stop, self.failure, self.longest = threading.Event(), None, 0.0

    def run(self):
        number = 0
        try:
            while not self.stop.is_set():
                for url in self.language.urls:
                    body = str(number)
                    began = time.monotonic()
                    self.client.call("SendMessage", QueueUrl=url, MessageBody=body)
                    self.longest = max(self.longest, time.monotonic() - began)
                    self.language.sent[body] += 1
                    number += 1
                time.sleep(SEND_PAUSE_SECONDS)
        except Exception as error:
            self.failure = error

    def end(self):
        self.stop.set()
        self.join(PATIENCE_SECONDS)
        if self.failure or self.is_alive():
            raise Failure(f"a producer failed: {self.failure or 'it waits for an answer'}")


def hand_over(all_languages, scratch, processes):
    redis = Redis(scratch)
    processes.append(redis.process)
    nodes = [Node(f"node-{number}", redis.url, scratch) for number in range(2)]
    processes.extend(node.process for node in nodes)
    until(lambda: all(node.shards() > 0 for node in nodes), "both nodes run shards")
    stays, leaves = nodes
    address = stays.listening["sqs"]
    client = Client(address)
    for language in all_languages:
        names = [f"{language.name}-{number}" for number in range(QUEUES)]
        language.urls = [client.call("CreateQueue", QueueName=name)["QueueUrl"] for name in names]
        language.start(f"http://{address}", scratch)
        processes.append(language.process)
    producers = [Producer(language, address) for language in all_languages]
    for producer in producers:
        producer.start()
    until(lambda: all(language.seen() for language in all_languages), "all consume")
    moved = leaves.shards()
    began = time.monotonic()
    leaves.leave()
    left = time.monotonic() - began
    joins = Node("node-2", redis.url, scratch)
    processes.append(joins.process)
    until(lambda: joins.shards() == SHARDS // 2, "the node that has joined gets its share")
    for producer in producers:
        producer.end()
    for language in all_languages:
        until(lambda language=language: len(language.seen()) >= len(language.sent), f"{language.name} got all")
        for url in language.urls:
            client.call("SendMessage", QueueUrl=url, MessageBody="end")
    for language in all_languages:
        if language.process.wait(PATIENCE_SECONDS) != 0:
            raise Failure(f"{language.name}: {language.told()}")
        if language.seen() != language.sent:
            more, less = language.seen() - language.sent, language.sent - language.seen()
            raise Failure(f"{language.name}: lost {list(less)[:9]}, twice {list(more)[:9]}")
        print(f"{language.name}: {language.sent.total()} messages, no error")
    longest = max(producer.longest for producer in producers)
    print(f"{moved} shards were handed over in {left:.1f} s, {joins.shards()} more to a node that joined")
    print(f"the longest SendMessage took {longest:.2f} s")
    for node in (joins, stays):
        node.leave()


def main():
    all_languages = languages()
    for language in all_languages:
        language.make_ready()
    processes, scratch = [], Path(tempfile.mkdtemp())
    try:
        hand_over(all_languages, scratch, processes)
    except Failure as failure:
        for log in sorted(scratch.glob("node-*.log")):
            print(f"--- {log.name}\n{log.read_text()[-2000:]}", file=sys.stderr)
        print(f"FAILED: {failure}", file=sys.stderr)
        return 1
    finally:
        for process in reversed(processes):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        shutil.rmtree(scratch, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
