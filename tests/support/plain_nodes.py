"""Plain Linux machines that are not there: network namespaces with an OpenSSH server and lldpd each, and a switch.

A node has an own network, host name, processes, /run, /tmp and /root; the rest it shares with this machine. `eth0` leads
to the controller's namespace, in which bringup runs, `eth1` to a port of the switch `leaf-1`. Nothing leads outside.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import sshd as openssh
from support.real_fabric import _running, _until, program

NETWORK = "198.18"
"""Kept free for tests of networks (RFC 2544)."""
RUNS_ON = frozenset({"sshd", "sshd-session", "sshd-auth", "lldpd", "lldpcli"})
"""What runs on a node that nobody uses."""

_INIT = """mount --make-rprivate / && mount -t tmpfs tmpfs /run && mkdir -p /run/sshd /run/lldpd /run/hall &&
mount --bind "$7" /run/hall && mount -t tmpfs tmpfs /tmp && mount -t tmpfs tmpfs /root || exit 1
hostname "$1"
"$3" -I "$5"
n=0
until "$4" show configuration >/dev/null 2>&1 || [ $n = 100 ]; do n=$((n + 1)); sleep 0.1; done
"$4" configure lldp portidsubtype ifname >/dev/null
"$4" configure lldp tx-interval 1 >/dev/null
"$4" resume >/dev/null
[ "$2" ] || exec sleep 3600
exec "$6" -D -e -f "$2"
"""


@dataclass(frozen=True)
class Hall:
    """The machines, and where bringup runs."""

    names: tuple[str, ...]
    folder: Path
    mark: str
    _inits: dict[str, int]

    def inventory(self, profile: str, name: str = "plain.yaml") -> Path:
        """All nodes by their addresses; `profile` is the text of a profile called `plain`."""
        (self.folder / "profiles").mkdir(exist_ok=True)
        (self.folder / "profiles/plain.toml").write_text(profile)
        path = self.folder / name
        path.write_text(
            f"name: plain\nprofiles: ./profiles\ndefaults: {{user: root, key: {self.folder}/id, known_hosts: "
            f"{self.folder}/known_hosts, profile: plain}}\nnodes:\n  - names: {self.names[0]}\n    rack: R01\n"
            f'    unit: "10"\n    address: {address(1)}\n'
            + "".join(
                f'  - names: {name}\n    rack: R01\n    unit: "{10 + n}"\n    address: {address(n)}\n'
                for n, name in enumerate(self.names[1:], 2)
            )
        )
        return path

    def bringup(self, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run the command as a user of the controller does."""
        return subprocess.run(
            [program("ip"), "netns", "exec", f"{self.mark}-ctl", sys.executable, "-m", "bringup", *words],
            cwd=cwd, capture_output=True, text=True, timeout=300, check=False, stdin=subprocess.DEVNULL,
            env={**os.environ, "COLUMNS": "100"},
        )  # fmt: skip

    def inside(self, name: str, *words: str) -> str:
        """Run a command on a node, as somebody who stands before it."""
        enter = ["nsenter", "-t", str(self._inits[name]), "-n", "-u", "-m", "-p"]
        return subprocess.run([*enter, *words], capture_output=True, text=True, timeout=60, check=True).stdout

    def left_over(self, name: str) -> list[str]:
        """Processes and files on a node that were not there when nobody used it."""
        running = [
            line for line in self.inside(name, "ps", "-eo", "comm=").split() if line not in {*RUNS_ON, "ps"}
        ]
        return running + self.inside(name, "find", "/tmp", "/root", "-mindepth", "1").split()


def address(number: int, network: int = 0) -> str:
    """The address of a node in the controller's network (0), or in that behind the switch (1)."""
    return f"{NETWORK}.{network}.{10 + number}"


@contextlib.contextmanager
def hall(names: Sequence[str]) -> Iterator[Hall]:
    """Build the machines, and take them down at the end. Skips the test where that is not allowed."""
    if os.geteuid() != 0:
        pytest.skip("NOT ROOT: network namespaces need root, so a run over real networks is not tested here")
    ip, lldpd, lldpcli, sshd = (
        program("ip"),
        program("lldpd"),
        program("lldpcli"),
        openssh.program("sshd"),
    )
    mark = f"t{uuid.uuid4().hex[:6]}"

    def run(*words: str) -> None:
        done = subprocess.run([ip, *words], capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            pytest.skip(
                f"MISSING RIGHTS: ip {' '.join(words)}: {done.stderr.strip()}: real networks are not tested"
            )

    def place(space: str, *, carries: str = "") -> None:
        run("netns", "add", f"{mark}-{space}")
        ends.callback(
            subprocess.run,
            [ip, "netns", "del", f"{mark}-{space}"],
            capture_output=True,
            timeout=60,
            check=False,
        )
        run("-n", f"{mark}-{space}", "link", "set", "lo", "up")
        if carries:
            run("-n", f"{mark}-{space}", "link", "add", carries, "type", "bridge")
            run("-n", f"{mark}-{space}", "link", "set", carries, "mtu", "9000", "up")

    def cable(node: str, own: str, to: str, far: str, own_address: str) -> None:
        a, b = f"{mark}-{node}", f"{mark}-{to}"
        run(
            "link",
            "add",
            own,
            "mtu",
            "9000",
            "netns",
            a,
            "type",
            "veth",
            "peer",
            far,
            "mtu",
            "9000",
            "netns",
            b,
        )
        run("-n", b, "link", "set", far, "master", "br0", "up")
        run("-n", a, "addr", "add", f"{own_address}/24", "dev", own)
        run("-n", a, "link", "set", own, "up")

    def start(space: str, name: str, config: str) -> int:
        words = [
            ip, "netns", "exec", f"{mark}-{space}", "unshare", "-u", "-m", "-p", "-f", "--kill-child", "--mount-proc",
            "sh", "-c", _INIT, "init", name, config, lldpd, lldpcli, "eth*" if config else "swp*", sshd,
            str(folder),
        ]  # fmt: skip
        process = ends.enter_context(_running(words, {**os.environ, "LC_ALL": "C"}, folder / f"{name}.log"))
        child = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        _until(lambda: bool(child.read_text().split()) or process.poll() is not None, f"{name} is not up")
        return int(child.read_text().split()[0])

    folder = Path(tempfile.mkdtemp(prefix="bringup-hall-"))
    folder.chmod(0o755)
    with contextlib.ExitStack() as ends:
        ends.callback(shutil.rmtree, folder, ignore_errors=True)
        openssh.keygen(folder / "id", "-t", "ed25519")
        place("ctl", carries="br0")
        run("-n", f"{mark}-ctl", "addr", "add", f"{NETWORK}.0.1/24", "dev", "br0")
        place("leaf-1", carries="br0")
        known = []
        for n, name in enumerate(names, 1):
            place(name)
            cable(name, "eth0", "ctl", f"m{n}", address(n))
            cable(name, "eth1", "leaf-1", f"swp{n}", address(n, 1))
            key = openssh.keygen(folder / f"{name}.key", "-t", "ed25519")
            known.append(f"{address(n)} {key.with_suffix('.key.pub').read_text()}")
            (folder / f"{name}.conf").write_text(
                f"ListenAddress {address(n)}:22\nHostKey /run/hall/{key.name}\nPidFile none\n"
                "AuthorizedKeysFile /run/hall/id.pub\nStrictModes no\nUsePAM no\nUseDNS no\nPermitRootLogin prohibit-password\n"
            )
        (folder / "known_hosts").write_text("".join(known))
        start("leaf-1", "leaf-1", "")
        inits = {name: start(name, name, f"/run/hall/{name}.conf") for name in names}
        for name in names:
            log = folder / f"{name}.log"
            _until(lambda log=log: "Server listening" in log.read_text(), f"{name} does not listen")  # type: ignore[misc]
        built = Hall(tuple(names), folder, mark, inits)
        for name in names:
            _until(
                lambda name=name: "leaf-1" in built.inside(name, "lldpcli", "show", "neighbors"),  # type: ignore[misc]
                f"{name} does not hear its switch",
            )
        yield built
