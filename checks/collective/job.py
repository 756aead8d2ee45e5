"""Collective: many nodes with all their GPUs and all their fabric ports, inside the leaves, across them, and all together.

With k nodes and n GPUs every GPU moves busbw x (k - 1) / (n - 1) over the fabric, so the more nodes there are the more
the ports set the pace: of 16 nodes of eight GPUs 118 GB/s of each 1,000, of two 67.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bringup.battery import all_reduce, mpi_reduce, torch_job, transports
from bringup.check import Check, Outputs, Plan
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import NotApplicable
from bringup.model import Finding, Group, Level, Measurement, Node, Stage


class JobCollective(Check[Group]):
    """all_reduce over many nodes is as fast as their ports and NVLinks allow, and its results are right."""

    id = "collective.job"
    stage = Stage.COLLECTIVE
    level = Level.FULL
    jobs = True
    ports = torch_job.PORTS
    faults = (
        Fault(
            "COLL-BUSBW",
            "jobs with {at} are too slow",
            "look at fabric ports, NVLink and clocks of {node}; then compare its drivers and settings with a good node",
            explained_by=mpi_reduce.SLOW_CAUSES,
        ),
        Fault(
            "COLL-WRONG",
            "jobs with {at} compute wrong results",
            "take {node} {place} out at once; replace the GPU if it stays wrong",
            explained_by=("COLL-WRONG", "GPU-RESULTS"),
        ),
        Fault(
            "COLL-FAILED",
            "jobs with {at} fail",
            "read the failing line; look at fabric ports, GPUs and limits of {node}",
            explained_by=(*mpi_reduce.CAUSES, "GPU-XID", "MEMLOCK-LIMIT", "NODE-BUSY"),
        ),
        transports.TRANSPORT,
        Fault(
            "COLL-SETUP",
            "a job over {at} cannot be started",
            "let the nodes log in to each other, or Slurm or Hydra start jobs; install the same MPI and nccl-tests on all;"
            " then: bringup resume",
            Who.COULD_NOT_JUDGE,
            Severity.MONITOR,
            explained_by=("NODE-IDENTITY", "HOST-KEY-CHANGED"),
        ),
    )

    def plan(self, target: Group, ctx: Context) -> Plan:
        return _plan(target.members, ctx.on_rails(target.rails))

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        nodes, ctx = target.members, ctx.on_rails(target.rails)
        wrong = ctx.limit(nodes[0], "collective.wrong")
        pair = ctx.limit(nodes[0], "collective.pair.all_reduce")
        speed = pair
        if not all_reduce.nvlink_joins(nodes, ctx):
            speed = mpi_reduce.floor(
                "collective.job.all_reduce", nodes, ctx, pair, ctx.limit(nodes[0], "rdma.write_bw")
            )
        yield from mpi_reduce.judged(nodes, _plan(nodes, ctx).steps, out, ctx, target.name, wrong, speed)


def _plan(nodes: Sequence[Node], ctx: Context) -> Plan:
    if len(nodes) < 2:
        raise NotApplicable("one node alone is no job")
    return mpi_reduce.plan(nodes, ctx, "collective.mpirun", "collective.binary")
