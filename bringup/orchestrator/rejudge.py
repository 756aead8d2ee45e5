"""Judges a finished run again from its kept outputs, with other profiles or checks, without touching the cluster."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

import msgspec

from bringup.check import AnyCheck, Outputs
from bringup.commands import Command, Output
from bringup.context import Context
from bringup.diagnosis import diagnose
from bringup.diagnosis.jobs import job_key
from bringup.errors import RunFolderError
from bringup.judging import judged
from bringup.model import (
    FLEET,
    STAGES,
    Group,
    Measurement,
    Node,
    Outcome,
    Pair,
    Target,
    Verdict,
    Why,
    pair_key,
)
from bringup.orchestrator.collector import refused
from bringup.orchestrator.earlier import Earlier
from bringup.orchestrator.evidence import output_of
from bringup.orchestrator.kept import ReadEvidence
from bringup.orchestrator.plan import make_case
from bringup.run import RunState


def rejudge(state: RunState, checks: Iterable[AnyCheck], ctx: Context, read: ReadEvidence) -> RunState:
    """A new state with the same nodes and outputs, judged anew. What has no output (not run) stays as it was.

    A check that no longer exists keeps its old outcome.
    """
    took_part = {check for check, _ in state.cases}
    by_id = {c.id: c for c in checks if c.id in took_part}
    fresh = dataclasses.replace(state, cases=dict.fromkeys(state.cases), by_node={}, stages={}, defects=[])
    fresh.stages = {s: dataclasses.replace(v, counts=type(v.counts)()) for s, v in state.stages.items()}
    readings: dict[tuple[str, str], list[Measurement]] = {}
    compared = {o.stage for o in state.outcomes if o.check in by_id and by_id[o.check].compares}
    earlier = {stage: Earlier(state.outcomes, stage, read) for stage in compared}
    for old in sorted(state.outcomes, key=lambda o: STAGES.index(o.stage)):
        check = by_id.get(old.check)
        again = old
        if check is not None:
            known = dataclasses.replace(
                ctx,
                readings={k: tuple(v) for k, v in readings.items()},
                listen_port=_port(old) or ctx.listen_port,
            )
            again = _again(old, check, state.nodes, known, read, earlier.get(old.stage))
            if check.collects:
                for m in again.measurements:
                    readings.setdefault((check.id, m.name), []).append(m)
        fresh._judged(again)
    fresh.defects = diagnose(fresh.outcomes, {c.id: c.faults for c in by_id.values()}, fresh.nodes)
    fresh.verdict = fresh.judge_run()
    return fresh


def _again(
    old: Outcome,
    check: AnyCheck,
    nodes: Mapping[str, Node],
    ctx: Context,
    read: ReadEvidence,
    earlier: Earlier | None,
) -> Outcome:
    """One result judged anew; as it was where there is nothing to judge, an error where its bytes are gone."""
    target = target_of(old, check, nodes)
    if target is None or not _can(old, target):
        return old
    outputs: dict[tuple[str, Command], Output] = {}
    try:
        for e in old.evidence:
            stdout, stderr = read(e)
            if (len(stdout), len(stderr)) != (e.stdout_bytes, e.stderr_bytes):
                raise RunFolderError(f"{e.file}: the kept output is not whole")
            outputs[e.node, e.command] = output_of(e, stdout, stderr)
    except RunFolderError as error:
        return msgspec.structs.replace(
            old, verdict=Verdict.ERROR, why=Why.NONE, reason=str(error), code="", error_at="", measurements=(), findings=()
        )  # fmt: skip
    case = make_case(check, target, ctx) if isinstance(target, Group) else None
    first = earlier.outputs(outputs) if earlier and check.compares else None
    if case and case.plan is None:
        fresh = refused(case, ctx)
    else:
        fresh = judged(check, target, Outputs(outputs, first), ctx)
    return msgspec.structs.replace(fresh, evidence=old.evidence, attempt=old.attempt)


def _can(old: Outcome, target: Target) -> bool:
    """Whether there is something to judge again: outputs, or a check of the fleet, which needs none."""
    if old.verdict is Verdict.NOT_RUN and old.why is not Why.NOT_APPLICABLE:
        return False
    return bool(old.evidence) or (isinstance(target, Group) and old.verdict is not Verdict.NOT_RUN)


def _port(old: Outcome) -> int:
    """The port on which the server of this test listened: the commands of the plan name it."""
    return next((e.command.listens for e in old.evidence if e.command.listens is not None), 0)


def target_of(outcome: Outcome, check: AnyCheck, nodes: Mapping[str, Node]) -> Target | None:
    """The target that an outcome speaks of, built again from the run's nodes."""
    if check.target is Group:
        if (job := job_key(outcome.target)) is not None:
            members = tuple(nodes[name] for name in outcome.nodes if name in nodes)
            return Group(outcome.target, members, tuple(map(int, job.rails)))
        return Group(FLEET, tuple(nodes.values())) if outcome.target == FLEET else None
    there = [nodes[name] for name in outcome.nodes if name in nodes]
    if check.target is Node:
        return there[0] if len(there) == 1 else None
    if len(there) != 2:
        return None
    said = pair_key(outcome.target)
    if said is None:
        return None
    a, b = there
    return Pair(a, b, said.rail, further=said.further, control=said.control)
