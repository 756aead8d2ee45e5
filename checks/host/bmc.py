"""Host: the management controller knows of power supplies, fans and temperatures what no program on the node sees."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import Finding, Level, Limit, Measurement, Node, Stage, Weight
from bringup.parsers import ipmi
from bringup.parsers.ipmi import Event

_RULE = Limit("host.bmc", "==", 0, "", why="a part that the BMC calls critical is not healthy", source="rule")
_CRITICAL = re.compile(
    r"fail|fault|AC lost|redundancy lost|non-redundant|uncorrectable|IERR|thermal trip|over.?temp|critical"
    r"|non-recoverable|fatal|machine check|configuration error|removed|power off.*fault",
    re.IGNORECASE,
)
_POWER_SUPPLY = re.compile(r"power supply|\bPSU?[0-9 _-]", re.IGNORECASE)
_HARMLESS = re.compile(r"non-critical|predictive|log area|intrusion|OS boot|session", re.IGNORECASE)


class Bmc(Check[Node]):
    """The BMC shows no sensor beyond its critical limit and no critical event in the hours that the profile looks back.

    An event that was taken back later is over; older ones are notes. A virtual machine has no BMC of its own.
    """

    id = "host.bmc"
    stage = Stage.HOST
    level = Level.STANDARD
    faults = (
        Fault(
            "POWER-SUPPLY",
            "a power supply of {node} has failed",
            "check the feed and cable of the power supply that the BMC names on {node} {place}; replace the power supply",
        ),
        Fault(
            "BMC-SENSOR",
            "the BMC of {node} shows a sensor beyond its critical limit",
            "look at the part that the sensor names on {node} {place}: fan, power supply, airflow, temperature",
        ),
        Fault(
            "BMC-EVENT",
            "the BMC of {node} has logged critical events",
            "look at the part that the event names on {node} {place}; replace it if the event comes back",
            severity=Severity.MONITOR,
            explained_by=("BMC-SENSOR", "MEMORY-ECC", "MACHINE-CHECK"),
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, ipmi.PRESENT, ipmi.SENSORS, ipmi.EVENTS)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        window_s = ctx.number(target, "bmc.lookback_h") * 3600.0
        virtual, device = ipmi.parse_present(out.text(target, ipmi.PRESENT))
        if not device:
            if virtual:
                raise NotApplicable("a virtual machine has no BMC of its own")
            raise CannotJudge(
                f"{target.name} has no device for its BMC: load the modules ipmi_si and ipmi_devintf"
            )
        for command in (ipmi.SENSORS, ipmi.EVENTS):
            if not out.answered(target, command).as_root and out.get(target, command).status != 0:
                raise CannotJudge("ipmitool needs root to ask the BMC, and sudo gave none")
        sensors = ipmi.parse_sensors(out.text(target, ipmi.SENSORS))
        critical = [sensor for sensor in sensors if sensor.critical]
        for sensor in critical:
            said = f"{sensor.name}: {sensor.value} ({sensor.state})"
            yield Finding(_code(sensor.name, "BMC-SENSOR"), said, target.name)
        for sensor in sensors:
            if sensor.warning:
                said = f"{sensor.name}: {sensor.value} is beyond its first limit"
                yield Finding("BMC-SENSOR", said, target.name, Weight.NOTE)
        if not critical:
            yield Measurement("critical sensors", 0, "", target.name, _RULE, "BMC-SENSOR")
        yield from _events(target, ipmi.parse_events(out.text(target, ipmi.EVENTS)), window_s)


def _code(name: str, other: str) -> str:
    return "POWER-SUPPLY" if _POWER_SUPPLY.search(name) else other


def _events(node: Node, events: tuple[Event, ...], window_s: float) -> Iterator[Measurement | Finding]:
    standing = _standing([e for e in events if _CRITICAL.search(e.text) and not _HARMLESS.search(e.text)])
    recent = [e for e in standing if e.age_s is not None and e.age_s <= window_s]
    for event in recent:
        said = f"{event.sensor}: {event.text}, {(event.age_s or 0.0) / 3600:.1f} h ago"
        yield Finding(_code(event.sensor, "BMC-EVENT"), said, node.name)
    if not recent:
        yield Measurement("critical events", 0, "", node.name, _RULE, "BMC-EVENT")
    older = [e for e in standing if e not in recent]
    if older:
        last = older[-1]
        said = f"{len(older)} critical events before the window, the last: {last.sensor}: {last.text}"
        yield Finding("BMC-EVENT", said, node.name, Weight.NOTE)


def _standing(events: list[Event]) -> list[Event]:
    """The events that were not taken back, each once in its last form."""
    last: dict[tuple[str, str], Event] = {}
    for event in events:
        last.pop((event.sensor, event.text), None)
        last[event.sensor, event.text] = event
    return [event for event in last.values() if event.asserted]
