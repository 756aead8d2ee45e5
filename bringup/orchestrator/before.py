"""Which checks must be asked as well, because chosen ones compare with what they read before the load. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bringup.check import AnyCheck
from bringup.commands import Command
from bringup.context import Context
from bringup.model import LEVELS, STAGES, Node
from bringup.orchestrator.plan import make_case


def with_readers(
    chosen: Sequence[AnyCheck], known: Sequence[AnyCheck], nodes: Iterable[Node], ctx: Context
) -> tuple[AnyCheck, ...]:
    """The chosen checks, and of all that are known the fewest that ask in an earlier stage what these compare with.

    Asked of one node for each profile: what a check asks is the same for all nodes of it.
    """
    comparing = [check for check in chosen if check.compares]
    if not comparing:
        return tuple(chosen)
    deepest = max(LEVELS.index(check.level) for check in chosen)
    more: list[AnyCheck] = []
    for node in {node.profile: node for node in nodes}.values():
        for check in comparing:
            others = [
                c for c in known if c.target is Node and STAGES.index(c.stage) < STAGES.index(check.stage)
            ]
            asked = {command for c in others if c in chosen or c in more for command in _asks(c, node, ctx)}
            for command in dict.fromkeys(_asks(check, node, ctx)):
                if command in asked:
                    continue
                able = [
                    c for c in others if LEVELS.index(c.level) <= deepest and command in _asks(c, node, ctx)
                ]
                if able:
                    reader = min(able, key=lambda c: (len(_asks(c, node, ctx)), c.id))
                    more.append(reader)
                    asked.update(_asks(reader, node, ctx))
    return tuple(check for check in known if check in chosen or check in more)


def _asks(check: AnyCheck, node: Node, ctx: Context) -> tuple[Command, ...]:
    return tuple(step.command for step in make_case(check, node, ctx).steps)
