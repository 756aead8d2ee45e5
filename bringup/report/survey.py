"""What the healthy nodes of a finished run have measured: the ground on which limits are learned.

The kept outputs are judged again twice. First with every limit that a profile lacks held open, so that a node is not left
out because of the very number that is to be learned; then only the checks that miss one, with all of them held open, so
that each reading comes with the name of the limit that it would be compared with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bringup.battery.asked import asked
from bringup.check import AnyCheck
from bringup.context import Context
from bringup.errors import NoLimit
from bringup.model import Limit, Node, Outcome, Verdict
from bringup.orchestrator.kept import ReadEvidence
from bringup.orchestrator.rejudge import rejudge
from bringup.profile import Profile
from bringup.profile.learning import Sample
from bringup.report import text
from bringup.report.verdict import ready_nodes, real_defects
from bringup.run import RunState, settled

_LONGEST = 120
_OPEN = "\x00 not known yet"
"""No reading is this text, so a limit that is held open is kept by every reading."""


@dataclass(frozen=True, slots=True)
class Survey:
    """One profile's nodes in a run: the healthy ones, why the others are left out, and what the healthy ones read."""

    profile: str
    healthy: tuple[str, ...]
    left_out: Mapping[str, str]
    samples: tuple[Sample, ...]


class _Needed(Context):
    """Limits that a check cannot do without are held open; what it does without one stays as it is."""

    def limit(self, node: Node, name: str) -> Limit:
        try:
            return super().limit(node, name)
        except NoLimit:
            if node.profile not in self.rules:
                raise
            return Limit(name, "!=", _OPEN, why="held open, to be learned")

    def limit_or_none(self, node: Node, name: str) -> Limit | None:
        found = self.limit(node, name)
        return None if found.value == _OPEN else found


class _All(_Needed):
    """All limits that a profile lacks are held open."""

    def limit_or_none(self, node: Node, name: str) -> Limit | None:
        return self.limit(node, name)


def survey(
    state: RunState,
    checks: Sequence[AnyCheck],
    profiles: Mapping[str, Profile],
    read: ReadEvidence,
    *,
    everything: bool = False,
) -> dict[str, Survey]:
    """By profile. With `everything` also the readings of limits that the profiles have."""
    started = state.info.started
    fresh = rejudge(state, checks, _Needed(profiles, started=started), read)
    left_out = unhealthy(state, fresh)
    lacking = [
        c for c in checks if any(n not in p.limits for p in profiles.values() for n in asked(c).limits)
    ]
    told = rejudge(fresh, lacking, _All(profiles, started=started), read)
    found: dict[str, Survey] = {}
    for name, profile in sorted(profiles.items()):
        mine = [n.name for n in state.nodes.values() if n.profile == name]
        good = tuple(n for n in mine if n not in left_out)
        samples = _samples(told.outcomes, frozenset(good), profile, everything)
        found[name] = Survey(name, good, {n: left_out[n] for n in mine if n in left_out}, samples)
    return found


def _samples(
    outcomes: Sequence[Outcome], good: frozenset[str], profile: Profile, everything: bool
) -> tuple[Sample, ...]:
    found: list[Sample] = []
    for outcome in outcomes:
        if outcome.verdict is not Verdict.PASS or not good.issuperset(outcome.nodes):
            continue
        for m in outcome.measurements:
            if m.limit is None:
                continue
            own = everything and m.limit == profile.limits.get(m.limit.name)
            if own or m.limit.value == _OPEN:
                found.append(Sample(m.limit.name, m.value, m.unit, m.at, outcome.nodes))
    return tuple(found)


def unhealthy(before: RunState, now: RunState) -> dict[str, str]:
    """The nodes that nothing may be learned from, with the reason: those that are not ready, then or now."""
    found: dict[str, str] = {}
    for defect in real_defects(before):
        for name in defect.nodes:
            found.setdefault(name, defect.code)
    ready = ready_nodes(now)
    for name in now.nodes:
        if name not in ready and name not in found:
            found[name] = _reason(now, name)
    return found


def _reason(state: RunState, name: str) -> str:
    """Why a node is not ready: its proven defect, else what could not be judged."""
    for defect in real_defects(state):
        if name in defect.nodes:
            return defect.code
    words = {Verdict.FAIL: "failed", Verdict.ERROR: "could not be judged", Verdict.NOT_RUN: "was not run"}
    for outcome in state.by_node.get(name, []):
        if not settled(outcome):
            why = text.line(outcome.reason, _LONGEST) if outcome.reason else "no reason was given"
            return f"{outcome.check} {words.get(outcome.verdict, outcome.verdict.value)}: {why}"
    return next((d.code for d in state.defects if name in d.nodes), "nothing was judged")
