"""Link: settings that have no right value by themselves, only one that all ports share."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import NOTHING, Check, Outputs, Plan
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import NotApplicable
from bringup.model import Finding, Group, Limit, Measurement, Stage
from bringup.parsers.majority import LEAST, by_profile, compare, of_nodes

_READINGS = (
    ("link.mtu", "link.mtu", "MTU"),
    ("link.qos", "link.qos.trust", "trust"),
    ("link.qos", "link.qos.pfc", "lossless priorities"),
    ("link.ethernet", "link.fec", "FEC"),
    ("link.ethernet", "autonegotiation", "auto-negotiation"),
    ("link.pkey", "link.pkeys", "partition keys"),
)
_RULE = Limit("link.drift", "<=", 1, "values", why="equal ports are set up alike", source="rule")


class Drift(Check[Group]):
    """The planned ports of all nodes of a profile are set up alike: MTU, flow control, FEC, partition keys."""

    id = "link.drift"
    stage = Stage.LINK
    faults = (
        Fault(
            "LINK-DRIFT",
            "{at} is set up otherwise than the ports of the other nodes",
            "set up {at} as the majority, or correct the others if the majority is wrong",
            Who.CONFIGURATION,
            Severity.MONITOR,
            explained_by=("LINK-MTU", "ROCE-QOS", "LINK-FEC", "LINK-PKEY", "HCA-MISSING", "LINK-DOWN"),
        ),
    )

    def plan(self, target: Group, ctx: Context) -> Plan:
        if len(target.members) < LEAST:
            raise NotApplicable(f"fewer than {LEAST} nodes: there is no majority to compare with")
        if not any(ctx.training_ports(node) for node in target.members):
            raise NotApplicable("no node has planned fabric ports")
        return NOTHING

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        compared = 0
        for members in by_profile(target.members).values():
            for check, name, word in _READINGS:
                mine = of_nodes(ctx.readings.get((check, name), ()), members)
                if len({at.partition("/")[0] for at in mine}) >= LEAST:
                    compared += 1
                    yield from compare(
                        word, mine, code="LINK-DRIFT", limit=_RULE, fleet=target.name, of="ports"
                    )
        if not compared:
            raise NotApplicable("no setting of ports was read from enough nodes")
