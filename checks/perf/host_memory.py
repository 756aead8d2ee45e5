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
from bringup.parsers.host_memory import MemorySpeed
from bringup.parsers.perf_faults import HOST_MEMORY_BW, HOST_MEMORY_RESULTS


class HostMemory(Check[Node]):
    """All processors together move as much memory as the profile asks.

    Measured with STREAM where the fact `perf.stream` names a binary, else with a copy on every processor, which is then
    compared with what was copied. Without a
    limit in the profile it is a reading, which `perf.fleet` compares over the fleet.
    """

    id = "perf.host-memory"
    stage = Stage.PERF
    level = Level.STANDARD
    collects = True
    faults = (HOST_MEMORY_BW, HOST_MEMORY_RESULTS)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, _command(target, ctx))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        command, limit = _command(target, ctx), ctx.limit_or_none(target, "perf.host_memory")
        if ctx.fact_if_any(target, "perf.stream") is not None:
            speed = _stream(target, out, command)
            name = "memory copy, STREAM"
        else:
            speed = perf.memory_copied(target, out, command)
            wrong = ctx.limit(target, "perf.host_memory.wrong")
            code = HOST_MEMORY_RESULTS.code
            yield Measurement("wrong copies", speed.wrong, "copies", target.name, wrong, code)
            name = "memory copy"
        yield Measurement(name, round(speed.copy_gbs, 2), "GB/s", target.name, limit, HOST_MEMORY_BW.code)
        if speed.triad_gbs is not None:
            yield Measurement("memory triad", round(speed.triad_gbs, 2), "GB/s", target.name)


def _stream(node: Node, out: Outputs, command: Command) -> MemorySpeed:
    part = perf.part(node, out, command, host_memory.STREAM)
    if part.status != 0:
        said = " ".join(out.get(node, command).error_text.split())[-200:]
        raise CannotJudge(f"STREAM ended with status {part.status}: {said or 'no text'}")
    return host_memory.parse_stream(part.text)


def _command(node: Node, ctx: Context) -> Command:
    where = perf.place(node, ctx)
    if ctx.fact_if_any(node, "perf.stream") is not None:
        return host_memory.stream(perf.program(node, ctx, "perf.stream"), place=where, env=node.env)
    seconds = ctx.number(node, "perf.memory_seconds")
    python = perf.program(node, ctx, "perf.python")
    return host_memory.own(seconds, python=python, place=where, env=node.env)
