"""The report as one JSON document for programs: `bringup.report/1`, described in docs/report-schema.json.

Fields are only ever added within a version; a change of meaning is a new version.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from bringup.commands import Evidence
from bringup.defects import Defect, Waiver
from bringup.inventory.names import natural_key
from bringup.model import Limit, Measurement, Outcome, Stage, Verdict
from bringup.report import text, words
from bringup.report import verdict as judge
from bringup.report.digest import causes, seconds, walking_key
from bringup.report.proof import Proof, Proofs
from bringup.report.serials import serials
from bringup.run import RunState

SCHEMA = "bringup.report/1"
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def document(
    state: RunState, *, full: bool = False, exit_code: int | None = None, proofs: Proofs | None = None
) -> dict[str, Json]:
    """The report; `full` adds every outcome, `proofs` the line of output that decided each defect.

    Give the exit code if it says more than the verdict.
    """
    proofs = proofs or Proofs(state)
    ready = judge.ready_nodes(state)
    defects = sorted(state.defects, key=lambda d: walking_key(state, d))
    by_node: dict[str, list[Json]] = {}
    for defect in defects:
        for name in dict.fromkeys(defect.nodes):
            by_node.setdefault(name, []).append(_said(defect.id))
    report: dict[str, Json] = {
        "schema": SCHEMA,
        "run": _run(state),
        "verdict": judge.verdict(state).value,
        "exit_code": judge.exit_code(state) if exit_code is None else exit_code,
        "counts": _counts(state, len(ready)),
        "stages": [_stage(state, stage) for stage in state.stages],
        "nodes": [
            {
                "name": _said(node.name),
                "rack": _said(node.rack),
                "unit": _said(node.unit),
                "serial": _said(node.serial),
                "ready": node.name in ready,
                "defects": by_node.get(node.name, []),
            }
            for node in state.nodes.values()
        ],
        "defects": [defect_row(state, defect, proofs.of(defect)) for defect in defects],
        "exceptions": [_exception(state, waiver) for waiver in state.waivers],
        "not_judged": _not_judged(state),
        "notes": [{"at": _number(at), "text": _said(note)} for at, note in state.notes],
    }
    if full:
        report["outcomes"] = [_outcome(outcome) for outcome in state.outcomes]
    return report


def write(
    state: RunState,
    path: Path,
    *,
    full: bool = False,
    exit_code: int | None = None,
    proofs: Proofs | None = None,
) -> None:
    """Write the report; the file appears complete or not at all."""
    draft = path.with_name(f".{path.name}.tmp")
    said = json.dumps(
        document(state, full=full, exit_code=exit_code, proofs=proofs),
        indent=1,
        allow_nan=False,
        ensure_ascii=False,
    )
    try:
        draft.write_text(said + "\n", encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def defect_row(state: RunState, defect: Defect, proof: Proof | None = None) -> dict[str, Json]:
    """One defect. `who`, `code`, `severity` and `stage` are stable words; the other texts are for people."""
    place = defect.place
    if not place and len(defect.nodes) == 1 and defect.nodes[0] in state.nodes:
        place = state.nodes[defect.nodes[0]].place
    return {
        "id": _said(defect.id),
        "code": _said(defect.code),
        "who": defect.who.value,
        "severity": defect.severity.value,
        "stage": defect.stage.value,
        "nodes": [_said(name) for name in defect.nodes],
        "component": _said(defect.component),
        "components": [_said(path) for path in defect.components or (defect.component,)],
        "waived": state.waiver_of(defect) is not None,
        "place": _said(place),
        "cable": _said(defect.cable),
        "far_end": _said(defect.far_end),
        "title": _said(defect.title),
        "measured": _said(defect.measured),
        "expected": _said(defect.expected),
        "action": _said(defect.action),
        "ruled_out": [_said(item) for item in defect.ruled_out],
        "explains": [
            {
                "check": _said(symptom.check),
                "target": _said(symptom.target),
                "code": _said(symptom.code),
                "at": _said(symptom.at),
                "text": _said(symptom.text),
            }
            for symptom in defect.explains
        ],
        "serials": [
            {"what": s.kind, "value": _said(s.serial), "at": _said(s.at)} for s in serials(state, defect)
        ],
        "decided_by": _proof(proof) if proof else None,
    }


def _proof(proof: Proof) -> Json:
    return {
        "check": _said(proof.check),
        "node": _said(proof.node),
        "command": _said(proof.command),
        "stream": proof.stream,
        "file": _said(proof.file),
        "offset": proof.offset,
        "line": proof.line,
        "text": _said(proof.said),
    }


def _exception(state: RunState, waiver: Waiver) -> Json:
    """A recorded exception, and whether the cluster's rule lets it count."""
    return {
        "what": _said(waiver.what),
        "reason": _said(waiver.reason),
        "owner": _said(waiver.owner),
        "until": _said(waiver.day),
        "signed": _said(waiver.signed),
        "counts": waiver in state.counted_waivers,
    }


def _run(state: RunState) -> dict[str, Json]:
    info = state.info
    return {
        "id": _said(info.id),
        "name": _said(info.name),
        "level": info.level.value,
        "version": _said(info.version),
        "started": _number(info.started) if info.started else None,
        "ended": _number(state.ended),
        "seconds": _number(seconds(state)),
        "aborted": _said(state.aborted),
        "stages": [stage.value for stage in info.stages],
        "checks": [_said(check) for check in info.checks],
        "selection": _said(info.selection),
    }


def _counts(state: RunState, ready: int) -> dict[str, Json]:
    verdicts = Counter(outcome.verdict for outcome in state.outcomes)
    return {
        "nodes": len(state.nodes),
        "nodes_ready": ready,
        "cases": len(state.cases),
        **_by_verdict(verdicts),
        "missing": len(state.missing),
        "defects": len(judge.real_defects(state)),
    }


def _by_verdict(counts: Mapping[Verdict, int]) -> dict[str, Json]:
    return {verdict.value.replace("-", "_"): counts.get(verdict, 0) for verdict in Verdict}


def _stage(state: RunState, stage: Stage) -> dict[str, Json]:
    its = state.stages[stage]
    took = its.ended - its.started if its.ended is not None and its.started is not None else None
    return {
        "stage": stage.value,
        "cases": its.cases,
        **_by_verdict(its.counts),
        "missing": max(0, its.cases - its.done),
        "started": _number(its.started),
        "seconds": _number(took),
    }


def _not_judged(state: RunState) -> list[Json]:
    """Groups of unjudged and blocked results that no defect explains, and what has no result at all."""
    open_results = [o for o in judge.unexplained(state) if o.verdict in (Verdict.ERROR, Verdict.NOT_RUN)]
    rows: list[Json] = [
        _group(cause.nodes, cause.reason, cause.code, cause.checks) for cause in causes(open_results)
    ]
    rows += [_group((), said, "", Counter()) for said in state.short_of()]
    reason = judge.hole_reason(state)
    if state.missing:
        nodes = sorted(judge.open_nodes(state), key=natural_key)
        rows.append(_group(nodes, f"not run: {reason}", "", Counter(check for check, _ in state.missing)))
    unreached = judge.not_reached(state)
    if unreached:
        checks = Counter(dict.fromkeys(unreached, 0))
        rows.append(_group(state.nodes, f"not run: {reason}; its stage was not reached", "", checks))
    return rows


def _group(nodes: Iterable[str], reason: str, code: str, checks: Counter[str]) -> Json:
    return {
        "nodes": [_said(name) for name in nodes],
        "reason": _said(reason),
        "code": _said(code),
        "results": checks.total(),
        "checks": {_said(check): count for check, count in checks.items()},
    }


def _outcome(outcome: Outcome) -> dict[str, Json]:
    return {
        "check": _said(outcome.check),
        "stage": outcome.stage.value,
        "target": _said(outcome.target),
        "nodes": [_said(name) for name in outcome.nodes],
        "verdict": outcome.verdict.value,
        "why": outcome.why.value,
        "reason": _said(outcome.reason),
        "code": _said(words.code_of(outcome)),
        "attempt": outcome.attempt,
        "seconds": _number(outcome.seconds),
        "ended": _number(outcome.ended),
        "measurements": [_measurement(m) for m in outcome.measurements],
        "findings": [
            {"code": _said(f.code), "message": _said(f.message), "at": _said(f.at), "weight": f.weight.value}
            for f in outcome.findings
        ],
        "evidence": [_evidence(e) for e in outcome.evidence],
    }


def _measurement(measurement: Measurement) -> dict[str, Json]:
    return {
        "name": _said(measurement.name),
        "value": _value(measurement.value),
        "unit": _said(measurement.unit),
        "at": _said(measurement.at),
        "ok": words.holds(measurement),
        "limit": _limit(measurement.limit),
    }


def _limit(limit: Limit | None) -> Json:
    if limit is None:
        return None
    return {
        "name": _said(limit.name),
        "op": _said(limit.op),
        "value": _value(limit.value),
        "unit": _said(limit.unit),
        "why": _said(limit.why),
        "source": _said(limit.source),
    }


def _evidence(evidence: Evidence) -> dict[str, Json]:
    return {
        "node": _said(evidence.node),
        "file": _said(evidence.file),
        "offset": evidence.offset,
        "stdout_bytes": evidence.stdout_bytes,
        "stderr_bytes": evidence.stderr_bytes,
        "command": _said(evidence.command.script),
        "ended": evidence.ended.value,
        "status": evidence.status,
        "seconds": _number(evidence.seconds),
    }


def _said(value: str) -> str:
    """Text of a node or a person, clean."""
    return text.clean(value)


def _value(value: float | str | bool) -> Json:
    """A measured value; a number that JSON cannot hold becomes text."""
    if isinstance(value, str):
        return _said(value)
    return value if math.isfinite(value) else str(value)


def _number(value: float | None) -> float | None:
    return round(value, 3) if value is not None and math.isfinite(value) else None
