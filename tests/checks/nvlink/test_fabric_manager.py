"""nvlink.fabric-manager: running, failed, not installed, not wanted."""

from __future__ import annotations

import pytest

from bringup.commands import Ended
from bringup.errors import NoLimit, NotApplicable
from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers import systemd

UNIT = systemd.unit("nvidia-fabricmanager")
SHOW = "Id=nvidia-fabricmanager.service\nLoadState={}\nActiveState={}\nSubState={}\nResult={}\n"


@pytest.fixture
def check(load_check):
    return load_check("nvlink/fabric_manager.py")


def test_running(check, node, hgx, make_outputs, values) -> None:
    out = make_outputs({UNIT: SHOW.format("loaded", "active", "running", "success")})
    outcome = judged(check, node, out, hgx())
    assert (outcome.verdict, outcome.findings) == (Verdict.PASS, ())
    assert values(outcome) == [("nvlink.fm.state", "gpu-001", "active", True)]


@pytest.mark.parametrize(
    ("load", "active", "sub", "result", "state"),
    [
        ("loaded", "failed", "failed", "signal", "failed"),
        ("loaded", "inactive", "dead", "success", "inactive"),
        ("loaded", "activating", "auto-restart", "exit-code", "activating"),
        ("not-found", "inactive", "dead", "success", "not-found"),
        ("masked", "inactive", "dead", "success", "masked"),
    ],
)
def test_not_running(check, node, hgx, make_outputs, values, load, active, sub, result, state) -> None:
    outcome = judged(check, node, make_outputs({UNIT: SHOW.format(load, active, sub, result)}), hgx())
    assert outcome.verdict is Verdict.FAIL
    assert values(outcome) == [("nvlink.fm.state", "gpu-001", state, False)]
    assert [m.code for m in outcome.measurements] == ["FM-DOWN"]
    assert outcome.findings[0].message == (
        f"nvidia-fabricmanager.service: {load}, {active} ({sub}), result {result}"
    )


def test_answers_that_cannot_be_judged(check, node, hgx, make_outputs, answer) -> None:
    unknown = judged(check, node, make_outputs({UNIT: "System has not been booted with systemd\n"}), hgx())
    assert (unknown.verdict, unknown.code) == (Verdict.ERROR, "OUTPUT-UNKNOWN")
    missing = make_outputs({UNIT: answer(ended=Ended.MISSING, detail="systemctl")})
    assert judged(check, node, missing, hgx()).code == "TOOL-MISSING"
    failed = judged(
        check, node, make_outputs({UNIT: answer(status=1, stderr="Failed to connect to bus")}), hgx()
    )
    assert failed.verdict is Verdict.ERROR
    assert "Failed to connect to bus" in failed.reason


def test_a_node_whose_switches_are_managed_elsewhere(check, node, hgx) -> None:
    with pytest.raises(NotApplicable):
        check.plan(node, hgx(facts={"nvlink.fabric_manager": False}))


def test_a_fact_that_is_neither_true_nor_false(check, node, hgx) -> None:
    with pytest.raises(NoLimit, match="needed true or false"):
        check.plan(node, hgx(facts={"nvlink.fabric_manager": "yes"}))
