"""At which processor does each training adapter hang? `pcie.nic-numa-drift` compares it with the other nodes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.commands import Command, steady
from bringup.context import Context
from bringup.errors import CannotJudge, NotApplicable, ParseError
from bringup.model import Finding, Measurement, Node, Stage
from bringup.parsers.reading import quoted

NUMA = steady(
    Command(
        'cd "$ROOT"/sys/class/infiniband 2>/dev/null && grep -Hs . */device/numa_node; echo end',
        max_bytes=64 << 10,
    )
)
_LINE = re.compile(r"([\w.-]{1,64})/device/numa_node:(-?[0-9]{1,4})")
_NOT_TOLD = "-1"
UNKNOWN = "unknown"
"""In place of -1: the firmware has not told the kernel, as on many virtual machines."""


class NicNuma(Check[Node]):
    """The node tells the NUMA node of every training adapter: the processor, or part of one, that its slot belongs to."""

    id = "pcie.nic-numa"
    stage = Stage.PCIE
    collects = True

    def plan(self, target: Node, ctx: Context) -> Plan:
        if not ctx.training_ports(target):
            raise NotApplicable(f"{target.name} has no training ports by plan")
        return run(target, NUMA)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        nodes = parse(out.text(target, NUMA))
        missing = [port.hca for port in ctx.training_ports(target) if port.hca not in nodes]
        for port in ctx.training_ports(target):
            if port.hca in nodes:
                at = f"{target.name}/hca/{port.hca}"
                yield Measurement(f"NUMA node of rail {port.rail}", nodes[port.hca], "", at)
        if missing:
            raise CannotJudge(f"no such adapter: {', '.join(missing)}", code="HCA-MISSING")


def parse(text: str) -> dict[str, str]:
    """The NUMA node of each RDMA device, or UNKNOWN. Raises ParseError if the answer is cut off."""
    lines = text.splitlines()
    if not lines or lines[-1] != "end":
        raise ParseError(f"/sys/class/infiniband: the answer {quoted(text)} is cut off")
    found: dict[str, str] = {}
    for line in lines[:-1]:
        match = _LINE.fullmatch(line)
        if match is None:
            raise ParseError(f"/sys/class/infiniband gave {quoted(line)}")
        found[match[1]] = UNKNOWN if match[2] == _NOT_TOLD else match[2]
    return found
