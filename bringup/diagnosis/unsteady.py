"""Two ends that are good with others and with each other now and then: which of the two is it? Pure.

One transfer in so many breaks off, and it happened to be between these two. Each of them meets known-good partners that
it has not met yet, with every test there is: whoever fails again is it. Two rounds, however many there are.
"""

from __future__ import annotations

from collections.abc import Callable

from bringup.diagnosis.confirm import PARTNERS, LaneOf
from bringup.diagnosis.ends import Ends
from bringup.diagnosis.evidence import Evidence
from bringup.diagnosis.suspects import known_good, node_of, suspects

Meet = tuple[str, str]
"""An end that may be the one, and its partner."""


def unsteady(
    evidence: Evidence, lane_of: LaneOf, gone: Callable[[str], bool] = lambda end: False
) -> tuple[tuple[Meet, ...], ...]:
    """The rounds for all ends of pairs that were both good and bad, without ends that are `gone`."""
    ends = sorted(end for end in _of_unsteady_pairs(evidence) if not gone(end))
    if not ends:
        return ()
    good = [end for end in known_good(evidence, suspects(evidence)) if not gone(end)]
    met = {
        end: {other for about in evidence.ends.values() for other in _partners(about, end)} for end in ends
    }
    rounds: list[tuple[Meet, ...]] = []
    for _ in range(PARTNERS):
        busy: set[str] = set()
        tests: list[Meet] = []
        for end in ends:
            if node_of(end) in busy:
                continue
            fit = (o for o in good if lane_of(o) == lane_of(end) and node_of(o) not in busy | {node_of(end)})
            partner = next((o for o in fit if o not in met[end]), None)
            if partner is not None:
                tests.append((end, partner))
                met[end].add(partner)
                busy |= {node_of(end), node_of(partner)}
        if tests:
            rounds.append(tuple(tests))
    return tuple(rounds)


def _of_unsteady_pairs(evidence: Evidence) -> set[str]:
    """Both ends of every pair that nothing explains and that was good as well."""
    found: set[str] = set()
    for (_, code), about in evidence.ends.items():
        well = {trial.pair for trial in about.trials if trial.good}
        for trial in about.failing_ways:
            way = evidence.ways[code][trial.pair]
            if way.code == "PATH-UNSTABLE" and trial.pair in well:
                found |= trial.pair
    return found


def _partners(about: Ends, end: str) -> set[str]:
    return {*about.partners(end, good=True), *about.partners(end, good=False)}
