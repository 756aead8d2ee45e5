"""Checks of two ports of a rail with one perftest program: which limit counts, and how its figures are read."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from bringup.battery import port_pairs
from bringup.check import Check, Outputs, Plan
from bringup.commands import Command
from bringup.context import Context
from bringup.model import Finding, Level, Limit, Measurement, Pair, Stage
from bringup.parsers import perftest


class PortTest(Check[Pair]):
    """`tool` is the program, `quantity` the name of what it measures."""

    stage = Stage.RDMA
    level = Level.STANDARD
    target = Pair
    tool: ClassVar[str]
    quantity: ClassVar[str]

    def plan(self, target: Pair, ctx: Context) -> Plan:
        return port_pairs.plan(target, *self._commands(target, ctx))

    def judge(self, target: Pair, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        text = yield from port_pairs.client_text(target, out, ctx, *self._commands(target, ctx))
        if text is not None:
            yield from self.read(text, port_pairs.path(target, ctx), self.limit(target, ctx))

    @abstractmethod
    def limit(self, target: Pair, ctx: Context) -> Limit:
        """What the measured quantity is held to."""

    def _commands(self, target: Pair, ctx: Context) -> tuple[Command, Command]:
        """The server's and the client's."""
        near, far = (port_pairs.hca(node, target, ctx) for node in target.nodes)
        return self.command(target, ctx, far), self.command(target, ctx, near, port_pairs.peer(target))

    @abstractmethod
    def command(self, target: Pair, ctx: Context, hca: str, peer: str = "") -> Command:
        """One side's; without a peer the waiting one."""

    @abstractmethod
    def read(self, text: str, at: str, limit: Limit) -> Iterator[Measurement]:
        """What the measuring side printed."""


class BandwidthTest(PortTest):
    """Gb/s of large messages."""

    def command(self, target: Pair, ctx: Context, hca: str, peer: str = "") -> Command:
        seconds = ctx.number(target.a, "perftest.seconds")
        return perftest.bandwidth(self.tool, hca, ctx.listen_port, seconds, peer)

    def read(self, text: str, at: str, limit: Limit) -> Iterator[Measurement]:
        gbps = perftest.bandwidths(text)[-1].average_gbps
        yield Measurement(self.quantity, round(gbps, 6), "Gb/s", at, limit)


class LatencyTest(PortTest):
    """Microseconds of small messages: the median is judged, as one late message of a thousand says nothing."""

    def command(self, target: Pair, ctx: Context, hca: str, peer: str = "") -> Command:
        return perftest.latency(self.tool, hca, ctx.listen_port, peer)

    def read(self, text: str, at: str, limit: Limit) -> Iterator[Measurement]:
        row = perftest.latencies(text)[-1]
        yield Measurement(self.quantity, row.middle_us, "us", at, limit)
        if row.p99_us is not None:
            yield Measurement(f"{self.quantity}_p99", row.p99_us, "us", at)
