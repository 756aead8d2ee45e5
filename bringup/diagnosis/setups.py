"""Which of two nodes kept a test from starting: the one that never was well in its role while the other one was.

A firewall shuts a node off as a server and leaves it well as a client, so each role counts for itself: the first node
of a pair starts the test, the second one is asked. If neither was well, it is the one that fails with several others;
where that does not tell either, the pair stays a pair.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from bringup.diagnosis.symptoms import Sign
from bringup.model import Outcome, Verdict

Role = tuple[str, str, str]
"""Check, node, and as what it took part."""
_STARTS, _IS_ASKED = "starts", "is asked"


def kept_from_starting(outcomes: Iterable[Outcome], signs: Sequence[Sign]) -> dict[tuple[str, str], str]:
    """For unjudged tests of two ends, by check and target: the node that is to blame, where that can be said."""
    open_ = {
        (s.check, s.target): s.nodes for s in signs if s.unjudged and len(s.at) >= 2 and len(s.nodes) == 2
    }
    checks = {check for check, _ in open_}
    works: set[Role] = set()
    for o in outcomes:
        if o.check in checks and len(o.nodes) == 2 and o.verdict in (Verdict.PASS, Verdict.FAIL):
            works |= _roles(o.check, o.nodes)
    failed_with: dict[tuple[str, str], set[str]] = defaultdict(set)
    for (check, _), nodes in open_.items():
        for _, node, _ in _roles(check, nodes) - works:
            failed_with[check, node] |= {name for name in nodes if name != node}
    found: dict[tuple[str, str], str] = {}
    for key, nodes in open_.items():
        suspects = {node for _, node, _ in _roles(key[0], nodes) - works}
        several = {node for node in suspects if len(failed_with[key[0], node]) >= 2}
        blamed = suspects if len(suspects) == 1 else several
        if len(blamed) == 1:
            found[key] = next(iter(blamed))
    return found


def _roles(check: str, nodes: tuple[str, ...]) -> set[Role]:
    return {(check, nodes[0], _STARTS), (check, nodes[1], _IS_ASKED)}
