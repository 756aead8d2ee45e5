"""What a report may claim about a run: its verdict, its exit code, which nodes are ready, what is open.

A journal can end anywhere. So nothing here trusts the absence of bad news: a node is ready only if something
was judged on it and nothing planned for it is missing, and a run without an end is never READY.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from bringup.defects import Defect, Who
from bringup.events import AnyEvent, Judged
from bringup.model import FLEET, Exit, Outcome, RunVerdict, Stage, Verdict, Why, pair_key
from bringup.run import RunState, settled

_WORST_FIRST = (RunVerdict.NOT_READY, RunVerdict.INCOMPLETE, RunVerdict.READY)
_EXITS = {
    RunVerdict.READY: Exit.READY,
    RunVerdict.NOT_READY: Exit.NOT_READY,
    RunVerdict.INCOMPLETE: Exit.INCOMPLETE,
}


def verdict(state: RunState) -> RunVerdict:
    """The worse of what the run said of itself and what its outcomes say; without an end never READY."""
    said = [state.judge_run()]
    if state.verdict is not None and not state.counted_waivers:  # the run itself knew of no exception
        said.append(state.verdict)
    if state.ended is None or state.aborted or not_reached(state):
        said.append(RunVerdict.INCOMPLETE)
    return next(v for v in _WORST_FIRST if v in said)


def exit_code(state: RunState) -> int:
    """0, 1 or 3. The command itself knows better when it was interrupted (130) or broke (4)."""
    return _EXITS[verdict(state)]


def nodes_of(state: RunState, target: str) -> tuple[str, ...]:
    """The nodes of a target that has no outcome. A group's members are not known then: all nodes."""
    if target in state.nodes:
        return (target,)
    pair = pair_key(target)
    if pair is not None and pair.a in state.nodes and pair.b in state.nodes:
        return (pair.a, pair.b)
    return tuple(state.nodes)


def open_nodes(state: RunState) -> set[str]:
    """Nodes for which a planned result is missing or was cut off by the end of the run."""
    targets = {target for _, target in state.missing}
    targets |= {o.target for o in state.outcomes if not o.nodes and not settled(o)}
    return {name for target in targets for name in nodes_of(state, target)}


def ready_nodes(state: RunState) -> set[str]:
    """Nodes on which something passed, everything planned was judged, and no defect was found that is not accepted.

    A pair that failed because of its other node does not count against this one, if this one has passed the same
    check with another partner.
    """
    if not_reached(state):
        return set()
    known = explained(state)
    accepted = {d.id for d in state.defects if (w := state.waiver_of(d)) is not None and w.what == d.id}
    bad = open_nodes(state) | {n for d in state.defects if d.id not in accepted for n in d.nodes}
    bad |= {waiver.what for waiver in state.counted_waivers}  # a node that is left out is none to be used
    bad |= {n for key in state.unsteady if (o := state.cases.get(key)) is not None for n in o.nodes}
    return {
        name
        for name in state.nodes
        if name not in bad and _good(name, state.by_node.get(name, []), known, accepted)
    }


def _good(
    name: str, outcomes: list[Outcome], known: Mapping[tuple[str, str], Defect], accepted: set[str]
) -> bool:
    passed = {o.check for o in outcomes if o.verdict is Verdict.PASS}
    return bool(passed) and all(
        settled(o)
        or (
            # A result of the whole fleet blames only the nodes that it names.
            (o.check in passed or o.target == FLEET)
            and (cause := known.get((o.check, o.target))) is not None
            and name not in cause.nodes
        )
        or ((cause := known.get((o.check, o.target))) is not None and cause.id in accepted)
        for o in outcomes
    )


def not_reached(state: RunState) -> list[str]:
    """Checks of the run for which nothing was planned because their stage never came to its end."""
    ended = {stage for stage, its in state.stages.items() if its.ended is not None}
    return [
        check
        for check in state.info.checks
        if check not in state.case_stage and stage_of(state, check) not in ended
    ]


def stage_of(state: RunState, check: str) -> Stage | None:
    """The stage of a check: as planned, else by its id."""
    known = state.case_stage.get(check)
    if known is not None:
        return known
    word = check.partition(".")[0]
    return next((stage for stage in Stage if stage.value == word), None)


def hole_reason(state: RunState) -> str:
    """Why a planned case has no outcome."""
    if state.aborted:
        at = f" at {utc(state.ended, ' ')} UTC" if state.ended and utc(state.ended) else ""
        return f"aborted{at}: {state.aborted}"
    if state.ended is not None:
        return "no result was recorded, although the run came to its end"
    return "the journal ends before its result; the run is still going or was cut off"


def utc(at: float, between: str = "T") -> str:
    """`2026-08-21T10:02:00`, in UTC; empty for a time that is none."""
    try:
        return datetime.fromtimestamp(at, UTC).strftime(f"%Y-%m-%d{between}%H:%M:%S") if at > 0 else ""
    except (ValueError, OverflowError, OSError):
        return ""


def explained(state: RunState) -> dict[tuple[str, str], Defect]:
    """The defect that explains a case, by (check, target)."""
    return {(s.check, s.target): defect for defect in state.defects for s in defect.explains}


def unexplained(state: RunState) -> Iterator[Outcome]:
    """Failed, unjudged and blocked outcomes that no defect accounts for.

    A result that was not run because of a quarantine is accounted for when one of its nodes has a defect.
    """
    known = explained(state)
    excused = state.excused()
    sick = {name for defect in state.defects for name in defect.nodes}
    for outcome in state.outcomes:
        key = (outcome.check, outcome.target)
        if settled(outcome) or key in known or key in excused:
            continue
        if outcome.why is Why.QUARANTINED and not sick.isdisjoint(outcome.nodes):
            continue
        yield outcome


def failed_before(events: Iterable[AnyEvent]) -> set[tuple[str, str]]:
    """Cases (check, target) that passed in the end after having failed within the same run."""
    failed: set[tuple[str, str]] = set()
    last: dict[tuple[str, str], Verdict] = {}
    for event in events:
        if isinstance(event, Judged):
            key = (event.outcome.check, event.outcome.target)
            last[key] = event.outcome.verdict
            if event.outcome.verdict is Verdict.FAIL:
                failed.add(key)
    return {key for key in failed if last[key] is Verdict.PASS}


def real_defects(state: RunState) -> list[Defect]:
    """Proven defects: not those that only say that something could not be judged, nor those that are waived."""
    return [d for d in state.defects if d.who is not Who.COULD_NOT_JUDGE and state.waiver_of(d) is None]
