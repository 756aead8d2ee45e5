"""Which ends are good, which are bad, and which pairs are neither's fault: pure reasoning over trials of one fault.

Every end met several partners, and its best trial is what it can do: an end that was good with anybody is good. An end
that was never good, and failed with a partner that did better elsewhere, is bad. A failing pair of two good ends is a
matter of the way between them, or of an end that fails now and then (see `ways`). A pair of two ends of which nothing
better is known stays a pair, because naming one of them would be a guess.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from bringup.diagnosis.trials import Trial

CLEARLY = 1.15
"""A partner did better elsewhere if it reached so many times as much; two runs of one test differ far less."""


@dataclass(frozen=True)
class Ends:
    """What all trials of one check and fault code say about their ends.

    `of_end` holds each end's trials in order, `best` the best share of its limit that it reached, `leaf` the leaf that
    it hangs on where the plan says so. `failing_ways` are the failing trials of two good ends. `domains` are those
    of the ends, for a fault that shows only between nodes of one NVLink domain; empty for any other.
    """

    trials: tuple[Trial, ...] = ()
    leaf: Mapping[str, str] = field(default_factory=dict)
    of_end: Mapping[str, tuple[Trial, ...]] = field(default_factory=dict)
    best: Mapping[str, float] = field(default_factory=dict)
    good: frozenset[str] = frozenset()
    bad: frozenset[str] = frozenset()
    failing_ways: tuple[Trial, ...] = ()
    domains: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        trials: Iterable[Trial],
        leaf: Mapping[str, str] | None = None,
        domains: Mapping[str, str] | None = None,
    ) -> Ends:
        """The verdicts of these trials."""
        trials = tuple(trials)
        of_end: dict[str, list[Trial]] = defaultdict(list)
        best: dict[str, float] = {}
        for trial in trials:
            for end in trial.ends:
                of_end[end].append(trial)
                best[end] = max(best.get(end, 0.0), trial.score)
        good = frozenset(end for trial in trials if trial.good for end in trial.ends)
        bad = frozenset(
            end
            for trial in trials
            if not trial.good
            for end, other in (trial.ends, trial.ends[::-1])
            if end not in good and (other in good or _better(other, end, trial, best))
        )
        ways = tuple(t for t in trials if not t.good and t.a in good and t.b in good)
        each = {end: tuple(mine) for end, mine in of_end.items()}
        return cls(trials, leaf or {}, each, best, good, bad, ways, domains or {})

    def partners(self, end: str, *, good: bool) -> tuple[str, ...]:
        """Whom an end met with this result, each once."""
        mine = (t for t in self.of_end.get(end, ()) if t.good is good)
        return tuple(dict.fromkeys(t.b if t.a == end else t.a for t in mine))

    @cached_property
    def ports_of_node(self) -> Mapping[str, tuple[str, ...]]:
        """The tested ports of each node."""
        return _by((end for end in self.of_end if "/" in end), lambda end: end.partition("/")[0])

    @cached_property
    def ports_of_leaf(self) -> Mapping[str, tuple[str, ...]]:
        """The tested ports on each leaf."""
        return _by((end for end in self.of_end if end in self.leaf), lambda end: self.leaf[end])

    def good_ports(self, node: str) -> tuple[str, ...]:
        """The good ports of a node."""
        return tuple(end for end in self.ports_of_node.get(node, ()) if end in self.good)


def _by(ends: Iterable[str], key: Callable[[str], str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = defaultdict(list)
    for end in ends:
        found[key(end)].append(end)
    return {name: tuple(sorted(mine)) for name, mine in found.items()}


def _better(other: str, end: str, trial: Trial, best: Mapping[str, float]) -> bool:
    """Whether the partner proved with somebody else that this result was not its own limit, and the end did not."""
    if trial.share is None:
        return False
    clear = trial.share * CLEARLY
    return best[other] > clear >= best[end]
