"""The container image, made from the binary under test, and run by podman for a user without rights."""

import gzip
import json
import os
import pathlib
import shlex
import shutil
import tarfile
import tempfile
import time
import tomllib
import unittest

import lclq
import rootless

# Compressed, as registries keep and send it.
IMAGE_BYTES_MAX = 25 << 20
STOP_SECONDS_MAX = 5
AT = "'http://127.0.0.1:9324'"
# The image has nothing that could write to it, and nothing that could become somebody else.
BOUNDS = ["--read-only", "--cap-drop", "all", "--security-opt", "no-new-privileges", "--network", "host"]


def build(archive):
    with tempfile.TemporaryDirectory(prefix="lclq-buildah.") as own:
        lclq.run(
            lclq.ROOT / "deploy/container/build", os.environ["LCLQ_BIN"], archive, "lclq:test",
            env=os.environ | {"BUILDAH_ROOT": own, "LCLQ_IMAGE_LIBRARIES": "1", "SOURCE_DATE_EPOCH": "1"},
        )


class Container(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        own = tempfile.TemporaryDirectory(prefix="lclq-image.")
        cls.addClassCleanup(own.cleanup)
        pathlib.Path(own.name).chmod(0o755)
        cls.archive = pathlib.Path(own.name) / "lclq.tar"
        build(cls.archive)
        cls.archive.chmod(0o644)

    def test_the_image_is_small_and_says_what_it_is(self):
        with tarfile.open(self.archive) as archive:
            (manifest,) = json.load(archive.extractfile("manifest.json"))
            config = json.load(archive.extractfile(manifest["Config"]))
            size = 0
            for name in manifest["Layers"]:
                layer = archive.extractfile(name).read()
                size += len(gzip.compress(layer, 6))
        print(f"image: {size / (1 << 20):.1f} MiB compressed", flush=True)
        self.assertLess(size, IMAGE_BYTES_MAX)
        said = config["config"]
        self.assertEqual(said["User"], "65532:65532")
        self.assertEqual(said["Entrypoint"], ["lclq"])
        self.assertEqual(said["Cmd"], ["start"])
        self.assertEqual(said["Healthcheck"]["Test"], ["CMD", "lclq", "health"])
        self.assertEqual(said["StopSignal"], "SIGTERM")
        self.assertEqual(sorted(said["ExposedPorts"]), ["8085/tcp", "8086/tcp", "9000/tcp", "9324/tcp"])

    def test_hadolint_finds_nothing(self):
        lclq.run("hadolint", lclq.ROOT / "deploy/container/Dockerfile")

    def test_the_build_sees_all_crates(self):
        manifest = tomllib.loads((lclq.ROOT / "Cargo.toml").read_text())
        let_in = (lclq.ROOT / ".dockerignore").read_text().splitlines()
        members = [member for member in manifest["workspace"]["members"] if member != "."]
        self.assertEqual([member for member in members if f"!{member}" not in let_in], [])

    def test_the_same_binary_makes_the_same_image(self):
        with tempfile.TemporaryDirectory() as own:
            again = pathlib.Path(own) / "again.tar"
            build(again)
            self.assertTrue(again.read_bytes() == self.archive.read_bytes())

    def test_a_user_without_rights_runs_it(self):
        with rootless.machine() as machine:
            began = time.monotonic()
            machine.podman("load", "--quiet", "--input", self.archive)

            def start():
                return machine.podman(
                    "run", "--detach", "--no-healthcheck", *BOUNDS, "--volume", "messages:/data",
                    "--env", "LCLQ_DATA_DIR=/data", "localhost/lclq:test",
                ).strip()

            name = start()
            lclq.until(lambda: "\nready" in machine.podman("logs", name), "server in the container")
            self.assertEqual(machine.client(f"lclq.send({AT}, 'one'); print(lclq.receive({AT}))"), "['one']")
            print(f"image: {time.monotonic() - began:.2f} s from podman load to the first received message", flush=True)

            # The health check's command, in the container.
            self.assertEqual(machine.podman("exec", name, "lclq", "health"), "STATUS\nok\n")

            # The image's user, who is nobody outside, without rights.
            pid = machine.podman("inspect", "--format", "{{.State.Pid}}", name).strip()
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            self.assertRegex(status, rf"(?m)^Uid:\s+{rootless.FIRST_SUBORDINATE + 65532 - 1}\b")
            self.assertRegex(status, r"(?m)^CapEff:\s+0+$")
            self.assertRegex(status, r"(?m)^CapBnd:\s+0+$")
            self.assertRegex(status, r"(?m)^NoNewPrivs:\s+1$")
            self.assertRegex(status, r"(?m)^Seccomp:\s+2$")

            # SIGTERM ends it in order, and the volume has what was kept.
            machine.client(f"lclq.send({AT}, 'kept')")
            began = time.monotonic()
            machine.podman("stop", "--time", 20, name)
            self.assertLess(time.monotonic() - began, STOP_SECONDS_MAX)
            self.assertEqual(machine.podman("inspect", "--format", "{{.State.ExitCode}}", name).strip(), "0")
            machine.podman("rm", name)
            name = start()
            lclq.until(lambda: "\nready" in machine.podman("logs", name), "server with the old volume")
            self.assertEqual(machine.client(f"print(lclq.receive({AT}))"), "['kept']")



    def test_the_documented_command_runs_it(self):
        with rootless.machine() as machine:
            machine.podman("load", "--quiet", "--input", self.archive)
            command = shlex.split(lclq.documented("container"))
            self.assertEqual(command[:2], ["docker", "run"])
            machine.podman("tag", "localhost/lclq:test", command[-1])
            # The machine's own network, where nothing has to be published, and no timer of systemd's.
            more = ["--pull", "never", "--network", "host", "--no-healthcheck"]
            machine.podman("run", *more, *command[2:])
            lclq.until(lambda: "\nready" in machine.podman("logs", "lclq"), "server in the container")
            self.assertEqual(machine.client(f"lclq.send({AT}, 'one'); print(lclq.receive({AT}))"), "['one']")

    def test_the_compose_file_starts_it(self):
        compose = lclq.ROOT / "deploy/container/compose.yaml"
        with rootless.machine() as machine:
            machine.podman("load", "--quiet", "--input", self.archive)
            # The network of the machine as it is, since a bridge would need programs that podman calls, and no
            # timer for the health check, which would be systemd's.
            more = machine.home / "here.yaml"
            more.write_text(
                "services:\n  lclq:\n    image: localhost/lclq:test\n    network_mode: host\n"
                "    ports: !reset []\n    healthcheck: !reset {}\n"
            )
            # Where the user may read it: the tests' own Python may be out of its reach.
            own = machine.home / "podman-compose"
            (packages,) = (lclq.CACHE / "venv").glob("lib/python3*/site-packages")
            for name in ("dotenv", "yaml"):
                shutil.copytree(packages / name, own / name)
            shutil.copy(packages / "podman_compose.py", own)
            command = ["env", f"PYTHONPATH={own}", "/usr/bin/python3", "-m", "podman_compose",
                       "--file", compose, "--file", more]
            machine.run(*command, "up", "--detach", "--no-build")
            (name,) = machine.podman("ps", "--format", "{{.Names}}").split()
            lclq.until(lambda: "\nready" in machine.podman("logs", name), "server in the container")
            self.assertEqual(machine.client(f"lclq.send({AT}, 'one'); print(lclq.receive({AT}))"), "['one']")
            self.assertEqual(machine.podman("exec", name, "lclq", "stats", "--output", "json")[:1], "{")
            machine.run(*command, "down", "--volumes")


if __name__ == "__main__":
    unittest.main()
