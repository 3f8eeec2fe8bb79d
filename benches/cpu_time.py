"""CPU time of a server per SendMessage, for the benchmarks beside this: one request is sent again and again by
some connections, by turns."""

import json
import pathlib
import socket
import ssl
import statistics
import urllib.parse

from whole_server import ended, started

CONNECTIONS = 32
WARM_ROUNDS, ROUNDS = 100, 1500


def answered(connection):
    """Reads one answer, which has to be a success."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(65536)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), answer
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    return json.loads(body)


def cpu_seconds(process):
    """Of all threads, by the scheduler's own clock: what /proc/PID/stat counts are ticks of 10 ms."""
    tasks = pathlib.Path(f"/proc/{process.pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def connected(name, port, trust):
    connection = socket.create_connection((name, port), 60)
    if trust is None:
        return connection
    context = ssl.create_default_context(cafile=trust)
    context.set_alpn_protocols(["http/1.1"])
    return context.wrap_socket(connection, server_hostname="localhost")


def load(url, make, rounds, trust=None):
    """So many SendMessages by each connection. `make` makes a request of a host, an action and a body; with
    `trust` a file of authorities, by TLS."""
    host = urllib.parse.urlsplit(url).netloc
    name, port = host.split(":")
    connections = [connected(name, int(port), trust) for _ in range(CONNECTIONS)]
    connections[0].sendall(make(host, "CreateQueue", b'{"QueueName":"q"}'))
    queue = answered(connections[0]).get("QueueUrl", "")
    request = make(host, "SendMessage", json.dumps({"QueueUrl": queue, "MessageBody": "x" * 200}).encode())
    for _ in range(rounds):
        for connection in connections:
            connection.sendall(request)
        for connection in connections:
            answered(connection)
    for connection in connections:
        connection.close()


def microseconds_per_request(command, make, trust=None):
    """Of a server that `command` starts. `trust` is called once it runs, as its authority is made then."""
    server, urls = started(command)
    try:
        authority = trust() if trust else None
        load(urls["sqs"], make, WARM_ROUNDS, authority)
        before = cpu_seconds(server)
        load(urls["sqs"], make, ROUNDS, authority)
        return (cpu_seconds(server) - before) / (ROUNDS * CONNECTIONS) * 1e6
    finally:
        ended(server)


def by_turns(arms, rounds):
    """Times of each arm, a function, in an order that changes."""
    times = {arm: [] for arm in arms}
    for turn in range(rounds):
        for arm in list(arms) if turn % 2 == 0 else list(arms)[::-1]:
            times[arm].append(arms[arm]())
    return times


def show(times, against):
    """Prints the medians and their ratio to that of one arm, and gives the medians."""
    medians = {arm: statistics.median(all_times) for arm, all_times in times.items()}
    width = max(map(len, times))
    for arm, all_times in times.items():
        ratio = medians[arm] / medians[against]
        spread = f"({min(all_times):.2f} to {max(all_times):.2f})"
        print(f"  {arm:<{width}} {medians[arm]:6.2f} us   {ratio:.3f}   {spread}")
    return medians
