"""Host: a service that has failed shows later as a slow start, an empty scheduler or a job that cannot begin."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.facts import words
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NoLimit, NotApplicable
from bringup.model import Finding, Limit, Measurement, Node, Stage
from bringup.parsers import systemd

_FAILED = Limit(
    "services.watched", "!=", "failed", why="the profile's fact services.watched", source="profile"
)
_RUNS = Limit(
    "services.required", "==", "active", why="the profile's fact services.required", source="profile"
)


class Services(Check[Node]):
    """Every service that the profile requires runs, and none that it watches has failed.

    A watched service (`services.watched`) may be absent or switched off; a required one (`services.required`) not.
    """

    id = "host.services"
    stage = Stage.HOST
    faults = (
        Fault(
            "SERVICE-DOWN",
            "a service of {node} does not run",
            "read why on {node} (systemctl status, journalctl -u), then start it and have it started at every boot; switch "
            "it off if the node does not need it",
            Who.SOFTWARE,
            Severity.MONITOR,
            explained_by=("GPU-DRIVER", "DISK-FULL", "ROOT-READ-ONLY"),
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, systemd.several(_asked(target, ctx)))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        required, asked = _units(target, ctx, "services.required"), _asked(target, ctx)
        command = systemd.several(asked)
        answered = out.optional(target, command, ctx)
        if systemd.not_booted(answered.error_text):
            if required:
                raise CannotJudge("systemd does not run here, so nothing is known of the required services")
            raise NotApplicable(f"systemd does not run on {target.name}")
        units = systemd.parse_several(out.text(target, command), asked)
        judged: set[str] = set()
        for name, unit in units.items():
            if unit.id in judged or (name not in required and unit.load == "not-found"):
                continue
            judged.add(unit.id)
            state = unit.active if unit.load == "loaded" else unit.load
            limit = _RUNS if name in required else _FAILED
            yield Measurement(f"service {name}", state, "", target.name, limit)
        if not judged:
            raise NotApplicable(f"{target.name} has none of the services that its profile watches")


def _asked(node: Node, ctx: Context) -> tuple[str, ...]:
    """All services of the profile, the required ones first. Raises NotApplicable where it names none."""
    required = _units(node, ctx, "services.required")
    names = tuple(dict.fromkeys((*required, *_units(node, ctx, "services.watched"))))
    if not names:
        raise NotApplicable(f"profile {node.profile} names no services")
    return names


def _units(node: Node, ctx: Context, fact: str) -> tuple[str, ...]:
    """The services of this fact; none where the profile does not say."""
    names = words(node, ctx, fact, of="systemd units")
    wrong = next((name for name in names if not systemd.is_name(name)), None)
    if wrong is not None:
        raise NoLimit(f"profile {node.profile}: fact {fact}: {wrong!r} is no name of a systemd unit")
    return names
