"""Does an adapter hang at another processor than the same adapter of the other nodes?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import NOTHING, Check, Outputs, Plan
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Group, Limit, Measurement, Stage
from bringup.parsers.majority import LEAST, by_profile, compare, of_nodes, vote
from bringup.parsers.pcie_faults import NIC_AFFINITY

READINGS = "pcie.nic-numa"
_UNKNOWN = "unknown"
_NODES = "NUMA nodes"
NUMA_NODES = Fault(
    code="NUMA-NODES",
    title="{node} divides its processors into another number of NUMA nodes than the others",
    action="set NPS (AMD) or SNC (Intel) in the BIOS of {node} like on the other nodes, and reboot it",
    who=Who.CONFIGURATION,
    severity=Severity.REBOOT,
    explained_by=("CPU-COUNT",),
)
_RULE = Limit(
    "pcie.nic-numa-drift",
    "<=",
    1,
    "places",
    why="equal nodes have their adapters in equal slots",
    source="rule",
)


class NicNumaDrift(Check[Group]):
    """The adapter of a rail hangs at the same NUMA node on all nodes of a profile, which all have equally many.

    Needs no profile to know where it belongs, and holds for GPUs of any maker. Where a node has another number of NUMA
    nodes, all of them count otherwise, so that alone is said of it.
    """

    id = "pcie.nic-numa-drift"
    stage = Stage.PCIE
    faults = (NIC_AFFINITY, NUMA_NODES)

    def plan(self, target: Group, ctx: Context) -> Plan:
        with_ports = [node for node in target.members if ctx.training_ports(node)]
        if max(map(len, by_profile(with_ports).values()), default=0) < LEAST:
            raise NotApplicable(
                f"fewer than {LEAST} nodes of a profile have training ports: there is no majority"
            )
        return NOTHING

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        names = sorted(name for check, name in ctx.readings if check == READINGS and name != _NODES)
        compared = told = 0
        for profile, members in by_profile(target.members).items():
            counts = of_nodes(ctx.readings.get((READINGS, _NODES), ()), members)
            alike = members
            if len(counts) >= LEAST:
                what = f"{profile}: {_NODES}"
                yield from compare(what, counts, code=NUMA_NODES.code, limit=_RULE, fleet=target.name)
                usual = vote(counts).majority
                alike = frozenset(name for name in members if counts.get(name) == usual)
            for name in names:
                mine = of_nodes(ctx.readings[READINGS, name], alike)
                told += len(mine)
                mine = {at: place for at, place in mine.items() if place != _UNKNOWN}
                if len(mine) >= LEAST:
                    compared += 1
                    what = f"{profile}: {name}"
                    yield from compare(what, mine, code=NIC_AFFINITY.code, limit=_RULE, fleet=target.name)
        if told and not compared:
            raise NotApplicable(f"the kernels of fewer than {LEAST} nodes know where their adapters hang")
        if not told:
            raise CannotJudge(f"no node told the NUMA nodes of its adapters ({READINGS} has no reading)")
