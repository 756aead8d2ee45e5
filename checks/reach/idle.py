"""Reach: a load that somebody left running spoils every measurement, and a test would spoil that load."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bringup.check import Check, Context, Outputs, Plan, run
from bringup.model import Fault, Finding, Limit, Measurement, Node, Severity, Stage, Who
from bringup.parsers import nvidia_smi_csv
from bringup.parsers.nvidia_smi_errors import answer

_RULE = Limit(
    "reach.idle", "<=", 0, "processes", why="another load makes every number meaningless", source="rule"
)
_NAMED = 5


class Idle(Check[Node]):
    """No process of anybody else uses the GPUs."""

    id = "reach.idle"
    stage = Stage.REACH
    faults = (
        Fault(
            "NODE-BUSY",
            "somebody else's load runs on {node}",
            "drain {node} in the scheduler and end the processes, then run again",
            Who.SOFTWARE,
            Severity.MONITOR,
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        ctx.need_gpus(target, "nvidia")
        return run(target, nvidia_smi_csv.COMPUTE_APPS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        text, _ = answer(out.answered(target, nvidia_smi_csv.COMPUTE_APPS))
        running = nvidia_smi_csv.apps(text)
        if running:
            yield Finding("NODE-BUSY", f"{len(running)} on the GPUs: {_names(running)}", target.name)
        else:
            yield Measurement("processes", 0, "processes", target.name, _RULE)


def _names(running: Sequence[nvidia_smi_csv.App]) -> str:
    words = [f"{app.name} (pid {app.pid})" for app in running[:_NAMED]]
    return ", ".join(words) + (f" and {len(running) - _NAMED} more" if len(running) > _NAMED else "")
