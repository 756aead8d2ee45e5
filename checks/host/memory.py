"""Host: a memory module that is missing or dead shows in the total."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.model import Finding, Measurement, Node, Stage
from bringup.parsers import host
from bringup.parsers.host_faults import MEMORY_SIZE

_KIB_PER_GIB = 1 << 20


class Memory(Check[Node]):
    """The node has all its memory, as the profile says; `host.memory-drift` compares it with the other nodes."""

    id = "host.memory"
    stage = Stage.HOST
    collects = True
    faults = (MEMORY_SIZE,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, host.MEMORY)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        gib = host.parse_memory_kib(out.text(target, host.MEMORY)) / _KIB_PER_GIB
        yield Measurement("memory", round(gib, 1), "GiB", target.name, ctx.limit(target, "host.memory.total"))
