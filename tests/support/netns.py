"""Nodes that are network namespaces of this machine, each with a real OpenSSH server and two networks.

Over the first network the orchestrator reaches the nodes, over the second they reach each other: so a cable of the
second can be cut or throttled while every node still answers. Needs root and iproute2; else tests are skipped and say so.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.sshd import keygen, program

from bringup.model import Node
from bringup.transport import Options

_PATIENCE_S = 60.0


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")


@dataclass(frozen=True, slots=True)
class Net:
    """Some nodes `n1`, `n2` and so on. `number` is part of all names and addresses, so that runs do not meet."""

    folder: Path
    number: int
    count: int
    megabits: int

    def space(self, node: int) -> str:
        return f"bu{self.number}n{node}"

    def address(self, node: int) -> str:
        """Where the orchestrator reaches a node."""
        return f"10.{200 + self.number // 250}.{self.number % 250}.{node}"

    def peer_address(self, node: int) -> str:
        """Where the other nodes reach it."""
        return f"10.{210 + self.number // 250}.{self.number % 250}.{node}"

    def nodes(self, **fields: object) -> tuple[Node, ...]:
        """The nodes as an inventory names them."""
        return tuple(
            Node(
                f"n{k}", address=self.address(k), peer_address=self.peer_address(k), user="root",
                key_file=str(self.folder / "client"), **fields,  # type: ignore[arg-type]
            )
            for k in range(1, self.count + 1)
        )  # fmt: skip

    def options(self) -> Options:
        return Options(known_hosts=self.folder / "known_hosts", connect_attempts=1)

    def inside(self, node: int, *words: str) -> None:
        """Run a program in a node's namespace."""
        _run("ip", "netns", "exec", self.space(node), *words)

    def throttle(self, node: int, megabits: int) -> None:
        """The second network of a node carries only so much, in both directions."""
        rate = ("root", "tbf", "rate", f"{megabits}mbit", "burst", "64k", "latency", "50ms")
        self.inside(node, "tc", "qdisc", "replace", "dev", "data", *rate)
        _run("tc", "qdisc", "replace", "dev", f"bu{self.number}d{node}", *rate)

    def cut(self, node: int) -> None:
        """The cable of a node's second network is out."""
        _run("ip", "link", "set", f"bu{self.number}d{node}", "down")

    def free(self, node: int) -> None:
        """As it was at first."""
        self.throttle(node, self.megabits)
        _run("ip", "link", "set", f"bu{self.number}d{node}", "up")


def need_root() -> None:
    """Skip, saying so, where no network namespace can be made."""
    if os.geteuid() != 0:
        pytest.skip(
            "NOT ROOT: network namespaces cannot be made, so real nodes on real networks are not tested here"
        )
    program("ip")
    probe = f"bu-probe-{os.getpid()}"
    made = subprocess.run(
        ["ip", "netns", "add", probe], capture_output=True, text=True, timeout=30, check=False
    )
    if made.returncode != 0:
        pytest.skip(
            f"NO NETWORK NAMESPACES here ({made.stderr.strip()}): real nodes on real networks are not tested"
        )
    _run("ip", "netns", "del", probe)


@contextlib.contextmanager
def network(count: int, megabits: int = 200) -> Iterator[Net]:
    """So many nodes with OpenSSH, ready to be logged in to. Their second network carries so much to and from each:
    without a rate this machine's processors would be what is measured."""
    need_root()
    server = program("sshd")
    net = Net(Path(tempfile.mkdtemp(prefix="bringup-netns-")), os.getpid() % 2000, count, megabits)
    net.folder.chmod(0o755)
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    servers: list[subprocess.Popen[bytes]] = []
    bridges = [f"bu{net.number}m", f"bu{net.number}d"]
    try:
        keygen(net.folder / "client", "-t", "ed25519")
        host_key = keygen(net.folder / "host", "-t", "ed25519")
        public = host_key.with_suffix(".pub").read_text()
        (net.folder / "known_hosts").write_text(
            "".join(f"{net.address(k)} {public}" for k in range(1, count + 1))
        )
        for bridge in bridges:
            _run("ip", "link", "add", bridge, "type", "bridge")
            _run("ip", "link", "set", bridge, "up")
        _run("ip", "addr", "add", f"{net.address(254)}/24", "dev", bridges[0])
        for k in range(1, count + 1):
            _run("ip", "netns", "add", net.space(k))
            net.inside(k, "ip", "link", "set", "lo", "up")
            for bridge, name, address in zip(
                bridges, ("eth0", "data"), (net.address(k), net.peer_address(k)), strict=True
            ):
                outer = f"{bridge}{k}"
                _run("ip", "link", "add", outer, "type", "veth", "peer", "name", name, "netns", net.space(k))
                _run("ip", "link", "set", outer, "master", bridge, "up")
                net.inside(k, "ip", "addr", "add", f"{address}/24", "dev", name)
                net.inside(k, "ip", "link", "set", name, "up")
            config = net.folder / f"sshd.{k}"
            config.write_text(
                f"ListenAddress {net.address(k)}:22\nHostKey {host_key}\nAuthorizedKeysFile {net.folder}/client.pub\n"
                "PidFile none\nUsePAM no\nUseDNS no\nStrictModes no\nPermitRootLogin prohibit-password\n"
                "MaxStartups 100:30:200\n"
            )
            with (net.folder / f"log.{k}").open("wb") as log:
                command = ["ip", "netns", "exec", net.space(k), server, "-D", "-e", "-f", str(config)]
                servers.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
        for k in range(1, count + 1):
            net.free(k)
            _answers(net.address(k), net.folder / f"log.{k}")
        yield net
    finally:
        for process in servers:
            process.terminate()
        for process in servers:
            process.wait(10)
        for k in range(1, count + 1):
            subprocess.run(["ip", "netns", "del", net.space(k)], capture_output=True, timeout=30, check=False)
        for bridge in bridges:
            subprocess.run(["ip", "link", "del", bridge], capture_output=True, timeout=30, check=False)
        shutil.rmtree(net.folder, ignore_errors=True)


def _answers(address: str, log: Path) -> None:
    """Wait until a node's SSH server answers."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        with socket.socket() as probe:
            probe.settimeout(1.0)
            if probe.connect_ex((address, 22)) == 0:
                return
        if time.monotonic() > deadline:
            pytest.fail(f"{address} does not answer: {log.read_text()}")
        time.sleep(0.1)
