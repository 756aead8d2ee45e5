"""Host: storage and front end have networks of their own, and a wrong MTU there breaks large transfers only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from bringup.battery.facts import words
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NoLimit, NotApplicable
from bringup.model import Finding, Limit, Measurement, Node, Stage
from bringup.parsers import interfaces, lldp
from bringup.parsers.interfaces import Interface

_NAMED = re.compile(
    r"(?P<name>[A-Za-z0-9_.@:-]{1,32})(?: mtu (?P<mtu>[0-9]{2,5}))?(?: speed (?P<speed>[0-9]{2,7}))?"
)
_WHY = "the profile's fact network.interfaces"
_UP = Limit("network.interfaces", "==", "up", why=_WHY, source="profile")


class Interfaces(Check[Node]):
    """Every network interface that the profile names is up and has the planned MTU and speed.

    The fact `network.interfaces` lists them: `bond0`, `bond0 mtu 9000`, `bond0 mtu 9000 speed 200000` (Mb/s). The ports
    of the training network have checks of their own (stage link).
    """

    id = "host.interfaces"
    stage = Stage.HOST
    faults = (
        Fault(
            "INTERFACE-DOWN",
            "a network interface of {node} is down or missing",
            "look at its cable and switch port, then at the network settings of {node} (ip link, netplan, NetworkManager)",
            severity=Severity.ISOLATE,
        ),
        Fault(
            "INTERFACE-MTU",
            "a network interface of {node} has another MTU than planned",
            "set the MTU on {node} and at its switch port, and keep it over reboots",
            Who.CONFIGURATION,
            Severity.MONITOR,
        ),
        Fault(
            "INTERFACE-SPEED",
            "a network interface of {node} is slower than planned",
            "look at cable, module and switch port of {node} {place}; of a bond, whether all its ports are up",
            severity=Severity.MONITOR,
            explained_by=("INTERFACE-DOWN",),
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        _planned(target, ctx)
        return run(target, interfaces.INTERFACES, lldp.NEIGHBOURS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        found = interfaces.parse(out.text(target, interfaces.INTERFACES))
        heard = _heard(target, out)
        untold: list[str] = []
        for name, planned in _planned(target, ctx).items():
            seen = found.get(name)
            for measured in _judged(target, name, planned, seen):
                far_end = f", which hears {heard[name]}" if name in heard and not measured.ok else ""
                yield replace(measured, name=measured.name + far_end)
            if seen is not None and "mtu" in planned and seen.mtu is None:
                untold.append(f"MTU of {name}")
            if seen is not None and "speed" in planned and seen.state == "up" and seen.speed_mbps is None:
                untold.append(f"speed of {name}")
        if untold:
            raise CannotJudge(f"the kernel does not tell the {', '.join(untold)}")


def _judged(
    node: Node, name: str, planned: Mapping[str, int], seen: Interface | None
) -> Iterator[Measurement]:
    """What is known of one interface beside its plan. The speed of one that is down means nothing."""
    state = seen.state if seen is not None else "missing"
    yield Measurement(f"interface {name}", state, "", node.name, _UP, "INTERFACE-DOWN")
    if seen is None:
        return
    if "mtu" in planned and seen.mtu is not None:
        limit = Limit("network.interfaces", "==", planned["mtu"], "bytes", _WHY, "profile")
        yield Measurement(f"MTU of {name}", seen.mtu, "bytes", node.name, limit, "INTERFACE-MTU")
    if "speed" in planned and state == "up" and seen.speed_mbps is not None:
        limit = Limit("network.interfaces", ">=", planned["speed"], "Mb/s", _WHY, "profile")
        yield Measurement(f"speed of {name}", seen.speed_mbps, "Mb/s", node.name, limit, "INTERFACE-SPEED")


def _heard(node: Node, out: Outputs) -> Mapping[str, str]:
    """Switch and port by interface. LLDP is a help for whoever walks there: without it the judgement is the same."""
    try:
        neighbours = lldp.parse(out.text(node, lldp.NEIGHBOURS))
    except CannotJudge:
        return {}
    return {
        one.interface: f"{one.system} port {one.port_names[0]}"
        for one in neighbours
        if one.system and one.port_names
    }


def _planned(node: Node, ctx: Context) -> Mapping[str, Mapping[str, int]]:
    """What the profile says of each interface. Raises NotApplicable where it names none."""
    planned: dict[str, dict[str, int]] = {}
    for text in words(node, ctx, "network.interfaces", of="interfaces"):
        named = _NAMED.fullmatch(text)
        if named is None:
            raise NoLimit(
                f"profile {node.profile}: fact network.interfaces: {text!r} is not NAME [mtu BYTES] [speed MBPS]"
            )
        numbers = {key: int(named[key]) for key in ("mtu", "speed") if named[key] is not None}
        planned[named["name"]] = numbers
    if not planned:
        raise NotApplicable(f"profile {node.profile} names no other interfaces (fact network.interfaces)")
    return planned
