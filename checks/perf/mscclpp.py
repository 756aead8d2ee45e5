"""Do the GPUs of a node also exchange data with MSCCL++, where a site trains with it?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from bringup.battery import perf
from bringup.check import Check, Outputs, Plan, run
from bringup.commands import Command
from bringup.context import Context
from bringup.errors import CannotJudge, NoLimit, NotApplicable, ParseError
from bringup.model import Finding, Level, Measurement, Node, Stage
from bringup.parsers import mscclpp_test
from bringup.parsers.perf_faults import COLL_OPS_BW, COLL_OPS_FAILED, COLL_OPS_WRONG
from bringup.parsers.reading import first_line

BINARY, OPTIONS = "mscclpp.binary", "mscclpp.options"
_OPTION = re.compile(r"-[beifnwGak]|[0-9]{1,12}[KMG]?")
_OWN = ("-b", "1G", "-e", "1G")


class Mscclpp(Check[Node]):
    """A program of mscclpp-test over the GPUs of the node ends, and its results are right.

    Only where the profile names one (`mscclpp.binary`, such as the path of allreduce_test_perf), started by
    `collective.mpirun`. Which kernel (`-k`) suits the machine, and the sizes that it takes, is said in `mscclpp.options`;
    without it the program's own kernel moves 1 GiB. Its bandwidth is judged where the profile has a floor
    (`perf.mscclpp`); else it is a reading, which `perf.fleet` compares over the fleet.
    """

    id = "perf.mscclpp"
    stage = Stage.PERF
    level = Level.FULL
    collects = True
    faults = (COLL_OPS_BW, COLL_OPS_WRONG, COLL_OPS_FAILED)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, _command(target, ctx))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        answer = out.answered(target, _command(target, ctx))
        log = mscclpp_test.parse_log(answer.text)
        if log is None:
            said = first_line(f"{answer.error_text}\n{answer.text}")
            raise CannotJudge(
                f"the test did not begin: {said[:200] or f'status {answer.status}'}",
                code=COLL_OPS_FAILED.code,
            )
        planned = ctx.need_gpus(target)
        if log.ranks != planned:
            raise CannotJudge(f"mscclpp-test ran on {log.ranks} ranks, needed {planned}")
        if not log.concluded:
            if answer.status == 0:
                raise ParseError("mscclpp-test: the log has no closing line: it is cut off")
            said = first_line(answer.error_text)
            yield Finding(
                COLL_OPS_FAILED.code,
                f"mscclpp-test ended with status {answer.status}: {said[:200]}",
                target.name,
            )
            return
        if answer.status and not log.bad_ranks:
            raise CannotJudge(f"mscclpp-test found no mistake and ended with status {answer.status}")
        if log.wrong is None or (log.bad_ranks and not log.wrong):
            raise CannotJudge(f"mscclpp-test did not say how many results of {log.bad_ranks} ranks are wrong")
        wrong = ctx.limit(target, "collective.wrong")
        yield Measurement("mscclpp wrong", log.wrong, "values", target.name, wrong, COLL_OPS_WRONG.code)
        found = mscclpp_test.results(answer.text)
        if len(found) != log.rows:
            raise ParseError(f"mscclpp-test: {len(found)} results for {log.rows} sizes: its file is cut off")
        largest = max(found, key=lambda result: result.size_bytes)
        floor = ctx.limit_or_none(target, "perf.mscclpp")
        name = f"mscclpp {largest.name} busbw"
        yield Measurement(name, largest.busbw_gbs, "GB/s", target.name, floor, COLL_OPS_BW.code)


def _command(node: Node, ctx: Context) -> Command:
    if ctx.fact_if_any(node, BINARY) is None:
        raise NotApplicable(f"profile {node.profile} names no program of mscclpp-test ({BINARY})")
    gpus = ctx.need_gpus(node)
    if gpus < 2:
        raise NotApplicable(f"profile {node.profile} has one GPU")
    mpirun = perf.program(node, ctx, "collective.mpirun")
    if PurePosixPath(mpirun).name == "srun":
        raise NotApplicable(f"profile {node.profile}: within a node it is started by an mpirun, not by srun")
    return mscclpp_test.job(mpirun, perf.program(node, ctx, BINARY), gpus, _options(node, ctx))


def _options(node: Node, ctx: Context) -> tuple[str, ...]:
    """Raises NoLimit for anything but sizes and numbers."""
    value = ctx.fact_if_any(node, OPTIONS)
    if value is None:
        return _OWN
    words = value.split() if isinstance(value, str) else [""]
    if not all(_OPTION.fullmatch(word) for word in words):
        raise NoLimit(
            f"profile {node.profile}: fact {OPTIONS} is {value!r}, needed options of mscclpp-test such as"
            " '-b 3G -e 3G -k 2'"
        )
    return tuple(words)
