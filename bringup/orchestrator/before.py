"""Which checks must be asked as well, because chosen ones compare with what they read before the load. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from bringup.check import AnyCheck
from bringup.commands import Command
from bringup.context import Context
from bringup.model import LEVELS, STAGES, Node
from bringup.orchestrator.plan import make_case

FEW = 4
"""So many nodes of a profile are looked at: one of them may lack what a check needs to ask."""


def with_readers(
    chosen: Sequence[AnyCheck], known: Sequence[AnyCheck], nodes: Iterable[Node], ctx: Context
) -> tuple[AnyCheck, ...]:
    """The chosen checks, and of all that are known the fewest that ask in an earlier stage what these compare with.

    Asked of a few nodes of each profile: what a check asks is the same for all nodes of it, if it asks at all.
    """
    comparing = [check for check in chosen if check.compares]
    if not comparing:
        return tuple(chosen)
    deepest = max(LEVELS.index(check.level) for check in chosen)
    taken = set(chosen)
    some: dict[str, list[Node]] = defaultdict(list)
    for node in nodes:
        if len(some[node.profile]) < FEW:
            some[node.profile].append(node)
    for few in some.values():
        asks = {check: _asks(check, few, ctx) for check in known if check.target is Node}
        for check in comparing:
            earlier = [c for c in asks if STAGES.index(c.stage) < STAGES.index(check.stage)]
            for command in asks.get(check, ()):
                able = [c for c in earlier if command in asks[c]]
                if taken.isdisjoint(able):
                    able = [c for c in able if LEVELS.index(c.level) <= deepest]
                    taken.update(sorted(able, key=lambda c: (len(asks[c]), c.id))[:1])
    return tuple(check for check in known if check in taken)


def _asks(check: AnyCheck, nodes: Iterable[Node], ctx: Context) -> tuple[Command, ...]:
    steps = (step for node in nodes for step in make_case(check, node, ctx).steps)
    return tuple(dict.fromkeys(step.command for step in steps))
