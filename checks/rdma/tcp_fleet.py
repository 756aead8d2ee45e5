"""TCP: is any node far slower than the others, with whomever it was tested?"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from bringup.check import NOTHING, Check, Outputs, Plan
from bringup.context import Context
from bringup.defects import Fault
from bringup.errors import NotApplicable
from bringup.model import Finding, Group, Level, Measurement, Stage

_LEAST = 4
_WAYS = {"sends": ("sends", "receives"), "receives": ("receives", "sends")}
"""What a reading of a pair says of its first node, and of its second."""


class TcpFleet(Check[Group]):
    """Every node moves about as much over TCP as the other nodes of its profile, with its best partner.

    For networks without a floor in the profile (`rdma.tcp_bw`): the number comes from the fleet, at least four nodes.
    """

    id = "rdma.tcp-fleet"
    stage = Stage.RDMA
    level = Level.STANDARD
    faults = (
        Fault(
            "TCP-SLOW",
            "{at} moves far less data over TCP than the other nodes",
            "look at speed, duplex, errors and cable of the network interface of {node} (ethtool), at its bond and at its"
            " switch port",
            explained_by=(
                "INTERFACE-DOWN",
                "INTERFACE-MTU",
                "INTERFACE-SPEED",
                "NODE-BUSY",
                "TCP-BW",
                "TCP-CONNECT",
            ),
        ),
    )

    def plan(self, target: Group, ctx: Context) -> Plan:
        if len(target.members) < _LEAST:
            raise NotApplicable(f"fewer than {_LEAST} nodes: there is no middle to compare with")
        if all(
            ctx.training_ports(node) and ctx.limit_or_none(node, "rdma.tcp_bw") is None
            for node in target.members
        ):
            raise NotApplicable("no node is tested over TCP: all have RDMA ports")
        return NOTHING

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        nodes = {node.name: node for node in target.members}
        best: dict[tuple[str, str], dict[str, float]] = {}
        for name, ways in _WAYS.items():
            for reading in ctx.readings.get(("rdma.tcp-bw", name), ()):
                for node, way in zip(reading.at.split(" ~ "), ways, strict=False):
                    if node in nodes and not isinstance(reading.value, str):
                        mine = best.setdefault((nodes[node].profile, way), {})
                        mine[node] = max(mine.get(node, 0.0), reading.value)
        compared = False
        for (_, way), speeds in sorted(best.items()):
            middle = median(speeds.values())
            if len(speeds) >= _LEAST and middle > 0:
                compared = True
                for node, gbps in sorted(speeds.items()):
                    limit = ctx.limit(nodes[node], "rdma.tcp_share")
                    share = round(100 * gbps / middle, 1)
                    yield Measurement(f"{way}, best partner", share, "% of the median", node, limit)
        if not compared:
            if not best:
                raise NotApplicable("no pair of nodes could be tested over TCP")
            # the others are out, or their tests say themselves why they came to nothing
            raise NotApplicable(
                f"fewer than {_LEAST} nodes of a profile were measured: no middle to compare with"
            )
