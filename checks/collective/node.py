"""Collective: all GPUs of one node working together, which proves NVLink, NVSwitch, driver and library at once."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import all_reduce, torch_job, transports
from bringup.check import Check, Outputs, Plan, run, together
from bringup.commands import Command
from bringup.context import Context
from bringup.defects import Fault
from bringup.errors import NoLimit, NotApplicable, ParseError
from bringup.model import Finding, Level, Limit, Measurement, Node, Stage
from bringup.parsers import nccl_tests
from bringup.parsers.reading import first_line, quoted

_GPU_CAUSES = (*all_reduce.GPU_CAUSES, "GPU-XID", "GPU-ECC")


class NodeCollective(Check[Node]):
    """all_reduce over the GPUs of one node is fast enough, and its results are right."""

    id = "collective.node"
    stage = Stage.COLLECTIVE
    level = Level.STANDARD
    faults = (
        Fault(
            "COLL-BUSBW",
            "the GPUs of {at} work together too slowly",
            "look at NVLink, clocks and PCIe of {node} first; if they are fine, compare driver, fabric manager and NCCL"
            " with a good node",
            explained_by=(*_GPU_CAUSES, *all_reduce.SLOW_CAUSES),
        ),
        Fault(
            "COLL-WRONG",
            "{at} computes wrong results",
            "take {node} {place} out at once; run again with other partners, and replace the GPU if it stays wrong",
            explained_by=("GPU-RESULTS",),
            expels=True,
        ),
        Fault(
            "COLL-FAILED",
            "the GPUs of {at} cannot work together",
            "read the failing line: driver, fabric manager and NVLink of {node} first, then /dev/shm and limits",
            explained_by=(*_GPU_CAUSES, "MEMLOCK-LIMIT", "NODE-BUSY"),
        ),
        transports.TRANSPORT,
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        gpus = _gpus(target, ctx)
        if torch_job.chosen(target, ctx):
            return together(*torch_job.steps((target,), ctx, gpus))
        return run(target, _command(target, ctx))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        if torch_job.chosen(target, ctx):
            gpus, limits = _gpus(target, ctx), _limits(target, ctx)
            yield from torch_job.judged((target,), gpus, out, ctx, target.name, *limits)
            return
        log = all_reduce.read(target, _command(target, ctx), out)
        if log.test is None:
            raise _not_begun(log)
        if (broken := all_reduce.failed(log, log.test, target.name)) is not None:
            yield broken
            return
        yield from all_reduce.judged(log, log.test, (target,), ctx, target.name, *_limits(target, ctx))


def _limits(node: Node, ctx: Context) -> tuple[Limit, Limit]:
    return ctx.limit(node, "collective.wrong"), ctx.limit(node, "collective.node.all_reduce")


def _gpus(node: Node, ctx: Context) -> int:
    gpus = ctx.need_gpus(node)
    if gpus < 2:
        raise NotApplicable(f"profile {node.profile} has one GPU: there is no bus between GPUs to measure")
    return gpus


def _command(node: Node, ctx: Context) -> Command:
    gpus = _gpus(node, ctx)
    binary = ctx.fact(node, "collective.binary")
    if not isinstance(binary, str) or not binary:
        raise NoLimit(f"profile {node.profile}: fact collective.binary is {binary!r}, needed a program")
    return nccl_tests.all_reduce(binary, gpus)


def _not_begun(log: all_reduce.Log) -> ParseError:
    return ParseError(f"no test began in {quoted(first_line(log.text))}, status {log.status}")
