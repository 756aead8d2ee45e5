"""Do the GPUs of a node keep exchanging data at full speed, again and again?"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import mean, pstdev

from bringup.battery import perf, torch_job
from bringup.check import Check, Outputs, Plan, run
from bringup.commands import Command, Ended
from bringup.context import Context
from bringup.errors import CannotJudge, NotApplicable, ParseError
from bringup.model import Finding, Level, Measurement, Node, Stage
from bringup.parsers import nccl_rounds, nccl_tests
from bringup.parsers.perf_faults import COLL_OPS_BW, COLL_OPS_FAILED, COLL_OPS_WRONG


class SoakCollective(Check[Node]):
    """all_reduce over the GPUs of one node ends in every round of the soak, right and fast enough in the slowest one.

    The program of the fact `collective.binary`, 8 GiB, `soak.collective_rounds` times. How far the rounds scatter is a
    reading. What the links counted meanwhile is told by after.nvlink-errors and after.xgmi-errors.
    """

    id = "soak.collective"
    stage = Stage.SOAK
    level = Level.SOAK
    collects = True
    faults = (COLL_OPS_BW, COLL_OPS_WRONG, COLL_OPS_FAILED)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, _command(target, ctx))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        floor, wrong = (
            ctx.limit_or_none(target, "collective.node.all_reduce"),
            ctx.limit(target, "collective.wrong"),
        )
        planned, command = ctx.number(target, "soak.collective_rounds"), _command(target, ctx)
        output = out.get(target, command)
        if output.ended is not Ended.TIMEOUT:
            output = out.answered(target, command)
        rounds = nccl_tests.parse(f"{output.text}\n{output.error_text}")
        ended = [one for one in rounds if one.concluded]
        if ended:
            sums = [one.wrong for one in ended if one.wrong is not None]
            if len(sums) != len(ended):
                raise CannotJudge("all_reduce did not check its results")
            speeds = [one.largest.out_of_place.busbw_gbs for one in ended]
            yield Measurement(
                "wrong in all rounds", sum(sums), "values", target.name, wrong, COLL_OPS_WRONG.code
            )
            yield Measurement(
                "busbw of the slowest round", min(speeds), "GB/s", target.name, floor, COLL_OPS_BW.code
            )
            scatter = round(100 * pstdev(speeds) / mean(speeds), 2) if mean(speeds) > 0 else 0.0
            yield Measurement("scatter of busbw", scatter, "%", target.name)
        yield Measurement("rounds that ended", len(ended), "rounds", target.name)
        failed = next((one for one in rounds if not one.concluded), None)
        if output.ended is Ended.TIMEOUT:
            said = f"hangs in round {len(ended) + 1} of {planned}"
            yield Finding(COLL_OPS_FAILED.code, said, target.name)
        elif failed is not None and failed.failures:
            said = f"round {len(ended) + 1} of {planned}: {failed.failures[0]}"
            yield Finding(COLL_OPS_FAILED.code, said, target.name)
        elif len(ended) < planned and output.status != 0 and not (ended and ended[-1].wrong):
            said = f"ended with status {output.status} in round {max(1, len(rounds))} of {planned}"
            yield Finding(COLL_OPS_FAILED.code, said, target.name)
        elif len(ended) < planned and output.status == 0:
            raise ParseError(f"the log holds {len(ended)} rounds, needed {planned}: it is cut off")


def _command(node: Node, ctx: Context) -> Command:
    gpus = ctx.need_gpus(node)
    if gpus < 2:
        raise NotApplicable(f"profile {node.profile} has one GPU: there is no bus between GPUs to measure")
    if torch_job.chosen(node, ctx):
        raise NotApplicable(torch_job.NO_OTHER)
    binary = perf.program(node, ctx, "collective.binary")
    return nccl_rounds.rounds(binary, gpus, ctx.number(node, "soak.collective_rounds"))
