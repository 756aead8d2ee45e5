"""A run as OCP Test & Validation output: JSON lines, one file a node, because the format knows one device a run.

A stage is a test step, a reading a measurement with its limit as validator, a defect a diagnosis, what could not be
judged an error, kept output a file. A proven failure is FAIL whatever else happened; a node on which something was not
judged and nothing failed has no result (ERROR, NOT_APPLICABLE), because missing data is never a pass.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bringup.defects import Defect, Who
from bringup.inventory.names import is_name
from bringup.life.parts import Part, parts
from bringup.model import FLEET, Limit, Measurement, Node, Outcome, Stage, Verdict, Weight
from bringup.report import text, words
from bringup.report import verdict as judge
from bringup.run import RunState, settled

MAJOR, MINOR = 2, 0
_TYPES = {
    ">=": "GREATER_THAN_OR_EQUAL",
    "<=": "LESS_THAN_OR_EQUAL",
    ">": "GREATER_THAN",
    "<": "LESS_THAN",
    "==": "EQUAL",
    "!=": "NOT_EQUAL",
}
_MOST_TEXT = 2_000
_VERSIONS = "host.software"
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def write(state: RunState, folder: Path) -> list[Path]:
    """Write `<node>.jsonl` for every node of the run; returns them."""
    folder.mkdir(parents=True, exist_ok=True)
    there, ready = list(parts(state)), judge.ready_nodes(state)
    written: list[Path] = []
    for name in state.nodes:
        if not is_name(name):  # a file's name is never made of anything else
            continue
        path = folder / f"{name}.jsonl"
        draft = folder / f".{name}.tmp"
        draft.write_text("".join(f"{line}\n" for line in lines(state, name, there, ready)), encoding="utf-8")
        draft.replace(path)
        written.append(path)
    for stale in folder.glob("*.jsonl"):
        if stale not in written:
            stale.unlink()
    return written


def lines(state: RunState, name: str, there: Sequence[Part], ready: Collection[str]) -> Iterator[str]:
    """The lines of one node's file. `there` are the parts of the whole run, `ready` the nodes that are ready."""
    stamp = state.info.started
    for number, (at, artifact) in enumerate(_artifacts(state, state.nodes[name], there, ready)):
        stamp = max(stamp, at)
        yield json.dumps(
            {**artifact, "sequenceNumber": number, "timestamp": _time(stamp)},
            ensure_ascii=False,
            allow_nan=False,
        )


def _artifacts(
    state: RunState, node: Node, there: Sequence[Part], ready: Collection[str]
) -> Iterator[tuple[float, dict[str, Json]]]:
    mine = _outcomes(state, node.name)
    yield 0.0, {"schemaVersion": {"major": MAJOR, "minor": MINOR}}
    yield state.info.started, {"testRunArtifact": {"testRunStart": _start(state, node, there)}}
    by_stage: dict[Stage, list[Outcome]] = {}
    for outcome in mine:
        by_stage.setdefault(outcome.stage, []).append(outcome)
    hardware = {part.at: f"hw-{i}" for i, part in enumerate(_hardware(node, there))}
    defects = [d for d in state.defects if node.name in d.nodes]
    for number, (stage, outcomes) in enumerate(by_stage.items(), 1):
        step = str(number)
        its = state.stages.get(stage)
        began = its.started if its and its.started else 0.0
        yield began, _step(step, "testStepStart", {"name": stage.value})
        for outcome in outcomes:
            for said in _said(outcome, node.name, hardware):
                yield outcome.ended, _step(step, *said)
        for defect in defects:
            if defect.stage is stage:
                yield 0.0, _step(step, "diagnosis", _diagnosis(defect, hardware))
        ended = its.ended if its and its.ended else 0.0
        yield ended, _step(step, "testStepEnd", {"status": _status(outcomes)})
    status, result = _result(state, node.name in ready, mine, defects)
    yield state.ended or state.at, {"testRunArtifact": {"testRunEnd": {"status": status, "result": result}}}


def _step(step: str, kind: str, what: dict[str, Json]) -> dict[str, Json]:
    return {"testStepArtifact": {"testStepId": step, kind: what}}


def _start(state: RunState, node: Node, there: Sequence[Part]) -> dict[str, Json]:
    software = [
        (m.name, m.value)
        for o in state.by_node.get(node.name, ())
        if o.check == _VERSIONS
        for m in o.measurements
        if isinstance(m.value, str)
    ]
    parameters: dict[str, Json] = {
        "run": _text(state.info.id),
        "level": state.info.level.value,
        "selection": _text(state.info.selection),
    }
    return {
        "name": "bringup",
        "version": _text(state.info.version) or "unknown",
        "commandLine": "bringup run",
        "parameters": parameters,
        "dutInfo": {
            "dutInfoId": _text(node.name),
            "name": _text(node.name),
            "platformInfos": [{"info": _text(node.profile)}] if node.profile else [],
            "softwareInfos": [
                {"softwareInfoId": f"sw-{i}", "name": _text(name), "version": _text(version)}
                for i, (name, version) in enumerate(software)
            ],
            "hardwareInfos": [
                {"hardwareInfoId": f"hw-{i}", "name": part.kind, "serialNumber": _text(part.serial),
                 "location": _text(part.at)}
                for i, part in enumerate(_hardware(node, there))
            ],
        },
    }  # fmt: skip


def _hardware(node: Node, there: Sequence[Part]) -> list[Part]:
    """The parts of a node that have serial numbers, each place once."""
    mine = [p for p in there if p.at.partition("/")[0] == node.name]
    return list({part.at: part for part in mine}.values())


def _outcomes(state: RunState, name: str) -> list[Outcome]:
    """Everything that was said of a node; of a comparison of the fleet only where it names the node."""
    return [
        o
        for o in state.by_node.get(name, ())
        if o.target != FLEET
        or any(_on(m.at, name) for m in o.measurements)
        or any(_on(f.at, name) for f in o.findings)
    ]


def _on(at: str, name: str) -> bool:
    return any(end.partition("/")[0] == name for end in at.split(" ~ "))


def _said(outcome: Outcome, name: str, hardware: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Json]]]:
    """The artifacts of one result."""
    fleet = outcome.target == FLEET
    for m in outcome.measurements:
        if not fleet or _on(m.at, name):
            yield "measurement", _measurement(m, outcome, hardware)
    if outcome.verdict is Verdict.ERROR:
        symptom = words.code_of(outcome) or "could-not-judge"
        said = f"{outcome.check} {outcome.target}: {words.describe(outcome, _MOST_TEXT)}"
        yield "error", {"symptom": _symptom(symptom), "message": _text(said)}
    elif outcome.verdict is Verdict.NOT_RUN:
        yield "log", {"severity": "INFO", "message": _text(f"{outcome.check} {words.describe(outcome)}")}
    elif outcome.verdict is Verdict.FAIL:
        for f in outcome.findings:
            if f.weight is Weight.FAIL and (not fleet or _on(f.at, name)):
                yield (
                    "log",
                    {
                        "severity": "ERROR",
                        "message": _text(f"{outcome.check} {f.code} at {f.at}: {f.message}"),
                    },
                )
    for piece in outcome.evidence:
        if piece.node == name and outcome.verdict in (Verdict.FAIL, Verdict.ERROR):
            yield (
                "file",
                {"displayName": _text(piece.file), "uri": f"file:{_text(piece.file)}", "isSnapshot": True},
            )


def _measurement(m: Measurement, outcome: Outcome, hardware: Mapping[str, str]) -> dict[str, Json]:
    said: dict[str, Json] = {
        "name": _text(f"{outcome.check} {m.name}"),
        "value": _value(m.value),
        "subcomponent": {"name": _text(words.part(m.at) or m.at), "location": _text(m.at)},
        "metadata": {"check": _text(outcome.check), "target": _text(outcome.target)},
    }
    if m.unit:
        said["unit"] = _text(m.unit)
    if m.at in hardware:
        said["hardwareInfoId"] = hardware[m.at]
    if m.limit is not None and m.limit.op in _TYPES:
        said["validators"] = [_validator(m.limit)]
    return said


def _validator(limit: Limit) -> dict[str, Json]:
    return {
        "name": _text(limit.name),
        "type": _TYPES[limit.op],
        "value": _value(limit.value),
        "metadata": {"source": _text(limit.source), "why": _text(limit.why)},
    }


def _diagnosis(defect: Defect, hardware: Mapping[str, str]) -> dict[str, Json]:
    unknown = defect.who is Who.COULD_NOT_JUDGE
    at = (defect.components or (defect.component,))[0]
    said: dict[str, Json] = {
        "verdict": _symptom(defect.code),
        "type": "UNKNOWN" if unknown else "FAIL",
        "message": _text(f"{defect.id} {defect.title}: {defect.action}"),
        "subcomponent": {"name": _text(words.part(at) or at), "location": _text(at)},
    }
    if at in hardware:
        said["hardwareInfoId"] = hardware[at]
    return said


def _status(outcomes: list[Outcome]) -> str:
    if any(o.verdict is Verdict.ERROR for o in outcomes):
        return "ERROR"
    judged = any(o.verdict in (Verdict.PASS, Verdict.FAIL) for o in outcomes)
    return "COMPLETE" if judged else "SKIP"


def _result(state: RunState, ready: bool, mine: list[Outcome], defects: list[Defect]) -> tuple[str, str]:
    """Status and result of a node. The format allows PASS and FAIL only for what is COMPLETE."""
    if any(d.who is not Who.COULD_NOT_JUDGE and state.waiver_of(d) is None for d in defects):
        return "COMPLETE", "FAIL"
    if ready:
        return "COMPLETE", "PASS"
    skipped = mine and all(o.verdict is Verdict.NOT_RUN for o in mine) and all(map(settled, mine))
    return ("SKIP" if skipped or not mine else "ERROR"), "NOT_APPLICABLE"


def _symptom(code: str) -> str:
    return text.line(code, 60).lower()


def _text(said: str) -> str:
    return text.line(said, _MOST_TEXT)


def _value(value: float | str | bool) -> Json:
    if isinstance(value, str):
        return _text(value)
    return value if math.isfinite(value) else str(value)


def _time(at: float) -> str:
    """RFC 3339 with milliseconds."""
    moment = datetime.fromtimestamp(at if 0 <= at < 1e11 else 0.0, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"
