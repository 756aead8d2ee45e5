"""Host: a kernel that no longer trusts the processors' clock reads a slow one, and every program waits for it."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity
from bringup.errors import NotApplicable
from bringup.model import Finding, Limit, Measurement, Node, Stage
from bringup.parsers import clock_source

_WHY = "reading it takes nanoseconds and no call of the kernel; hpet and acpi_pm take microseconds"


class ClockSource(Check[Node]):
    """The kernel reads the time from the processors' own clock.

    That is tsc on x86 and arch_sys_counter on Arm. In a virtual machine the hypervisor's clock is as good.
    """

    id = "host.clock-source"
    stage = Stage.HOST
    faults = (
        Fault(
            "CLOCK-SOURCE",
            "{node} no longer uses the clock of its processors",
            "read the kernel log of {node} {place} for the reason (clocksource: ... unstable); reboot it, update its BIOS; "
            "if it comes back, replace the processor or the board",
            severity=Severity.REBOOT,
            explained_by=("MACHINE-CHECK",),
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, clock_source.SOURCE)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        seen = clock_source.parse(out.text(target, clock_source.SOURCE))
        own = "arch_sys_counter" if seen.arm else "tsc"
        if seen.virtual and seen.current in clock_source.HYPERVISORS:
            raise NotApplicable(f"a virtual machine, which reads the clock of its hypervisor: {seen.current}")
        limit = Limit("host.clock-source", "==", own, why=_WHY, source="Linux kernel, timekeeping")
        yield Measurement("clock source", seen.current, "", target.name, limit)
