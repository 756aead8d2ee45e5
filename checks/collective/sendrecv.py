"""Collective: every GPU sends to its counterpart on another node and receives from it at the same time."""

from __future__ import annotations

from bringup.battery.mpi_reduce import Work
from bringup.battery.pair_programs import PairProgram, by_wire
from bringup.context import Context
from bringup.model import Limit, Node


class SendReceive(PairProgram):
    """sendrecv between the GPUs of two nodes is fast enough on every rail, in both directions at once.

    A plain sendrecv over two nodes crosses between them only at two of its ranks; split by rail every port sends and
    receives all the time. The slowest rail counts.
    """

    id = "collective.sendrecv"
    work = Work("sendrecv", per_rail=True)

    def floor(self, nodes: tuple[Node, ...], ctx: Context) -> Limit:
        return by_wire("collective.sendrecv", nodes, ctx, 1.0, "which sends and receives that much")
