"""What must be judged good again before a defect is repaired, and whether a run has done so. Pure.

A defect needs its own failed checks at its own parts, and everything that was not judged or explained away because of
it. A pass with any partner is a pass of a port: which of two ends is bad is diagnosis' to say, and what diagnosis shows
again is never proven.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bringup.defects import Defect
from bringup.diagnosis.symptoms import related
from bringup.model import FLEET, Measurement, Outcome, Verdict, Weight, Why
from bringup.run import RunState, settled

MOST_NEEDS = 2_000
"""So many parts of one kind of need are kept; a leaf with all its ports has fewer."""
Needs = dict[str, list[str]]


@dataclass(slots=True)
class Demand:
    """Check -> the parts at which it must pass: of the defect itself, and of what it suppressed."""

    needs: Needs = field(default_factory=dict)
    follows: Needs = field(default_factory=dict)


def demand(state: RunState, defect: Defect) -> Demand:
    """What a repair of this defect must show, as this run tells it."""
    made = Demand()
    own = {defect.component, *defect.components, " ~ ".join(defect.components)}
    for symptom in defect.explains:
        mine = symptom.code == defect.code and symptom.at in own
        if mine:
            _add(made.needs, symptom.check, _parts(state, symptom.at, defect))
        else:
            ends = [end for end in symptom.at.split(" ~ ") if end.partition("/")[0] in defect.nodes]
            _add(made.follows, symptom.check, ends or _parts(state, symptom.at, defect))
    if not made.needs and defect.explains:  # folded under another name: every symptom is its own
        made.needs, made.follows = made.follows, {}
    for outcome in state.outcomes:
        gate = _gate(state, outcome)
        if gate and any(related(gate, part) for part in defect.components or (defect.component,)):
            _add(made.follows, outcome.check, [gate])
    for check, at in made.needs.items():
        left = [part for part in made.follows.get(check, ()) if part not in at]
        made.follows.pop(check, None)
        if left:
            made.follows[check] = left
    return made


def _gate(state: RunState, outcome: Outcome) -> str:
    """The component whose leaving is why this was not run; empty for anything else."""
    if outcome.verdict is not Verdict.NOT_RUN or outcome.why is not Why.QUARANTINED:
        return ""
    gone = outcome.reason.partition(" left the run")[0]
    return gone if gone in state.quarantined else ""


def _parts(state: RunState, at: str, defect: Defect) -> list[str]:
    """The parts of nodes that a symptom's place stands for: of a switch, the ports that are planned on it."""
    if " ~ " in at or at.partition("/")[0] in state.nodes:
        return [at]
    leaf = at.partition("/")[0]
    ports = [f"{n.name}/hca/{p.hca}/port/1" for n in state.nodes.values() for p in n.ports if p.leaf == leaf]
    return ports or list(defect.nodes)


def _add(needs: Needs, check: str, parts: Iterable[str]) -> None:
    mine = needs.setdefault(check, [])
    mine += [part for part in dict.fromkeys(parts) if part not in mine][: MOST_NEEDS - len(mine)]


# ---------------------------------------------------------------------------------------------- what a run says


class Told:
    """The outcomes of a run by check, to be asked about parts."""

    def __init__(self, state: RunState) -> None:
        self._by_check: dict[str, list[Outcome]] = {}
        self._unsteady = state.unsteady
        for outcome in state.outcomes:
            self._by_check.setdefault(outcome.check, []).append(outcome)

    def good(self, check: str, part: str) -> bool:
        """Whether the check was judged good at a part, by a whole answer and with any partner."""
        passed = False
        for outcome in self._by_check.get(check, ()):
            if not _speaks_of(outcome, part) or (outcome.check, outcome.target) in self._unsteady:
                continue
            if outcome.verdict is Verdict.PASS or (settled(outcome) and outcome.why is Why.NOT_APPLICABLE):
                passed = True
            elif len(outcome.nodes) == 2 and outcome.target != FLEET:
                continue  # a pair blames either end; another partner may have shown that this one is good
            elif outcome.verdict is not Verdict.FAIL or _fails_at(outcome, part):
                return False
            else:
                passed = True  # it failed elsewhere, and told everything
        return passed

    def asked(self, needs: Mapping[str, Sequence[str]]) -> bool:
        """Whether the run has judged anything of it."""
        return any(
            outcome.verdict in (Verdict.PASS, Verdict.FAIL) and _speaks_of(outcome, part)
            for check, parts in needs.items()
            for outcome in self._by_check.get(check, ())
            for part in parts
        )

    def not_good(self, needs: Mapping[str, Sequence[str]]) -> list[str]:
        """The checks that were not judged good at every part."""
        return [check for check, parts in needs.items() if not all(self.good(check, part) for part in parts)]


def _speaks_of(outcome: Outcome, part: str) -> bool:
    """Whether an outcome is about a part; about both ends where the part is a pair of them."""
    if outcome.target == FLEET:
        return all(end.partition("/")[0] in outcome.nodes for end in part.split(" ~ "))
    mine = outcome.at or outcome.nodes
    return all(any(related(end, at) for at in mine) for end in part.split(" ~ "))


def _fails_at(outcome: Outcome, part: str) -> bool:
    """Whether a failure is at this part; one that does not say where is everywhere."""
    if outcome.reason:
        return True
    places = [at for at in _failed(outcome) for at in at.split(" ~ ")]
    return not places or any(related(at, end) for at in places for end in part.split(" ~ "))


def _failed(outcome: Outcome) -> Iterator[str]:
    yield from (m.at for m in outcome.measurements if m.limit is not None and not _holds(m))
    yield from (f.at for f in outcome.findings if f.weight is Weight.FAIL)


def _holds(measurement: Measurement) -> bool:
    try:
        return measurement.ok
    except ValueError:
        return False
