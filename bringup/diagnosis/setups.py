"""Which of two nodes kept a test from starting: the one that never was well in its role while the other one was.

A firewall shuts a node off as a server and leaves it well as a client, so each role counts for itself: the first node
of a pair starts the test, the second one is asked. If neither was well, it is the one that fails with several others;
where that does not tell either, the pair stays a pair.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bringup.diagnosis.symptoms import Sign
from bringup.model import Outcome, Verdict, pair_key

Role = tuple[str, str, str]
"""Check, node, and as what it took part."""
_STARTS, _IS_ASKED = "starts", "is asked"


@dataclass(frozen=True)
class Setups:
    """Unjudged tests of two ends, by check and target: the node that is to blame, or both where that cannot be said.

    `undecided` are those of which neither was ever well in its role. `works` are the roles in which nodes were well.
    """

    blamed: Mapping[tuple[str, str], str] = field(default_factory=dict)
    undecided: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    works: Collection[Role] = frozenset()


@dataclass(frozen=True, slots=True)
class Split:
    """A test that tells of one of two nodes whether it is the one: who starts it, who is asked, for these checks."""

    starts: str
    asked: str
    checks: tuple[str, ...]
    rail: int | None = None


def kept_from_starting(outcomes: Iterable[Outcome], signs: Sequence[Sign]) -> Setups:
    """What the tests that ran say of those that did not."""
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
    blamed: dict[tuple[str, str], str] = {}
    undecided: dict[tuple[str, str], tuple[str, ...]] = {}
    for key, nodes in open_.items():
        suspects = {node for _, node, _ in _roles(key[0], nodes) - works}
        several = {node for node in suspects if len(failed_with[key[0], node]) >= 2}
        found = suspects if len(suspects) == 1 else several
        if len(found) == 1:
            blamed[key] = next(iter(found))
        elif suspects:
            undecided[key] = nodes
    return Setups(blamed, undecided, works)


def to_split(
    setups: Setups, gone: Callable[[str], bool], kind: Callable[[str], str] = lambda node: ""
) -> list[Split]:
    """One round that tells who it is where the results do not.

    Of two that could not start a test the first starts it with somebody who is well when asked, and somebody who is
    well at starting asks the second. Only nodes of one kind are paired. Nobody takes part twice; pairs for which nobody
    is free stay as they are.
    """
    pairs: dict[tuple[str, ...], list[str]] = defaultdict(list)
    rails: dict[tuple[str, ...], int] = {}
    for (check, target), nodes in setups.undecided.items():
        if not any(gone(node) for node in nodes):
            pairs[nodes] = list(dict.fromkeys((*pairs[nodes], check)))
            if (key := pair_key(target)) is not None and key.rail is not None:
                rails.setdefault(nodes, key.rail)
    well: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for check, node, role in sorted(setups.works) if pairs else ():
        well[check, role][node] = None
    busy = {node for nodes in pairs for node in nodes}
    tests: list[Split] = []
    met: set[str] = set()
    for nodes, checks in pairs.items():
        first, second = nodes
        if met & {first, second}:
            continue
        partners: list[str] = []
        for role in (_IS_ASKED, _STARTS):
            able = (n for n in well[checks[0], role] if all(n in well[check, role] for check in checks))
            free = (n for n in able if n not in busy and n not in partners and not gone(n))
            partners += next(([n] for n in free if kind(n) == kind(first)), [])
        if len(partners) == 2:
            asked, starter = partners
            rail = rails.get(nodes)
            tests += [
                Split(first, asked, tuple(checks), rail),
                Split(starter, second, tuple(checks), rail),
            ]
            busy |= {asked, starter}
            met |= {first, second}
    return tests


def _roles(check: str, nodes: tuple[str, ...]) -> set[Role]:
    return {(check, nodes[0], _STARTS), (check, nodes[1], _IS_ASKED)}
