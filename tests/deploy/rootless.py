"""A machine of one user without rights, who has podman: where the container image is tried."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile

import lclq

USER = 5555
# What the user's containers may have: the image's own user has to be among them.
FIRST_SUBORDINATE = 200_000
SUBORDINATES = 65_536
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
# What the machine is made of: mounts and a network of its own, where no port is taken. crun doesn't take a
# machine that has both kinds of control groups, so there is one kind here, and podman is told to use none.
MAKE = """
set -e
mount --make-rprivate /
for file in passwd group subuid subgid; do mount --bind "$1/etc/$file" "/etc/$file"; done
mount -t cgroup2 none /sys/fs/cgroup
ip link set lo up
echo made
exec cat
"""


class Machine:
    def __init__(self, home, holder):
        self.home = home
        self.holder = holder
        # Where everybody may read it.
        self.binary = shutil.copy(os.environ["LCLQ_BIN"], home / "lclq")

    def command(self, *words, root=False):
        """What runs words there, as the user."""
        enter = ["nsenter", "--target", self.holder, "--mount", "--net", f"--wdns={self.home}"]
        own = ["env", "-i", f"PATH={os.environ['PATH']}:{PATH}", f"HOME={self.home}",
               f"XDG_RUNTIME_DIR={self.home}/run", f"TMPDIR={self.home}/tmp"]
        if not root:
            own = ["setpriv", "--reuid", USER, "--regid", USER, "--clear-groups", *own]
        return [str(word) for word in [*enter, *own, *words]]

    def run(self, *words, **more):
        return lclq.run(*self.command(*words), **more)

    def podman(self, *words, **more):
        return self.run("podman", *words, **more)

    def client(self, code):
        """Runs code that has `lclq`, this folder's module, and gives what it prints."""
        code = f"import sys; sys.path.insert(0, {str(pathlib.Path(lclq.__file__).parent)!r}); import lclq\n{code}"
        return lclq.run(*self.command("python3", "-c", code, root=True)).strip()


@contextlib.contextmanager
def machine():
    with tempfile.TemporaryDirectory(prefix="lclq-rootless.") as own:
        own = pathlib.Path(own)
        own.chmod(0o755)
        etc, home = own / "etc", own / "home"
        etc.mkdir()
        (home / "run").mkdir(parents=True)
        (home / "tmp").mkdir()
        (etc / "passwd").write_text(
            pathlib.Path("/etc/passwd").read_text() + f"tester:x:{USER}:{USER}::{home}:/bin/sh\n"
        )
        (etc / "group").write_text(pathlib.Path("/etc/group").read_text() + f"tester:x:{USER}:\n")
        for name in ("subuid", "subgid"):
            (etc / name).write_text(f"tester:{FIRST_SUBORDINATE}:{SUBORDINATES}\n")
            pathlib.Path("/etc", name).touch()
        settings = home / ".config/containers"
        settings.mkdir(parents=True)
        (settings / "storage.conf").write_text('[storage]\ndriver = "vfs"\n')
        (settings / "containers.conf").write_text(
            '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
            '[containers]\ncgroups = "disabled"\nlog_driver = "k8s-file"\n'
        )
        for path in [home, *home.rglob("*")]:
            os.chown(path, USER, USER)
        (home / "run").chmod(0o700)
        holder = subprocess.Popen(
            ["unshare", "--mount", "--net", "bash", "-c", MAKE, "make", str(own)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        try:
            if holder.stdout.readline() != "made\n":
                holder.stdin.close()
                raise AssertionError(f"no machine for the test: {holder.stderr.read()}")
            there = Machine(home, holder.pid)
            try:
                yield there
            finally:
                if (home / ".local").exists():
                    there.podman("rm", "--all", "--force", "--volumes")
                # The process that holds podman's user namespace.
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                    os.kill(int((home / "run/libpod/tmp/pause.pid").read_text()), 15)
        finally:
            holder.stdin.close()
            holder.wait(10)
            holder.stdout.close()
            holder.stderr.close()
            # Files of the user's containers belong to others.
            shutil.rmtree(home, ignore_errors=True)
