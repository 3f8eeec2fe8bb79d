"""Package managers' manifests, filled in for an archive of the binary under test: linted, installed, used."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree
import zipfile

import yaml

import lclq

LINUX = "x86_64-unknown-linux-gnu"
WINDOWS = "x86_64-pc-windows-msvc"
# makepkg doesn't run as root.
USER = 5556
VERSION = re.search(r'^version = "(.+)"', (lclq.ROOT / "Cargo.toml").read_text(), re.M)[1]
START = ["start", "--sqs-port", "0", "--pubsub-port", "0", "--pubsub-rest-port", "0", "--admin-port", "0"]


def works(test, binary, body):
    """A message through what was installed."""
    test.assertEqual(lclq.run(binary, "--version").strip(), f"lclq {VERSION}")
    with lclq.started([binary, *START]) as endpoints:
        lclq.send(endpoints["sqs"], body)
        test.assertEqual(lclq.receive(endpoints["sqs"]), [body])


class Manifests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        own = tempfile.TemporaryDirectory(prefix="lclq-manifests.")
        cls.addClassCleanup(own.cleanup)
        cls.own = pathlib.Path(own.name)
        cls.own.chmod(0o755)
        cls.linux, cls.windows = lclq.archive(LINUX), lclq.archive(WINDOWS)
        sums = {made.name: hashlib.sha256(made.read_bytes()).hexdigest() for made in (cls.linux, cls.windows)}
        for target in ("aarch64-unknown-linux-gnu", "aarch64-apple-darwin", "x86_64-apple-darwin"):
            sums[f"lclq-{VERSION}-{target}.tar.gz"] = "0" * 64
        cls.sums = cls.own / "SHA256SUMS"
        cls.sums.write_text("".join(f"{digest}  {name}\n" for name, digest in sums.items()))
        cls.made = cls.own / "made"
        lclq.run(lclq.ROOT / "deploy/release/manifests", cls.sums, cls.made)

    def test_nothing_is_left_open(self):
        for path in self.made.rglob("*"):
            if path.is_file():
                self.assertNotRegex(path.read_text(), "@(VERSION|SHA256)", path)

    def test_a_missing_archive_is_an_error(self):
        (self.own / "few").write_text(self.sums.read_text().split("\n", 1)[1])
        done = subprocess.run(
            [lclq.ROOT / "deploy/release/manifests", self.own / "few", self.own / "none"],
            capture_output=True, text=True,
        )
        self.assertEqual(done.returncode, 1)
        self.assertIn(self.linux.name, done.stderr)

    def test_the_same_files_make_the_same_archive(self):
        again = self.own / "again"
        lclq.run(lclq.ROOT / "deploy/release/archive", os.environ["LCLQ_BIN"], LINUX, again)
        self.assertTrue((again / self.linux.name).read_bytes() == self.linux.read_bytes())

    def test_the_archive_as_documented(self):
        *before, start = lclq.documented("archive").splitlines()
        own = self.own / "unpacked"
        own.mkdir()
        for path in (self.linux, self.sums):
            shutil.copy(path, own)
        lclq.run("sh", "-ec", "\n".join(before), cwd=own)
        program, word = start.split()
        self.assertEqual(word, "start")
        works(self, own / program, "by the archive")

    def test_homebrew(self):
        # Homebrew itself is a repository of programs that no package registry has.
        said = lclq.run("ruby", "-w", pathlib.Path(__file__).parent / "formula.rb",
                        self.made / "homebrew/lclq.rb", self.linux, self.own / "homebrew")
        self.assertIn("installed and tested", said)
        works(self, self.own / "homebrew/bin/lclq", "by Homebrew")
        self.assertTrue((self.own / "homebrew/share/man/man1/lclq.1.gz").exists())

    def test_arch(self):
        """Made by makepkg and installed by pacman."""
        home = self.own / "aur"
        home.mkdir()
        shutil.copy(self.made / "aur/PKGBUILD", home)
        shutil.copy(self.linux, home)
        os.chown(home, USER, USER)
        user = ["setpriv", "--reuid", USER, "--regid", USER, "--clear-groups", "env", f"HOME={home}"]
        lclq.run(*user, "makepkg", "--nodeps", "--noconfirm", cwd=home)
        (package,) = home.glob("lclq-bin-*.pkg.tar*")
        said = lclq.run(*user, "makepkg", "--printsrcinfo", cwd=home)
        self.assertIn(f"pkgver = {VERSION}", said)
        self.assertIn("pkgname = lclq-bin", said)

        root = self.own / "arch"
        (root / "var/lib/pacman").mkdir(parents=True)
        settings = self.own / "pacman.conf"
        settings.write_text("[options]\nSigLevel = Never\nArchitecture = auto\n")
        pacman = ["pacman", "--config", settings, "--root", root, "--noconfirm", "--noscriptlet", "--nodeps"]
        lclq.run(*pacman, "--upgrade", package)
        lclq.run("pacman", "--config", settings, "--root", root, "--query", "--check", "--check", "lclq-bin")
        works(self, root / "usr/bin/lclq", "by pacman")
        lclq.run(os.environ["LCLQ_BIN"], "config", "check", root / "etc/lclq/lclq.toml")
        lclq.run(*pacman, "--remove", "--nosave", "lclq-bin")
        self.assertFalse((root / "usr/bin/lclq").exists())
        self.assertFalse((root / "etc/lclq").exists())

    def test_nix(self):
        """The flake is checked and built, with a stand-in for Nixpkgs that puts the binary in its place."""
        with tempfile.TemporaryDirectory(prefix="lclq-nix.") as own:
            source = pathlib.Path(own) / "source"
            (source / "deploy").mkdir(parents=True)
            for name in ("flake.nix", "Cargo.toml", "Cargo.lock"):
                shutil.copy(lclq.ROOT / name, source)
            shutil.copytree(lclq.ROOT / "deploy/nix", source / "deploy/nix")
            nix = ["nix", "--extra-experimental-features", "nix-command flakes", "--offline",
                   "--option", "sandbox", "false", "--option", "build-users-group", "",
                   "--option", "substitute", "false"]
            more = ["--no-write-lock-file", "--impure", "--override-input", "nixpkgs",
                    f"path:{pathlib.Path(__file__).parent}/nixpkgs"]
            environment = os.environ | {"HOME": own, "LCLQ_STAND_IN": os.environ["LCLQ_BIN"]}
            # A store of its own.
            for name in ("STORE", "STATE", "LOG", "CONF"):
                environment[f"NIX_{name}_DIR"] = f"{own}/{name.lower()}"
            lclq.run(*nix, "flake", "check", *more, f"path:{source}", env=environment)
            shown = json.loads(lclq.run(*nix, "flake", "show", "--json", *more, f"path:{source}", env=environment))
            self.assertEqual(
                sorted(shown["packages"]), ["aarch64-darwin", "aarch64-linux", "x86_64-darwin", "x86_64-linux"]
            )
            lclq.run(*nix, "build", *more, "--out-link", f"{own}/result", f"path:{source}", env=environment)
            result = pathlib.Path(own) / "result"
            works(self, result / "bin/lclq", "by Nix")
            for path in ("share/man/man1/lclq.1.gz", "share/bash-completion/completions/lclq.bash"):
                self.assertTrue((result / path).exists(), path)
            lclq.run("chmod", "-R", "u+w", own)

    def unpacked(self, folder, program):
        with zipfile.ZipFile(self.windows) as archive:
            self.assertIn(f"{folder}/{program}", archive.namelist())

    def test_scoop(self):
        # Scoop runs on Windows alone; the keys are those that its schema.json knows.
        said = json.loads((self.made / "scoop/lclq.json").read_text())
        known = {"version", "description", "homepage", "license", "architecture", "bin", "checkver", "autoupdate"}
        self.assertEqual(set(said), known)
        here = said["architecture"]["64bit"]
        self.assertEqual(set(here), {"url", "hash", "extract_dir"})
        self.assertEqual(here["hash"], hashlib.sha256(self.windows.read_bytes()).hexdigest())
        self.assertEqual(here["url"].rsplit("/", 1)[1], self.windows.name)
        self.unpacked(here["extract_dir"], said["bin"])
        # What it makes of itself for the next version.
        later = said["autoupdate"]["architecture"]["64bit"]
        self.assertEqual(later["url"].replace("$version", VERSION), here["url"])
        self.assertEqual(later["extract_dir"].replace("$version", VERSION), here["extract_dir"])

    def test_winget(self):
        # winget runs on Windows alone; these are the members that its schemas ask for.
        made = {
            each["ManifestType"]: each
            for each in (yaml.safe_load(path.read_text()) for path in (self.made / "winget").iterdir())
        }
        wanted = {
            "version": ["DefaultLocale"],
            "defaultLocale": ["PackageLocale", "Publisher", "PackageName", "License", "ShortDescription"],
            "installer": ["Installers"],
        }
        self.assertEqual(set(made), set(wanted))
        for kind, members in wanted.items():
            for member in [*members, "PackageIdentifier", "PackageVersion", "ManifestVersion"]:
                self.assertIn(member, made[kind])
                if member.startswith("Package") and member != "PackageLocale" and member != "PackageName":
                    self.assertEqual(made[kind][member], made["version"][member])
        self.assertEqual(made["version"]["PackageVersion"], VERSION)
        self.assertLessEqual(len(made["defaultLocale"]["ShortDescription"]), 256)
        (installer,) = made["installer"]["Installers"]
        self.assertEqual(installer["InstallerSha256"], hashlib.sha256(self.windows.read_bytes()).hexdigest())
        self.assertEqual(installer["InstallerUrl"].rsplit("/", 1)[1], self.windows.name)
        (nested,) = made["installer"]["NestedInstallerFiles"]
        self.unpacked(*nested["RelativeFilePath"].split("\\"))

    def test_chocolatey(self):
        # choco runs on Windows alone; its script is read by a parser of PowerShell.
        import tree_sitter
        import tree_sitter_powershell

        spec = xml.etree.ElementTree.parse(self.made / "chocolatey/lclq.nuspec").getroot()
        space = "{http://schemas.microsoft.com/packaging/2015/06/nuspec.xsd}"
        said = {each.tag.removeprefix(space): each.text for each in spec.find(f"{space}metadata")}
        for wanted in ("id", "version", "title", "authors", "projectUrl", "tags", "summary", "description"):
            self.assertTrue(said.get(wanted), wanted)
        self.assertEqual(said["version"], VERSION)
        script = (self.made / "chocolatey/tools/chocolateyinstall.ps1").read_bytes()
        parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))
        self.assertFalse(parser.parse(script).root_node.has_error)
        self.assertTrue(parser.parse(script.replace(b"}", b"")).root_node.has_error)
        self.assertIn(hashlib.sha256(self.windows.read_bytes()).hexdigest(), script.decode())
        self.assertIn(self.windows.name, script.decode())


if __name__ == "__main__":
    unittest.main()
