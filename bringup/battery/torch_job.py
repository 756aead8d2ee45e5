"""all_reduce over GPUs without nccl-tests: bringup's own program, PyTorch and NCCL or RCCL on every node.

A site asks for it with the fact `collective.binary = "torch"`. bringup starts the ranks over its own connections, so
neither MPI nor a login from node to node is needed. Its figure is the best of three runs, where nccl-tests gives a mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bringup.battery import all_reduce, own_collective, perf
from bringup.check import Outputs, Step
from bringup.context import Context
from bringup.errors import CannotJudge, ToolMissing
from bringup.model import Finding, Limit, Measurement, Node
from bringup.parsers.own_collective import NCCL

NAME = "torch"
MIB = 2048
"""A message that NVLink and eight ports of 400 Gb/s still need some ten milliseconds for: starting it costs below 1 %."""
PORTS = 2
"""TCP ports of the first node: where all meet, and PyTorch's own rendezvous."""
NO_OTHER = (
    "the site has no nccl-tests (fact collective.binary is torch), and over PyTorch only all_reduce is tested"
)
"""Why the tests that are nccl-tests' alone are not run."""
_NO_TORCH = "No module named 'torch'"


def chosen(node: Node, ctx: Context) -> bool:
    """Whether the profile wants PyTorch instead of nccl-tests."""
    return ctx.fact(node, "collective.binary") == NAME


def steps(nodes: Sequence[Node], ctx: Context, gpus: int, hcas: tuple[str, ...] = ()) -> tuple[Step, ...]:
    """One step for each node, with a process for each of its GPUs."""
    python = perf.program(nodes[0], ctx, "perf.python")
    return own_collective.steps(nodes, ctx, python, backend=NCCL, processes=gpus, mib=MIB, hcas=hcas)


def judged(
    nodes: Sequence[Node], gpus: int, out: Outputs, ctx: Context, at: str, wrong: Limit, speed: Limit, setup: str = ""
) -> Iterator[Measurement | Finding]:  # fmt: skip
    """What the job says at the component path `at`. Raises CannotJudge for one that could not be started; `setup` is the
    code for ranks in the wrong places."""
    by_name = {node.name: node for node in nodes}
    told = own_collective.told(out, by_name, gpus)
    for found in own_collective.troubles(told, at):
        if _NO_TORCH in found.message:
            raise ToolMissing(
                (f"{perf.program(nodes[0], ctx, 'perf.python')} with torch",), at=_node(found.at, by_name)
            )
        yield replace(found, code="COLL-FAILED")
    if told.unread:
        raise told.unread[0]
    if told.meeting.why:
        return
    ranks = [rank for number in range(len(nodes)) for rank in told.of(number)]
    if len(ranks) != len(nodes) * gpus or not all(rank.done for rank in ranks):
        done = sum(rank.done for rank in ranks)
        raise CannotJudge(f"{done} of {len(nodes) * gpus} ranks told their result", code=setup)
    hosts = tuple(dict.fromkeys(rank.host or "" for rank in ranks))
    if len(hosts) != len(nodes):
        raise CannotJudge(f"the ranks ran on {len(hosts)} hosts, needed {len(nodes)}", code=setup)
    values = max(rank.wrong or 0 for rank in ranks)  # one wrong addend is wrong at every rank
    busbw = min(rank.busbw_gbs or 0.0 for rank in ranks)
    log = "\n".join(f"{answer.text}\n{answer.error_text}" for answer in out)
    yield from all_reduce.figures(log, hosts, nodes, ctx, at, values, busbw, wrong, speed)


def _node(at: str, nodes: dict[str, Node]) -> str:
    return at if at in nodes else next(iter(nodes))
