"""Host: processors that save power wake up late, and every message between nodes waits for them."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import NotApplicable
from bringup.model import Finding, Measurement, Node, Stage
from bringup.parsers import host_settings


class Governor(Check[Node]):
    """All processors run with the frequency governor that the profile asks for.

    Without a wish in the profile it is a reading, which `host.settings-drift` compares over the fleet. Where firmware
    or hypervisor rule the frequency there is no governor.
    """

    id = "host.governor"
    stage = Stage.HOST
    collects = True
    faults = (
        Fault(
            "CPU-GOVERNOR",
            "the processors of {node} do not run with the planned governor",
            "set the governor on {node} (cpupower frequency-set -g, or tuned) and keep it over reboots",
            Who.CONFIGURATION,
            Severity.MONITOR,
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, host_settings.SETTINGS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        governors = host_settings.parse(out.text(target, host_settings.SETTINGS)).governors
        if not governors:
            raise NotApplicable("no frequency governor: firmware or hypervisor rule the frequency")
        names = sorted(governors)
        said = names[0] if len(names) == 1 else ", ".join(f"{name} on {governors[name]}" for name in names)
        yield Measurement("governor", said, "", target.name, ctx.limit_or_none(target, "host.governor"))
