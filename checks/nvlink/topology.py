"""Does the driver see NVLink between each two GPUs of the node?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bringup.battery.joined import all_joined
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Limit, Measurement, Node, Stage, Weight
from bringup.parsers import nvidia_smi_topo, siblings
from bringup.parsers.nvidia_smi_errors import answer
from bringup.parsers.nvidia_smi_topo import Row, Topology

NVLINK_TOPOLOGY = Fault(
    code="NVLINK-TOPOLOGY",
    title="{at} is not joined to its siblings by all its NVLinks",
    action="look at the fabric manager of {node}, then reset its GPUs; if it stays, reseat the GPU baseboard at "
    "{place}; one GPU alone points at that GPU, all at the NVSwitches",
    who=Who.HANDS_ON,
    severity=Severity.ISOLATE,
    explained_by=(
        "GPU-LOST",
        "GPU-MISSING",
        "GPU-DRIVER",
        "FM-DOWN",
        "NVLINK-DOWN",
        "NVLINK-FABRIC",
        "GPU-MODE",
    ),
)
_NVLINK = re.compile(r"NV([0-9]{1,2})")


class NvlinkTopology(Check[Node]):
    """The driver sees the same planned number of NVLinks between each two GPUs of the node.

    Judged where all links go to NVSwitches, so that each pair shares all of them: where the profile has a fabric
    manager or an NVLink domain of several nodes, or says how many there are in `nvlink.pair_links`.
    """

    id = "nvlink.topology"
    stage = Stage.NVLINK
    faults = (NVLINK_TOPOLOGY,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        if ctx.need_gpus(target, "nvidia") < 2:
            raise NotApplicable(f"profile {target.profile} has a single GPU")
        _limit(target, ctx)
        return run(target, nvidia_smi_topo.TOPOLOGY)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        expected, limit = ctx.need_gpus(target), _limit(target, ctx)
        text, _ = answer(out.answered(target, nvidia_smi_topo.TOPOLOGY))
        table = nvidia_smi_topo.parse(text)
        links = {_number(row.name): _siblings(row, table) for row in table.gpus}
        bad = [
            (gpu, to) for gpu, mine in links.items() for to, count in mine.items() if not limit.holds(count)
        ]
        # Of two cards alone nobody can say which one it is, so it is the node's.
        lonely = siblings.lonely(bad) if len(links) == 2 else set()
        blamed = siblings.blamed(bad) - {gpu for pair in lonely for gpu in pair}
        for a, b in sorted(lonely):
            yield Measurement("nvlink.pair_links", links[a].get(b, 0), "links", target.name, limit)
            yield Finding(NVLINK_TOPOLOGY.code, f"between GPU {a} and GPU {b}", target.name, Weight.NOTE)
        for gpu, mine in links.items():
            if not mine:
                raise CannotJudge(f"the table holds no sibling of GPU {gpu}", code="GPU-MISSING")
            at = f"{target.name}/gpu/{gpu}"
            low = {to: count for to, count in mine.items() if not limit.holds(count)}
            # What a GPU lacks because of another one is said at that one.
            judged = limit if not low or gpu in blamed else None
            yield Measurement("nvlink.pair_links", min(mine.values()), "links", at, judged)
            if low:
                words = ", ".join(f"GPU {to} by {count}" for to, count in low.items())
                yield Finding(NVLINK_TOPOLOGY.code, f"NVLinks to {words}", at, Weight.NOTE)
        if len(table.gpus) < expected:
            message = f"only {len(table.gpus)} of {expected} GPUs are in the table, the others are not judged"
            raise CannotJudge(message, code="GPU-MISSING")


def _number(name: str) -> int:
    return int(name.removeprefix("GPU"))


def _siblings(row: Row, table: Topology) -> dict[int, int]:
    """How many NVLinks join a GPU to each other GPU of the table."""
    paths = zip(table.columns, row.paths, strict=True)
    ways = {_number(name): path for name, path in paths if name.startswith("GPU") and path != "X"}
    return {to: int(match[1]) if (match := _NVLINK.fullmatch(path)) else 0 for to, path in ways.items()}


def _limit(node: Node, ctx: Context) -> Limit:
    """The profile's own limit, or all links of a GPU where they all go to switches."""
    planned = ctx.limit_or_none(node, "nvlink.pair_links")
    if planned is not None:
        return planned
    links = ctx.number(node, "nvlink.links")
    if links == 0 or not all_joined(node, ctx):
        raise NotApplicable(f"profile {node.profile} does not say how many NVLinks join two GPUs")
    return Limit(
        "nvlink.pair_links",
        "==",
        links,
        "links",
        why="every link of a GPU reaches every NVSwitch",
        source="nvlink.links",
    )
