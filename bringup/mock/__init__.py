"""A simulated cluster behind real SSH: for tests, demonstrations, and the CI of sites.

    with serve(inventory.simulate, inventory.nodes) as served:
        run_the_battery(served.nodes, known_hosts=served.known_hosts)

What is sent to a node runs in a real /bin/sh; programs such as nvidia-smi are simulated from a model of the hardware,
in which faults can be seeded. Everything is on the loopback interface and in one temporary folder, and nothing is
left when the context ends.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bringup.mock import machine, tools
from bringup.mock.cluster import Cluster
from bringup.mock.faults import KINDS, FaultSpec, Mistake, Simulated, check_faults, door_of
from bringup.mock.hardware import SimNode
from bringup.mock.keys import known_hosts_line, new_key
from bringup.mock.machine import Machines
from bringup.mock.programs import absent
from bringup.mock.server import Place, Servers
from bringup.mock.shapes import SHAPES
from bringup.mock.switchboard import Reply, Request, Switchboard
from bringup.model import Node

__all__ = ["KINDS", "SHAPES", "FaultSpec", "Mistake", "Served", "Simulated", "check_faults", "serve"]

_FILES_PER_NODE = 12
_MEMORY = "/dev/shm"
_MEMORY_PER_NODE = 2 << 20
_MEMORY_SPARE = 32 << 20
_ENTRIES_PER_NODE = 2000


@dataclass(frozen=True)
class Served:
    """A simulated cluster that is up. `nodes` are the planned nodes, rewritten so that they can be reached."""

    nodes: tuple[Node, ...]
    known_hosts: Path
    folder: Path
    _simulation: _Simulation
    _servers: Servers

    @property
    def errors(self) -> list[str]:
        """Bugs of the simulator that were met so far, as tracebacks; empty if all is well."""
        return self._simulation.switchboard.errors + self._servers.errors

    def hardware(self, node: str) -> SimNode:
        """The simulated parts of a node, to compare with what was reported. Not to be changed."""
        return self._simulation.look(self._index(node))

    def processes(self) -> dict[int, str]:
        """Processes that run on the nodes now: process id and command line."""
        return machine.processes(self.folder)

    def environment(self, node: str) -> dict[str, str]:
        """The environment of a shell on the node, to run commands there without SSH."""
        return dict(self._simulation.enter(self._index(node)).env)

    def _index(self, node: str) -> int:
        return next(i for i, n in enumerate(self.nodes) if n.name == node)


class _Simulation:
    """The parts of a running cluster."""

    def __init__(self, simulate: Simulated, nodes: Sequence[Node], folder: Path) -> None:
        self._folder = folder
        self._made: set[int] = set()
        self.doors = [door_of(node.name, simulate.faults) for node in nodes]
        self.cluster = Cluster(simulate, nodes, self.doors, folder)
        self._programs = tools.tools()
        self.switchboard = Switchboard(folder, self._answer)
        self._machines = Machines(folder, self.switchboard.shim())

    async def _answer(self, request: Request) -> Reply:
        return await tools.answer(self.cluster, self._programs, request)

    def enter(self, index: int) -> Place:
        """Where a session on the node runs. Everything about a node is made at its first session."""
        return self.switchboard.do(self._enter(index))

    def look(self, index: int) -> SimNode:
        """The parts of a node."""
        return self.switchboard.do(self._look(index))

    async def _look(self, index: int) -> SimNode:
        return self.cluster.node(index)

    async def _enter(self, index: int) -> Place:
        node, home = self.cluster.node(index), self.cluster.folder_of(index)
        if index not in self._made:
            self._made.add(index)
            self._machines.make(
                home,
                absent(self.cluster.seats[index].shape),
                missing=node.missing,
                sudo=node.sudo,
                scratch=node.scratch,
                login_s=self.doors[index].delay_s,  # what hangs there hangs every login, also that of a shell
            )
        self.cluster.tick(node)
        return Place(self._machines.environment(home), home / "home", (node.login_text, node.login_noise))


@contextlib.contextmanager
def serve(simulate: Simulated, nodes: Sequence[Node]) -> Iterator[Served]:
    """Bring up the simulated cluster. Raises ValueError where `check_faults` finds mistakes."""
    mistakes = check_faults(simulate, nodes)
    if mistakes:
        raise ValueError("; ".join(mistake.text for mistake in mistakes))
    folder = Path(tempfile.mkdtemp(prefix="bringup-sim-", dir=_fast_folder(len(nodes))))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.callback(machine.end_processes, folder)
        stack.enter_context(_enough_files(len(nodes) * _FILES_PER_NODE + 256))
        simulation = _Simulation(simulate, nodes, folder)
        stack.callback(simulation.switchboard.close)
        simulation.switchboard.start()
        host_key, key_file = new_key(), folder / "id_ed25519"
        servers = Servers(simulation.doors, simulation.enter, host_key, new_key(key_file))
        servers.start()
        stack.callback(servers.close)
        known_hosts = folder / "known_hosts"
        keys = [new_key() if door.key_changed else host_key for door in simulation.doors]
        lines = [known_hosts_line(port, key) for port, key in zip(servers.ports, keys, strict=True)]
        known_hosts.write_text("".join(lines), encoding="ascii")
        yield Served(
            nodes=tuple(_reachable(n, p, key_file) for n, p in zip(nodes, servers.ports, strict=True)),
            known_hosts=known_hosts,
            folder=folder,
            _simulation=simulation,
            _servers=servers,
        )


def _fast_folder(nodes: int) -> str | None:
    """A place in memory where there is room and programs may run: making files there costs a tenth. None: the usual."""
    if "TMPDIR" in os.environ or not os.access(_MEMORY, os.W_OK | os.X_OK):
        return None
    room = os.statvfs(_MEMORY)
    fits = room.f_bavail * room.f_frsize > _MEMORY_SPARE + nodes * _MEMORY_PER_NODE
    fits = fits and room.f_favail > nodes * _ENTRIES_PER_NODE
    return _MEMORY if fits and not room.f_flag & os.ST_NOEXEC else None


def _reachable(node: Node, port: int, key_file: Path) -> Node:
    """The planned node as it is reached on this machine: nothing of its real place is left, but its peers' name for it."""
    return replace(
        node,
        address="127.0.0.1",
        peer_address=node.peer_address or node.name,
        port=port,
        user=machine.USER,
        key_file=str(key_file),
        certificate="",
        jump=(),
        connection="ssh",
        root="",
        path=(),
        env=tuple((name, value) for name, value in node.env if name != "PATH"),
    )


@contextlib.contextmanager
def _enough_files(count: int) -> Iterator[None]:
    """Allow that many open files, as far as the system lets us; a thousand nodes need a thousand sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
