#!/usr/bin/env python3
"""Checks that the samples of the documents are the files in examples/, and runs each.

A sample is a fenced code block that follows a comment such as

    <!-- sample: sqs/python -->

and must be, character for character, the one source file in examples/sqs/python, or include it:

    --8<-- "examples/sqs/python/hello.py"

Each runs against the server that LCLQ_ENDPOINT (for SQS), LCLQ_PUBSUB (for Pub/Sub, host:port) and
LCLQ_URL (test controls) name, and must print what it is to print.
Those of examples/production that no document shows run as well. kits/check-samples looks at those of kits.
With --examples, every example in examples/ runs, whatever the documents say; names after that,
such as pubsub/go, choose some of them. Dependencies come from the caches of the SDK suites.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
DOCUMENTS = ["README.md", *sorted(str(path.relative_to(REPO)) for path in (REPO / "docs").rglob("*.md"))]
SUITES = {
    "sqs": REPO / "tests" / "sdk",
    "pubsub": REPO / "tests" / "pubsub",
    "testing": REPO / "tests" / "sdk",
    "production": REPO / "tests" / "sdk",
}
CACHE = Path(os.environ.get("LCLQ_TEST_CACHE") or REPO / "target" / "test-cache")
ENDPOINT = os.environ.get("LCLQ_ENDPOINT", "http://127.0.0.1:9324").rstrip("/")
PUBSUB = os.environ.get("LCLQ_PUBSUB", "127.0.0.1:8085")
TIMEOUT_SECONDS = 600  # the first run of a sample may compile its SDK

SAMPLE = re.compile(r"<!-- sample: (\S+) -->\s*\n```[^\n]*\n(.*?)^```\s*$", re.DOTALL | re.MULTILINE)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # Maven writes some even where it is told not to
COMMENT = re.compile(r"<!-- sample: (\S+) -->")


class Failure(Exception):
    pass


def run(command, directory, **environment):
    """Runs a command and answers its standard output; the samples see no other cloud's settings."""
    clouds = ("AWS_", "GOOGLE_", "GCLOUD_", "PUBSUB_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(clouds)}
    endpoints = {"AWS_ENDPOINT_URL": ENDPOINT, "PUBSUB_EMULATOR_HOST": PUBSUB}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=directory,
        env=inherited | endpoints | {name: str(value) for name, value in environment.items()},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
    )
    if done.returncode != 0:
        raise Failure(f"{command[0]} exited with {done.returncode}\n{done.stdout}{done.stderr}")
    return COLOUR.sub("", done.stdout)


def python(directory, service):
    suite = {"pubsub": "pubsub-python"}.get(service, "python")
    venv = CACHE / suite / "venv"
    if not (venv / "bin" / "python").exists():
        venv = CACHE / "samples" / f"{service}-venv"
        if not (venv / "bin" / "python").exists():
            run([sys.executable, "-m", "venv", venv], directory)
        run([venv / "bin" / "pip", "install", "--quiet", "--requirement", "requirements.txt"], directory)
    return run([venv / "bin" / "python", "hello.py"], directory)


def javascript(directory, service):
    suite = SUITES[service] / "javascript"
    if not (suite / "node_modules").exists():
        run(["npm", "ci", "--cache", CACHE / "javascript" / "npm", "--no-audit", "--no-fund"], suite)
    (directory / "node_modules").symlink_to(suite / "node_modules")
    return run(["node", "hello.mjs"], directory, NODE_NO_WARNINGS=1)


def go(directory, _service):
    cache = CACHE / "go"
    flags = f"{os.environ.get('GOFLAGS', '')} -modcacherw -mod=readonly"
    return run(["go", "run", "."], directory, GOMODCACHE=cache / "mod", GOCACHE=cache / "build", GOFLAGS=flags)


def java(directory, _service):
    maven = ["mvn", "-q", "-B", "-ntp", "-Dstyle.color=never", f"-Dmaven.repo.local={CACHE / 'java' / 'm2'}"]
    return run([*maven, "compile", "exec:java"], directory)


def rust(directory, _service):
    # The suite's profile, so that what it built is used again. Hazard: cargo takes packages of one name
    # and the same dependencies for one package, wherever they are, so each sample has another name.
    profile = {"CARGO_PROFILE_DEV_DEBUG": "false", "CARGO_PROFILE_DEV_INCREMENTAL": "false"}
    target = CACHE / "rust" / "target"
    return run(["cargo", "run", "--quiet", "--locked"], directory, CARGO_TARGET_DIR=target, **profile)


# Of each language: the sample's source file, how to run it, what it prints.
LANGUAGES = {
    "python": ("hello.py", python, "Hello from Python"),
    "javascript": ("hello.mjs", javascript, "Hello from JavaScript"),
    "go": ("main.go", go, "Hello from Go"),
    "java": ("Hello.java", java, "Hello from Java"),
    "rust": ("src/main.rs", rust, "Hello from Rust"),
}
# What those of docs/testing.md print.
TESTED = {
    "testing": "1 failure, 0 at once, 1 an hour later",
    "production": "careful: 0 wrong charges, careless: caught",
}
KINDS = [f"{service}/{language}" for service in SUITES for language in LANGUAGES]


def check_text(name, text):
    _, language = name.split("/")
    source = REPO / "examples" / name / LANGUAGES[language][0]
    includes = f'--8<-- "{source.relative_to(REPO)}"\n'
    if text not in (includes, source.read_text()):
        raise Failure(f"the document's sample is not {source.relative_to(REPO)}")


def check_output(name):
    service, language = name.split("/")
    _, runner, greeting = LANGUAGES[language]
    expected = TESTED.get(service, greeting)
    with tempfile.TemporaryDirectory(prefix="lclq-sample-") as place:
        directory = Path(place) / "sample"
        ignored = shutil.ignore_patterns("node_modules", "target", "__pycache__")
        shutil.copytree(REPO / "examples" / name, directory, ignore=ignored)
        printed = runner(directory, service)
    if printed.strip() != expected:
        raise Failure(f"printed {printed!r}, not {expected!r}")


def samples():
    """The names of the samples, each with its text in a document, or None for the whole of examples/."""
    if sys.argv[1:2] == ["--examples"]:
        return [(name, None) for name in sys.argv[2:] or KINDS]
    every = []
    for name in DOCUMENTS:
        text = (REPO / name).read_text()
        found = SAMPLE.findall(text)
        if len(found) != len(COMMENT.findall(text)):
            raise SystemExit(f"{name} has a sample comment without a code block right after it")
        every += [(kind, shown) for kind, shown in found if not kind.startswith("kits/")]
    shown = {name for name, _ in every}
    hidden = [kind for kind in KINDS if not kind.startswith("production/") and kind not in shown]
    if hidden:
        raise SystemExit(f"no document shows {', '.join(hidden)}")
    unshown = [kind for kind in KINDS if kind not in shown]
    return every + [(name, None) for name in unshown]


def main():
    passed = failed = 0
    ran = set()
    for name, text in samples():
        try:
            if name not in KINDS:
                raise Failure(f"no such kind of sample: {name}")
            if text is not None:
                check_text(name, text)
            if name in ran:
                continue  # a second document shows it
            ran.add(name)
            check_output(name)
        except (Failure, OSError, subprocess.TimeoutExpired) as reason:
            failed += 1
            print(f"FAILED {name}: {reason}", flush=True)
        else:
            passed += 1
            print(f"ok {name}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
