"""What the tests of packages share: a message through a server, and clean roots to install in."""

import atexit
import contextlib
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("LCLQ_TEST_CACHE", ROOT / "target/test-cache")) / "deploy"
SUITE = "bookworm"
START_SECONDS_MAX = 30


def run(*command, **more):
    """Runs a command; what it printed is in the error where it fails."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **more)
    if done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def documented(name):
    """The code block of docs/install.md that follows `<!-- run: NAME -->`."""
    text = (ROOT / "docs/install.md").read_text()
    (block,) = re.findall(rf"<!-- run: {name} -->\n```sh\n(.*?)```\n", text, re.S)
    return block


@functools.cache
def archive(target):
    """A release's archive of the binary under test."""
    own = tempfile.mkdtemp(prefix="lclq-archive.")
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    binary = pathlib.Path(os.environ["LCLQ_BIN"])
    if "-windows-" in target:
        # It has the right form, and this machine's program in it.
        binary = shutil.copy(binary, pathlib.Path(own) / "lclq.exe")
    return pathlib.Path(run(ROOT / "deploy/release/archive", binary, target, own).strip())


def answer_of(request):
    """What a server answers to a request, as JSON; what it said is in the error where it refuses."""
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{request.full_url}: {error} {error.read().decode()}") from error


def sqs(endpoint, action, **parameters):
    """One SQS request, as an SDK sends it."""
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"AmazonSQS.{action}"}
    return answer_of(urllib.request.Request(endpoint, json.dumps(parameters).encode(), headers))


def pubsub(endpoint, method, path, **body):
    """One Pub/Sub request over REST."""
    return answer_of(
        urllib.request.Request(
            f"{endpoint}/v1/projects/local/{path}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
            method=method,
        )
    )


def send(endpoint, body, queue="parcels"):
    url = sqs(endpoint, "CreateQueue", QueueName=queue)["QueueUrl"]
    sqs(endpoint, "SendMessage", QueueUrl=url, MessageBody=body)


def receive(endpoint, queue="parcels"):
    url = sqs(endpoint, "GetQueueUrl", QueueName=queue)["QueueUrl"]
    answer = sqs(endpoint, "ReceiveMessage", QueueUrl=url, WaitTimeSeconds=5)
    messages = answer.get("Messages", [])
    for message in messages:
        sqs(endpoint, "DeleteMessage", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [message["Body"] for message in messages]


def until(true, what, seconds=START_SECONDS_MAX):
    """Waits until something is so, and fails where it doesn't become so."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := true():
            return answer
        time.sleep(0.02)
    raise AssertionError(f"after {seconds} s: no {what}")


@contextlib.contextmanager
def started(command, **more):
    """A server that the command starts, with its endpoints by name; ended by SIGTERM, in peace."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen(
            [str(word) for word in command], stdout=out, stderr=log, stdin=subprocess.DEVNULL, **more
        )

        def text(file):
            file.seek(0)
            return file.read()

        try:
            until(lambda: "\nready\n" in "\n" + text(out) or server.poll() is not None, "server")
            assert server.poll() is None, text(log)
            lines = [line.split() for line in text(out).splitlines()]
            yield {line[1]: line[2] for line in lines if line[0] == "listening"}
            server.terminate()
            assert server.wait(20) == 0, text(log)
        finally:
            if server.poll() is None:
                server.kill()
                server.wait()


def debian_files():
    """The files of a Debian with systemd and nothing else, made where they aren't there yet."""
    lower = CACHE / SUITE
    if not (lower / "usr/bin/systemctl").exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        making = pathlib.Path(tempfile.mkdtemp(dir=CACHE, prefix="making."))
        run("mmdebstrap", "--variant=minbase", "--include=systemd-sysv,ca-certificates",
            "--aptopt=APT::Sandbox::User \"root\"", SUITE, making / "root")
        if lower.exists():
            shutil.rmtree(lower)
        (making / "root").rename(lower)
        making.rmdir()
    return lower


@contextlib.contextmanager
def debian():
    """A clean Debian. What is done to it is gone at the end."""
    lower = debian_files()
    with tempfile.TemporaryDirectory(prefix="lclq-root.") as own:
        own = pathlib.Path(own)
        for name in ("upper", "work", "root"):
            (own / name).mkdir()
        # The layer on top stays in memory: an overlay can't lie on an overlay, which CI's machine may have.
        run("mount", "-t", "tmpfs", "-o", "size=512m", "lclq-upper", own / "upper")
        try:
            for name in ("changes", "work"):
                (own / "upper" / name).mkdir()
            (own / "upper/changes").chmod(0o755)
            run("mount", "-t", "overlay", "lclq-root", "-o",
                f"lowerdir={lower},upperdir={own}/upper/changes,workdir={own}/upper/work", own / "root")
            try:
                yield own / "root"
            finally:
                run("umount", "-l", own / "root")
        finally:
            run("umount", "-l", own / "upper")


@contextlib.contextmanager
def booted(root):
    """A Debian whose systemd runs, in namespaces of its own; gives a function that runs commands there."""
    with tempfile.TemporaryFile("w+") as console:
        machine = subprocess.Popen(
            ["systemd-nspawn", "--directory", root, "--boot", "--register=no", "--keep-unit",
             "--private-network", "--quiet", "--console=pipe"],
            stdin=subprocess.DEVNULL, stdout=console, stderr=console,
        )
        leader = None

        def first():
            # nspawn's child is the first process of the machine once it has become systemd.
            children = pathlib.Path("/proc").glob("[0-9]*")
            parents = {}
            for child in children:
                with contextlib.suppress(OSError):
                    fields = (child / "stat").read_text().rsplit(")", 1)[1].split()
                    parents[int(child.name)] = int(fields[1])
            for pid, parent in parents.items():
                above = parent
                while above in parents and above != machine.pid:
                    above = parents[above]
                if above == machine.pid:
                    with contextlib.suppress(OSError):
                        if (pathlib.Path("/proc") / str(pid) / "comm").read_text() == "systemd\n":
                            return pid
            return None

        try:
            leader = until(first, "systemd")

            def inside(*command, network_alone=False):
                spaces = ["--net"] if network_alone else ["--all"]
                return run("nsenter", "--target", leader, *spaces, *command)

            def up():
                with contextlib.suppress(AssertionError):
                    inside("systemctl", "show", "--property=Version")
                    return True
                return False

            until(up, "systemd that answers")
            yield inside
        except AssertionError as error:
            console.seek(0)
            raise AssertionError(f"{error}\n{console.read()[-4000:]}") from error
        finally:
            # SIGTERM has nspawn end the machine in order.
            machine.terminate()
            try:
                machine.wait(20)
            except subprocess.TimeoutExpired:
                machine.kill()
                machine.wait()


if __name__ == "__main__":
    debian_files()
