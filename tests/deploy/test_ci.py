"""What CI systems read: linted, and the action run as a runner would."""

import hashlib
import http.server
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import unittest

import yaml

import lclq

GITHUB = lclq.ROOT / ".github"
ACTION = GITHUB / "actions/setup-lclq"
TARGET = "x86_64-unknown-linux-gnu"
VERSION = re.search(r'^version = "(.+)"', (lclq.ROOT / "Cargo.toml").read_text(), re.M)[1]


def holds(schema, *paths, more=()):
    lclq.run("check-jsonschema", "--builtin-schema", schema, *more, *paths)


class Files(unittest.TestCase):
    def test_actionlint_finds_nothing(self):
        # With shellcheck, by which it looks into scripts.
        self.assertIsNotNone(shutil.which("shellcheck"))
        lclq.run("actionlint", cwd=lclq.ROOT)

    def test_zizmor_finds_no_hole(self):
        # What it would look up at GitHub it leaves out.
        lclq.run("zizmor", "--offline", "--no-progress", "--min-severity", "medium", GITHUB)

    def test_schemas(self):
        workflows = sorted((GITHUB / "workflows").glob("*.yml"))
        self.assertGreaterEqual(len(workflows), 4)
        holds("vendor.github-workflows", *workflows)
        holds("custom.github-workflows-require-timeout", *workflows)
        holds("vendor.github-actions", ACTION / "action.yml")
        holds("vendor.dependabot", GITHUB / "dependabot.yml")
        forms = [path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml"]
        holds("vendor.github-issue-forms", *forms)
        holds("vendor.github-issue-config", GITHUB / "ISSUE_TEMPLATE/config.yml")
        holds("vendor.gitlab-ci", lclq.ROOT / "deploy/ci/gitlab-ci.yml", more=["--data-transform", "gitlab-ci"])
        holds("vendor.circle-ci", lclq.ROOT / "deploy/ci/circleci.yml")
        holds("vendor.compose-spec", lclq.ROOT / "deploy/container/compose.yaml")

    def test_groovy_reads_the_pipeline(self):
        (jar,) = (lclq.CACHE / "groovy").glob("groovy-*.jar")
        with tempfile.TemporaryDirectory() as own:
            lclq.run("java", "-cp", jar, "org.codehaus.groovy.tools.FileSystemCompiler", "-d", own,
                     lclq.ROOT / "deploy/ci/Jenkinsfile")

    def test_shellcheck_finds_nothing(self):
        scripts = [
            path
            for folder in ("deploy", ".github/actions", "tests/deploy")
            for path in (lclq.ROOT / folder).rglob("*")
            if path.is_file() and re.match(rb"#!(/usr/bin/env bash|/bin/sh)\n", path.read_bytes()[:30])
        ]
        self.assertGreater(len(scripts), 10)
        lclq.run("shellcheck", *scripts)

    def test_dependabot_looks_where_something_is(self):
        files = {
            "cargo": "Cargo.lock", "npm": "package.json", "pip": "requirements.txt", "gomod": "go.mod",
            "maven": "pom.xml", "docker": "Dockerfile",
        }
        for update in yaml.safe_load((GITHUB / "dependabot.yml").read_text())["updates"]:
            if file := files.get(update["package-ecosystem"]):
                for folder in update.get("directories", [update.get("directory")]):
                    self.assertTrue((lclq.ROOT / folder.strip("/") / file).exists(), f"{folder}/{file}")

    def test_owners_own_something(self):
        for line in (GITHUB / "CODEOWNERS").read_text().splitlines():
            if line and not line.startswith("#"):
                path, *owners = line.split()
                self.assertTrue(path == "*" or (lclq.ROOT / path.strip("/")).exists(), path)
                for owner in owners:
                    self.assertRegex(owner, r"^@[\w-]+(/[\w-]+)?$")

    def test_snippets_name_this_version(self):
        for name in ("gitlab-ci.yml", "circleci.yml", "Jenkinsfile"):
            found = re.findall(r"ghcr\.io/lclq/lclq:([\w.]+)", (lclq.ROOT / "deploy/ci" / name).read_text())
            self.assertEqual(set(found), {VERSION}, name)


class Releases(http.server.BaseHTTPRequestHandler):
    """As GitHub gives out releases: a page of the latest that leads on, and files."""

    def do_GET(self):
        if self.path == "/latest":
            self.send_response(302)
            self.send_header("Location", f"/tag/v{VERSION}")
            self.end_headers()
            return
        file = self.server.files.get(self.path, b"" if self.path == f"/tag/v{VERSION}" else None)
        self.send_response(404 if file is None else 200)
        self.send_header("Content-Length", str(len(file or b"")))
        self.end_headers()
        self.wfile.write(file or b"")

    def log_message(self, *_):
        pass


class Job:
    """Runs the steps of a composite action that are scripts, as a runner does."""

    def __init__(self, own, **inputs):
        self.own = own
        self.action = yaml.safe_load((ACTION / "action.yml").read_text())
        given = {name: str(said.get("default", "")) for name, said in self.action["inputs"].items()}
        self.known = {f"inputs.{name}": value for name, value in {**given, **inputs}.items()}
        self.files = {name: own / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH")}

    def filled(self, text):
        def value(found):
            return self.known.get(found[1].strip(), "")

        return re.sub(r"\$\{\{(.+?)\}\}", value, text)

    def wanted(self, condition):
        name, comparison, literal = condition.split()
        same = self.known.get(name, "") == literal.strip("'")
        return same if comparison == "==" else not same

    def run(self):
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.own), "RUNNER_OS": "Linux", "RUNNER_ARCH": "X64",
            "RUNNER_TOOL_CACHE": str(self.own / "tools"), "RUNNER_TEMP": str(self.own),
            "GITHUB_ACTION_PATH": str(ACTION), **{name: str(path) for name, path in self.files.items()},
        }
        for step in self.action["runs"]["steps"]:
            if "run" not in step or not self.wanted(step.get("if", "inputs.version != ''")):
                continue
            for path in self.files.values():
                path.touch()
            self.files["GITHUB_OUTPUT"].write_text("")
            variables = {name: self.filled(value) for name, value in step.get("env", {}).items()}
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", self.filled(step["run"])],
                env=environment | variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
            )
            if done.returncode != 0:
                raise AssertionError(done.stdout)
            for line in self.files["GITHUB_OUTPUT"].read_text().splitlines():
                name, value = line.split("=", 1)
                self.known[f"steps.{step.get('id', '')}.outputs.{name}"] = value
        return {name: self.filled(said["value"]) for name, said in self.action["outputs"].items()}

    def variables(self):
        return dict(line.split("=", 1) for line in self.files["GITHUB_ENV"].read_text().splitlines())


class SetupLclq(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        made = lclq.archive(TARGET)
        content = made.read_bytes()
        cls.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Releases)
        cls.name = f"/download/v{VERSION}/{made.name}"
        cls.files = {
            cls.name: content,
            f"/download/v{VERSION}/SHA256SUMS": f"{hashlib.sha256(content).hexdigest()}  {made.name}\n".encode(),
        }
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.server.server_close)
        cls.addClassCleanup(cls.server.shutdown)
        cls.base = f"http://127.0.0.1:{cls.server.server_port}"

    def setUp(self):
        self.server.files = dict(self.files)
        own = tempfile.TemporaryDirectory(prefix="lclq-job.")
        self.addCleanup(own.cleanup)
        self.own = pathlib.Path(own.name)

    def job(self, **inputs):
        return Job(self.own, **{"base-url": self.base, **inputs})

    def test_a_job_sends_and_receives(self):
        config = self.own / "lclq.toml"
        config.write_text('[[queues]]\nname = "declared"\n')
        job = self.job(arguments="--test-controls --cores 1", config=str(config))
        outputs = job.run()
        variables = job.variables()
        try:
            self.assertEqual(outputs["version"], VERSION)
            self.assertEqual(outputs["sqs-endpoint"], variables["AWS_ENDPOINT_URL_SQS"])
            self.assertEqual(variables["AWS_REGION"], "us-east-1")
            lclq.send(variables["AWS_ENDPOINT_URL_SQS"], "by the action", "declared")
            self.assertEqual(lclq.receive(variables["AWS_ENDPOINT_URL_SQS"], "declared"), ["by the action"])
            made = lclq.pubsub(f"http://{variables['PUBSUB_EMULATOR_HOST']}", "PUT", "topics/events")
            self.assertEqual(made["name"], "projects/local/topics/events")
            # The folder that later steps find the program in.
            program = pathlib.Path(job.files["GITHUB_PATH"].read_text().strip()) / "lclq"
            said = lclq.run(program, "clock", "show", env=os.environ | {"LCLQ_URL": variables["LCLQ_URL"]})
            self.assertTrue(said)
        finally:
            os.kill(int(variables["LCLQ_PID"]), 15)

    def test_another_file_than_the_release_s_is_refused(self):
        self.server.files[self.name] = self.files[self.name][:-1] + b"x"
        with self.assertRaisesRegex(AssertionError, "FAILED|did NOT match"):
            self.job(version=VERSION).run()

    def test_a_version_that_isn_t_there_is_an_error(self):
        with self.assertRaisesRegex(AssertionError, "404"):
            self.job(version="9.9.9").run()
        with self.assertRaisesRegex(AssertionError, "not a version: v?main"):
            self.job(version="main").run()

    def test_what_the_server_says_against_its_arguments_is_shown(self):
        with self.assertRaisesRegex(AssertionError, "--no-such-flag"):
            self.job(arguments="--no-such-flag").run()

    def test_it_can_be_installed_alone(self):
        job = self.job(start="false")
        self.assertEqual(job.run()["sqs-endpoint"], "")
        self.assertFalse(job.files["GITHUB_ENV"].read_text())


if __name__ == "__main__":
    unittest.main()
