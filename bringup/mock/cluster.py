"""The simulated cluster as a whole: its nodes, built when they are first needed, and what happens between them.

Lives in the simulator's one thread.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from pathlib import Path

from bringup.mock import kernel_log, physics, procfs, sysfs
from bringup.mock.build import build, domain_of
from bringup.mock.fabric import End, Fabric, Hop
from bringup.mock.faults import Simulated, apply, change_fabric
from bringup.mock.faults.port import take_down
from bringup.mock.files import Store, replace
from bringup.mock.hardware import Door, Hca, Physical, SimNode
from bringup.mock.seats import seats
from bringup.model import Node

_TICK_S = 0.5


class Cluster:
    """All simulated nodes. `doors` say who can be reached; the server changes them when a node dies."""

    def __init__(
        self, simulate: Simulated, plans: Sequence[Node], doors: Sequence[Door], folder: Path
    ) -> None:
        self._simulate = simulate
        self.plans = plans
        self._folder = folder
        self._nodes: dict[int, SimNode] = {}
        self._seen: dict[int, SimNode] = {}
        self._store = Store(folder / "store")
        self._fresh: dict[int, float] = {}
        self._hosts = {plan.peer_address or plan.name: i for i, plan in enumerate(plans)}
        self._hosts |= {plan.name: i for i, plan in enumerate(plans)}
        self.doors = doors
        self.seats = seats(simulate, (plan.name for plan in plans))
        self.fabric = Fabric(plans, [seat.shape.hca.rate_gbps for seat in self.seats])
        self._by_name = {plan.name: plan for plan in plans}
        change_fabric(self.fabric, simulate.faults, self._by_name)

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
            known = self._made(index)
            files, links = sysfs.render(known)
            self._store.make(self.root_of(index), files | procfs.render(known) | known.files, links)
            self._nodes[index] = known
            self._seen.pop(index, None)
        return known

    def seen(self, index: int) -> SimNode:
        """The node as its neighbours see it, in and out of sessions. A look is cheap and makes no file of the node."""
        known = self._nodes.get(index) or self._seen.get(index)
        if known is None:
            known = self._seen[index] = self._made(index)
        return known

    def all_seen(self) -> list[SimNode]:
        """Every node as its neighbours see it."""
        return [self.seen(index) for index in range(len(self.plans))]

    def _made(self, index: int) -> SimNode:
        """A node with its faults, and with those that the switches around it cause."""
        seat = self.seats[index]
        node = build(index, self.plans[index], seat.shape, self._simulate.seed, time.time(), seat.order)
        apply(node, self._simulate.faults, self._by_name)
        for hca in node.hcas:
            if self.fabric.is_off(hca.leaf):
                take_down(hca, Physical.POLLING)
                node.happened(kernel_log.link_down(hca))
        return node

    def find(self, host: str) -> SimNode | None:
        """The node that other nodes know by this name or address."""
        index = self._hosts.get(host)
        return None if index is None else self.node(index)

    def domain(self, node: SimNode) -> list[SimNode]:
        """The nodes of the same NVLink domain, in their order; the node itself is one of them."""
        own = self.seats[node.index]
        place = domain_of(own.order, node.plan, own.shape)
        return [
            self.node(index)
            for index, (seat, plan) in enumerate(zip(self.seats, self.plans, strict=True))
            if seat.shape is own.shape and domain_of(seat.order, plan, seat.shape) == place
        ]

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

    def way(self, a: End, b: End) -> tuple[Hop, ...]:
        """Everything that a transfer from a to b shares with others: both ports, and what is between them."""
        tx, rx = physics.port_gbps(a.node, a.hca, "tx"), physics.port_gbps(b.node, b.hca, "rx")
        ports = (Hop(("tx", a.node.name, a.hca.name), tx, tx), Hop(("rx", b.node.name, b.hca.name), rx, rx))
        return (*ports, *physics.payload(self.fabric.way(a, b)))

    def attempt(self, hca: Hca, node: SimNode) -> bool:
        """Whether a port's next transfer works; where its link is unstable, it may go down and come back meanwhile."""
        hca.transfers += 1
        if hca.flaps_every and hca.transfers % hca.flaps_every == 0:
            hca.count("link_downed", 1)
            hca.count("link_error_recovery", 1)
            hca.carrier_changes += 2
            for line in (kernel_log.link_down(hca), kernel_log.link_up(hca)):
                node.happened(line, node.started - time.time())
            replace(self.root_of(node.index), sysfs.counters(hca))
        return not (hca.fails_every and hca.transfers % hca.fails_every == 0)

    def moved(self, node: SimNode, hca: Hca, sent_bytes: int, received_bytes: int) -> None:
        """Count traffic at a port, and the errors that a bad port counts with it."""
        port, transport = physics.counted(hca, sent_bytes, received_bytes)
        for name, more in port.items():
            hca.count(name, more)
        for name, more in transport.items():
            hca.hw_counters[name] += more
        hca.optic.effective_errors += int(hca.bit_error_rate * received_bytes * 8)
        replace(self.root_of(node.index), sysfs.counters(hca))

    def worked(self, node: SimNode) -> None:
        """The node's GPUs have moved data: count the errors that their bad links make with it."""
        for gpu in node.visible_gpus:
            gpu.replays += gpu.replays_under_load
            for link, more in gpu.link_errors_under_load.items():
                gpu.link_errors[link] = gpu.link_errors.get(link, 0) + more
            if gpu.corrected_under_load:
                gpu.aer.correctable += gpu.corrected_under_load
                replace(self.root_of(node.index), sysfs.slot_errors(gpu.bdf, gpu.aer))
