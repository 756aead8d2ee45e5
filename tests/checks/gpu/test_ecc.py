"""gpu.ecc: errors, ECC switched off, counters that are not reported."""

from __future__ import annotations

import pytest

from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.nvidia_smi_xml import QUERY

H100 = "nvidia-smi-xml/01-h100-x8-580.xml"


@pytest.fixture
def check(load_check):
    return load_check("gpu/ecc.py")


def test_uncorrectable_errors(check, node, hgx, make_outputs, corpus_text, values) -> None:
    text = corpus_text("nvidia-smi-xml/09-mock-gb200-ecc-injected.xml")
    outcome = judged(check, node, make_outputs({QUERY: text}), hgx(facts={"gpu.count": 2}))
    assert (outcome.verdict, outcome.reason) == (Verdict.FAIL, "")
    assert values(outcome) == [
        ("gpu.ecc.uncorrected", "gpu-001/gpu/0", 5, False),
        ("gpu.ecc.uncorrected", "gpu-001/gpu/1", 0, True),
    ]
    assert [m.code for m in outcome.measurements] == ["GPU-ECC", "GPU-ECC"]


def test_a_failure_stays_although_another_gpu_is_lost(
    check, node, hgx, make_outputs, corpus_text, values
) -> None:
    text = corpus_text("nvidia-smi-xml/08-mock-gb200-lost.xml")
    outcome = judged(check, node, make_outputs({QUERY: text}), hgx(facts={"gpu.count": 2}))
    assert outcome.verdict is Verdict.FAIL
    assert values(outcome) == [("gpu.ecc.uncorrected", "gpu-001/gpu/0", 5, False)]
    assert outcome.reason == "only 1 of 2 GPUs answer, the others are not judged"


def test_ecc_switched_off_is_a_wrong_mode(check, node, hgx, make_outputs, corpus_text, found) -> None:
    text = corpus_text(H100)  # invented: ECC of GPU 0 off, its counters N/A as a real driver prints them
    end = text.index("</gpu>")
    first = text[:end].replace("<current_ecc>Enabled", "<current_ecc>Disabled")
    for name in ("sram_uncorrectable_parity", "sram_uncorrectable_secded", "dram_uncorrectable"):
        first = first.replace(f"<{name}>0</{name}>", f"<{name}>N/A</{name}>")
    outcome = judged(check, node, make_outputs({QUERY: first + text[end:]}), hgx())
    assert outcome.verdict is Verdict.FAIL
    assert found(outcome) == [("fail", "GPU-MODE", "gpu-001/gpu/0")]
    assert len(outcome.measurements) == 7


def test_counters_that_mig_hides_are_no_pass(check, node, hgx, make_outputs, corpus_text) -> None:
    text = corpus_text("nvidia-smi-xml/15-a100-sxm4-40-mig2-510.xml")
    outcome = judged(check, node, make_outputs({QUERY: text}), hgx(facts={"gpu.count": 1}))
    assert (outcome.verdict, outcome.measurements) == (Verdict.ERROR, ())
    assert outcome.reason == "uncorrectable memory errors not reported by GPU 0"


def test_too_many_sram_errors_in_the_gpus_life(check, node, hgx, make_outputs, corpus_text, found) -> None:
    text = corpus_text(H100).replace(
        "<sram_threshold_exceeded>No<", "<sram_threshold_exceeded>Yes<", 1
    )  # invented
    outcome = judged(check, node, make_outputs({QUERY: text}), hgx())
    assert outcome.verdict is Verdict.FAIL
    assert found(outcome) == [("fail", "GPU-ECC", "gpu-001/gpu/0")]
