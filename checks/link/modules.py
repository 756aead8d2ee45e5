"""Link: the kernel modules without which an adapter is there and of no use."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.ports import planned
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import NoLimit, NotApplicable
from bringup.model import Finding, Limit, Measurement, Node, Stage
from bringup.parsers import modules

_RULE = Limit("link.modules", "==", "yes", why="the profile's fact fabric.modules", source="profile")


class Modules(Check[Node]):
    """Every kernel module that the fabric needs is loaded or built in."""

    id = "link.modules"
    stage = Stage.LINK
    faults = (
        Fault(
            "LINK-MODULES",
            "kernel modules of the fabric are missing on {node}",
            "on {node}: modprobe the modules that the evidence names; if they are not there, reinstall the adapter's "
            "driver for the running kernel",
            Who.SOFTWARE,
            Severity.REBOOT,
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        planned(target, ctx)
        _needed(target, ctx)
        return run(target, modules.MODULES)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        found = modules.parse(out.text(target, modules.MODULES))
        for name in _needed(target, ctx):
            said = "yes" if found.has(name) else "no"
            yield Measurement(f"module {name}", said, "", target.name, _RULE)


def _needed(node: Node, ctx: Context) -> tuple[str, ...]:
    try:
        value = ctx.fact(node, "fabric.modules")
    except NoLimit:
        if node.profile not in ctx.rules:
            raise
        raise NotApplicable(f"profile {node.profile} names no kernel modules (fabric.modules)") from None
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise NoLimit(f"profile {node.profile}: fact fabric.modules is {value!r}, needed names")
    if not value:
        raise NotApplicable(f"profile {node.profile} needs no kernel modules")
    return tuple(value)
