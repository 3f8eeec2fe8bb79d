"""The .deb and the .rpm, made from the binary under test: installed, started by systemd, used, taken away."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import unittest

import lclq

# systemd's own measure, 0 to 10: under 2 is what it calls OK.
EXPOSURE_MAX = 1.5
CLIENT = """
import sys; sys.path.insert(0, sys.argv[1])
import lclq
{}
"""


class LinuxPackages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = tempfile.TemporaryDirectory(prefix="lclq-packages.")
        cls.addClassCleanup(cls.made.cleanup)
        out = pathlib.Path(cls.made.name)
        lclq.run(lclq.ROOT / "deploy/linux/package", os.environ["LCLQ_BIN"], out)
        (cls.deb,) = out.glob("*.deb")
        (cls.rpm,) = out.glob("*.rpm")
        if linked := lclq.run("readelf", "-d", os.environ["LCLQ_BIN"]):
            # A release is static. An ordinary build is tested here, and needs Debian's C library of now.
            cls.shared = "NEEDED" in linked

    def test_systemd_starts_the_deb_and_messages_survive(self):
        with lclq.debian() as root, lclq.booted(root) as inside:
            shutil.copy(self.deb, root / "root")
            if self.shared:
                # What the dynamically linked binary of an ordinary build needs beyond Debian's smallest.
                self.assertTrue(list(root.glob("usr/lib/*/libgcc_s.so.1")))

            def client(code):
                return inside(
                    "python3", "-c", CLIENT.format(code), pathlib.Path(lclq.__file__).parent, network_alone=True
                ).strip()

            at = "'http://127.0.0.1:9324'"
            began = time.monotonic()
            inside("sh", "-ec", f"cd /root; {lclq.documented('deb')}")
            received = client(f"lclq.send({at}, 'first'); print(lclq.receive({at}))")
            took = time.monotonic() - began
            self.assertEqual(received, "['first']")
            print(f"deb: {took:.2f} s from installing it to the first received message", flush=True)

            # As a user without rights, behind the filters.
            pid = inside("systemctl", "show", "--property=MainPID", "--value", "lclq").strip()
            status = inside("cat", f"/proc/{pid}/status")
            self.assertNotRegex(status, r"(?m)^Uid:\s+0\b")
            self.assertRegex(status, r"(?m)^CapEff:\s+0+$")
            self.assertRegex(status, r"(?m)^Seccomp:\s+2$")

            # JavaScript of message transforms runs in processes of its own, inside of the same bounds.
            self.assertEqual(
                client(
                    "def call(method, path, **body):\n"
                    "    return lclq.pubsub('http://127.0.0.1:8086', method, path, **body)\n"
                    "code = 'function up(message, metadata) { message.attributes.seen = \"yes\"; return message; }'\n"
                    "udf = {'functionName': 'up', 'code': code}\n"
                    "call('PUT', 'topics/events', messageTransforms=[{'javascriptUdf': udf}])\n"
                    "call('PUT', 'subscriptions/worker', topic='projects/local/topics/events')\n"
                    "call('POST', 'topics/events:publish', messages=[{'data': 'aGk='}])\n"
                    "got = call('POST', 'subscriptions/worker:pull', maxMessages=1)\n"
                    "print(got['receivedMessages'][0]['message']['attributes'])"
                ),
                "{'seen': 'yes'}",
            )

            # What is kept is there after a restart, and a changed file counts after a reload.
            client(f"lclq.send({at}, 'kept')")
            inside("systemctl", "restart", "lclq")
            self.assertEqual(client(f"print(lclq.receive({at}))"), "['kept']")
            with open(root / "etc/lclq/lclq.toml", "a") as file:
                file.write('\n[[queues]]\nname = "declared"\n')
            inside("systemctl", "reload", "lclq")
            lclq.until(
                lambda: "declared" in client(f"print(lclq.sqs({at}, 'ListQueues'))"), "queue after the reload"
            )

            # Manual pages and completions are in their places.
            for path in ("usr/share/man/man1/lclq.1.gz", "usr/share/man/man1/lclq-start.1.gz",
                         "usr/share/bash-completion/completions/lclq"):
                self.assertGreater((root / path).stat().st_size, 100, path)

            # Removing ends the service and leaves the messages; purging takes them.
            inside("dpkg", "--remove", "lclq")
            self.assertEqual(
                inside("sh", "-c", "systemctl is-active lclq || true").strip(), "inactive"
            )
            self.assertTrue((root / "var/lib/private/lclq/lclq.json").exists())
            inside("dpkg", "--purge", "lclq")
            self.assertFalse((root / "var/lib/private/lclq").exists())
            self.assertFalse((root / "etc/lclq").exists())

    def test_the_rpm_is_named_as_documented(self):
        self.assertIn(f"dnf install ./{self.rpm.name}`", (lclq.ROOT / "docs/install.md").read_text())

    def test_lintian_finds_nothing(self):
        done = subprocess.run(
            ["lintian", "--allow-root", "--fail-on", "error,warning",
             # The binary of an ordinary build; a release is static.
             *(["--suppress-tags", "undeclared-elf-prerequisites"] if self.shared else []),
             str(self.deb)],
            capture_output=True, text=True,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_rpm_has_the_same_files(self):
        deb = {
            line.split(None, 5)[5].removeprefix(".").rstrip("/")
            for line in lclq.run("dpkg-deb", "--contents", self.deb).splitlines()
            if not line.startswith("d")
        }
        rpm = set(lclq.run("rpm", "--query", "--list", "--package", self.rpm).split())
        only_deb = {"/usr/share/zsh/vendor-completions/_lclq", "/usr/share/lintian/overrides/lclq"}
        only_rpm = {"/usr/share/zsh/site-functions/_lclq"}
        files = {path for path in rpm if not any(other.startswith(path + "/") for other in rpm)}
        self.assertEqual(files - only_rpm, deb - only_deb)
        config = lclq.run("rpm", "--query", "--configfiles", "--package", self.rpm).split()
        self.assertEqual(config, ["/etc/lclq/lclq.toml"])

    def test_rpm_installs_runs_and_goes(self):
        with tempfile.TemporaryDirectory(prefix="lclq-rpm.") as own:
            root = pathlib.Path(own) / "root"
            root.mkdir()
            options = ["--root", root, "--dbpath", "/var/lib/rpm", "--noscripts", "--nodeps"]
            lclq.run("rpm", *options, "--install", self.rpm)
            lclq.run("rpm", *options, "--verify", "lclq")
            with lclq.started(
                [root / "usr/bin/lclq", "start", "--config", root / "etc/lclq/lclq.toml", "--sqs-port", "0",
                 "--pubsub-port", "0", "--pubsub-rest-port", "0", "--admin-port", "0",
                 "--data-dir", pathlib.Path(own) / "data"]
            ) as endpoints:
                lclq.send(endpoints["sqs"], "by rpm")
                self.assertEqual(lclq.receive(endpoints["sqs"]), ["by rpm"])
            lclq.run("rpm", *options, "--erase", "lclq")
            self.assertFalse((root / "usr/bin/lclq").exists())

    def test_the_same_binary_makes_the_same_packages(self):
        with tempfile.TemporaryDirectory() as again:
            lclq.run(lclq.ROOT / "deploy/linux/package", os.environ["LCLQ_BIN"], again)
            for made in (self.deb, self.rpm):
                self.assertEqual(made.read_bytes(), (pathlib.Path(again) / made.name).read_bytes(), made.name)


class Unit(unittest.TestCase):
    unit = lclq.ROOT / "deploy/linux/lclq.service"

    def test_systemd_finds_little_exposed(self):
        said = lclq.run("systemd-analyze", "security", "--offline=true", "--no-pager", self.unit)
        exposure = float(re.search(r"Overall exposure level for lclq.service: ([\d.]+)", said)[1])
        print(f"unit: systemd-analyze says {exposure} of 10", flush=True)
        self.assertLessEqual(exposure, EXPOSURE_MAX, said)

    def test_its_configuration_is_good(self):
        lclq.run(os.environ["LCLQ_BIN"], "config", "check", lclq.ROOT / "deploy/linux/lclq.toml")


if __name__ == "__main__":
    unittest.main()
