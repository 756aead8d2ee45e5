"""Host: automatic NUMA balancing moves pages under running GPU transfers and stalls them."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.model import Finding, Measurement, Node, Stage
from bringup.parsers import host_settings


class NumaBalancing(Check[Node]):
    """Automatic NUMA balancing is set as the profile asks.

    Without a wish in the profile it is a reading, which `host.settings-drift` compares over the fleet. A kernel that
    is built without it cannot balance, so it keeps any wish to have it off.
    """

    id = "host.numa-balancing"
    stage = Stage.HOST
    collects = True
    faults = (
        Fault(
            "NUMA-BALANCING",
            "automatic NUMA balancing is on at {node}",
            "set kernel.numa_balancing=0 on {node} (sysctl) and keep it over reboots",
            Who.CONFIGURATION,
            Severity.MONITOR,
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, host_settings.SETTINGS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        value = host_settings.parse(out.text(target, host_settings.SETTINGS)).numa_balancing
        limit = ctx.limit_or_none(target, "host.numa_balancing")
        if value is not None:
            yield Measurement("numa balancing", value, "", target.name, limit)
            return
        none = replace(limit, op="==", value="not built in", unit="") if limit and limit.holds(0) else limit
        yield Measurement("numa balancing", "not built in", "", target.name, none)
