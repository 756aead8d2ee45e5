"""Collective: all nodes without GPUs work together over their network, with nothing on them but Python.

What it proves is rendezvous, routing, firewalls and right results over all nodes at once. It proves no bandwidth of a
fabric: the sums travel over TCP.
"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import own_collective, perf
from bringup.check import Check, Outputs, Plan, together
from bringup.context import Context
from bringup.defects import Fault
from bringup.errors import NotApplicable
from bringup.model import Finding, Group, Level, Measurement, Node, Stage

_RING_FROM = 256


class FleetCollective(Check[Group]):
    """All nodes without GPUs reach each other, compute the same sums, and none of them holds the others up.

    Every node is told to start over bringup's own connection, so no node logs in to another. With PyTorch on all of
    them (fact `perf.python`) it is torch.distributed over gloo, else a ring of sockets.
    """

    id = "collective.fleet"
    stage = Stage.COLLECTIVE
    level = Level.STANDARD
    ports = 2
    faults = (
        own_collective.LOST,
        own_collective.SLOW,
        Fault(
            "COLL-FAILED",
            "the nodes of {at} cannot work together",
            "every node came and every node waits: look for a firewall or an MTU that lets only small messages through",
            explained_by=("COLL-RANK-LOST", "NODE-BUSY"),
        ),
        Fault(
            "COLL-WRONG",
            "{at} computes wrong results",
            "take {node} {place} out at once; test its memory and its processors",
            explained_by=("MEMORY-ECC", "MACHINE-CHECK"),
        ),
        own_collective.SETUP,
    )

    def plan(self, target: Group, ctx: Context) -> Plan:
        members = _members(target, ctx)
        if len(members) < 2:
            raise NotApplicable(
                "fewer than two nodes without GPUs: those with GPUs have collectives of their own"
            )
        python = perf.program(members[0], ctx, "perf.python")
        backend = "auto" if len(members) < _RING_FROM else "tcp"  # gloo connects every node with every other
        return together(*own_collective.steps(members, ctx, python, backend=backend))

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        nodes = {node.name: node for node in target.members}
        told = own_collective.told(out, nodes)
        yield from own_collective.troubles(told, target.name)
        first = nodes[told.nodes[0]]
        yield from own_collective.results(
            told,
            ctx.limit(first, "collective.wrong"),
            ctx.limit(first, "collective.link_share"),
            ctx.limit(first, "collective.pace"),
        )
        for rank in told.ranks.values():
            if rank.rank == 0 and rank.busbw_gbs is not None:
                name = f"busbw over {rank.backend}, which proves no bandwidth of a fabric"
                yield Measurement(name, round(rank.busbw_gbs, 3), "GB/s", told.nodes[0])
        if told.unread:
            raise told.unread[0]


def _members(target: Group, ctx: Context) -> tuple[Node, ...]:
    return tuple(node for node in target.members if ctx.number(node, "gpu.count") == 0)
