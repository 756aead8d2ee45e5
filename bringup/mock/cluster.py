"""The simulated cluster as a whole: its nodes, built when they are first needed, and what happens between them.

Lives in the simulator's one thread.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from pathlib import Path

from bringup.mock import procfs, sysfs
from bringup.mock.build import build
from bringup.mock.faults import Simulated, apply
from bringup.mock.files import Store, replace
from bringup.mock.hardware import Door, Hca, SimNode
from bringup.mock.shapes import SHAPES
from bringup.model import Node

_PACKET_BYTES = 4096
_TICK_S = 0.5


class Cluster:
    """All simulated nodes. `doors` say who can be reached; the server changes them when a node dies."""

    def __init__(
        self, simulate: Simulated, plans: Sequence[Node], doors: Sequence[Door], folder: Path
    ) -> None:
        self._simulate = simulate
        self._plans = plans
        self._folder = folder
        self._nodes: dict[int, SimNode] = {}
        self._store = Store(folder / "store")
        self._fresh: dict[int, float] = {}
        self._flows: dict[tuple[int, str, str], int] = {}
        self._hosts = {plan.peer_address or plan.name: i for i, plan in enumerate(plans)}
        self._hosts |= {plan.name: i for i, plan in enumerate(plans)}
        self.doors = doors

    def folder_of(self, index: int) -> Path:
        """Where a node's files, programs and scratch directory are."""
        return self._folder / "nodes" / str(index)

    def root_of(self, index: int) -> Path:
        """What stands for / on this node."""
        return self.folder_of(index) / "root"

    def node(self, index: int) -> SimNode:
        """The node with its faults and files. Its first call is the moment when its faults happen."""
        known = self._nodes.get(index)
        if known is None:
            shape = SHAPES[self._simulate.shape]
            known = build(index, self._plans[index], shape, self._simulate.seed, time.time())
            apply(known, self._simulate.faults)
            files, links = sysfs.render(known)
            self._store.make(self.root_of(index), files | procfs.render(known), links)
            self._nodes[index] = known
        return known

    def find(self, host: str) -> SimNode | None:
        """The node that other nodes know by this name or address."""
        index = self._hosts.get(host)
        return None if index is None else self.node(index)

    def reachable(self, node: SimNode) -> bool:
        """Whether other nodes can reach it."""
        return self.doors[node.index].how == "open"

    def refresh(self, node: SimNode) -> None:
        """Write the files that change with time: uptime, listening sockets."""
        self._fresh[node.index] = now = time.time()
        replace(self.root_of(node.index), procfs.live(node, now))

    def tick(self, node: SimNode) -> None:
        """Refresh the node if that is due."""
        if time.time() - self._fresh.get(node.index, 0.0) > _TICK_S:
            self.refresh(node)

    def listen(self, node: SimNode, port: int, *, on: bool) -> None:
        """Show or hide a listening TCP port of the node."""
        (node.listening.add if on else node.listening.discard)(port)
        self.refresh(node)

    async def pause(self, seconds: float) -> None:
        """Let simulated time pass."""
        await asyncio.sleep(seconds / self._simulate.speed)

    def random(self, *what: object) -> random.Random:
        """Noise that is the same in every run with the same seed for the same question."""
        return random.Random("/".join(map(str, (self._simulate.seed, *what))))

    # ------------------------------------------------------------------------------------------- traffic

    def begin(self, node: SimNode, hca: Hca, way: str) -> int:
        """A transfer over a port begins; `way` is tx or rx. Returns how many now share that direction."""
        key = (node.index, hca.name, way)
        self._flows[key] = self._flows.get(key, 0) + 1
        return self._flows[key]

    def sharing(self, node: SimNode, hca: Hca, way: str) -> int:
        """How many transfers share that direction of a port."""
        return self._flows.get((node.index, hca.name, way), 0)

    def end(self, node: SimNode, hca: Hca, way: str) -> None:
        """A transfer is over."""
        key = (node.index, hca.name, way)
        self._flows[key] -= 1
        if not self._flows[key]:
            del self._flows[key]

    def moved(self, node: SimNode, hca: Hca, sent_bytes: int, received_bytes: int) -> None:
        """Count traffic at a port, and the symbol errors that a bad port counts with it."""
        counters = hca.counters
        for way, count in (("xmit", sent_bytes), ("rcv", received_bytes)):
            counters[f"port_{way}_data"] += count // 4
            counters[f"port_{way}_packets"] += count // _PACKET_BYTES
            counters[f"unicast_{way}_packets"] += count // _PACKET_BYTES
        hca.count("symbol_error", hca.symbol_errors_under_load)
        hca.hw_counters["rx_write_requests"] += received_bytes >> 20
        replace(self.root_of(node.index), sysfs.counters(hca))
