"""Collective: every GPU of two nodes sends to every other one, as experts of a mixture do."""

from __future__ import annotations

from bringup.battery import all_reduce
from bringup.battery.mpi_reduce import Work
from bringup.battery.pair_programs import PairProgram, by_wire
from bringup.check import Plan
from bringup.context import Context
from bringup.errors import NotApplicable
from bringup.model import Limit, Node, Pair


class AllToAll(PairProgram):
    """alltoall over two nodes with all their GPUs is as fast as their ports allow, and its results are right.

    Of n GPUs, g to a node, each sends (n - g) / (n - 1) of what the bus bandwidth counts out of its node, so its port
    must carry that part of it.
    """

    id = "collective.alltoall"
    work = Work("alltoall")

    def plan(self, target: Pair, ctx: Context) -> Plan:
        if all_reduce.nvlink_joins(target.nodes, ctx):
            raise NotApplicable("NVLink joins the two nodes: their ports carry nothing of it")
        return super().plan(target, ctx)

    def floor(self, nodes: tuple[Node, ...], ctx: Context) -> Limit:
        each = ctx.need_gpus(nodes[0])
        ranks = each * len(nodes)
        factor = (ranks - 1) / (ranks - each)
        return by_wire("collective.alltoall", nodes, ctx, factor, f"times {ranks - 1}/{ranks - each}")
