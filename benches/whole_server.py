"""Instructions of a whole server per request, for the benchmarks beside this."""

import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def started(command, log=subprocess.DEVNULL):
    """A process of ours that has said it is ready, and where it listens."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    urls = {}
    for line in process.stdout:
        if found := re.match(r"listening (\S+) (\S+)", line):
            urls[found[1]] = found[2]
        if line.startswith("ready"):
            return process, urls
    sys.exit(f"{command} did not start")


def ended(process):
    process.terminate()
    process.wait(60)


def counted(binary, flags, load):
    """Requests that `load` had answered by a server with these flags, and the server's instructions.

    Cachegrind counts over all threads. `load` takes the URL of the SQS endpoint.
    """
    zero = [word for port in ("sqs", "pubsub", "pubsub-rest", "admin") for word in (f"--{port}-port", "0")]
    with tempfile.NamedTemporaryFile("w+") as log:
        command = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
        command += [binary, "start", "--runtime", "epoll", "--cores", "1", *zero, *flags]
        server, urls = started(command, log)
        try:
            requests = load(urls["sqs"])
        finally:
            ended(server)
        log.seek(0)
        refs = re.search(r"I\s+refs:\s+([\d,]+)", log.read())
        return requests, int(refs[1].replace(",", ""))


def per_request(binary, flags, short, long):
    """What lies between a short and a long load, so that start and end count for nothing."""
    few, least = counted(binary, flags, short)
    many, most = counted(binary, flags, long)
    return (most - least) / (many - few)
