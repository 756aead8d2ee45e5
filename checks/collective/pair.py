"""Collective: two nodes with all their GPUs and all their fabric ports.

Most bytes of such an all_reduce stay inside the nodes, so it proves software, rail mapping and the way out of the
node, not the speed of each port: that is what rdma.write-bw is for.
"""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery import all_reduce, mpi_reduce, torch_job, transports
from bringup.battery.joined import spans_nodes
from bringup.check import Check, Outputs, Plan
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.model import Finding, Level, Measurement, Node, Pair, Stage


class PairCollective(Check[Pair]):
    """all_reduce over two nodes is fast enough, and its results are right."""

    id = "collective.pair"
    stage = Stage.COLLECTIVE
    level = Level.STANDARD
    per_rail = False
    rounds = 2
    ports = torch_job.PORTS
    faults = (
        Fault(
            "COLL-BUSBW",
            "the GPUs of {at} work together too slowly",
            "look at fabric ports, NVLink and clocks of {node} first; then compare driver and NCCL with a good node",
            explained_by=mpi_reduce.SLOW_CAUSES,
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
            explained_by=(*mpi_reduce.CAUSES, "GPU-XID", "MEMLOCK-LIMIT", "NODE-BUSY"),
        ),
        transports.TRANSPORT,
        Fault(
            "COLL-SETUP",
            "the test between {at} cannot be started",
            "let the nodes log in to each other, or Slurm or Hydra start jobs; install the same MPI and nccl-tests on both;"
            " then: bringup resume",
            Who.COULD_NOT_JUDGE,
            Severity.MONITOR,
            explained_by=("NODE-IDENTITY", "HOST-KEY-CHANGED"),
        ),
    )

    def at_home(self, node: Node, ctx: Context) -> bool:
        return spans_nodes(node, ctx)

    def plan(self, target: Pair, ctx: Context) -> Plan:
        return _plan(target, ctx)

    def judge(self, target: Pair, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        at = f"{target.a.name} ~ {target.b.name}"
        wrong = ctx.limit(target.a, "collective.wrong")
        speed = ctx.limit(target.a, "collective.pair.all_reduce")
        if spans_nodes(target.a, ctx) and not all_reduce.nvlink_joins(target.nodes, ctx):
            # The profile's number is that of two trays of one NVLink domain; only their ports join these two.
            port = ctx.limit(target.a, "rdma.write_bw")
            speed = mpi_reduce.floor("collective.pair.across", target.nodes, ctx, speed, port)
        yield from mpi_reduce.judged(target.nodes, _plan(target, ctx).steps, out, ctx, at, wrong, speed)


def _plan(target: Pair, ctx: Context) -> Plan:
    return mpi_reduce.plan(target.nodes, ctx, "collective.mpirun", "collective.binary")
