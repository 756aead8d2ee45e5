"""What all checks that read `nvidia-smi -q -x` have in common: no answer, a dead driver, a lost GPU, no GPUs by plan."""

from __future__ import annotations

import pytest

from bringup.commands import Ended
from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.nvidia_smi_xml import QUERY

CHECKS = [
    "gpu/model.py",
    "gpu/ecc.py",
    "gpu/remap.py",
    "gpu/slowdown.py",
    "gpu/modes.py",
    "gpu/clocks.py",
    "gpu/temperature.py",
    "gpu/power_cap.py",
    "gpu/inforom.py",
    "gpu/sram.py",
    "gpu/recovery.py",
    "nvlink/fabric.py",
]
H100 = "nvidia-smi-xml/01-h100-x8-580.xml"


@pytest.fixture(params=CHECKS)
def check(request, load_check):
    return load_check(request.param)


def test_a_healthy_node_passes_with_something_judged_on_every_gpu(
    check, node, hgx, make_outputs, corpus_text
) -> None:
    outcome = judged(check, node, make_outputs({QUERY: corpus_text(H100)}), hgx())
    assert (outcome.verdict, outcome.reason, outcome.findings) == (Verdict.PASS, "", ())
    assert {m.at for m in outcome.measurements if m.limit} == {f"gpu-001/gpu/{n}" for n in range(8)}


def test_a_missing_tool(check, node, hgx, make_outputs, answer) -> None:
    out = make_outputs({QUERY: answer(ended=Ended.MISSING, detail="nvidia-smi")})
    outcome = judged(check, node, out, hgx())
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "TOOL-MISSING")
    assert "nvidia-smi" in outcome.reason


def test_a_driver_that_hangs(check, node, hgx, make_outputs, answer) -> None:
    outcome = judged(check, node, make_outputs({QUERY: answer(ended=Ended.TIMEOUT)}), hgx())
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "COMMAND-HANGS")


def test_a_dead_driver_has_its_own_code(check, node, hgx, make_outputs, answer, corpus_text) -> None:
    said = corpus_text("nvidia-smi-errors/04-nvml-driver-library-mismatch-2-lines.txt")
    outcome = judged(check, node, make_outputs({QUERY: answer(said, status=18)}), hgx())
    assert (outcome.verdict, outcome.code, outcome.measurements) == (Verdict.ERROR, "GPU-DRIVER", ())
    assert "Driver/library version mismatch" in outcome.reason


@pytest.mark.parametrize("text", ["", "Segmentation fault\n", "<?xml version='1.0'?><nvidia_smi_log><gpu"])
def test_an_answer_that_nobody_knows(check, node, hgx, make_outputs, text) -> None:
    outcome = judged(check, node, make_outputs({QUERY: text}), hgx())
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "OUTPUT-UNKNOWN")


def test_seven_of_eight_gpus_are_no_pass(check, node, hgx, make_outputs, corpus_text) -> None:
    text = corpus_text(H100)
    begin = text.rindex("\t<gpu id=")
    seven = text[:begin] + text[text.rindex("</nvidia_smi_log>") :]
    outcome = judged(check, node, make_outputs({QUERY: seven}), hgx())
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "GPU-MISSING")
    assert outcome.reason == "only 7 of 8 GPUs answer, the others are not judged"
    assert len({m.at for m in outcome.measurements}) == 7


def test_a_missing_limit_is_an_error(check, node, hgx, make_outputs, corpus_text) -> None:
    from_all = dict.fromkeys(("gpu.model", "gpu.ecc.uncorrected", "gpu.remap.failed", "gpu.slowdown"))
    from_all |= {"gpu.mig": None, "nvlink.fabric.state": None, "gpu.temperature": None, "gpu.inforom": None}
    from_all |= {"gpu.sram.corrected": None, "gpu.recovery": None}
    if check.id in ("gpu.clocks", "gpu.power-cap"):
        pytest.skip("judged by the GPUs themselves where the profile has no number; see test_settings")
    outcome = judged(check, node, make_outputs({QUERY: corpus_text(H100)}), hgx(limits=from_all))
    assert outcome.verdict is Verdict.ERROR
    assert "has no limit" in outcome.reason


def test_a_node_without_gpus_is_not_concerned(check, node, hgx) -> None:
    with pytest.raises(NotApplicable, match="has no GPUs"):
        check.plan(node, hgx(facts={"gpu.count": 0}))
