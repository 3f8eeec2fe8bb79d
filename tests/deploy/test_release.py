"""The bill of materials, and what a release is built by."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tomllib
import unittest

import lclq

TARGET = "x86_64-unknown-linux-gnu"


class BillOfMaterials(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # It checks what it makes against CycloneDX' schema.
        cls.text = lclq.run(sys.executable, lclq.ROOT / "deploy/release/sbom", TARGET)
        cls.bom = json.loads(cls.text)

    def test_it_names_what_the_binary_is_built_from(self):
        self.assertEqual((self.bom["bomFormat"], self.bom["specVersion"]), ("CycloneDX", "1.6"))
        names = {each["name"] for each in self.bom["components"]}
        print(f"bill of materials: {len(names)} crates", flush=True)
        self.assertFalse({"lclq-shards", "lclq-policies", "hyper", "libsqlite3-sys", "io-uring"} - names)
        # Neither what tests need nor what is built for other systems.
        self.assertFalse({"proptest", "rusty-fork", "windows-sys"} & names)
        self.assertEqual(self.bom["metadata"]["component"]["name"], "lclq")

    def test_hashes_are_those_of_the_lock_file(self):
        locked = tomllib.loads((lclq.ROOT / "Cargo.lock").read_text())["package"]
        checksums = {(each["name"], each["version"]): each.get("checksum") for each in locked}
        for each in self.bom["components"]:
            (said,) = [said["content"] for said in each.get("hashes", [])] or [None]
            self.assertEqual(said, checksums[each["name"], each["version"]], each["name"])
            self.assertTrue(each["licenses"], each["name"])

    def test_everything_hangs_on_the_program(self):
        below = {each["ref"]: each.get("dependsOn", []) for each in self.bom["dependencies"]}
        seen, open_ = set(), [self.bom["metadata"]["component"]["bom-ref"]]
        while open_:
            if (ref := open_.pop()) not in seen:
                seen.add(ref)
                open_ += below[ref]
        self.assertEqual(len(seen), len(self.bom["components"]) + 1)


class Workflow(unittest.TestCase):
    text = (lclq.ROOT / ".github/workflows/release.yml").read_text()

    def test_manifests_name_archives_that_it_makes(self):
        named = set()
        for path in (lclq.ROOT / "deploy/manifests").rglob("*"):
            if path.is_file():
                named |= {name.split(".")[0] for name in re.findall(r"@SHA256 (\S+)@", path.read_text())}
        self.assertGreaterEqual(len(named), 5)
        self.assertEqual(named, set(re.findall(r"target: ([\w-]+)", self.text)))

    def test_crates_say_what_registries_ask_for(self):
        self.assertIn("cargo publish --workspace", self.text)
        said = json.loads(lclq.run("cargo", "metadata", "--format-version", "1", "--no-deps", cwd=lclq.ROOT))
        published = [each for each in said["packages"] if each["publish"] is None]
        self.assertGreaterEqual(len(published), 5)
        for each in published:
            for member in ("description", "license", "repository", "homepage", "keywords", "categories"):
                self.assertTrue(each[member], f"{each['name']}: {member}")
            for other in each["dependencies"]:
                # A crate beside it is asked for by version, too.
                self.assertNotEqual((other["req"], bool(other.get("path"))), ("*", True), each["name"])

    def test_the_smallest_client_finds_a_message(self):
        self.assertIn("hello", lclq.run(lclq.ROOT / "deploy/ci/message", os.environ["LCLQ_BIN"]))
        done = subprocess.run([lclq.ROOT / "deploy/ci/message", "/bin/false"], capture_output=True)
        self.assertNotEqual(done.returncode, 0)


class Container(unittest.TestCase):
    def test_a_binary_that_needs_libraries_is_refused(self):
        if "NEEDED" not in lclq.run("readelf", "-d", os.environ["LCLQ_BIN"]):
            return
        done = subprocess.run(
            [lclq.ROOT / "deploy/container/build", os.environ["LCLQ_BIN"], pathlib.Path("/nowhere/image.tar")],
            capture_output=True, text=True,
        )
        self.assertEqual(done.returncode, 1)
        self.assertIn("the image has none", done.stderr)


if __name__ == "__main__":
    unittest.main()
