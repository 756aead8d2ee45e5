"""Exceptions and stricter rules: what makes a run READY, and that every report says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.invented_run import nodes, pair, port, run, single
from support.records import replace

from bringup.defects import Waiver
from bringup.errors import InventoryError
from bringup.inventory import load
from bringup.model import Level, ReadyRule, RunVerdict, Stage, Verdict
from bringup.report import defects, html, jsonreport, markdown, prometheus, summary, table, verdict
from bringup.run import RunState, fold

SLOW = single("link.rate", "n1", good=False, at=port("n1"))
FINE = [single("gpu.count", n) for n in nodes()]


def waived(state: RunState, what: str = "", signed: str = "") -> RunState:
    ident = what or state.defects[0].id
    state.waivers = (Waiver(ident, "spare on order", "Jane Doe", "2030-01-01", 1.9e9, signed=signed),)
    return state


def ruled(state: RunState, **rule: object) -> RunState:
    state.info = replace(state.info, ready=ReadyRule(**rule))  # type: ignore[arg-type]
    return state


def test_a_waived_defect_leaves_ready_and_every_report_names_the_exception() -> None:
    before = run("r", [SLOW, *FINE])
    assert verdict.verdict(before) is RunVerdict.NOT_READY
    state = waived(run("r", [SLOW, *FINE]))
    assert verdict.verdict(state) is RunVerdict.READY
    assert verdict.exit_code(state) == 0
    assert verdict.ready_nodes(state) == {"n1", "n2", "n3", "n4"}
    said = "accepted by Jane Doe until 2030-01-01, not signed: spare on order"
    plain = summary.Summary(state, {}, 0).plain(100)
    assert plain.startswith("READY   4 of 4 nodes ready   0 defects")
    assert "EXCEPTIONS (1), accepted as they are" in plain
    assert "HANDS ON" not in plain
    assert said in " ".join(plain.split())
    assert said in markdown.markdown(state).replace("\\", "")
    page = html.page(state)
    assert said in page
    assert "No defect was proven" in page
    document = jsonreport.document(state)
    assert document["exceptions"] == [
        {"what": state.defects[0].id, "reason": "spare on order", "owner": "Jane Doe", "until": "2030-01-01",
         "signed": "", "counts": True}
    ]  # fmt: skip
    assert "Jane Doe until 2030-01-01: spare on order" in table.defects_csv(state)
    assert 'bringup_exceptions{inventory="hall"} 1.0' in prometheus.textfile(state)
    assert "bringup_defects{" not in prometheus.textfile(state)
    assert json.loads(defects.as_json(state, state.defects))["defects"][0]["waived"] is True


def test_a_node_that_is_left_out_is_not_ready_and_does_not_count() -> None:
    state = waived(run("r", [SLOW, *FINE]), "n1")
    assert verdict.verdict(state) is RunVerdict.READY
    assert verdict.ready_nodes(state) == {"n2", "n3", "n4"}
    assert "left out as a whole" in summary.Summary(state, {}, 0).plain(100)


def test_an_exception_for_something_else_covers_nothing_and_is_not_told() -> None:
    state = waived(run("r", [SLOW, *FINE]), "D-000000")
    assert verdict.verdict(state) is RunVerdict.NOT_READY
    assert "EXCEPTIONS" not in summary.Summary(state, {}, 1).plain(100)


@pytest.mark.parametrize(
    ("rule", "signed", "wanted"),
    [
        ({}, "", RunVerdict.READY),
        ({"exceptions": False}, "Jane", RunVerdict.NOT_READY),
        ({"signed": True}, "", RunVerdict.NOT_READY),
        ({"signed": True}, "Jane", RunVerdict.READY),
    ],
)
def test_a_cluster_can_refuse_exceptions(rule: dict[str, bool], signed: str, wanted: RunVerdict) -> None:
    state = ruled(waived(run("r", [SLOW, *FINE]), signed=signed), **rule)
    assert verdict.verdict(state) is wanted
    if wanted is RunVerdict.NOT_READY:
        assert "does not count" in summary.Summary(state, {}, 1).plain(100)


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"level": Level.FULL}, "the inventory asks for level full, this run was standard"),
        ({"stages": (Stage.RDMA,)}, "the inventory asks for stage rdma, and nothing has passed there"),
        ({"whole": True}, "the inventory asks for the whole battery, this run was of -n n1"),
    ],
)
def test_a_cluster_can_ask_for_more(rule: dict[str, object], says: str) -> None:
    state = run("r", FINE, selection="-n n1")
    assert verdict.verdict(state) is RunVerdict.READY
    state = ruled(run("r", FINE, selection="-n n1"), **rule)
    assert verdict.verdict(state) is RunVerdict.INCOMPLETE
    assert says in " ".join(summary.Summary(state, {}, 3).plain(100).split())
    assert says in json.dumps(jsonreport.document(state)["not_judged"])


def test_what_more_asks_for_can_be_given() -> None:
    rule = {"level": Level.STANDARD, "stages": (Stage.RDMA, Stage.GPU), "whole": True}
    state = ruled(run("r", [*FINE, pair("n1", "n2")]), **rule)
    assert state.short_of() == []
    assert state.judge_run() is RunVerdict.READY


def test_a_pass_after_a_fail_is_neither() -> None:
    state = run("r", [*FINE, single("link.rate", "n1", good=False, at=port("n1")), single("link.rate", "n1")])
    state.defects = []
    assert state.cases["link.rate", "n1"].verdict is Verdict.PASS  # type: ignore[union-attr]
    assert state.judge_run() is RunVerdict.NOT_READY
    assert "n1" not in verdict.ready_nodes(state)
    said = summary.Summary(state, {}, 1).plain(100)
    assert "PASSED AFTER A FAIL (1), nobody knows why: repair and retest" in said
    assert "link.rate: n1" in said


def test_an_error_that_passes_when_asked_again_is_a_pass() -> None:
    again = single("link.rate", "n1", at=port("n1"), attempt=2)
    first = replace(again, verdict=Verdict.ERROR, attempt=1, reason="no answer")
    state = fold([*_events(FINE, first, again)])
    assert state.unsteady == set()


def _events(fine, *more):  # type: ignore[no-untyped-def]
    from support.invented_run import events_of

    return events_of("r", [*fine, *more])


def write(tmp_path: Path, ready: str) -> Path:
    path = tmp_path / "hall.yaml"
    path.write_text(f"name: hall\nnodes:\n  - names: n[1-2]\nready: {ready}\n")
    return path


def test_the_rule_is_read_from_the_inventory(tmp_path: Path) -> None:
    rule = load(write(tmp_path, "{level: full, stages: [rdma, collective], whole: true, signed: true}")).ready
    assert rule == ReadyRule(Level.FULL, (Stage.RDMA, Stage.COLLECTIVE), whole=True, signed=True)
    assert load(write(tmp_path, "{}")).ready == ReadyRule()


def test_mistakes_in_the_rule_are_told_all_at_once(tmp_path: Path) -> None:
    with pytest.raises(InventoryError) as caught:
        load(write(tmp_path, "{level: ful, stages: [rdm], whole: maybe, less: true}"))
    said = str(caught.value)
    for piece in (
        'ready.level: no "ful"',
        'ready.stages: no "rdm"',
        'ready.whole: needs true or false, got "maybe"',
        "less",
    ):
        assert piece in said
