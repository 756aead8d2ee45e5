"""Collective: one GPU of each node, over one rail; all rails at once, each for itself."""

from __future__ import annotations

from bringup.battery.mpi_reduce import Work
from bringup.battery.pair_programs import PairProgram, by_wire
from bringup.context import Context
from bringup.model import Limit, Node


class RailCollective(PairProgram):
    """all_reduce over two nodes is fast enough on every rail when nothing goes over NVLink.

    nccl-tests splits the job by NCCL_TESTS_SPLIT into one collective for each GPU of a node; the slowest counts. Two
    ranks send each other their whole message once, so the bus bandwidth is what a port carries. One that is too old to
    split makes this not applicable.
    """

    id = "collective.rail"
    work = Work(per_rail=True)

    def floor(self, nodes: tuple[Node, ...], ctx: Context) -> Limit:
        return by_wire("collective.rail", nodes, ctx, 1.0, "which is the bus bandwidth of two ranks")
