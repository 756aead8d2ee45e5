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
        """cd "$ROOT"/sys/devices/system/node 2>/dev/null && for node in node[0-9]*; do
  cpus=
  [ -r "$node"/cpulist ] && read -r cpus < "$node"/cpulist
  [ -n "$cpus" ] && echo "node $node"
done
cd "$ROOT"/sys/class/infiniband 2>/dev/null && for hca in *; do
  [ -e "$hca" ] || continue
  number=-1
  [ -r "$hca"/device/numa_node ] && read -r number < "$hca"/device/numa_node
  echo "hca $hca $number"
done
echo end
""",
        max_bytes=64 << 10,
    )
)
_NODE = re.compile(r"node node[0-9]{1,4}")
_HCA = re.compile(r"hca ([\w.-]{1,64}) (-?[0-9]{1,4})")
_NOT_TOLD = "-1"
UNKNOWN = "unknown"
"""In place of -1: the firmware has not told the kernel, as on many virtual machines."""
NODES = "NUMA nodes"


class NicNuma(Check[Node]):
    """The node tells its NUMA nodes, and that of every training adapter: the processor, or part of one, of its slot."""

    id = "pcie.nic-numa"
    stage = Stage.PCIE
    collects = True

    def plan(self, target: Node, ctx: Context) -> Plan:
        if not ctx.training_ports(target):
            raise NotApplicable(f"{target.name} has no training ports by plan")
        return run(target, NUMA)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        count, nodes = parse(out.text(target, NUMA))
        yield Measurement(NODES, count, "", target.name)
        missing = [port.hca for port in ctx.training_ports(target) if port.hca not in nodes]
        for port in ctx.training_ports(target):
            if port.hca in nodes:
                at = f"{target.name}/hca/{port.hca}"
                yield Measurement(f"NUMA node of rail {port.rail}", nodes[port.hca], "", at)
        if missing:
            raise CannotJudge(f"no such adapter: {', '.join(missing)}", code="HCA-MISSING")


def parse(text: str) -> tuple[int, dict[str, str]]:
    """How many NUMA nodes have processors, and that of each RDMA device, or UNKNOWN.

    Raises ParseError if the answer is cut off.
    """
    lines = text.splitlines()
    if not lines or lines[-1] != "end":
        raise ParseError(f"NUMA nodes: the answer {quoted(text)} is cut off")
    count = 0
    found: dict[str, str] = {}
    for line in lines[:-1]:
        if _NODE.fullmatch(line):
            count += 1
        elif match := _HCA.fullmatch(line):
            found[match[1]] = UNKNOWN if match[2] == _NOT_TOLD else match[2]
        else:
            raise ParseError(f"NUMA nodes: {quoted(line)} is not known")
    return count, found
