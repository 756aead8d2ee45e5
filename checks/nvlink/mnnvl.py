"""Is every tray of a rack in the rack's one NVLink domain?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import NOTHING, Check, Outputs, Plan
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NoLimit, NotApplicable
from bringup.model import Finding, Group, Limit, Measurement, Node, Stage, Weight
from bringup.parsers.majority import vote

READINGS = ("nvlink.clique", "nvlink.domain")
_EXPLAINED_BY = ("NVLINK-DOMAIN", "NVLINK-FABRIC", "GPU-LOST", "GPU-DRIVER")
NVLINK_CLIQUE = Fault(
    code="NVLINK-CLIQUE",
    title="{at} is in another NVLink partition than its rack",
    action="put the GPUs of {node} into the partition of their rack in its fabric manager (NMX), then reset them",
    who=Who.SOFTWARE,
    severity=Severity.RESET,
    explained_by=_EXPLAINED_BY,
)
NVLINK_RACK = Fault(
    code="NVLINK-RACK",
    title="{at} is in the NVLink domain of another rack",
    action="make sure that the tray at {place} is {node} and in its rack; then look at its NVLink cartridge and at the "
    "switch trays, and reset its GPUs",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=_EXPLAINED_BY,
)
_RULE = Limit(
    "nvlink.mnnvl", "<=", 1, "domains", why="the trays of one rack share one NVLink domain", source="rule"
)


class Mnnvl(Check[Group]):
    """All GPUs of a rack with multi-node NVLink are in one domain: one cluster UUID and one clique.

    Nodes are taken together by the rack that the inventory names. Trays that are not part of the run are noted.
    """

    id = "nvlink.mnnvl"
    stage = Stage.NVLINK
    faults = (NVLINK_CLIQUE, NVLINK_RACK)

    def plan(self, target: Group, ctx: Context) -> Plan:
        if not _members(target, ctx):
            raise NotApplicable("no node has an NVLink domain of several nodes")
        return NOTHING

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        members = _members(target, ctx)
        readings = {m.at: str(m.value) for m in ctx.readings.get(READINGS, ()) if m.value != "none"}
        racks: dict[str, list[Node]] = {}
        for node in members:
            racks.setdefault(node.rack, []).append(node)
        silent: list[str] = []
        for rack, nodes in racks.items():
            names = {node.name for node in nodes}
            mine = _by_node(readings, names)
            silent += sorted(names - set(mine))
            planned = max(members[node] for node in nodes)
            if rack:
                yield from _rack(rack, mine, target.name)
            if len(nodes) % planned:
                where = f"rack {rack}" if rack else "the nodes without a rack"
                message = f"{where}: {len(nodes)} of {planned} trays of a domain are part of this run"
                yield Finding(NVLINK_CLIQUE.code, message, target.name, Weight.NOTE)
        if silent:
            more = f" and {len(silent) - 5} more" if len(silent) > 5 else ""
            message = f"no NVLink domain is known of {', '.join(silent[:5])}{more}"
            if len(silent) == len(members):
                raise CannotJudge(message, code="NVLINK-DOMAIN")
            # Each is a failure or an error of nvlink.clique, or has left the run; the others are judged without it.
            yield Finding(NVLINK_CLIQUE.code, message, target.name, Weight.NOTE)
        if not any(racks):
            raise CannotJudge("the inventory names no rack, so nobody knows which nodes share a domain")


def _members(target: Group, ctx: Context) -> dict[Node, int]:
    """The nodes whose NVLink domain spans several, with the number of nodes of it."""
    found: dict[Node, int] = {}
    for node in target.members:
        try:
            ctx.need_gpus(node, "nvidia")
            if (nodes := ctx.number(node, "nvlink.domain_nodes")) > 1:
                found[node] = nodes
        except (NoLimit, NotApplicable):
            continue
    return found


def _by_node(readings: dict[str, str], names: set[str]) -> dict[str, str]:
    """The domain of each of these nodes; a node whose GPUs differ has a domain of its own, made of all of them."""
    found: dict[str, set[str]] = {}
    for at, domain in readings.items():
        name = at.partition("/")[0]
        if name in names:
            found.setdefault(name, set()).add(domain)
    return {name: " and ".join(sorted(domains)) for name, domains in found.items()}


def _rack(rack: str, mine: dict[str, str], fleet: str) -> Iterator[Measurement | Finding]:
    """One rack: one domain, a few nodes elsewhere, or a split in which nobody can say which is right."""
    if not mine:
        return
    result = vote(mine)
    different = len(result.counts)
    # Where domains differ the findings name the places; the count then only informs.
    yield Measurement(
        f"domains of rack {rack}", different, "domains", fleet, _RULE if different == 1 else None
    )
    if result.split:
        yield Finding(NVLINK_CLIQUE.code, f"rack {rack}: {result.spread} nodes; no clear majority", fleet)
    for place in result.odd:
        message = (
            f"domain {mine[place]}, {result.majority} on {result.counts[result.majority]} of {result.total}"
        )
        near = _clusters(mine[place]) & _clusters(result.majority)
        code = NVLINK_CLIQUE.code if near else NVLINK_RACK.code
        yield Finding(code, f"{message} nodes of rack {rack}", place)


def _clusters(domain: str) -> frozenset[str]:
    """The cluster UUIDs of a node's domain; its cliques are the partitions within."""
    return frozenset(part.partition("/")[0] for part in domain.split(" and "))
