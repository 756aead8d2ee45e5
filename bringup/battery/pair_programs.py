"""Checks of two nodes with one program of nccl-tests beside all_reduce over everything: what makes the ports work hard.

An all_reduce over two nodes leaves most bytes inside them. With one GPU of each node, or where everybody sends to
everybody, the ports set the pace.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from bringup.battery import mpi_reduce, torch_job, transports
from bringup.battery.mpi_reduce import Work
from bringup.check import Check, Outputs, Plan
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import NotApplicable
from bringup.model import Finding, Level, Limit, Measurement, Node, Pair, Stage

FAULTS = (
    Fault(
        "COLL-BUSBW",
        "the ports of {at} are too slow for collectives",
        "look at speed, errors and PCIe of the fabric ports of {node}, and at which GPU sits next to which; compare driver and"
        " NCCL with a good node",
        explained_by=(*mpi_reduce.SLOW_CAUSES, "RDMA-GPU-BW", "RDMA-ALL-RAILS", "NIC-AFFINITY", "PCIE-ACS", "IOMMU"),
    ),
    Fault(
        "COLL-WRONG",
        "{at} computes wrong results",
        "take {node} {place} out at once; replace the GPU if it stays wrong",
        explained_by=("COLL-WRONG", "GPU-RESULTS"),
    ),
    Fault(
        "COLL-FAILED",
        "the GPUs of {at} cannot work together",
        "the node that prints the failure is the one that survived: test each node with another partner first",
        explained_by=(*mpi_reduce.CAUSES, "COLL-FAILED", "GPU-XID", "MEMLOCK-LIMIT", "NODE-BUSY"),
    ),
    transports.TRANSPORT,
    Fault(
        "COLL-SETUP",
        "the test between {at} cannot be started",
        "let the nodes log in to each other, or Slurm or Hydra start jobs; install the same MPI and nccl-tests on both; then:"
        " bringup resume",
        Who.COULD_NOT_JUDGE,
        Severity.MONITOR,
        explained_by=("NODE-IDENTITY", "HOST-KEY-CHANGED", "COLL-SETUP"),
    ),
)  # fmt: skip


class PairProgram(Check[Pair]):
    """`work` is the program and how it is split."""

    stage = Stage.COLLECTIVE
    level = Level.FULL
    target = Pair
    per_rail = False
    rounds = 2
    ports = torch_job.PORTS
    faults = FAULTS
    work: ClassVar[Work]

    def plan(self, target: Pair, ctx: Context) -> Plan:
        if not all(ctx.training_ports(node) for node in target.nodes):
            raise NotApplicable("no fabric ports are planned")
        if self.work.per_rail and ctx.fact_if_any(target.a, "gpu.vendor") != "nvidia":
            raise NotApplicable("rccl-tests does not say how it splits a job, so its figure is nobody's")
        return mpi_reduce.plan(target.nodes, ctx, "collective.mpirun", "collective.binary", self.work)

    def judge(self, target: Pair, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        at = f"{target.a.name} ~ {target.b.name}"
        wrong, speed = ctx.limit(target.a, "collective.wrong"), self.floor(target.nodes, ctx)
        steps = self.plan(target, ctx).steps
        yield from mpi_reduce.judged(target.nodes, steps, out, ctx, at, wrong, speed, self.work)

    @abstractmethod
    def floor(self, nodes: tuple[Node, ...], ctx: Context) -> Limit:
        """The least bus bandwidth, in GB/s."""


def by_wire(check: str, nodes: tuple[Node, ...], ctx: Context, factor: float, how: str) -> Limit:
    """A floor of `factor` times what the ports must give each GPU; `how` says where the factor comes from."""
    port = ctx.limit(nodes[0], "rdma.write_bw")
    each = mpi_reduce.each_gbs(nodes[0], ctx, port)
    why = f"{mpi_reduce.OF_THE_WIRE:.0%} of rdma.write_bw for each GPU, {how}"
    return Limit(check, ">=", round(each * factor, 1), "GB/s", why=why, source=port.source)
