"""Link: two adapters with one GUID or address take each other's traffic, now the one and now the other."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import NOTHING, Check, Outputs, Plan
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Group, Limit, Measurement, Stage

READINGS = "link.identity"
NAMES = ("guid", "hardware address", "ip address")
_RULE = Limit("link.guid", "==", 0, "duplicates", why="every port has a name of its own", source="rule")


class Guid(Check[Group]):
    """No GUID, hardware address or IP address of a planned port exists twice in the fleet."""

    id = "link.guid"
    stage = Stage.LINK
    faults = (
        Fault(
            "DUPLICATE-GUID",
            "{at} has the GUID of another adapter",
            "find out which of the two is wrong (the label on the adapter tells its GUID) and write it anew with flint",
            Who.CONFIGURATION,
            Severity.ISOLATE,
        ),
        Fault(
            "DUPLICATE-ADDRESS",
            "{at} has the address of another port",
            "find out which of the two is wrong and correct it in the network settings of {node}",
            Who.CONFIGURATION,
            Severity.ISOLATE,
            explained_by=("DUPLICATE-GUID",),
        ),
    )

    def plan(self, target: Group, ctx: Context) -> Plan:
        if not any(ctx.training_ports(node) for node in target.members):
            raise NotApplicable("no node has planned fabric ports")
        return NOTHING

    def judge(self, target: Group, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        members = {node.name for node in target.members}
        compared = 0
        for name in NAMES:
            places: dict[str, list[str]] = {}
            for m in ctx.readings.get((READINGS, name), ()):
                if m.at.partition("/")[0] in members:
                    places.setdefault(str(m.value), []).append(m.at)
            if not places:
                continue
            compared += 1
            twice = {value: ats for value, ats in places.items() if len(set(ats)) > 1}
            # Where there are some the findings name the places; the count then only informs.
            yield Measurement(
                f"{name} twice", len(twice), "duplicates", target.name, None if twice else _RULE
            )
            for value, ats in twice.items():
                for at in dict.fromkeys(ats):
                    others = ", ".join(other for other in dict.fromkeys(ats) if other != at)
                    message = f"{name} {value} is also that of {others}"
                    if name == "guid":
                        yield Finding("DUPLICATE-GUID", message, at.partition("/port/")[0])
                    else:
                        yield Finding("DUPLICATE-ADDRESS", message, at)
        if not compared:
            raise CannotJudge(f"no node told the identity of its ports ({READINGS} has no reading)")
