"""gpu.dcgm-health and gpu.dcgm-diag: what the vendor's tool says, and what it did not say."""

from __future__ import annotations

import json

import pytest

from bringup.commands import Ended
from bringup.judging import judged
from bringup.model import Level, Verdict, Why
from bringup.parsers.dcgmi_diag import diag
from bringup.parsers.dcgmi_health import HEALTH

FILES = {"gpu/dcgm_health.py": HEALTH, "gpu/dcgm_diag.py": diag(1)}
PASSED = "dcgmi/04-diag-r1-json-pass.json"
FAILED = "dcgmi/05-diag-r1-json-fail.json"


def health(overall: str, **parts: object) -> str:
    """The tree that the tool prints (invented; the shape is that of its other JSON reports)."""
    body = {"Overall Health": {"value": overall}, **parts}
    return json.dumps({"body": body, "header": ["Health Monitor Report"]}, indent=1)


@pytest.fixture
def judge(load_check, node, hgx, make_outputs):
    def judge(name, text, **context):
        return judged(load_check(name), node, make_outputs({FILES[name]: text}), hgx(**context))

    return judge


@pytest.mark.parametrize("name", FILES)
def test_they_belong_to_the_full_level(load_check, name) -> None:
    assert load_check(name).level is Level.FULL


@pytest.mark.parametrize("name", FILES)
def test_an_optional_tool_that_is_missing(judge, answer, name) -> None:
    outcome = judge(name, answer(ended=Ended.MISSING, detail="dcgmi"))
    assert (outcome.verdict, outcome.why) == (Verdict.NOT_RUN, Why.NOT_APPLICABLE)
    assert outcome.reason == "dcgmi is not installed on gpu-001, and its profile does not require it"


@pytest.mark.parametrize("name", FILES)
def test_a_required_tool_that_is_missing(judge, answer, name) -> None:
    outcome = judge(name, answer(ended=Ended.MISSING, detail="dcgmi"), facts={"tools.required": ["dcgmi"]})
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "TOOL-MISSING")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("text", ["Segmentation fault\n", "{\n  broken", "{}\n"])
def test_unreadable(judge, name, text) -> None:
    outcome = judge(name, text)
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "OUTPUT-UNKNOWN")


@pytest.mark.parametrize("name", FILES)
def test_a_daemon_that_does_not_answer(judge, answer, name) -> None:
    said = "Error: unable to establish a connection to the specified host: localhost\n"
    outcome = judge(name, answer("", status=1, stderr=said))
    assert outcome.verdict is Verdict.ERROR
    assert "unable to establish a connection" in outcome.reason


def test_healthy(judge, values) -> None:
    outcome = judge("gpu/dcgm_health.py", health("Healthy"))
    assert outcome.verdict is Verdict.PASS
    assert values(outcome) == [("gpu.dcgm.health", "gpu-001", "Healthy", True)]


def test_a_failure_with_its_words(judge) -> None:
    gpu = {"children": {"3": {"children": {"NVLink system": {"value": "GPU 3's NvLink link 2 is down"}}}}}
    outcome = judge("gpu/dcgm_health.py", health("Failure", GPU=gpu))
    assert outcome.verdict is Verdict.FAIL
    assert [f.message for f in outcome.findings] == ["GPU 3 NVLink system: GPU 3's NvLink link 2 is down"]


def test_watches_that_are_off_are_no_health(judge) -> None:
    outcome = judge("gpu/dcgm_health.py", "Error: Health watches not enabled. Please enable watches. \n")
    assert outcome.verdict is Verdict.ERROR
    assert outcome.reason.startswith("the health watches of DCGM are off")


def test_a_diagnosis_that_passes(judge, corpus_text) -> None:
    outcome = judge("gpu/dcgm_diag.py", corpus_text(PASSED))
    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")
    assert {m.value for m in outcome.measurements if m.limit} == {"Pass"}


def test_a_diagnosis_that_fails(judge, corpus_text) -> None:
    outcome = judge("gpu/dcgm_diag.py", corpus_text(FAILED))
    assert outcome.verdict is Verdict.FAIL
    assert [(m.name, m.at) for m in outcome.measurements if not m.ok] == [
        ("dcgm Persistence Mode", "gpu-001")
    ]


def test_a_failure_is_placed_at_its_gpu(judge) -> None:
    results = [
        {"status": "Pass", "gpu_ids": "0, 1"},
        {"status": "Fail", "gpu_ids": "2", "warnings": "bad memory"},
    ]
    document = {
        "test_categories": [{"category": "Stress", "tests": [{"name": "Memory", "results": results}]}]
    }
    outcome = judge("gpu/dcgm_diag.py", json.dumps({"DCGM Diagnostic": document}))  # invented
    assert outcome.verdict is Verdict.FAIL
    assert [(m.name, m.at) for m in outcome.measurements if not m.ok] == [("dcgm Memory", "gpu-001/gpu/2")]
    assert [f.message for f in outcome.findings] == ["Memory: bad memory"]


def test_what_was_skipped_is_no_pass(judge) -> None:
    tests = [{"name": "Memory", "results": [{"status": "Skip"}]}]
    document = {"test_categories": [{"category": "Stress", "tests": tests}]}
    outcome = judge("gpu/dcgm_diag.py", json.dumps({"DCGM Diagnostic": document}))  # invented
    assert (outcome.verdict, outcome.reason) == (Verdict.ERROR, "dcgmi diag skipped every test")


def test_the_longer_levels_run_alone() -> None:
    assert (diag(1).alone, diag(2).alone, diag(3).alone) == (False, True, True)


def test_a_level_that_does_not_exist(judge) -> None:
    outcome = judge("gpu/dcgm_diag.py", "", facts={"dcgm.diag_level": 9})
    assert (outcome.verdict, outcome.reason) == (
        Verdict.ERROR,
        "profile test: fact dcgm.diag_level is 9, needed 1 to 4",
    )
