"""Whom a part meets in a retest, and which of them sends. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bringup.model import Node, Verdict
from bringup.run import RunState


def roles(before: RunState, check: str, end: str) -> list[bool]:
    """As sender (True) or receiver, as the end failed before; as sender where nothing tells."""
    found = {
        _is(o.at[0], end)
        for o in before.outcomes
        if o.check == check
        and o.verdict is Verdict.FAIL
        and len(o.at) == 2
        and any(_is(at, end) for at in o.at)
    }
    return sorted(found, reverse=True) or [True]


def partner(
    before: RunState,
    nodes: Mapping[str, Node],
    name: str,
    checks: Collection[str],
    sick: Collection[str],
    used: Collection[str],
) -> str:
    """The best node of the same profile to meet: without a defect, good in most tests of these checks, used by nobody
    yet, and not one with which the node has failed. Empty if there is none.
    """
    mine = nodes[name]
    passed: dict[str, int] = {}
    failed_with: set[str] = set()
    for outcome in before.outcomes:
        if outcome.check in checks:
            if outcome.verdict is Verdict.PASS:
                for one in outcome.nodes:
                    passed[one] = passed.get(one, 0) + 1
            elif outcome.verdict is Verdict.FAIL and name in outcome.nodes:
                failed_with.update(outcome.nodes)
    others = [n.name for n in nodes.values() if n.name != name and n.profile == mine.profile]
    return min(others, key=lambda n: (n in sick, -passed.get(n, 0), n in used, n in failed_with), default="")


def _is(at: str, end: str) -> bool:
    return at == end or at.startswith(end + "/") or end.startswith(at + "/")
