"""Collective: two nodes with all their GPUs and all their fabric ports.

Most bytes of such an all_reduce stay inside the nodes, so it proves software, rail mapping and the way out of the
node, not the speed of each port: that is what rdma.write-bw is for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bringup.battery import transports
from bringup.check import Check, Outputs, Plan, run
from bringup.commands import Command, Ended, Output
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NoLimit, NotApplicable, ParseError, ToolMissing
from bringup.model import Finding, Level, Measurement, Node, Pair, Stage
from bringup.parsers import mpirun, nccl_tests
from bringup.parsers.nccl_tests import Collective

_NO_LOGIN = re.compile(
    r"Permission denied|Host key verification failed|Could not resolve hostname|connect to host .* port",
    re.ASCII,
)
"""What ssh says when it does not get into a node."""

_CAUSES = (
    "GPU-LOST",
    "GPU-MISSING",
    "GPU-DRIVER",
    "FM-DOWN",
    "NVLINK-FABRIC",
    "NVLINK-DOWN",
    "NVLINK-SPEED",
    "NVLINK-ERRORS",
    "HCA-MISSING",
    "LINK-DOWN",
    "LINK-DISABLED",
    "LINK-INIT",
    "LINK-LAYER",
    "LINK-RATE",
    "LINK-ERRORS",
    "LINK-FLAP",
    "LINK-BER",
    "PCIE-NIC-WIDTH",
    "PCIE-NIC-SPEED",
    "RDMA-CONNECT",
    "RDMA-BW",
    "VERSION-MINORITY",
)


class PairCollective(Check[Pair]):
    """all_reduce over two nodes is fast enough, and its results are right."""

    id = "collective.pair"
    stage = Stage.COLLECTIVE
    level = Level.STANDARD
    per_rail = False
    rounds = 2
    faults = (
        Fault(
            "COLL-BUSBW",
            "the GPUs of {at} work together too slowly",
            "look at fabric ports, NVLink and clocks of {node} first; then compare driver and NCCL with a good node",
            explained_by=(
                *_CAUSES,
                "GPU-SLOWDOWN",
                "GPU-POWER-LIMIT",
                "GPU-CLOCK-LOW",
                "GPU-MEMORY-BW",
                "GPU-PEER-BW",
                "PCIE-GPU-WIDTH",
                "PCIE-GPU-GEN",
                "GPU-MODE",
                "NODE-BUSY",
                "COLL-BUSBW",  # of one node alone: it is slow with every partner
                "COLL-TRANSPORT",
            ),
        ),
        Fault(
            "COLL-WRONG",
            "{at} computes wrong results",
            "take {node} {place} out at once; run again with other partners, and replace the GPU if it stays wrong",
            explained_by=("COLL-WRONG", "GPU-RESULTS"),  # of one node alone: it is wrong with every partner
        ),
        Fault(
            "COLL-FAILED",
            "the GPUs of {at} cannot work together",
            "the node that prints the failure is the one that survived: test each node with another partner first",
            explained_by=(*_CAUSES, "GPU-XID", "MEMLOCK-LIMIT", "NODE-BUSY"),
        ),
        transports.TRANSPORT,
        Fault(
            "COLL-SETUP",
            "mpirun cannot start the test between {at}",
            "let the nodes log in to each other, install the same MPI and nccl-tests on both; then: bringup resume",
            Who.COULD_NOT_JUDGE,
            Severity.MONITOR,
            explained_by=("NODE-IDENTITY", "HOST-KEY-CHANGED"),
        ),
    )

    def plan(self, target: Pair, ctx: Context) -> Plan:
        return run(target.a, _command(target, ctx))

    def judge(self, target: Pair, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        command = _command(target, ctx)
        output = out.get(target.a, command)
        at = f"{target.a.name} ~ {target.b.name}"
        test = _begun(output)
        if output.ended is Ended.TIMEOUT and test is not None:
            message = (
                f"hangs: {len(test.ranks)} ranks, {len(test.rows)} sizes done in {command.timeout_s:g} s"
            )
            yield Finding("COLL-FAILED", message, at)
            return
        status = out.answered(target.a, command).status
        if test is None:
            printed = f"{output.text}\n{output.error_text}"
            if (lacking := mpirun.no_program(printed)) is not None:
                far = lacking.node in (target.b.name, target.b.address, target.b.peer_address)
                raise ToolMissing((lacking.program,), at=(target.b if far else target.a).name)
            refused = _NO_LOGIN.search(printed)  # mpirun on a logs in to b alone
            said = f"the test did not begin: {_first_words(output)}"
            raise CannotJudge(said, code="COLL-SETUP", at=target.b.name if refused else "")
        if not test.concluded:
            if status == 0 and not test.failures:
                raise ParseError("the log has no closing lines: it is cut off")
            said = test.failures[0] if test.failures else f"ended with status {status}"
            yield Finding("COLL-FAILED", said, at)
            return
        _right_places(test, ctx.need_gpus(target.a))
        wrong, speed = (
            ctx.limit(target.a, "collective.wrong"),
            ctx.limit(target.a, "collective.pair.all_reduce"),
        )
        if test.wrong is None:
            raise CannotJudge("all_reduce did not check its results")
        yield Measurement("wrong", test.wrong, "values", at, wrong, "COLL-WRONG")
        busbw = test.largest.out_of_place.busbw_gbs
        hosts = tuple(dict.fromkeys(rank.host for rank in test.ranks))
        log = f"{output.text}\n{output.error_text}"
        joined = _one_domain(target, ctx)
        wrong_way = list(transports.of_nodes(log, hosts, target.nodes, ctx, joined=joined))
        yield from wrong_way
        judged_by = None if wrong_way else speed  # what another way is worth says nothing about the parts
        yield Measurement("busbw", busbw, "GB/s", at, judged_by, "COLL-BUSBW")
        if status != 0 and test.wrong == 0 and not test.average_failed:
            said = test.failures[0] if test.failures else "it printed its result"
            yield Finding("COLL-FAILED", f"ended with status {status}: {said}", at)


def _command(target: Pair, ctx: Context) -> Command:
    gpus = {ctx.need_gpus(node) for node in target.nodes}
    if len(gpus) != 1:
        raise CannotJudge(f"{target.a.name} and {target.b.name} have different numbers of GPUs by profile")
    hcas = dict.fromkeys(port.hca for node in target.nodes for port in ctx.training_ports(node))
    if not hcas and not _one_domain(target, ctx):
        raise NotApplicable(f"{target.a.name} and {target.b.name} have no planned fabric ports between them")
    mpirun, binary = (_program(target.a, ctx, name) for name in ("collective.mpirun", "collective.binary"))
    hosts = tuple(node.peer_address or node.address or node.name for node in target.nodes)
    return nccl_tests.all_reduce_pair(mpirun, binary, hosts, gpus.pop(), tuple(hcas))


def _one_domain(target: Pair, ctx: Context) -> bool:
    """Whether the nodes' GPUs may reach each other over NVLink: without fabric ports nothing else joins them."""
    if target.a.rack != target.b.rack:
        return False
    spans = [ctx.fact_if_any(node, "nvlink.domain_nodes") for node in target.nodes]
    return all(isinstance(nodes, int) and nodes > 1 for nodes in spans)


def _program(node: Node, ctx: Context, name: str) -> str:
    value = ctx.fact(node, name)
    if not isinstance(value, str) or not value:
        raise NoLimit(f"profile {node.profile}: fact {name} is {value!r}, needed a program")
    return value


def _begun(output: Output) -> Collective | None:
    """The one test of the log; None where it never began. Raises ParseError for figures that are not known."""
    text = f"{output.text}\n{output.error_text}"
    try:
        tests = nccl_tests.parse(text)
    except ParseError:
        if "nThread" in text:
            raise
        return None
    if len(tests) != 1:
        raise ParseError(f"the log holds {len(tests)} tests, needed one")
    return tests[0]


def _first_words(output: Output) -> str:
    lines = [line.strip(" -*") for line in f"{output.error_text}\n{output.text}".splitlines()]
    return next(
        (line[:200] for line in lines if line), f"mpirun ended with status {output.status} and no text"
    )


def _right_places(test: Collective, gpus: int) -> None:
    """Two ranks on one GPU, or all on one node, would measure something else."""
    places = {(rank.host, rank.device) for rank in test.ranks}
    hosts = {rank.host for rank in test.ranks}
    if len(test.ranks) != 2 * gpus or len(places) != 2 * gpus or len(hosts) != 2:
        raise CannotJudge(
            f"all_reduce ran with {len(test.ranks)} ranks on {len(places)} GPUs of {len(hosts)} nodes,"
            f" needed {2 * gpus} on 2 nodes",
            code="COLL-SETUP",
        )
