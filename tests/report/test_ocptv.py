"""OCP diag lines: one file a node, legal results, and nothing of another node in it. The runs are invented."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.invented_run import error, finding, nodes, pair, port, run, serial, single
from support.records import replace

from bringup.defects import Waiver
from bringup.model import Node
from bringup.report import ocptv
from bringup.run import RunState

FINE = [single("gpu.count", n) for n in nodes()]


def told(state: RunState, tmp_path: Path) -> dict[str, list[dict[str, Any]]]:
    ocptv.write(state, tmp_path)
    return {
        p.stem: [json.loads(line) for line in p.read_text().splitlines()] for p in tmp_path.glob("*.jsonl")
    }


def steps(lines: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    found = [line["testStepArtifact"] for line in lines if "testStepArtifact" in line]
    return [a[kind] for a in found if kind in a]


def end(lines: list[dict[str, Any]]) -> tuple[str, str]:
    said = lines[-1]["testRunArtifact"]["testRunEnd"]
    return said["status"], said["result"]


def test_every_node_has_a_file_that_begins_and_ends_as_it_must(tmp_path: Path) -> None:
    found = told(run("r", [*FINE, serial("n1", "OPTIC-7")]), tmp_path)
    assert set(found) == {"n1", "n2", "n3", "n4"}
    lines = found["n1"]
    assert [line["sequenceNumber"] for line in lines] == list(range(len(lines)))
    assert [line["timestamp"] for line in lines] == sorted(line["timestamp"] for line in lines)
    assert lines[0]["schemaVersion"] == {"major": 2, "minor": 0}
    start = lines[1]["testRunArtifact"]["testRunStart"]
    assert start["dutInfo"]["dutInfoId"] == "n1"
    assert [(h["name"], h["serialNumber"]) for h in start["dutInfo"]["hardwareInfos"]] == [
        ("node", "SN1"), ("optic", "OPTIC-7")
    ]  # fmt: skip
    assert end(lines) == ("COMPLETE", "PASS")


def test_a_defect_is_a_diagnosis_and_a_reading_has_its_limit(tmp_path: Path) -> None:
    bad = [
        single("link.rate", "n1", good=False, at=port("n1")),
        pair("n1", "n2", good=False),
        pair("n1", "n3", good=False),
    ]
    found = told(run("r", [*FINE, *bad, pair("n2", "n3")]), tmp_path)
    (diagnosis,) = steps(found["n1"], "diagnosis")
    assert (diagnosis["verdict"], diagnosis["type"]) == ("link-rate", "FAIL")
    assert diagnosis["subcomponent"]["location"] == port("n1")
    (bw,) = [m for m in steps(found["n1"], "measurement") if m["metadata"]["target"] == "n1 ~ n2 rail 0"]
    assert (bw["value"], bw["unit"]) == (170.0, "Gb/s")
    (validator,) = bw["validators"]
    assert (validator["type"], validator["value"]) == ("GREATER_THAN_OR_EQUAL", 380.0)
    assert end(found["n1"]) == ("COMPLETE", "FAIL")
    assert steps(found["n2"], "diagnosis") == []
    assert len([m for m in steps(found["n2"], "measurement") if m["name"] == "rdma.write-bw bw"]) == 2


def test_what_was_not_judged_is_an_error_and_no_pass(tmp_path: Path) -> None:
    found = told(run("r", [*FINE[:3], error("gpu.count", "n4")]), tmp_path)
    (said,) = steps(found["n4"], "error")
    assert said["symptom"] == "could-not-judge"
    assert "no answer" in said["message"]
    assert end(found["n4"]) == ("ERROR", "NOT_APPLICABLE")
    assert [s["status"] for s in steps(found["n4"], "testStepEnd")] == ["ERROR"]
    assert end(found["n1"]) == ("COMPLETE", "PASS")


def test_a_node_that_nobody_looked_at_has_no_result(tmp_path: Path) -> None:
    found = told(run("r", FINE[:3]), tmp_path)
    assert end(found["n4"]) == ("SKIP", "NOT_APPLICABLE")


def test_a_waived_defect_is_told_and_does_not_fail_the_node(tmp_path: Path) -> None:
    state = run("r", [*FINE, single("link.rate", "n1", good=False, at=port("n1"))])
    state.waivers = (Waiver(state.defects[0].id, "r", "o", "2030-01-01", 1.9e9),)
    found = told(state, tmp_path)
    assert len(steps(found["n1"], "diagnosis")) == 1
    assert end(found["n1"]) == ("COMPLETE", "PASS")


@pytest.mark.parametrize("hostile", ["\x1b[31mred", "a\nb", "\x00", "\ud800", "</x>", "x" * 100_000])
def test_what_a_node_says_breaks_no_line(tmp_path: Path, hostile: str) -> None:
    bad = finding("gpu.count", "n1", "GPU-LOST", "n1")
    bad = replace(bad, findings=(replace(bad.findings[0], message=hostile),))
    found = told(run("r", [*FINE[1:], bad]), tmp_path)
    assert end(found["n1"]) == ("COMPLETE", "FAIL")
    assert "\x1b" not in json.dumps(found["n1"], ensure_ascii=False)
    assert all(len(json.dumps(line)) < 20_000 for line in found["n1"])


def test_no_file_is_named_by_a_name_that_is_none(tmp_path: Path) -> None:
    folder = tmp_path / "ocp"
    members = {"../n9": Node("../n9"), **nodes(1)}
    assert [p.name for p in ocptv.write(run("r", FINE[:1], members=members), folder)] == ["n1.jsonl"]
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["n1.jsonl"]


def test_files_of_an_earlier_report_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "n9.jsonl").write_text("old")
    assert "n9" not in told(run("r", FINE), tmp_path)
