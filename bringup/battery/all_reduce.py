"""all_reduce of nccl-tests or rccl-tests, over one node or many: what its log says about the nodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bringup.battery import transports
from bringup.battery.joined import spans_nodes
from bringup.check import Outputs
from bringup.commands import Command, Ended
from bringup.context import Context
from bringup.errors import CannotJudge, ParseError
from bringup.model import Finding, Limit, Measurement, Node
from bringup.parsers import nccl_tests
from bringup.parsers.nccl_tests import Collective
from bringup.topology import place

GPU_CAUSES = (
    "GPU-LOST",
    "GPU-MISSING",
    "GPU-DRIVER",
    "FM-DOWN",
    "NVLINK-FABRIC",
    "NVLINK-DOWN",
    "NVLINK-SPEED",
    "NVLINK-ERRORS",
)
"""With these the GPUs of a node do not work together."""
SLOW_CAUSES = (
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
)
"""With these they do, slowly."""


@dataclass(frozen=True, slots=True)
class Log:
    """What a job printed. `test` None: it never began. `status` None: it was stopped when its `most_s` were over."""

    text: str
    test: Collective | None
    status: int | None
    most_s: float


def read(node: Node, asked: Command, out: Outputs) -> Log:
    """The log of the job that a node started. Raises CannotJudge for one that gives no answer, and ParseError."""
    output = out.get(node, asked)
    text = f"{output.text}\n{output.error_text}"
    test = _begun(text)
    hangs = output.ended is Ended.TIMEOUT and test is not None
    return Log(text, test, None if hangs else out.answered(node, asked).status, asked.timeout_s)


def _begun(text: str) -> Collective | None:
    """The one test of the log; None where it never began. Raises ParseError for figures that are not known."""
    try:
        tests = nccl_tests.parse(text)
    except ParseError:
        if "nThread" in text:
            raise
        return None
    if len(tests) != 1:
        raise ParseError(f"the log holds {len(tests)} tests, needed one")
    return tests[0]


def failed(log: Log, test: Collective, at: str) -> Finding | None:
    """What is proven of a job that did not come to its end. Raises ParseError for a log that is cut off."""
    if log.status is None:
        done = f"{len(test.ranks)} ranks, {len(test.rows)} sizes done in {log.most_s:g} s"
        return Finding("COLL-FAILED", f"hangs: {done}", at)
    if test.concluded:
        return None
    if log.status == 0 and not test.failures:
        raise ParseError("the log has no closing lines: it is cut off")
    said = test.failures[0] if test.failures else f"ended with status {log.status}"
    return Finding("COLL-FAILED", said, at)


def judged(
    log: Log,
    test: Collective,
    nodes: Sequence[Node],
    ctx: Context,
    at: str,
    wrong: Limit,
    speed: Limit,
    setup: str = "",
    *,
    per_rail: bool = False,
) -> Iterator[Measurement | Finding]:
    """What a job that came to its end says: results, bus bandwidth and the way that it took, at the component path `at`.

    `setup` is the code for ranks in the wrong places.
    """
    _right_places(test, len(nodes), ctx.need_gpus(nodes[0]), setup)
    if test.wrong is None:
        raise CannotJudge("all_reduce did not check its results")
    busbw = test.largest.out_of_place.busbw_gbs
    hosts = tuple(dict.fromkeys(rank.host for rank in test.ranks))
    yield from figures(log.text, hosts, nodes, ctx, at, test.wrong, busbw, wrong, speed, nvlink=not per_rail)
    if log.status != 0 and test.wrong == 0 and not test.average_failed:
        said = test.failures[0] if test.failures else "it printed its result"
        yield Finding("COLL-FAILED", f"ended with status {log.status}: {said}", at)


def figures(
    log: str,
    hosts: Sequence[str],
    nodes: Sequence[Node],
    ctx: Context,
    at: str,
    values: int,
    busbw: float,
    wrong: Limit,
    speed: Limit,
    *,
    nvlink: bool = True,
) -> Iterator[Measurement | Finding]:
    """The wrong `values`, the way that NCCL took by its `log`, and the bus bandwidth in GB/s if it was the right way.

    `hosts` are the names that the nodes have in the log. Without `nvlink` the job is one that leaves NVLink out.
    """
    yield Measurement("wrong", values, "values", at, wrong, "COLL-WRONG")
    joined = nvlink and len(nodes) > 1 and nvlink_joins(nodes, ctx)
    over_nvlink = transports.between(log, at) if joined else None
    if over_nvlink is not None:
        yield over_nvlink
    wrong_way = list(transports.of_nodes(log, hosts, nodes, ctx, nvlink=nvlink))
    yield from wrong_way
    astray = wrong_way or (over_nvlink is not None and not over_nvlink.ok)
    judged_by = None if astray else speed  # what another way is worth says nothing about the parts
    yield Measurement("busbw", busbw, "GB/s", at, judged_by, "COLL-BUSBW")


def _right_places(test: Collective, nodes: int, gpus: int, setup: str) -> None:
    """Two ranks on one GPU, or all on one node, would measure something else."""
    places = {(rank.host, rank.device) for rank in test.ranks}
    hosts = {rank.host for rank in test.ranks}
    if len(test.ranks) != nodes * gpus or len(places) != nodes * gpus or len(hosts) != nodes:
        raise CannotJudge(
            f"all_reduce ran with {len(test.ranks)} ranks on {len(places)} GPUs of {len(hosts)} nodes,"
            f" needed {nodes * gpus} on {nodes} nodes",
            code=setup,
        )


def one_domain(nodes: Sequence[Node], ctx: Context) -> bool:
    """Whether the nodes' GPUs may reach each other over NVLink: without fabric ports nothing else joins them."""
    if len({place(node).domain for node in nodes}) > 1:
        return False
    return all(spans_nodes(node, ctx) for node in nodes)


def nvlink_joins(nodes: Sequence[Node], ctx: Context) -> bool:
    """Whether NVLink joins these nodes for certain: the plan names their domain, or nothing else could join them."""
    return one_domain(nodes, ctx) and bool(place(nodes[0]).domain or not ctx.training_ports(nodes[0]))
