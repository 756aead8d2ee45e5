"""Collective: all GPUs of one node working together, which proves NVLink, NVSwitch, driver and library at once."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import transports
from bringup.check import Check, Outputs, Plan, run
from bringup.commands import Command, Ended
from bringup.context import Context
from bringup.defects import Fault
from bringup.errors import CannotJudge, NoLimit, NotApplicable, ParseError
from bringup.model import Finding, Level, Measurement, Node, Stage
from bringup.parsers import nccl_tests
from bringup.parsers.nccl_tests import Collective

_GPU_CAUSES = (
    "GPU-LOST",
    "GPU-MISSING",
    "GPU-DRIVER",
    "FM-DOWN",
    "NVLINK-FABRIC",
    "NVLINK-DOWN",
    "NVLINK-SPEED",
    "NVLINK-ERRORS",
    "GPU-XID",
    "GPU-ECC",
)


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
            explained_by=(
                *_GPU_CAUSES,
                "GPU-SLOWDOWN",
                "GPU-POWER-LIMIT",
                "GPU-CLOCK-LOW",
                "GPU-MEMORY-BW",
                "GPU-PEER-BW",
                "PCIE-GPU-WIDTH",
                "PCIE-GPU-GEN",
                "GPU-MODE",
                "NODE-BUSY",
                "COLL-TRANSPORT",
            ),
        ),
        Fault(
            "COLL-WRONG",
            "{at} computes wrong results",
            "take {node} {place} out at once; run again with other partners, and replace the GPU if it stays wrong",
            explained_by=("GPU-RESULTS",),
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
        return run(target, _command(target, ctx))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        command = _command(target, ctx)
        output = out.get(target, command)
        text = f"{output.text}\n{output.error_text}"
        if output.ended is Ended.TIMEOUT and (hung := _begun(text)) is not None:
            message = (
                f"hangs: {len(hung.ranks)} ranks, {len(hung.rows)} sizes done in {command.timeout_s:g} s"
            )
            yield Finding("COLL-FAILED", message, target.name)
            return
        status = out.answered(target, command).status
        test = _only(text)
        if not test.concluded:
            if status == 0 and not test.failures:
                raise ParseError("the log has no closing lines: it is cut off")
            said = test.failures[0] if test.failures else f"ended with status {status}"
            yield Finding("COLL-FAILED", said, target.name)
            return
        planned = ctx.need_gpus(target)
        if len(test.ranks) != planned:
            raise CannotJudge(f"all_reduce ran on {len(test.ranks)} ranks, needed {planned}")
        if test.wrong is None:
            raise CannotJudge("all_reduce did not check its results")
        wrong, speed = ctx.limit(target, "collective.wrong"), ctx.limit(target, "collective.node.all_reduce")
        yield Measurement("wrong", test.wrong, "values", target.name, wrong, "COLL-WRONG")
        busbw = test.largest.out_of_place.busbw_gbs
        wrong_way = list(transports.of_nodes(text, (test.ranks[0].host,), (target,), ctx))
        yield from wrong_way
        judged_by = None if wrong_way else speed  # what another way is worth says nothing about the parts
        yield Measurement("busbw", busbw, "GB/s", target.name, judged_by, "COLL-BUSBW")
        if status != 0 and test.wrong == 0 and not test.average_failed:
            said = test.failures[0] if test.failures else "it printed its result"
            yield Finding("COLL-FAILED", f"ended with status {status}: {said}", target.name)


def _command(node: Node, ctx: Context) -> Command:
    gpus = ctx.need_gpus(node)
    if gpus < 2:
        raise NotApplicable(f"profile {node.profile} has one GPU: there is no bus between GPUs to measure")
    binary = ctx.fact(node, "collective.binary")
    if not isinstance(binary, str) or not binary:
        raise NoLimit(f"profile {node.profile}: fact collective.binary is {binary!r}, needed a program")
    return nccl_tests.all_reduce(binary, gpus)


def _begun(text: str) -> Collective | None:
    """The test of a log that never ended, if it began at all."""
    try:
        return _only(text)
    except ParseError:
        return None


def _only(text: str) -> Collective:
    tests = nccl_tests.parse(text)
    if len(tests) != 1:
        raise ParseError(f"the log holds {len(tests)} tests, needed one")
    return tests[0]
