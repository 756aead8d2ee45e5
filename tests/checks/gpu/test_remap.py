"""gpu.remap: pending, failed, used up, and GPUs that do not report it."""

from __future__ import annotations

import pytest

from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.nvidia_smi_xml import QUERY

H100 = "nvidia-smi-xml/01-h100-x8-580.xml"


@pytest.fixture
def check(load_check):
    return load_check("gpu/remap.py")


def broken(outcome) -> list[tuple[str, str, float | str, str]]:
    return [(m.name, m.at, m.value, m.code) for m in outcome.measurements if not m.ok]


def test_a_failed_remapping(check, node, hgx, make_outputs, corpus_text) -> None:
    text = corpus_text("nvidia-smi-xml/09-mock-gb200-ecc-injected.xml")
    outcome = judged(check, node, make_outputs({QUERY: text}), hgx(facts={"gpu.count": 2}))
    assert (outcome.verdict, outcome.reason) == (Verdict.FAIL, "")
    assert broken(outcome) == [("gpu.remap.failed", "gpu-001/gpu/0", 1, "GPU-REMAP-FAILED")]
    assert len(outcome.measurements) == 6


def test_a_pending_remapping(check, node, hgx, make_outputs, corpus_text) -> None:
    text = corpus_text(H100).replace("<remapped_row_pending>No<", "<remapped_row_pending>Yes<", 1)  # invented
    outcome = judged(check, node, make_outputs({QUERY: text}), hgx())
    assert broken(outcome) == [("gpu.remap.pending", "gpu-001/gpu/0", 1, "GPU-REMAP-PENDING")]


def test_too_many_remapped_rows(check, node, hgx, make_outputs, corpus_text) -> None:
    text = corpus_text(H100).replace("<remapped_row_unc>0<", "<remapped_row_unc>513<", 1)  # invented
    outcome = judged(check, node, make_outputs({QUERY: text}), hgx())
    assert broken(outcome) == [("gpu.remap.uncorrectable", "gpu-001/gpu/0", 513, "GPU-REMAP-FAILED")]


def test_a_pending_channel_repair(check, node, hgx, make_outputs, corpus_text, found) -> None:
    text = corpus_text(H100).replace(
        "<channel_repair_pending>No<", "<channel_repair_pending>Yes<", 1
    )  # invented
    outcome = judged(check, node, make_outputs({QUERY: text}), hgx())
    assert outcome.verdict is Verdict.FAIL
    assert found(outcome) == [("fail", "GPU-REMAP-PENDING", "gpu-001/gpu/0")]
    assert outcome.findings[0].message == "channel repair is pending"


@pytest.mark.parametrize("file", ["07-t4-x1-595.xml", "15-a100-sxm4-40-mig2-510.xml"])
def test_gpus_that_do_not_report_it_are_no_pass(check, node, hgx, make_outputs, corpus_text, file) -> None:
    text = corpus_text(f"nvidia-smi-xml/{file}")
    outcome = judged(check, node, make_outputs({QUERY: text}), hgx(facts={"gpu.count": 1}))
    assert (outcome.verdict, outcome.measurements) == (Verdict.ERROR, ())
    assert outcome.reason == "row remapping not reported by GPU 0"
