#!/usr/bin/env python3
"""Cycles on Pub/Sub over REST beside another load: publish, pull, acknowledge, and what happens now and then.

Every message that was published with a 200 has to be pulled and its acknowledgement answered, one
snapshot and one seek every SNAPSHOT_EVERY cycles included. Prints one line of JSON: cycles, errors,
messages that never came, p99.
"""

import argparse
import base64
import http.client
import json
import time
import urllib.parse

MESSAGES = 5
SNAPSHOT_EVERY = 50
# A message that was not acknowledged comes again within its deadline of 10 s.
LAST_PULLS_SECONDS = 15


class Client:
    def __init__(self, url):
        self.address = urllib.parse.urlsplit(url).netloc
        self.connection = http.client.HTTPConnection(self.address, timeout=30)
        self.errors = []
        self.latencies = []

    def call(self, method, path, body=None):
        began = time.monotonic()
        text = json.dumps(body) if body is not None else None
        self.connection.request(method, "/v1/projects/soak/" + path, text, {"content-type": "application/json"})
        answer = self.connection.getresponse()
        said = answer.read()
        self.latencies.append(time.monotonic() - began)
        if answer.status != 200:
            self.errors.append(f"{method} {path}: {answer.status} {said[:200]!r}")
            return {}
        return json.loads(said or b"{}")


def cycle(client, number, missing):
    messages = [
        {"data": base64.b64encode(f"{number}-{at}".encode() + b"." * 200).decode(), "orderingKey": f"key-{at % 2}"}
        for at in range(MESSAGES)
    ]
    ids = client.call("POST", "topics/soak:publish", {"messages": messages}).get("messageIds", [])
    missing.update(ids)
    take(client, missing)
    if number % SNAPSHOT_EVERY == 0:
        client.call("PUT", "snapshots/soak", {"subscription": "projects/soak/subscriptions/soak"})
        client.call("POST", "subscriptions/soak:seek", {"snapshot": "projects/soak/snapshots/soak"})
        client.call("DELETE", "snapshots/soak")


def take(client, missing):
    body = {"maxMessages": 100, "returnImmediately": True}
    received = client.call("POST", "subscriptions/soak:pull", body).get("receivedMessages", [])
    if received:
        client.call("POST", "subscriptions/soak:acknowledge", {"ackIds": [one["ackId"] for one in received]})
        missing.difference_update(one["message"]["messageId"] for one in received)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--rate", type=float, default=10, help="cycles per second")
    options = parser.parse_args()
    client = Client(options.url)
    client.call("PUT", "topics/soak", {})
    subscription = {"topic": "projects/soak/topics/soak", "enableMessageOrdering": True}
    client.call("PUT", "subscriptions/soak", subscription)
    missing, number = set(), 0
    began = time.monotonic()
    while time.monotonic() - began < options.seconds:
        number += 1
        cycle(client, number, missing)
        time.sleep(max(0, began + number / options.rate - time.monotonic()))
    until = time.monotonic() + LAST_PULLS_SECONDS
    while missing and time.monotonic() < until:
        take(client, missing)
        time.sleep(0.1)
    latencies = sorted(client.latencies)
    figures = {
        "cycles": number,
        "errors": len(client.errors) + len(missing),
        "missing": len(missing),
        "p99_us": round(1e6 * latencies[len(latencies) * 99 // 100]),
        "first_errors": client.errors[:5],
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
