"""How fast do the processors reach their memory?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import perf
from bringup.check import Check, Outputs, Plan, run
from bringup.commands import Command
from bringup.context import Context
from bringup.errors import CannotJudge
from bringup.model import Finding, Level, Measurement, Node, Stage
from bringup.parsers import host_memory
from bringup.parsers.perf_faults import HOST_MEMORY_BW


class HostMemory(Check[Node]):
    """All processors together move as much memory as the profile asks.

    Measured with STREAM where the fact `perf.stream` names a binary, else with a copy on every processor. Without a
    limit in the profile it is a reading, which `perf.fleet` compares over the fleet.
    """

    id = "perf.host-memory"
    stage = Stage.PERF
    level = Level.STANDARD
    collects = True
    faults = (HOST_MEMORY_BW,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, _command(target, ctx))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        is_stream = ctx.fact_if_any(target, "perf.stream") is not None
        name, parse = (
            (host_memory.STREAM, host_memory.parse_stream)
            if is_stream
            else (host_memory.OWN, host_memory.parse_own)
        )
        part = perf.part(target, out, _command(target, ctx), name)
        if part.status != 0:
            said = " ".join(out.get(target, _command(target, ctx)).error_text.split())[-200:]
            raise CannotJudge(f"the memory test ended with status {part.status}: {said or 'no text'}")
        speed = parse(part.text)
        limit = ctx.limit_or_none(target, "perf.host_memory")
        yield Measurement(
            "memory copy, STREAM" if is_stream else "memory copy",
            round(speed.copy_gbs, 2),
            "GB/s",
            target.name,
            limit,
        )
        if speed.triad_gbs is not None:
            yield Measurement("memory triad", round(speed.triad_gbs, 2), "GB/s", target.name)


def _command(node: Node, ctx: Context) -> Command:
    where = perf.place(node, ctx)
    if ctx.fact_if_any(node, "perf.stream") is not None:
        return host_memory.stream(perf.program(node, ctx, "perf.stream"), place=where, env=node.env)
    seconds = ctx.number(node, "perf.memory_seconds")
    python = perf.program(node, ctx, "perf.python")
    return host_memory.own(seconds, python=python, place=where, env=node.env)
