"""Host: two nodes with one name, address or GUID make every test between them meaningless."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from bringup.check import NOTHING, Check, Outputs, Plan
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Group, Limit, Measurement, Node, Stage, Weight

READINGS = "host.identities"
_NAMES = ("host name", "serial number", "GUID", "MAC address", "IP address")
_RULE = Limit(
    "host.identity-duplicates", "==", 0, "", why="an identity belongs to one part only", source="rule"
)
_NAMED = 4


class IdentityDuplicates(Check[Group]):
    """No two nodes share a host name, a serial number, an adapter GUID, a MAC address or an IP address.

    Those of planned fabric ports are compared by `link.guid`.
    """

    id = "host.identity-duplicates"
    stage = Stage.HOST
    faults = (
        Fault(
            "IDENTITY-DUPLICATE",
            "{at} has an identity that another part has as well",
            "find out which of the two is right: correct name or address of {node}, re-image it, or write the adapter's "
            "own GUID back; tests between the two mean nothing until then",
            Who.CONFIGURATION,
            Severity.ISOLATE,
            explained_by=("NODE-IDENTITY",),
        ),
    )

    def plan(self, target: Group, ctx: Context) -> Plan:
        if len(target.members) < 2:
            raise NotApplicable("one node alone cannot share anything")
        return NOTHING

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        members = {node.name: node for node in target.members}
        told: set[str] = set()
        for name in _NAMES:
            readings = [m for m in ctx.readings.get((READINGS, name), ()) if _node(m.at) in members]
            told |= {_node(m.at) for m in readings}
            shared = _shared(readings)
            if readings and not shared:
                yield Measurement(f"shared: {name}", 0, "", target.name, _RULE)
            for value, places in shared.items():
                for place in _to_blame(name, value, places, members):
                    others = [other for other in places if other != place]
                    said = ", ".join(others[:_NAMED]) + (" and more" if len(others) > _NAMED else "")
                    yield Finding("IDENTITY-DUPLICATE", f"{name} {value} is also that of {said}", place)
        if not told:
            raise CannotJudge("no node has told who it is")
        # A silent node is unjudged in host.identities or left the run; the others can be compared without it.
        silent = sorted(set(members) - told)
        if silent:
            said = ", ".join(silent[:_NAMED]) + (" and more" if len(silent) > _NAMED else "")
            yield Finding(self.faults[0].code, f"not compared: {said}", target.name, Weight.NOTE)


def _node(path: str) -> str:
    return path.partition("/")[0]


def _shared(readings: Sequence[Measurement]) -> dict[str, list[str]]:
    """Values that occur on more than one node, with their places. Twice on one node is that node's own affair."""
    places: dict[str, list[str]] = defaultdict(list)
    for reading in readings:
        places[str(reading.value)].append(reading.at)
    return {v: at for v, at in places.items() if len({_node(p) for p in at}) > 1}


def _to_blame(name: str, value: str, places: list[str], members: dict[str, Node]) -> list[str]:
    """Of several with one name or serial number those to which the inventory does not give it; else all of them."""
    if name == "host name":
        wrong = [p for p in places if value.partition(".")[0] != p.partition(".")[0].lower()]
    elif name == "serial number":
        wrong = [p for p in places if members[p].serial != value]
    else:
        return places
    return wrong or places
