"""Link: an adapter that is well but goes by another name than the plan has it is no missing adapter.

Names such as mlx5_3 come from the order in which the kernel finds adapters, or from a rule of the image. Where a planned
name is missing, the nodes that have it tell its PCIe place; if this node has an adapter there that no plan names, only
the name differs, and nobody must walk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from bringup.check import NOTHING, Check, Outputs, Plan
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Group, Limit, Measurement, Node, Stage
from bringup.parsers.majority import LEAST, by_profile, vote

READINGS = ("link.present", "pcie place")
_RULE = Limit(
    "link.names", "==", 0, "adapters", why="a plan must call parts as their nodes do", source="rule"
)
_Places = Mapping[str, Mapping[str, str]]
"""PCIe place by name of the adapter, by node."""


class Names(Check[Group]):
    """No planned adapter is merely called otherwise by its node: the same PCIe place has its name on the other nodes."""

    id = "link.names"
    stage = Stage.LINK
    faults = (
        Fault(
            "PLAN-ADAPTER",
            "{at} goes by another name on its node than in the plan",
            "nobody need walk: correct the adapter's name for {node} in the inventory, or the node's own rule that names"
            " adapters; then: bringup resume",
            Who.PLAN,
            Severity.MONITOR,
            explained_by=("NODE-IDENTITY",),
        ),
    )

    def plan(self, target: Group, ctx: Context) -> Plan:
        nodes = sum(bool(ctx.training_ports(node)) for node in target.members)
        if nodes < LEAST:
            raise NotApplicable(f"{nodes} nodes with planned adapters: there is nobody to compare names with")
        return NOTHING

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        places = _places(ctx)
        peers = by_profile(target.members)
        compared = [
            (node, peers[node.profile])
            for node in target.members
            if node.name in places and len(peers[node.profile]) >= LEAST
        ]
        if not compared:
            raise CannotJudge(f"fewer than {LEAST} nodes told the PCIe places of their adapters")
        found = [f for node, members in compared for f in _renamed(node, members, places, ctx)]
        odd = len(found)
        yield Measurement("adapters with another name", odd, "adapters", target.name, None if odd else _RULE)
        yield from found


def _places(ctx: Context) -> _Places:
    places: dict[str, dict[str, str]] = {}
    for reading in ctx.readings.get(READINGS, ()):
        node, _, hca = reading.at.partition("/hca/")
        places.setdefault(node, {})[hca] = str(reading.value)
    return places


def _renamed(node: Node, peers: Iterable[str], places: _Places, ctx: Context) -> Iterator[Finding]:
    """The planned names that this node lacks, where it has an unplanned adapter at the place that they have elsewhere."""
    mine = places[node.name]
    planned = dict.fromkeys(port.hca for port in ctx.training_ports(node))
    spare = {place: name for name, place in mine.items() if name not in planned}
    for hca in planned:
        if hca in mine:
            continue
        others = {name: places[name][hca] for name in sorted(peers) if hca in places.get(name, {})}
        if len(others) < LEAST - 1:
            continue
        result = vote(others)
        here = None if result.split else spare.get(result.majority)
        if here is not None:
            share = f"{result.counts[result.majority]} of {result.total} other nodes"
            message = f"the adapter at {result.majority} is called {here} here, {hca} on {share}"
            yield Finding("PLAN-ADAPTER", message, f"{node.name}/hca/{hca}")
