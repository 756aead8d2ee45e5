"""Link: settings that have no right value by themselves, only one that all ports share."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import NOTHING, Check, Context, Outputs, Plan
from bringup.errors import NotApplicable
from bringup.model import Fault, Finding, Group, Limit, Measurement, Severity, Stage, Who
from bringup.parsers.majority import LEAST, vote

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
        for profile in dict.fromkeys(node.profile for node in target.members):
            members = {node.name for node in target.members if node.profile == profile}
            for check, name, word in _READINGS:
                mine = {
                    m.at: str(m.value)
                    for m in ctx.readings.get((check, name), ())
                    if m.at.partition("/")[0] in members
                }
                if len({at.partition("/")[0] for at in mine}) >= LEAST:
                    compared += 1
                    yield from _compare(word, mine, target.name)
        if not compared:
            raise NotApplicable("no setting of ports was read from enough nodes")


def _compare(word: str, mine: dict[str, str], fleet: str) -> Iterator[Measurement | Finding]:
    """One setting: equal everywhere, a few odd ones out, or a split in which nobody can say who is right."""
    result = vote(mine)
    different = len(result.counts)
    # Where values differ the findings name the places; the count then only informs.
    yield Measurement(f"{word} values", different, "values", fleet, _RULE if different == 1 else None)
    if result.split:
        yield Finding("LINK-DRIFT", f"{word}: {result.spread} ports; no clear majority", fleet)
    for place in result.odd:
        message = (
            f"{word} {mine[place]}, {result.majority} on {result.counts[result.majority]} of {result.total}"
        )
        yield Finding("LINK-DRIFT", f"{message} ports", place)
