"""Whom the results so far speak against, and who is beyond doubt: the two sides of a confirmation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bringup.diagnosis.ends import Ends
from bringup.diagnosis.evidence import Evidence
from bringup.diagnosis.trials import Trial


@dataclass(frozen=True, slots=True)
class Suspect:
    """One end that may be bad, or two between which the way may be. `checks` are those that it failed.

    `sends` is the only role in which an end failed; None where it failed in both. `met` are its partners so far, and
    `failed_with` those of them that are good with others. Only partners of the `domain`, if it has one, tell anything,
    and none on the leaves `beyond` it whose uplinks may be slow.
    """

    ends: tuple[str, ...]
    checks: tuple[str, ...] = ()
    sends: bool | None = None
    met: tuple[str, ...] = ()
    failed_with: tuple[str, ...] = ()
    domain: str = ""
    beyond: tuple[str, ...] = ()


def node_of(end: str) -> str:
    """The node of an end."""
    return end.partition("/")[0]


def suspects(evidence: Evidence) -> tuple[Suspect, ...]:
    """Bad ends, ends of pairs that cannot be split, ends that fail in one direction, and ways between two good ends.

    Of leaves whose uplinks may be slow all ends that nothing else speaks against: with third leaves, and under the load of
    all, that shows. No suspects are ends that were seen to fail now and then, and what else is above the leaves: another
    try with other partners would say nothing new about them.
    """
    accused: dict[tuple[str, ...], list[tuple[str, Ends]]] = {}
    beyond: dict[tuple[str, ...], list[tuple[str, Ends, tuple[str, ...]]]] = {}
    for (check, code), about in evidence.ends.items():
        for ends in dict.fromkeys(_accused(about, code, evidence)):
            accused.setdefault(ends, []).append((check, about))
        for ends, leaves in _on_slow_leaves(about, code, evidence):
            beyond.setdefault(ends, []).append((check, about, leaves))
    found = {ends: _suspect(ends, mine) for ends, mine in accused.items()}
    for ends, mine in beyond.items():
        leaves = tuple(dict.fromkeys(leaf for _, _, some in mine for leaf in some))
        against = [(check, about) for check, about, _ in mine]
        found.setdefault(ends, _suspect(ends, against, leaves))
    return tuple(suspect for _, suspect in sorted(found.items()))


def _on_slow_leaves(
    about: Ends, code: str, evidence: Evidence
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Each good end on leaves whose uplinks may be slow, and those leaves."""
    for leaves in sorted({evidence.ways[code][trial.pair].ask for trial in about.failing_ways}):
        for leaf in leaves:
            yield from (((end,), leaves) for end in about.ports_of_leaf.get(leaf, ()) if end in about.good)


def _accused(about: Ends, code: str, evidence: Evidence) -> Iterator[tuple[str, ...]]:
    for trial in about.trials:
        if trial.good:
            continue
        guilty = [end for end in trial.ends if end in about.bad]
        if guilty:
            yield from ((end,) for end in guilty)
        elif not all(end in about.good for end in trial.ends):
            yield from ((end,) for end in trial.ends)
        else:
            way = evidence.ways[code][trial.pair]
            if way.sends is not None:
                yield way.at
            elif way.code == "PATH-UNSTABLE":
                unproven = _in_no_other_test(trial, about)
                yield from ((end,) for end in unproven)
                if not unproven:
                    yield trial.ends


def _in_no_other_test(trial: Trial, about: Ends) -> list[str]:
    """The ends that have not yet been good in this role: one that only sends badly looks like a bad way at first."""
    if trial.share is None:
        return []
    sent = any(t.good and t.a == trial.a for t in about.of_end[trial.a])
    received = any(t.good and t.b == trial.b for t in about.of_end[trial.b])
    return [end for end, proven in ((trial.a, sent), (trial.b, received)) if not proven]


def _suspect(
    ends: tuple[str, ...], against: Sequence[tuple[str, Ends]], beyond: tuple[str, ...] = ()
) -> Suspect:
    checks = tuple(dict.fromkeys(check for check, _ in against))
    if len(ends) == 2:
        return Suspect(ends, checks)
    (end,) = ends
    trials = [t for _, about in against for t in about.of_end[end]]
    roles = {t.a == end for t in trials if not t.good}
    met = tuple(dict.fromkeys(t.b if t.a == end else t.a for t in trials))
    failed = (
        other for _, about in against for other in about.partners(end, good=False) if other in about.good
    )
    domain = next((about.domains[end] for _, about in against if about.domains), "")
    role = roles.pop() if len(roles) == 1 else None
    return Suspect(ends, checks, role, met, tuple(dict.fromkeys(failed)), domain, beyond)


def known_good(evidence: Evidence, accused: Iterable[Suspect]) -> tuple[str, ...]:
    """The ends that were good in every check that has failed anywhere, and failed at most with a bad partner. What may be
    wrong beyond an end does not speak against it."""
    out = {end for suspect in accused if not suspect.beyond for end in suspect.ends}
    seen = dict.fromkeys(end for about in evidence.ends.values() for end in about.of_end)
    for about in evidence.ends.values():
        ports = any("/" in end for end in about.of_end)
        out |= {end for end in seen if ("/" in end) is ports and end not in about.good}
        out |= {end for t in about.failing_ways for end in t.ends}
    return tuple(end for end in seen if end not in out)
