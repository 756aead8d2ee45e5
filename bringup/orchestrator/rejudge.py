"""Judges a finished run again from its kept outputs, with other profiles or checks, without touching the cluster."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

from bringup.check import AnyCheck, Context, Outputs, judged
from bringup.diagnosis import diagnose
from bringup.model import (
    FLEET,
    STAGES,
    Evidence,
    Group,
    Measurement,
    Node,
    Outcome,
    Pair,
    Target,
    Verdict,
    Why,
)
from bringup.orchestrator.evidence import output_of
from bringup.run import RunState

Reader = Callable[[Evidence], tuple[bytes, bytes]]


def rejudge(state: RunState, checks: Iterable[AnyCheck], ctx: Context, read: Reader) -> RunState:
    """A new state with the same nodes and outputs, judged anew. What has no output (not run) stays as it was.

    A check that no longer exists keeps its old outcome.
    """
    by_id = {c.id: c for c in checks}
    fresh = dataclasses.replace(state, cases=dict.fromkeys(state.cases), by_node={}, stages={}, defects=[])
    fresh.stages = {s: dataclasses.replace(v, counts=type(v.counts)()) for s, v in state.stages.items()}
    readings: dict[tuple[str, str], list[Measurement]] = {}
    for old in sorted(state.outcomes, key=lambda o: STAGES.index(o.stage)):
        check = by_id.get(old.check)
        target = target_of(old, state.nodes)
        again = old
        if check is not None and target is not None and _can(old):
            outputs = {(e.node, e.command): output_of(e, *read(e)) for e in old.evidence}
            known = dataclasses.replace(
                ctx, readings={k: tuple(v) for k, v in readings.items()}, listen_port=_port(old)
            )
            again = dataclasses.replace(
                judged(check, target, Outputs(outputs), known), evidence=old.evidence, attempt=old.attempt
            )
        if check is not None and check.collects:
            for m in again.measurements:
                readings.setdefault((check.id, m.name), []).append(m)
        fresh._judged(again)
    faults = {c.id: c.faults for c in by_id.values()}
    fresh.defects = diagnose(fresh.outcomes, faults, fresh.nodes)
    fresh.verdict = fresh.judge_run()
    return fresh


def _can(old: Outcome) -> bool:
    """Whether there is something to judge again: outputs, or a check of the fleet, which needs none."""
    if old.verdict is Verdict.NOT_RUN and old.why is not Why.NOT_APPLICABLE:
        return False
    return bool(old.evidence) or (old.target == FLEET and old.verdict is not Verdict.NOT_RUN)


def _port(old: Outcome) -> int:
    """The port on which the server of this test listened: the commands of the plan name it."""
    return next((e.command.listens for e in old.evidence if e.command.listens is not None), 0)


def target_of(outcome: Outcome, nodes: dict[str, Node]) -> Target | None:
    """The target that an outcome speaks of, built again from the run's nodes."""
    if outcome.target == FLEET:
        return Group(FLEET, tuple(nodes.values()))
    there = [nodes[name] for name in outcome.nodes if name in nodes]
    if len(there) == 1 and outcome.target == there[0].name:
        return there[0]
    if len(there) == 2:
        rail = outcome.target.rpartition(" rail ")
        return Pair(there[0], there[1], int(rail[2]) if rail[1] and rail[2].isdigit() else None)
    return None
