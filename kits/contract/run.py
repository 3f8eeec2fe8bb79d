#!/usr/bin/env python3
"""The suite that all kits answer alike; README.md beside this file has the agents' protocol."""

import argparse
import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from urllib.parse import urlsplit

ANSWER_SECONDS_MAX = 60
GONE_SECONDS_MAX = 10

# Proxies of the environment are for others: all this is loopback.
web = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class AgentError(Exception):
    """What a user of the kit would have been told."""


class Agent:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.answers = queue.SimpleQueue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.answers.put(line)
        self.answers.put(None)

    def ask(self, op, **arguments):
        self.process.stdin.write(json.dumps({"op": op, **arguments}) + "\n")
        self.process.stdin.flush()
        try:
            line = self.answers.get(timeout=ANSWER_SECONDS_MAX)
        except queue.Empty:
            raise AssertionError(f"no answer to {op} in {ANSWER_SECONDS_MAX} s") from None
        assert line is not None, f"the agent ended at {op}"
        answer = json.loads(line)
        if "error" in answer:
            raise AgentError(answer["error"])
        return answer

    def start(self, *args, **more):
        return self.ask("start", args=list(args), **more)

    def sandbox(self, server):
        return self.ask("sandbox", server=server["server"])["sandbox"]

    def send(self, sandbox, body, name="jobs", delay_s=0):
        self.ask("send", sandbox=sandbox, queue=name, body=body, delay_s=delay_s)

    def receive(self, sandbox, name="jobs"):
        return self.ask("receive", sandbox=sandbox, queue=name)["messages"]

    def publish(self, sandbox, data, topic="events"):
        self.ask("publish", sandbox=sandbox, topic=topic, data=data)

    def pull(self, sandbox, topic="events"):
        return self.ask("pull", sandbox=sandbox, topic=topic)["messages"]

    def stop(self, server):
        self.ask("stop", server=server["server"])

    def end(self):
        self.process.stdin.close()
        return self.process.wait(GONE_SECONDS_MAX)


def fails(ask, *args, **kwargs):
    """The error of something that has to fail."""
    try:
        answer = ask(*args, **kwargs)
    except AgentError as error:
        return str(error)
    raise AssertionError(f"it was done: {answer}")


def address(url):
    parts = urlsplit(url if "://" in url else f"tcp://{url}")
    return parts.hostname, parts.port


def is_open(url):
    try:
        socket.create_connection(address(url), timeout=5).close()
    except OSError:
        return False
    return True


def is_gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # One that has ended and that nobody has waited for is still there by name.
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] == "Z"


def until(condition, what):
    end = time.monotonic() + GONE_SECONDS_MAX
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


# Cases. Each gets the agent and a server that all cases share, which stands as others left it.


def endpoints_answer(agent, server):
    addresses = [address(server[name]) for name in ("endpoint", "pubsub", "admin")]
    assert len(set(addresses)) == 3, addresses
    assert all(host in ("127.0.0.1", "localhost", "::1") for host, _ in addresses), addresses
    assert all(is_open(server[name]) for name in ("endpoint", "pubsub", "admin"))
    with web.open(server["admin"] + "/api/v1/health", timeout=10) as health:
        assert json.load(health)["status"] == "ok"


def sqs_sends_and_receives(agent, server):
    sandbox = agent.sandbox(server)
    assert agent.receive(sandbox) == []
    agent.send(sandbox, "grüße ✓")
    assert agent.receive(sandbox) == ["grüße ✓"]
    assert agent.receive(sandbox) == []


def pubsub_publishes_and_pulls(agent, server):
    sandbox = agent.sandbox(server)
    agent.publish(sandbox, "grüße ✓")
    assert agent.pull(sandbox) == ["grüße ✓"]


def sandboxes_are_isolated(agent, server):
    one, other = agent.sandbox(server), agent.sandbox(server)
    agent.send(one, "one")
    agent.send(other, "other")
    agent.publish(one, "one")
    agent.publish(other, "other")
    assert agent.receive(other) == ["other"]
    assert agent.receive(one) == ["one"]
    assert agent.pull(other) == ["other"]
    assert agent.pull(one) == ["one"]


def a_sandbox_ends_alone(agent, server):
    one, other = agent.sandbox(server), agent.sandbox(server)
    for sandbox in (one, other):
        agent.send(sandbox, "kept")
        agent.publish(sandbox, "kept")
    agent.ask("end", sandbox=one)
    assert agent.receive(one) == []
    assert agent.receive(other) == ["kept"]
    assert agent.pull(other) == ["kept"]


def time_passes_when_told(agent, _):
    server = agent.start()
    sandbox = agent.sandbox(server)
    agent.send(sandbox, "later", delay_s=600)
    assert agent.receive(sandbox) == []
    agent.ask("advance", server=server["server"], seconds=599)
    assert agent.receive(sandbox) == []
    agent.ask("advance", server=server["server"], seconds=2)
    assert agent.receive(sandbox) == ["later"]
    agent.stop(server)


def faults_make_calls_fail(agent, _):
    server = agent.start()
    sandbox = agent.sandbox(server)
    agent.send(sandbox, "before")
    rule = {"dialect": "sqs", "action": "SendMessage", "effect": {"error": {"code": "InvalidMessageContents"}}}
    assert agent.ask("fault", server=server["server"], rule=rule)["name"]
    error = fails(agent.send, sandbox, "never")
    assert "InvalidMessageContents" in error, error
    agent.ask("clear_faults", server=server["server"])
    agent.send(sandbox, "after")
    assert sorted(agent.receive(sandbox) + agent.receive(sandbox)) == ["after", "before"]
    agent.stop(server)


def a_fault_that_makes_no_sense_is_refused(agent, server):
    rule = {"dialect": "sqs", "action": "SendMessage", "effect": {"error": {"code": "NoSuchCode"}}}
    error = fails(agent.ask, "fault", server=server["server"], rule=rule)
    assert "NoSuchCode" in error, error


def two_servers_run_at_once(agent, server):
    other = agent.start()
    assert other["endpoint"] != server["endpoint"]
    here, there = agent.sandbox(server), agent.sandbox(other)
    agent.send(here, "here")
    agent.send(there, "there")
    assert agent.receive(there) == ["there"]
    assert agent.receive(here) == ["here"]
    agent.stop(other)
    agent.send(here, "still")
    assert agent.receive(here) == ["still"]


def stop_leaves_nothing(agent, _):
    server = agent.start()
    sandbox = agent.sandbox(server)
    agent.send(sandbox, "lost")
    agent.publish(sandbox, "lost")
    agent.stop(server)
    assert not any(is_open(server[name]) for name in ("endpoint", "pubsub", "admin"))
    assert server["pid"] is None or is_gone(server["pid"])


def a_taken_port_is_told(agent, server):
    _, port = address(server["endpoint"])
    error = fails(agent.start, "--sqs-port", str(port))
    assert str(port) in error and "in use" in error, error


def a_wrong_flag_is_told(agent, _):
    error = fails(agent.start, "--no-such-flag")
    assert "--no-such-flag" in error, error


def a_missing_binary_is_told(agent, _):
    error = fails(agent.start, binary="/nowhere/lclq")
    assert "/nowhere/lclq" in error, error


def flags_are_taken(agent, _):
    server = agent.start("--account", "123456789012", "--cores", "2")
    with web.open(server["admin"] + "/api/v1/config", timeout=10) as answer:
        text = answer.read().decode()
    assert "123456789012" in text, text
    agent.stop(server)


CASES = [
    endpoints_answer,
    sqs_sends_and_receives,
    pubsub_publishes_and_pulls,
    sandboxes_are_isolated,
    a_sandbox_ends_alone,
    time_passes_when_told,
    faults_make_calls_fail,
    a_fault_that_makes_no_sense_is_refused,
    two_servers_run_at_once,
    stop_leaves_nothing,
    a_taken_port_is_told,
    a_wrong_flag_is_told,
    flags_are_taken,
]
# Where servers are processes: what begins with one, and what a killed test run leaves.
PROCESS_CASES = [a_missing_binary_is_told]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kit", required=True)
    parser.add_argument("--in-process", action="store_true", help="the kit's servers are in its own process")
    parser.add_argument("agent", nargs="+")
    args = parser.parse_args()
    began = time.monotonic()
    agent = Agent(args.agent)
    server = agent.start()
    assert (server["pid"] is None) == args.in_process, server
    passed, failed = 0, []
    for case in CASES + ([] if args.in_process else PROCESS_CASES):
        try:
            case(agent, server)
        except (AssertionError, AgentError, OSError) as error:
            failed.append(case.__name__)
            line = error.__traceback__.tb_next.tb_lineno if error.__traceback__.tb_next else "?"
            print(f"FAILED {args.kit}: {case.__name__}, line {line}: {type(error).__name__}: {error}", flush=True)
        else:
            passed += 1
    # One way or another, a server doesn't outlive who has started it.
    for how in ("the agent ends", "the agent is killed"):
        try:
            if how == "the agent ends":
                agent.end()
            else:
                agent = Agent(args.agent)
                server = agent.start()
                agent.process.kill()
                agent.process.wait()
            until(lambda: server["pid"] is None or is_gone(server["pid"]), f"its server goes on after {how}")
            assert not is_open(server["endpoint"])
        except (AssertionError, AgentError, OSError, subprocess.TimeoutExpired) as error:
            failed.append(how)
            print(f"FAILED {args.kit}: {how}: {error}", flush=True)
        else:
            passed += 1
    print(f"kit {args.kit}: {time.monotonic() - began:.1f} s")
    print(f"{passed} passed, {len(failed)} failed", flush=True)
    sys.exit(bool(failed))


main()
