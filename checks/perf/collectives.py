"""Do the GPUs of a node also exchange data in the other ways that training uses?"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import perf, torch_job
from bringup.check import Check, Outputs, Plan, run
from bringup.commands import Command
from bringup.context import Context
from bringup.errors import CannotJudge, NoLimit, NotApplicable, ParseError
from bringup.model import Finding, Level, Limit, Measurement, Node, Stage
from bringup.parsers import nccl_tests
from bringup.parsers.perf_faults import COLL_OPS_BW, COLL_OPS_FAILED, COLL_OPS_WRONG

_OPERATIONS = ("all_gather", "reduce_scatter", "alltoall")
_FIRST = "all_reduce"


class Collectives(Check[Node]):
    """all_gather, reduce_scatter and alltoall over the GPUs of one node end, and their results are right.

    The programs beside that of the fact `collective.binary`. Their bandwidth is judged where the profile has a floor
    (`perf.collective.alltoall` and so on); else it is a reading, which `perf.fleet` compares over the fleet.
    """

    id = "perf.collectives"
    stage = Stage.PERF
    level = Level.FULL
    collects = True
    faults = (COLL_OPS_BW, COLL_OPS_WRONG, COLL_OPS_FAILED)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, *_commands(target, ctx).values())

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        wrong = ctx.limit(target, "collective.wrong")
        unjudged: list[CannotJudge] = []
        for name, command in _commands(target, ctx).items():
            try:
                yield from _one(target, name, command, wrong, out, ctx)
            except CannotJudge as cannot:
                unjudged.append(cannot)
        if unjudged:
            raise unjudged[0]


def _one(
    target: Node, name: str, command: Command, wrong: Limit, out: Outputs, ctx: Context
) -> Iterator[Measurement | Finding]:
    answer = out.answered(target, command)
    tests = nccl_tests.parse(f"{answer.text}\n{answer.error_text}")
    if len(tests) != 1:
        raise ParseError(f"{name}: the log holds {len(tests)} tests, needed one")
    (test,) = tests
    if not test.concluded:
        if answer.status == 0 and not test.failures:
            raise ParseError(f"{name}: the log has no closing lines: it is cut off")
        said = test.failures[0] if test.failures else f"ended with status {answer.status}"
        yield Finding(COLL_OPS_FAILED.code, f"{name}: {said}", target.name)
        return
    planned = ctx.need_gpus(target)
    if len(test.ranks) != planned or test.wrong is None:
        raise CannotJudge(f"{name} ran on {len(test.ranks)} ranks, needed {planned}, and checked its results")
    yield Measurement(f"{name} wrong", test.wrong, "values", target.name, wrong, COLL_OPS_WRONG.code)
    floor = ctx.limit_or_none(target, f"perf.collective.{name}")
    busbw = test.largest.out_of_place.busbw_gbs
    yield Measurement(f"{name} busbw", busbw, "GB/s", target.name, floor, COLL_OPS_BW.code)


def _commands(node: Node, ctx: Context) -> dict[str, Command]:
    gpus = ctx.need_gpus(node)
    if gpus < 2:
        raise NotApplicable(f"profile {node.profile} has one GPU")
    if torch_job.chosen(node, ctx):
        raise NotApplicable(torch_job.NO_OTHER)
    first = perf.program(node, ctx, "collective.binary")
    folder, slash, program = first.rpartition("/")
    if _FIRST not in program:
        raise NoLimit(
            f"profile {node.profile}: fact collective.binary is {first!r}, which is no {_FIRST}: its sisters are not known"
        )
    return {
        name: nccl_tests.all_reduce(f"{folder}{slash}{program.replace(_FIRST, name)}", gpus)
        for name in _OPERATIONS
    }
