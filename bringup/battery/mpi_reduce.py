"""all_reduce over several nodes, started by mpirun or srun on the first of them, or on each by Hydra or over PyTorch: how it
is called, and why it did not begin."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from bringup.battery import all_reduce, hydra_job, torch_job
from bringup.check import Outputs, Plan, Step, run, together
from bringup.commands import Output
from bringup.context import Context
from bringup.errors import CannotJudge, NoLimit, NotApplicable, ToolMissing
from bringup.inventory import folded
from bringup.model import Finding, Limit, Measurement, Node
from bringup.parsers import hydra, mpirun, nccl_tests, srun

_ALL_REDUCE = "all_reduce"
OF_THE_WIRE = 0.85
"""The part of what the ports must carry by themselves that a collective must still reach over them."""

CAUSES = (
    *all_reduce.GPU_CAUSES,
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
SLOW_CAUSES = (*CAUSES, *all_reduce.SLOW_CAUSES, "COLL-BUSBW")
"""COLL-BUSBW of one node alone: it is slow with every partner."""

_NO_LOGIN = re.compile(
    r"Permission denied|Host key verification failed|Could not resolve hostname|connect to host .* port",
    re.ASCII,
)
"""What ssh says when it does not get into a node."""


@dataclass(frozen=True, slots=True)
class Work:
    """A program of nccl-tests. `per_rail`: every GPU works only with those of the same number on other nodes."""

    name: str = _ALL_REDUCE
    per_rail: bool = False

    @property
    def only_nccl_tests(self) -> bool:
        """Whether bringup's own program cannot do it."""
        return self != ALL_REDUCE


ALL_REDUCE = Work()


def plan(
    nodes: Sequence[Node], ctx: Context, mpirun_fact: str, binary_fact: str, work: Work = ALL_REDUCE
) -> Plan:
    """The job over all GPUs and all planned ports of these nodes. Raises NotApplicable where nothing joins them."""
    gpus = {ctx.need_gpus(node) for node in nodes}
    if len(gpus) != 1:
        raise CannotJudge(f"{_some(nodes)} have different numbers of GPUs by profile")
    hcas = dict.fromkeys(port.hca for node in nodes for port in ctx.training_ports(node))
    if not hcas and not all_reduce.one_domain(nodes, ctx):
        raise NotApplicable(f"{_some(nodes)} have no planned fabric ports between them")
    if torch_job.chosen(nodes[0], ctx):
        if work.only_nccl_tests:
            raise NotApplicable(torch_job.NO_OTHER)
        return together(*torch_job.steps(nodes, ctx, gpus.pop(), tuple(hcas)))
    starts, binary = _program(nodes[0], ctx, mpirun_fact), _sister(nodes[0], ctx, binary_fact, work.name)
    starter, each = PurePosixPath(starts).name, gpus.pop()
    env = nccl_tests.per_rail(each) if work.per_rail else ()
    if starter == "srun":
        where = folded(node.name for node in nodes)  # 12,500 names in full are too long for an argument
        asked = nccl_tests.all_reduce_srun(starts, binary, where, len(nodes), each, tuple(hcas), env)
        return run(nodes[0], asked)
    hosts = tuple(node.peer_address or node.address or node.name for node in nodes)
    if starter == hydra.MPIEXEC:
        return together(*hydra_job.steps(nodes, ctx, starts, binary, hosts, each, tuple(hcas), env))
    return run(nodes[0], nccl_tests.all_reduce_pair(starts, binary, hosts, each, tuple(hcas), env))


def _some(nodes: Sequence[Node]) -> str:
    first = [node.name for node in nodes[:2]]
    return " and ".join(first) if len(nodes) == 2 else f"{', '.join(first)} and {len(nodes) - 2} more"


def floor(name: str, nodes: Sequence[Node], ctx: Context, pair: Limit, port: Limit) -> Limit:
    """What the ports allow at least at this size, and never more than two nodes must reach."""
    gpus, count = ctx.number(nodes[0], "gpu.count"), len(nodes)
    ports = len(ctx.training_ports(nodes[0]))
    wire = each_gbs(nodes[0], ctx, port) * (count * gpus - 1) / (count - 1)
    return Limit(
        name,
        ">=",
        round(min(float(pair.value), wire), 1),
        "GB/s",
        why=f"the lesser of collective.pair.all_reduce and {OF_THE_WIRE:.0%} of rdma.write_bw"
        f" on {ports} ports of {count} nodes",
        source=f"{pair.source}, {port.source}",
    )


def each_gbs(node: Node, ctx: Context, port: Limit) -> float:
    """GB/s that the ports must give each GPU of a node in a collective; `port` is what one port must carry by itself."""
    ports = len(ctx.training_ports(node))
    return float(port.value) / 8 * min(1.0, ports / ctx.number(node, "gpu.count")) * OF_THE_WIRE


def _program(node: Node, ctx: Context, name: str) -> str:
    value = ctx.fact(node, name)
    if not isinstance(value, str) or not value:
        raise NoLimit(f"profile {node.profile}: fact {name} is {value!r}, needed a program")
    return value


def _sister(node: Node, ctx: Context, fact: str, name: str) -> str:
    """The program of this name beside that of the fact, which is all_reduce."""
    binary = _program(node, ctx, fact)
    folder, slash, program = binary.rpartition("/")
    if name != _ALL_REDUCE and _ALL_REDUCE not in program:
        raise NoLimit(
            f"profile {node.profile}: fact {fact} is {binary!r}, which is no {_ALL_REDUCE}: its sisters are not known"
        )
    return f"{folder}{slash}{program.replace(_ALL_REDUCE, name)}"


def judged(
    nodes: Sequence[Node],
    steps: Sequence[Step],
    out: Outputs,
    ctx: Context,
    at: str,
    wrong: Limit,
    speed: Limit,
    work: Work = ALL_REDUCE,
) -> Iterator[Measurement | Finding]:
    """What the job says, at the component path `at`. Raises CannotJudge for one that could not be started.

    `steps` is the plan of the job; the first step prints its log.
    """
    if torch_job.chosen(nodes[0], ctx):
        yield from torch_job.judged(nodes, ctx.need_gpus(nodes[0]), out, ctx, at, wrong, speed, "COLL-SETUP")
        return
    asked = steps[0].command
    hydra_job.came(steps, out)
    log = all_reduce.read(nodes[0], asked, out)
    if log.test is None:
        raise hydra_job.not_begun(steps, out) or _not_begun(nodes, out.get(nodes[0], asked), log.text)
    if (broken := all_reduce.failed(log, log.test, at)) is not None:
        yield replace(broken, message=broken.message + hydra_job.who_ended(steps, out))
        return
    if work.per_rail and len({rank.group for rank in log.test.ranks}) != ctx.need_gpus(nodes[0]):
        raise NotApplicable("this nccl-tests cannot split a job (NCCL_TESTS_SPLIT): it ran as one")
    yield from all_reduce.judged(
        log, log.test, nodes, ctx, at, wrong, speed, "COLL-SETUP", per_rail=work.per_rail
    )


def _not_begun(nodes: Sequence[Node], output: Output, log: str) -> CannotJudge:
    """Why a test never began, at the node that is to blame where that is known."""
    if (lacking := mpirun.no_program(log)) is not None:
        named = (n.name for n in nodes[1:] if lacking.node in (n.name, n.address, n.peer_address))
        return ToolMissing((lacking.program,), at=next(named, nodes[0].name))
    if (lacking := srun.no_program(log)) is not None:
        return ToolMissing((lacking.program,), at=next((n.name for n in nodes if n.name == lacking.node), ""))
    # mpirun on the first node logs in to the others: of two it can only be the second
    refused = len(nodes) == 2 and _NO_LOGIN.search(log)
    said = f"the test did not begin: {srun.refusal(output.error_text) or _first_words(output)}"
    return CannotJudge(said, code="COLL-SETUP", at=nodes[1].name if refused else "")


def _first_words(output: Output) -> str:
    lines = [line.strip(" -*") for line in f"{output.error_text}\n{output.text}".splitlines()]
    return next((line[:200] for line in lines if line), f"it ended with status {output.status} and no text")
