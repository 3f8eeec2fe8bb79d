"""What examples run in: a copy of their folder, the environment of their SDKs, time limits."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

REPO = Path(__file__).resolve().parents[2]
EXAMPLES = REPO / "examples"
CACHE = Path(os.environ.get("LCLQ_TEST_CACHE") or REPO / "target" / "test-cache").resolve()
LCLQ = os.environ.get("LCLQ_BIN") or str(REPO / "target" / "release" / "lclq")
BUILD_SECONDS_MAX = 900  # the first of all may compile SDKs
RUN_SECONDS_MAX = 120
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
IGNORED = shutil.ignore_patterns("node_modules", "target", "__pycache__", "db.sqlite3")


class Failure(Exception):
    pass


class Place:
    """Where the examples of one group run: a copy of its folder, and the settings of the SDKs."""

    def __init__(self, group, scratch, number, sqs, pubsub):
        self.group = group
        self.directory = scratch / group.name.replace("/", "-")
        shutil.copytree(EXAMPLES / group.folder, self.directory, ignore=IGNORED)
        clouds = ("AWS_", "GOOGLE_", "GCLOUD_", "PUBSUB_")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(clouds)}
        self.environment = inherited | {
            "AWS_ENDPOINT_URL_SQS": sqs,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            # An access key of twelve digits is an account of its own.
            "AWS_ACCESS_KEY_ID": f"{number + 1:012}",
            "AWS_SECRET_ACCESS_KEY": "test",
            "PUBSUB_EMULATOR_HOST": pubsub,
            "GOOGLE_CLOUD_PROJECT": f"example-{number + 1}",
            "NODE_NO_WARNINGS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def run(self, *command, seconds=RUN_SECONDS_MAX, directory=None, **environment):
        """Runs a command to its end, and answers its standard output."""
        with self.started(*command, directory=directory, **environment) as process:
            out, errors = process.communicate(timeout=seconds)
        out, errors = COLOUR.sub("", out), COLOUR.sub("", errors)
        if process.returncode != 0:
            raise Failure(f"{command[0]} exited with {process.returncode}\n{out}{errors}")
        return out

    def build(self, *command, **settings):
        return self.run(*command, seconds=BUILD_SECONDS_MAX, **settings)

    @contextmanager
    def started(self, *command, directory=None, output=subprocess.PIPE, **environment):
        """Runs a command meanwhile, in a process group that is ended with all that it started."""
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=directory or self.directory,
            env=self.environment | {name: str(value) for name, value in environment.items()},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            for signal_number in (signal.SIGTERM, signal.SIGKILL):
                if process.poll() is None:
                    os.killpg(process.pid, signal_number)
                    try:
                        process.wait(timeout=10)
                    except subprocess.TimeoutExpired:
                        pass

    def expect(self, printed, expected):
        if printed.strip() != expected.strip():
            raise Failure(f"printed\n{printed}instead of\n{expected}")


@dataclass
class Example:
    """One program with what it is to print; `run` answers what it printed."""

    name: str
    run: callable
    expected: str

    def check(self, place):
        place.expect(self.run(place), self.expected)


@dataclass
class Group:
    """Examples that are prepared together: one folder with one set of dependencies."""

    name: str
    folder: str
    prepare: callable
    examples: list


# Groups that share what they install take turns; so do Maven's, whose repository takes one writer.
INSTALLING = defaultdict(Lock)
MAVEN = Lock()


def installed(stamp, wanted, install):
    """Installs what isn't there yet as wanted, and notes it in a file."""
    with INSTALLING[stamp]:
        if not stamp.exists() or stamp.read_text() != wanted:
            stamp.parent.mkdir(parents=True, exist_ok=True)
            stamp.unlink(missing_ok=True)
            install()
            stamp.write_text(wanted)


def venv(place, name, requirements):
    """The bin folder of a virtual environment with the packages that a requirements file names."""
    home = CACHE / "examples" / name
    wanted = requirements.read_text() + sys.version

    def install():
        shutil.rmtree(home, ignore_errors=True)
        place.build(sys.executable, "-m", "venv", home)
        place.build(home / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements)

    installed(CACHE / "examples" / f"{name}.installed", wanted, install)
    return home / "bin"


def npm_install(place, name):
    """Gives a place the packages of its lock file, from the cache if they are there."""
    home = CACHE / "examples" / name
    lock = place.directory / "package-lock.json"

    def install():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        for file in ("package.json", "package-lock.json"):
            shutil.copy(place.directory / file, home)
        npm = ["npm", "ci", "--cache", CACHE / "javascript" / "npm", "--prefer-offline", "--no-audit", "--no-fund"]
        place.build(*npm, directory=home)

    installed(CACHE / "examples" / f"{name}.installed", lock.read_text(), install)
    (place.directory / "node_modules").symlink_to(home / "node_modules")


def maven(place, build, repository):
    """Compiles a place's classes, and answers their class path."""
    settings = ["-q", "-B", "-ntp", f"-Dmaven.repo.local={repository}", f"-Dbuild.dir={build}"]
    goals = ["compile", "dependency:build-classpath", f"-Dmdep.outputFile={build / 'classpath'}"]
    with MAVEN:
        place.build("mvn", *settings, *goals)
    return f"{build / 'classes'}:{(build / 'classpath').read_text().strip()}"


def go_settings():
    cache = CACHE / "go"
    flags = f"{os.environ.get('GOFLAGS', '')} -modcacherw -mod=readonly"
    return {"GOMODCACHE": cache / "mod", "GOCACHE": cache / "build", "GOFLAGS": flags}
