#!/usr/bin/env python3
"""Runs the examples of examples/ against one server, and checks what each prints.

    LCLQ_BIN=target/release/lclq tests/examples/run.py                  the topics in five languages, light frameworks
    LCLQ_BIN=target/release/lclq tests/examples/run.py frameworks       those that install more
    LCLQ_BIN=target/release/lclq tests/examples/run.py sqs/go celery    some of both

The server is started here, on free ports; each language and each framework has an account and a project of
its own there. Dependencies come from the caches of the SDK suites, and are kept in LCLQ_TEST_CACHE.
"""

import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import frameworks
import topics
from support import CACHE, LCLQ, Failure, Place

PARALLEL_MAX = 6  # they wait more than they compute, but each begins by loading an SDK
START_SECONDS_MAX = 20


def start_server(log):
    free = [f"--{name}-port=0" for name in ("sqs", "pubsub", "pubsub-rest", "admin")]
    server = subprocess.Popen([LCLQ, "start", "--cores", "1", *free], stdout=subprocess.PIPE, stderr=log, text=True)
    listening = {}
    deadline = time.monotonic() + START_SECONDS_MAX
    for line in server.stdout:
        if line.startswith("ready"):
            return server, listening["sqs"], listening["pubsub"].removeprefix("http://")
        if line.startswith("listening "):
            _, what, where = line.split()
            listening[what] = where
        if time.monotonic() > deadline:
            break
    server.kill()
    raise SystemExit(f"the server did not start, see {log.name}")


def chosen(wanted):
    """The groups whose names are wanted; each is prepared once, and has examples that then run by themselves."""
    short, long = [*topics.groups(), *frameworks.light_groups()], frameworks.groups()
    if not wanted:
        return short
    if wanted == ["frameworks"]:
        return long
    known = {group.name: group for group in short + long}
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise SystemExit(f"no such examples: {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[name] for name in wanted]


def timed(work):
    """What came of some work: the reason of its failure, or nothing, and how many seconds it took."""
    began = time.monotonic()
    try:
        work()
        reason = None
    except (Failure, OSError, subprocess.TimeoutExpired) as error:
        reason = str(error)
    return reason, time.monotonic() - began


def main():
    groups = chosen(sys.argv[1:])
    CACHE.mkdir(parents=True, exist_ok=True)
    outcomes = []

    def tell(name, reason, seconds):
        outcomes.append(reason is None)
        said = f"ok {name} ({seconds:.1f} s)" if reason is None else f"FAILED {name}: {reason}"
        print(said, flush=True)

    with (
        tempfile.TemporaryDirectory(prefix="lclq-examples-") as scratch,
        open(Path(scratch) / "server.log", "w+") as log,
        ThreadPoolExecutor(PARALLEL_MAX) as pool,
    ):
        server, sqs, pubsub = start_server(log)
        try:
            places = [Place(group, Path(scratch), number, sqs, pubsub) for number, group in enumerate(groups)]

            def run(place):
                """Prepares a group; its examples go behind what waits already."""
                reason, seconds = timed(partial(place.group.prepare, place))
                if reason is not None:
                    tell(f"{place.group.name}: preparation", reason, seconds)
                    return []
                print(f"{place.group.name} is built ({seconds:.1f} s)", flush=True)
                return [
                    (f"{place.group.name} {example.name}", pool.submit(timed, partial(example.check, place)))
                    for example in place.group.examples
                ]

            for examples in [pool.submit(run, place) for place in places]:
                for name, outcome in examples.result():
                    tell(name, *outcome.result())
        finally:
            server.terminate()
            server.wait(timeout=START_SECONDS_MAX)
        failed = outcomes.count(False)
        if failed:
            log.seek(0)
            print(f"the server said:\n{log.read()[-4000:]}")
    print(f"{outcomes.count(True)} passed, {failed} failed")
    return 1 if failed or not outcomes else 0


if __name__ == "__main__":
    sys.exit(main())
