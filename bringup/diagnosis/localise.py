"""Which end of a slow pair is bad: pure reasoning over the results of one pair check.

Every endpoint met several partners. An endpoint that was good with anybody is good; an endpoint that was never good
and failed with a partner that is good with others is bad. A failing pair whose ends are both good with others is a
path (or an unstable link); one whose ends are both unknown stays a pair, because naming one would be a guess.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from bringup.diagnosis.symptoms import Sign
from bringup.model import Outcome, Verdict


def localise(outcomes: Iterable[Outcome], signs: list[Sign]) -> list[Sign]:
    """The same signs with every two-ended one moved to the end that is to blame, where that can be said."""
    open_ = {(s.check, s.target) for s in signs if len(s.at) >= 2 and not s.unjudged}
    by_check: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:  # a failure that names its end itself speaks against nobody else
        known = outcome.verdict is Verdict.PASS or (outcome.check, outcome.target) in open_
        if len(outcome.nodes) == 2 and known:
            by_check[outcome.check].append(outcome)
    blamed = {check: _Ends.of(mine) for check, mine in by_check.items()}
    moved: list[Sign] = []
    for sign in signs:
        if len(sign.at) < 2 or sign.unjudged:
            moved.append(sign)
            continue
        ends = _ends(sign.at, sign.nodes)
        blame = blamed.get(sign.check, _Ends.of(()))
        guilty = [end for end in ends if end in blame.bad]
        if guilty:
            moved += [dataclasses.replace(sign, at=(end,), spared=blame.beside(end)) for end in guilty]
        elif all(end in blame.good for end in ends):
            moved.append(dataclasses.replace(sign, code="PATH-UNSTABLE", was=sign.code, at=ends))
        else:
            moved.append(dataclasses.replace(sign, code="PAIR-UNSPLIT", was=sign.code, at=ends))
    return moved


def _ends(at: tuple[str, ...], nodes: tuple[str, ...]) -> tuple[str, ...]:
    """The two ends of a pair: its two ports, or its two nodes when every port of both took part."""
    return at if len(at) == 2 else nodes


@dataclass(frozen=True)
class _Ends:
    """The ends that were good with anybody, the bad ones, and the good ports of each node."""

    good: frozenset[str]
    bad: frozenset[str]
    ports: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> _Ends:
        pairs = [(o.verdict, _ends(o.at, o.nodes)) for o in outcomes]
        good = frozenset(end for verdict, pair in pairs if verdict is Verdict.PASS for end in pair)
        bad = frozenset(
            end
            for verdict, pair in pairs
            if verdict is Verdict.FAIL
            for end, other in (pair, pair[::-1])
            if end not in good and other in good
        )
        ports: dict[str, tuple[str, ...]] = {}
        for end in sorted(good):
            node, _, port = end.partition("/")
            if port:
                ports[node] = (*ports.get(node, ()), end)
        return cls(good, bad, ports)

    def beside(self, end: str) -> tuple[str, ...]:
        """The good ports of the same node; the end itself, being bad, is none of them."""
        return self.ports.get(end.partition("/")[0], ())
