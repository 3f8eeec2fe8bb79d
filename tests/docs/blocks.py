#!/usr/bin/env python3
"""Runs the code blocks of the documents that claim to run, and counts those that don't.

Before a fenced block stands a comment that says what it is:

    <!-- start -->             an `lclq start` command: the server of the blocks after it, on free ports
    <!-- run -->               shell commands, all of a page's in one shell and one new folder
    <!-- prints -->            what the block before it prints; … stands for anything
    <!-- file: NAME -->        a file in that folder; TOML, JSON and YAML have to be what they claim
    <!-- sample: sqs/python --> a file of examples/ or kits/, which readme_samples.py or kits/run runs
    <!-- run: archive -->      commands of docs/install.md, which tests/deploy/run runs
    <!-- not run: why -->      none of these

Blocks in no language, or in `text`, claim nothing. Every other block needs such a comment. Addresses
with lclq's usual ports mean the server that is started here. LCLQ_BIN names the binary; names of pages
choose some of them.
"""

import concurrent.futures
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import yaml

REPO = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("LCLQ_BIN") or REPO / "target" / "release" / "lclq").resolve()
CACHE = Path(os.environ.get("LCLQ_TEST_CACHE") or REPO / "target" / "test-cache")
# What commands print; tests hold these against the binary.
GENERATED = {"docs/cli.md", "docs/admin-api.md", "docs/metrics.md", "docs/configuration.md"}
CLAIM_NOTHING = {"", "text"}
BLOCK_SECONDS_MAX = 20
PAGES_AT_ONCE = 6

FENCE = re.compile(
    r"(?:^<!-- (?P<mark>[^\n]*?) -->\n\n?)?^```(?P<language>[^\n]*)\n(?P<text>.*?)^```[ ]*$",
    re.DOTALL | re.MULTILINE,
)
INDENTED = re.compile(r"(?:^|\n)\n((?: {4}[^\n]*\n)+)")
PORTS = {"sqs": 9324, "pubsub": 8085, "pubsub-rest": 8086, "admin": 9000, "metrics": 9090}


class Wrong(Exception):
    pass


def documents():
    names = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"]
    names += [str(path.relative_to(REPO)) for path in sorted((REPO / "docs").rglob("*.md"))]
    return [name for name in names if name not in GENERATED]


def blocks(name):
    """(line, mark, language, text) of each fenced block of a document."""
    text = (REPO / name).read_text()
    for found in FENCE.finditer(text):
        line = text.count("\n", 0, found.start("language")) + 1
        yield line, found["mark"] or "", found["language"].strip(), found["text"]


class Server:
    """What a page's `lclq start` starts, on ports of its own."""

    def __init__(self, command, folder, environment):
        words = command.replace("\\\n", " ").split()
        if words[:2] != ["lclq", "start"]:
            raise Wrong(f"starts no lclq: {command}")
        free = [f"--{name}-port=0" for name in ("sqs", "pubsub", "pubsub-rest", "admin")]
        self.log = open(folder / ".server.log", "w+")
        self.process = subprocess.Popen(
            [BINARY, *words[1:], *[flag for flag in free if flag.partition("=")[0] not in command]],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        self.addresses = {}
        for line in self.process.stdout:
            if line.startswith("listening "):
                _, kind, url = line.split()
                self.addresses[kind] = url.partition("://")[2]
            if line.startswith("ready"):
                return
        self.log.seek(0)
        raise Wrong(f"{command.strip()} did not start:\n{self.log.read()}")

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=20)


class Page:
    """One page's shell, folder and server."""

    def __init__(self, name):
        self.name = name
        self.place = tempfile.TemporaryDirectory(prefix="lclq-docs-")
        self.folder = Path(self.place.name)
        self.tools = self.folder / ".bin"
        self.tools.mkdir()
        (self.tools / "lclq").symlink_to(BINARY)
        # What tests/run sets for the suites' servers is not what readers have.
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "LCLQ_", "PUBSUB_"))}
        self.environment = kept | {
            # Where the suite for Python has boto3, pytest and AWS' command line.
            "PATH": f"{self.tools}:{CACHE / 'python' / 'venv' / 'bin'}:{os.environ['PATH']}",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
            "LC_ALL": "C.UTF-8",
        }
        self.server = None
        self.shell = None

    def __enter__(self):
        self.shell = subprocess.Popen(
            ["bash"], cwd=self.folder, env=self.environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip
        print("set -euo pipefail", file=self.shell.stdin, flush=True)
        return self

    def __exit__(self, *_):
        self.end_shell()
        self.shell.wait()
        if self.server:
            self.server.process.kill()
            self.server.process.wait()
        self.place.cleanup()

    def end_shell(self):
        """Ends the shell and what it has started: all of it is of one session."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.shell.pid, signal.SIGKILL)

    def start(self, command):
        if self.server:
            self.server.stop()
        self.server = Server(command, self.folder, self.environment)
        url = f"http://{self.server.addresses.get('admin', '')}"
        print(f"export LCLQ_URL={url}", file=self.shell.stdin, flush=True)

    def addressed(self, text, back=False):
        for kind, address in (self.server.addresses if self.server else {}).items():
            usual = str(PORTS.get(kind, ""))
            port = address.rpartition(":")[2]
            if back:
                text = text.replace(f":{port}", f":{usual}")
            elif usual:
                text = re.sub(rf"(127\.0\.0\.1|localhost):{usual}\b", rf"\1:{port}", text)
        return text

    def run(self, text, number):
        script = self.folder / f".block-{number}.sh"
        script.write_text(self.addressed(text))
        print(f"source {script} </dev/null; printf '\\n@@done\\n'", file=self.shell.stdin, flush=True)
        with concurrent.futures.ThreadPoolExecutor(1) as reading:
            said = reading.submit(self._until_done)
            try:
                return self.addressed(said.result(timeout=BLOCK_SECONDS_MAX), back=True)
            except concurrent.futures.TimeoutError:
                self.end_shell()
                raise Wrong(f"is not done after {BLOCK_SECONDS_MAX} s") from None

    def _until_done(self):
        lines = []
        for line in self.shell.stdout:
            if line == "@@done\n":
                return "".join(lines)
            lines.append(line)
        raise Wrong(f"failed:\n{''.join(lines)}")

    def file(self, name, language, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        try:
            {"toml": tomllib.loads, "json": json.loads, "yaml": yaml.safe_load}.get(language, str)(text)
        except (ValueError, yaml.YAMLError) as error:
            raise Wrong(f"is no {language}: {error}") from error
        if path.name == "lclq.toml":
            checked = subprocess.run(
                [BINARY, "config", "check", path], cwd=self.folder, capture_output=True, text=True
            )
            if checked.returncode:
                raise Wrong(f"is no configuration of lclq: {checked.stdout}{checked.stderr}")


def held(expected, printed):
    """Whether what was printed is what the document says."""
    pattern = "".join(
        r"(?:[^\n]*\n)*?" if line.strip() == "…" else r"[^\n]*?".join(map(re.escape, line.rstrip().split("…"))) + r"\n"
        for line in expected.strip().splitlines()
    )
    text = "".join(line.rstrip() + "\n" for line in printed.strip().splitlines())
    return re.fullmatch(pattern, text) is not None


def run_page(name):
    """Counts by what blocks are, and what is wrong, of one document."""
    counts = dict.fromkeys(["run", "run elsewhere", "sample", "file", "not run", "claims nothing"], 0)
    wrong = []
    text = (REPO / name).read_text()
    counts["not run"] += len(INDENTED.findall(FENCE.sub("", text)))
    every = list(blocks(name))
    if not every:
        return counts, wrong
    with Page(name) as page:
        printed = None
        for number, (line, mark, language, text) in enumerate(every):
            try:
                kind, _, argument = mark.partition(":")
                if kind == "start":
                    page.start(text)
                    counts["run"] += 1
                elif kind == "run" and argument:
                    counts["run elsewhere"] += 1
                elif kind == "run":
                    printed = page.run(text, number)
                    counts["run"] += 1
                elif kind == "prints":
                    if printed is None or not held(text, printed):
                        raise Wrong(f"is not what is printed:\n{printed}")
                    counts["run"] += 1
                elif kind == "file":
                    page.file(argument.strip(), language, text)
                    counts["file"] += 1
                elif kind == "sample":
                    counts["sample"] += 1
                elif kind == "not run" and argument.strip():
                    counts["not run"] += 1
                elif language in CLAIM_NOTHING:
                    counts["claims nothing"] += 1
                else:
                    raise Wrong(f"has no comment that says whether it runs (it has {mark!r})")
            except (Wrong, OSError, subprocess.SubprocessError) as reason:
                wrong.append(f"{name}:{line}: the block {reason}")
                if kind in ("start", "run"):
                    break
    return counts, wrong


def main():
    names = [str(Path(name).resolve().relative_to(REPO)) for name in sys.argv[1:]] or documents()
    total, wrong = {}, []
    with concurrent.futures.ThreadPoolExecutor(PAGES_AT_ONCE) as pages:
        for counts, more in pages.map(run_page, names):
            wrong += more
            for kind, count in counts.items():
                total[kind] = total.get(kind, 0) + count
    for line in wrong:
        print(f"FAILED {line}")
    print(
        f"blocks: {total['run']} run, {total['file']} files checked, {total['sample']} samples and "
        f"{total['run elsewhere']} of packages are run by others; "
        f"{total['not run']} don't run, {total['claims nothing']} claim nothing; {len(wrong)} wrong"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
