"""Holds metrics, alert rules and dashboard against Prometheus itself: see run.sh."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

ROOT = pathlib.Path(sys.argv[1])
PATIENCE_S = 30
# promtool wants no gauge to end so, but these names are given.
ALLOWED = re.compile(
    r"lclq_(queue|topic|subscription)_count non-histogram and non-summary metrics should not have "
    r'"_count" suffix'
)


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def get(url):
    with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
        return answer.read()


def call(url, body, headers=None, method="POST"):
    headers = {"Content-Type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method=method)
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
        return json.loads(answer.read() or "null")


def until(what, attempt):
    """Tries until there is an answer."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            found = attempt()
            if found:
                return found
        except OSError:
            pass
        if time.monotonic() > end:
            sys.exit(f"metrics: no {what} after {PATIENCE_S} s")
        time.sleep(0.1)


class Lclq:
    """A server on free ports."""

    def __init__(self, work):
        command = [os.environ["LCLQ_BIN"], "start", "--sqs-port", "0", "--pubsub-port", "0"]
        command += ["--pubsub-rest-port", "0", "--admin-port", "0", "--metrics-port", "0"]
        command += ["--data-dir", str(work / "data"), "--cores", "2"]
        names = [name for name in os.environ if name.startswith("LCLQ_")]
        environment = {name: value for name, value in os.environ.items() if name not in names}
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
        )
        self.urls = {}
        for line in self.process.stdout:
            if line.startswith("ready"):
                return
            words = line.split()
            if words[0] == "listening":
                self.urls[words[1]] = words[2]
        sys.exit("metrics: lclq did not start")

    def sqs(self, action, body):
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"AmazonSQS.{action}",
        }
        return call(self.urls["sqs"], body, headers)

    def use(self):
        """Makes a queue and a subscription, and passes messages through them."""
        queue = self.sqs("CreateQueue", {"QueueName": "orders"})["QueueUrl"]
        for number in range(5):
            self.sqs("SendMessage", {"QueueUrl": queue, "MessageBody": f"order {number}"})
        received = self.sqs("ReceiveMessage", {"QueueUrl": queue})["Messages"][0]
        receipt = {"QueueUrl": queue, "ReceiptHandle": received["ReceiptHandle"]}
        self.sqs("DeleteMessage", receipt)
        rest = self.urls["pubsub-rest"] + "/v1/projects/shop/"
        topic = "projects/shop/topics/events"
        call(rest + "topics/events", {}, method="PUT")
        call(rest + "subscriptions/audit", {"topic": topic}, method="PUT")
        # Nobody listens there.
        push = {"topic": topic, "pushConfig": {"pushEndpoint": "http://127.0.0.1:9/"}}
        call(rest + "subscriptions/push", push, method="PUT")
        call(rest + "topics/events:publish", {"messages": [{"data": "aGVsbG8="}]})


def promtool(*words, text=None):
    command = [os.environ["PROMTOOL"], *words]
    return subprocess.run(command, input=text, capture_output=True, text=True)


def lint(url):
    """What promtool says of metrics, beyond what is allowed."""
    said = promtool("check", "metrics", text=get(url).decode())
    lines = (said.stdout + said.stderr).splitlines()
    left = [line for line in lines if line and not ALLOWED.fullmatch(line)]
    if left or said.returncode not in (0, 3):
        sys.exit(f"metrics: promtool check metrics ({said.returncode}): {left}")


def expressions():
    """What the dashboard asks, as Grafana would send it."""
    dashboard = json.loads((ROOT / "deploy/grafana/lclq.json").read_text())
    found = []
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            asked = target["expr"].replace("$instance", ".+").replace("$__rate_interval", "1m")
            found.append((panel["title"], asked))
    return found


class Prometheus:
    """Scrapes lclq each second, with the rules that are delivered."""

    def __init__(self, work, target):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        rules = ROOT / "deploy/prometheus/alerts.yml"
        config = work / "prometheus.yml"
        address = urllib.parse.urlparse(target).netloc
        config.write_text(
            "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
            f"rule_files: [{json.dumps(str(rules))}]\n"
            f"scrape_configs: [{{job_name: lclq, static_configs: [{{targets: [{json.dumps(address)}]}}]}}]\n"
        )
        command = [os.environ["PROMETHEUS"], f"--config.file={config}"]
        command += [f"--storage.tsdb.path={work / 'series'}", f"--web.listen-address=127.0.0.1:{port}"]
        self.log = open(work / "prometheus.log", "w")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT)

    def api(self, path, **query):
        answer = json.loads(get(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}"))
        if answer["status"] != "success":
            sys.exit(f"metrics: {path} {query}: {answer}")
        return answer["data"]

    def query(self, asked):
        return self.api("query", query=asked)["result"]


def check(work, lclq, prometheus):
    lclq.use()
    lint(lclq.urls["metrics"] + "/metrics")
    orders = 'lclq_messages_sent_total{queue_name="orders"}'
    found = until("series of a queue", lambda: prometheus.query(orders))
    if found[0]["value"][1] != "5":
        sys.exit(f"metrics: five messages were sent, not {found}")
    # OpenMetrics is what Prometheus asks for: it took that.
    down = [target for target in prometheus.api("targets")["activeTargets"] if target["health"] != "up"]
    if down:
        sys.exit(f"metrics: {down}")
    backlog = 'lclq_subscription_backlog_messages{subscription_name="audit"} == 1'
    until("backlog of a subscription", lambda: prometheus.query(backlog))
    until("rates", lambda: prometheus.query("rate(lclq_core_busy_seconds_total[1m]) > 0"))
    asked = expressions()
    empty = [(title, expression) for title, expression in asked if not prometheus.query(expression)]
    # A share of nothing, and what has not happened, have no value.
    nothing = ("Refused and failed", "Failing requests")
    if [title for title, _ in empty if title not in nothing]:
        sys.exit(f"metrics: the dashboard asks in vain: {empty}")

    def evaluated():
        rules = prometheus.api("rules")["groups"][0]["rules"]
        return rules if all(rule["health"] != "unknown" for rule in rules) else None

    rules = until("evaluation of rules", evaluated)
    broken = [rule for rule in rules if rule["health"] != "ok"]
    if broken:
        sys.exit(f"metrics: {broken}")
    print(f"{len(asked)} expressions of the dashboard and {len(rules)} rules hold")


def main():
    said = promtool("check", "rules", str(ROOT / "deploy/prometheus/alerts.yml"))
    if said.returncode != 0:
        sys.exit(f"metrics: promtool check rules: {said.stdout}{said.stderr}")
    said = promtool("check", "config", str(ROOT / "deploy/prometheus/prometheus.yml"))
    if said.returncode != 0:
        sys.exit(f"metrics: promtool check config: {said.stdout}{said.stderr}")
    with tempfile.TemporaryDirectory() as directory:
        work = pathlib.Path(directory)
        lclq = Lclq(work)
        prometheus = Prometheus(work, lclq.urls["metrics"])
        try:
            check(work, lclq, prometheus)
        finally:
            for process in (prometheus.process, lclq.process):
                process.send_signal(signal.SIGTERM)
                process.wait(PATIENCE_S)


main()
