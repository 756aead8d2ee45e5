"""all_reduce over several nodes, started by mpirun on the first of them: what tests of pairs and of whole jobs share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bringup.battery import transports
from bringup.check import Outputs
from bringup.commands import Command, Ended, Output
from bringup.context import Context
from bringup.errors import CannotJudge, NoLimit, NotApplicable, ParseError, ToolMissing
from bringup.model import Finding, Limit, Measurement, Node
from bringup.parsers import mpirun, nccl_tests
from bringup.parsers.nccl_tests import Collective

_OF_THE_WIRE = 0.85
"""The part of what the ports must carry by themselves that a collective must still reach over them."""

CAUSES = (
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
SLOW_CAUSES = (
    *CAUSES,
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
)

_NO_LOGIN = re.compile(
    r"Permission denied|Host key verification failed|Could not resolve hostname|connect to host .* port",
    re.ASCII,
)
"""What ssh says when it does not get into a node."""


def command(nodes: Sequence[Node], ctx: Context, mpirun_fact: str, binary_fact: str) -> Command:
    """The job over all GPUs and all planned ports of these nodes. Raises NotApplicable where nothing joins them."""
    gpus = {ctx.need_gpus(node) for node in nodes}
    if len(gpus) != 1:
        raise CannotJudge(f"{_some(nodes)} have different numbers of GPUs by profile")
    hcas = dict.fromkeys(port.hca for node in nodes for port in ctx.training_ports(node))
    if not hcas and not one_domain(nodes, ctx):
        raise NotApplicable(f"{_some(nodes)} have no planned fabric ports between them")
    programs = [_program(nodes[0], ctx, name) for name in (mpirun_fact, binary_fact)]
    hosts = tuple(node.peer_address or node.address or node.name for node in nodes)
    return nccl_tests.all_reduce_pair(programs[0], programs[1], hosts, gpus.pop(), tuple(hcas))


def _some(nodes: Sequence[Node]) -> str:
    first = [node.name for node in nodes[:2]]
    return " and ".join(first) if len(nodes) == 2 else f"{', '.join(first)} and {len(nodes) - 2} more"


def floor(name: str, nodes: Sequence[Node], ctx: Context, pair: Limit, port: Limit) -> Limit:
    """What the ports allow at least at this size, and never more than two nodes must reach."""
    gpus, count = ctx.number(nodes[0], "gpu.count"), len(nodes)
    ports = len(ctx.training_ports(nodes[0]))
    each_gbs = float(port.value) / 8 * min(1.0, ports / gpus) * _OF_THE_WIRE
    wire = each_gbs * (count * gpus - 1) / (count - 1)
    return Limit(
        name,
        ">=",
        round(min(float(pair.value), wire), 1),
        "GB/s",
        why=f"the lesser of collective.pair.all_reduce and {_OF_THE_WIRE:.0%} of rdma.write_bw"
        f" on {ports} ports of {count} nodes",
        source=f"{pair.source}, {port.source}",
    )


def one_domain(nodes: Sequence[Node], ctx: Context) -> bool:
    """Whether the nodes' GPUs may reach each other over NVLink: without fabric ports nothing else joins them."""
    if len({node.rack for node in nodes}) > 1:
        return False
    spans = [ctx.fact_if_any(node, "nvlink.domain_nodes") for node in nodes]
    return all(isinstance(span, int) and span > 1 for span in spans)


def _program(node: Node, ctx: Context, name: str) -> str:
    value = ctx.fact(node, name)
    if not isinstance(value, str) or not value:
        raise NoLimit(f"profile {node.profile}: fact {name} is {value!r}, needed a program")
    return value


def judged(
    nodes: Sequence[Node], asked: Command, out: Outputs, ctx: Context, at: str, wrong: Limit, speed: Limit
) -> Iterator[Measurement | Finding]:
    """What the job says: results, bus bandwidth and the way that it took, at the component path `at`."""
    output = out.get(nodes[0], asked)
    test = _begun(output)
    if output.ended is Ended.TIMEOUT and test is not None:
        done = f"{len(test.ranks)} ranks, {len(test.rows)} sizes done in {asked.timeout_s:g} s"
        yield Finding("COLL-FAILED", f"hangs: {done}", at)
        return
    status = out.answered(nodes[0], asked).status
    log = f"{output.text}\n{output.error_text}"
    if test is None:
        raise _not_begun(nodes, output, log)
    if not test.concluded:
        if status == 0 and not test.failures:
            raise ParseError("the log has no closing lines: it is cut off")
        said = test.failures[0] if test.failures else f"ended with status {status}"
        yield Finding("COLL-FAILED", said, at)
        return
    _right_places(test, len(nodes), ctx.need_gpus(nodes[0]))
    if test.wrong is None:
        raise CannotJudge("all_reduce did not check its results")
    yield Measurement("wrong", test.wrong, "values", at, wrong, "COLL-WRONG")
    busbw = test.largest.out_of_place.busbw_gbs
    hosts = tuple(dict.fromkeys(rank.host for rank in test.ranks))
    wrong_way = list(transports.of_nodes(log, hosts, nodes, ctx, joined=one_domain(nodes, ctx)))
    yield from wrong_way
    judged_by = None if wrong_way else speed  # what another way is worth says nothing about the parts
    yield Measurement("busbw", busbw, "GB/s", at, judged_by, "COLL-BUSBW")
    if status != 0 and test.wrong == 0 and not test.average_failed:
        said = test.failures[0] if test.failures else "it printed its result"
        yield Finding("COLL-FAILED", f"ended with status {status}: {said}", at)


def _not_begun(nodes: Sequence[Node], output: Output, log: str) -> CannotJudge:
    """Why a test never began, at the node that is to blame where that is known."""
    if (lacking := mpirun.no_program(log)) is not None:
        named = (n.name for n in nodes[1:] if lacking.node in (n.name, n.address, n.peer_address))
        return ToolMissing((lacking.program,), at=next(named, nodes[0].name))
    # mpirun on the first node logs in to the others: of two it can only be the second
    refused = len(nodes) == 2 and _NO_LOGIN.search(log)
    said = f"the test did not begin: {_first_words(output)}"
    return CannotJudge(said, code="COLL-SETUP", at=nodes[1].name if refused else "")


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


def _right_places(test: Collective, nodes: int, gpus: int) -> None:
    """Two ranks on one GPU, or all on one node, would measure something else."""
    places = {(rank.host, rank.device) for rank in test.ranks}
    hosts = {rank.host for rank in test.ranks}
    if len(test.ranks) != nodes * gpus or len(places) != nodes * gpus or len(hosts) != nodes:
        raise CannotJudge(
            f"all_reduce ran with {len(test.ranks)} ranks on {len(places)} GPUs of {len(hosts)} nodes,"
            f" needed {nodes * gpus} on {nodes} nodes",
            code="COLL-SETUP",
        )
