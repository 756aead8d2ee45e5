"""Host: a training job that is swapped out does not fail, it stands still, and all others wait for it."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge
from bringup.model import Finding, Measurement, Node, Stage, Weight
from bringup.parsers import host_settings

_KIB_PER_GIB = 1 << 20


class Swap(Check[Node]):
    """The node uses no more swap space than the profile allows."""

    id = "host.swap"
    stage = Stage.HOST
    faults = (
        Fault(
            "SWAP-ON",
            "{node} has swap space switched on",
            "switch it off on {node} (swapoff -a) and take it out of /etc/fstab, or out of the zram service",
            Who.CONFIGURATION,
            Severity.MONITOR,
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, host_settings.SETTINGS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        limit = ctx.limit(target, "host.swap")
        swaps = host_settings.parse(out.text(target, host_settings.SETTINGS)).swaps
        if swaps is None:
            raise CannotJudge("the list of swap areas cannot be read")
        gib = sum(swap.kib for swap in swaps) / _KIB_PER_GIB
        yield Measurement("swap", round(gib, 2), "GiB", target.name, limit)
        for swap in swaps:
            yield Finding("SWAP-ON", f"{swap.name}: {swap.kib} KiB", target.name, Weight.NOTE)
