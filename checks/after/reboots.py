"""After the load: a node that started anew in the middle of a run has lost its job, and the evidence of its counters."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.rises import again
from bringup.check import Check, Outputs, Plan
from bringup.context import Context
from bringup.defects import Fault
from bringup.model import Finding, Level, Limit, Measurement, Node, Stage
from bringup.parsers import boots


class Reboots(Check[Node]):
    """The kernel that answers after the load is the one that answered at the beginning of the run."""

    id = "after.reboots"
    stage = Stage.AFTER
    level = Level.STANDARD
    compares = True
    faults = (
        Fault(
            "NODE-REBOOTED",
            "{node} started anew during the run",
            "read the event log of the BMC of {node} {place} (power, temperature, watchdog) and its console for the time "
            "of the load, mend the cause, then start a new run: what its counters would have told is lost",
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        return again(target)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        first, now = (boots.parse_up(o.text(target, boots.UP)) for o in (out.before, out))
        once = Limit(
            "after.boots", "==", 0, "boots", why="counters begin again at boot", source="a rule, not a number"
        )
        if now.boot_id == first.boot_id:
            yield Measurement("boots during the run", 0, "boots", target.name, once)
            return
        said = f"started anew {now.uptime_s / 60:.1f} min ago, after {first.uptime_s / 3600:.1f} h of the boot before"
        yield Finding("NODE-REBOOTED", said, target.name)
