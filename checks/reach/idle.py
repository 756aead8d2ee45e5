"""Reach: a load that somebody left running spoils every measurement, and a test would spoil that load."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.model import Finding, Limit, Measurement, Node, Stage
from bringup.parsers import amd_smi, nvidia_smi_csv
from bringup.parsers.amd_smi_answer import answered as amd_answer
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
        ctx.need_gpus(target)
        return run(target, amd_smi.PROCESS if _is_amd(target, ctx) else nvidia_smi_csv.COMPUTE_APPS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        running = _running(target, out, amd=_is_amd(target, ctx))
        if running:
            yield Finding("NODE-BUSY", f"{len(running)} on the GPUs: {_names(running)}", target.name)
        else:
            yield Measurement("processes", 0, "processes", target.name, _RULE)


def _is_amd(node: Node, ctx: Context) -> bool:
    return ctx.fact_if_any(node, "gpu.vendor") == "amd"


def _running(node: Node, out: Outputs, *, amd: bool) -> list[str]:
    """The programs on the GPUs, as people read them; one that uses several GPUs counts once."""
    if amd:
        programs = amd_smi.parse_processes(amd_answer(out.answered(node, amd_smi.PROCESS)))
        return list(dict.fromkeys(f"{p.name or 'unknown'} (pid {p.pid})" for p in programs))
    text, _ = answer(out.answered(node, nvidia_smi_csv.COMPUTE_APPS))
    return [f"{app.name} (pid {app.pid})" for app in nvidia_smi_csv.apps(text)]


def _names(running: Sequence[str]) -> str:
    more = f" and {len(running) - _NAMED} more" if len(running) > _NAMED else ""
    return ", ".join(running[:_NAMED]) + more
