"""The JSON report against its published schema. All runs are invented."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from support.records import replace

from bringup import events as ev
from bringup.model import Exit, Measurement, Verdict
from bringup.report import jsonreport
from bringup.report.verdict import verdict
from bringup.run import RunState

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report-schema.json").read_text())
KINDS = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "integer": int}
KNOWN = {
    "$ref",
    "type",
    "required",
    "properties",
    "additionalProperties",
    "items",
    "enum",
    "const",
    "minimum",
}
TOLD = {"$schema", "$id", "$defs", "title", "description"}


def is_kind(value: object, kind: str) -> bool:
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return isinstance(value, KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))


def problems(value: Any, schema: dict[str, Any], where: str = "$") -> list[str]:
    """What breaks the schema, and what it does not tell about. Refuses words of a schema that it does not know.

    The published schema lets later versions add fields; here every field must be in it.
    """
    assert set(schema) <= KNOWN | TOLD, set(schema) - KNOWN - TOLD
    found: list[str] = []
    if "$ref" in schema:
        found += problems(value, SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")], where)
    if "const" in schema and value != schema["const"]:
        found.append(f"{where}: {value!r}")
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{where}: {value!r} is none of {schema['enum']}")
    kinds = schema.get("type", [])
    if kinds and not any(is_kind(value, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)):
        return [*found, f"{where}: {value!r} is no {kinds}"]
    if "minimum" in schema and value is not None and value < schema["minimum"]:
        found.append(f"{where}: {value!r}")
    if isinstance(value, dict):
        found += [f"{where}: no {name}" for name in schema.get("required", []) if name not in value]
        for name, inner in value.items():
            others = schema.get("additionalProperties", False if "properties" in schema else {})
            rule = schema.get("properties", {}).get(name, others)
            found += (
                [f"{where}.{name}: unknown"] if rule is False else problems(inner, rule, f"{where}.{name}")
            )
    if isinstance(value, list):
        for index, inner in enumerate(value):
            found += problems(inner, schema.get("items", {}), f"{where}[{index}]")
    return found


@pytest.fixture(params=["ready", "broken", "aborted", "hostile"])
def any_run(request: pytest.FixtureRequest) -> RunState:
    state: RunState = request.getfixturevalue(request.param)
    return state


@pytest.mark.parametrize("full", [True, False])
def test_every_report_keeps_the_schema(any_run: RunState, full: bool, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    jsonreport.write(any_run, path, full=full)
    assert list(tmp_path.iterdir()) == [path]
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document == json.loads(json.dumps(jsonreport.document(any_run, full=full)))
    assert problems(document, SCHEMA) == []
    assert next(iter(document)) == "schema"
    assert ("outcomes" in document) is full


def test_the_validator_sees_mistakes(ready: RunState) -> None:
    document = jsonreport.document(ready, full=True)
    assert problems({**document, "new": 1}, SCHEMA) == ["$.new: unknown"]
    assert problems({**document, "verdict": "FINE"}, SCHEMA) != []
    assert problems({**document, "exit_code": "0"}, SCHEMA) != []
    del document["nodes"]
    assert problems(document, SCHEMA) == ["$: no nodes"]


def test_schema_and_document_have_the_same_fields(broken: RunState) -> None:
    document = jsonreport.document(broken, full=True)
    assert [*document, "files"] == list(SCHEMA["properties"])
    assert list(document["defects"][0]) == SCHEMA["$defs"]["defect"]["required"]  # type: ignore[index,call-overload,arg-type]


def test_ready_run(ready: RunState) -> None:
    document = jsonreport.document(ready)
    assert (document["verdict"], document["exit_code"]) == ("READY", 0)
    assert document["counts"] == {
        "nodes": 8,
        "nodes_ready": 8,
        "cases": 20,
        "pass": 20,
        "fail": 0,
        "error": 0,
        "not_run": 0,
        "missing": 0,
        "defects": 0,
    }
    assert document["defects"] == document["not_judged"] == document["notes"] == []


def test_broken_run(broken: RunState) -> None:
    document = jsonreport.document(broken)
    assert (document["verdict"], document["exit_code"]) == ("NOT READY", 1)
    assert document["counts"] == {
        "nodes": 16,
        "nodes_ready": 3,
        "cases": 56,
        "pass": 48,
        "fail": 2,
        "error": 3,
        "not_run": 3,
        "missing": 0,
        "defects": 5,
    }
    defects: Any = document["defects"]
    assert [(d["id"], d["who"], d["place"], d["nodes"]) for d in defects] == [
        ("D-09EA", "hands-on", "R01 U8", ["gpu-003"]),
        ("D-067D", "could-not-judge", "R01 U16", ["gpu-007"]),
        ("D-06E0", "configuration", "", ["gpu-009", "gpu-010", "gpu-011"]),
        ("D-0646", "hands-on", "R02 U10", ["gpu-012"]),
        ("D-0406", "software", "R02 U14", ["gpu-014"]),
        ("D-0AB1", "plan", "", ["gpu-015", "gpu-016"]),
    ]
    assert document["not_judged"] == [
        {
            "nodes": ["gpu-005", "gpu-006"],
            "reason": "nvidia-smi did not answer within 30 s",
            "code": "COMMAND-HANGS",
            "results": 2,
            "checks": {"gpu.present": 2},
        }
    ]
    nodes: Any = document["nodes"]
    assert {n["name"] for n in nodes if n["ready"]} == {"gpu-001", "gpu-002", "gpu-013"}
    assert [n["defects"] for n in nodes if n["name"] == "gpu-003"] == [["D-09EA"]]


def test_aborted_run_lists_its_holes(aborted: RunState) -> None:
    document = jsonreport.document(aborted, exit_code=Exit.INTERRUPTED)
    assert (document["verdict"], document["exit_code"]) == ("NOT READY", 130)
    reason = "not run: aborted at 2026-08-21 10:02:09 UTC: interrupted"
    assert document["not_judged"] == [
        {
            "nodes": ["gpu-003", "gpu-004"],
            "reason": reason,
            "code": "",
            "results": 2,
            "checks": {"link.rate": 2},
        },
        {
            "nodes": ["gpu-001", "gpu-002", "gpu-003", "gpu-004"],
            "reason": f"{reason}; its stage was not reached",
            "code": "",
            "results": 0,
            "checks": {"rdma.write-bw": 0},
        },
    ]


def test_numbers_that_json_cannot_hold_become_text(ready: RunState) -> None:
    odd = (Measurement("a", math.nan, "", "gpu-001"), Measurement("b", -math.inf, "", "gpu-001"))
    outcome = replace(ready.outcomes[0], measurements=odd, seconds=math.inf, verdict=Verdict.PASS)
    ready.apply(ev.Judged(outcome=outcome))
    document: Any = jsonreport.document(ready, full=True)
    first = next(o for o in document["outcomes"] if o["measurements"])
    assert ([m["value"] for m in first["measurements"]], first["seconds"]) == (["nan", "-inf"], None)
    json.dumps(document, allow_nan=False)


def test_verdict_is_never_better_than_what_is_known(ready: RunState) -> None:
    assert verdict(ready).value == "READY"
    ready.apply(ev.Planned(stage=ready.outcomes[0].stage, check="reach.late", targets=["gpu-001"]))
    assert verdict(ready).value == "INCOMPLETE"
