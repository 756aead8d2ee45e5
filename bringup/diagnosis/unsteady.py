"""Two ends that are good with others and with each other now and then: which of the two is it? Pure.

One transfer in so many breaks off, and it happened to be between these two. So each of them is suspected once more, for
every test that it has had: it meets known-good partners in both roles, beside a control, and whoever fails again is it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bringup.diagnosis.evidence import Evidence
from bringup.diagnosis.suspects import Suspect


def unsteady(evidence: Evidence, tried: Callable[[str], tuple[str, ...]]) -> tuple[Suspect, ...]:
    """The ends of all pairs that nothing explains and that were good as well. `tried` tells the checks that an end had."""
    ends = sorted(set(_ends(evidence)))
    return tuple(Suspect((end,), tried(end), met=_met(evidence, end)) for end in ends)


def _ends(evidence: Evidence) -> Iterator[str]:
    for (_, code), about in evidence.ends.items():
        well = {trial.pair for trial in about.trials if trial.good}
        for trial in about.failing_ways:
            if trial.pair in well and evidence.ways[code][trial.pair].code == "PATH-UNSTABLE":
                yield from trial.ends


def _met(evidence: Evidence, end: str) -> tuple[str, ...]:
    """Its partners so far."""
    trials = (t for about in evidence.ends.values() for t in about.of_end.get(end, ()))
    return tuple(dict.fromkeys(t.b if t.a == end else t.a for t in trials))
