"""Reach: which programs the later checks can use, asked once at the beginning."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import NoLimit, NotApplicable, ToolMissing
from bringup.model import Finding, Limit, Measurement, Node, Stage
from bringup.parsers import host

_RULE = Limit("reach.tools", "==", "found", why="the profile's fact tools.required", source="profile")


class Tools(Check[Node]):
    """Every program that the profile requires is installed and in the path."""

    id = "reach.tools"
    stage = Stage.REACH
    faults = (
        Fault(
            "TOOL-MISSING",
            "tools are missing on {node}",
            "install on {node} what is named above, or say in the inventory where it is (path:)",
            Who.COULD_NOT_JUDGE,
            Severity.MONITOR,
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, host.tools(_required(target, ctx)))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        required = _required(target, ctx)
        found = host.parse_tools(out.text(target, host.tools(required)))
        for name in required:
            if found.get(name):
                yield Measurement(f"tool {name}", "found", "", target.name, _RULE)
        missing = tuple(name for name in required if not found.get(name))
        if missing:
            raise ToolMissing(missing)


def _required(node: Node, ctx: Context) -> tuple[str, ...]:
    """The profile's list. Raises NotApplicable for an empty one."""
    value = ctx.fact(node, "tools.required")
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise NoLimit(f"profile {node.profile}: fact tools.required is {value!r}, needed a list of programs")
    if not value:
        raise NotApplicable(f"profile {node.profile} requires no tools")
    return tuple(value)
