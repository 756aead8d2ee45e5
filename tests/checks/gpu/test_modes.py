"""gpu.modes: persistence, MIG and ECC."""

from __future__ import annotations

import pytest

from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.nvidia_smi_xml import QUERY

H100 = "nvidia-smi-xml/01-h100-x8-580.xml"


@pytest.fixture
def check(load_check):
    return load_check("gpu/modes.py")


def broken(outcome) -> list[tuple[str, str, float | str, str]]:
    return [(m.name, m.at, m.value, m.code) for m in outcome.measurements if not m.ok]


def test_persistence_off_everywhere(check, node, hgx, make_outputs, corpus_text) -> None:
    text = corpus_text("nvidia-smi-xml/02-b200-x8-580.xml")
    outcome = judged(check, node, make_outputs({QUERY: text}), hgx())
    assert outcome.verdict is Verdict.FAIL
    assert broken(outcome) == [
        ("gpu.persistence", f"gpu-001/gpu/{n}", "Disabled", "GPU-MODE") for n in range(8)
    ]


def test_mig_on(check, node, hgx, make_outputs, corpus_text) -> None:
    text = corpus_text("nvidia-smi-xml/15-a100-sxm4-40-mig2-510.xml")
    outcome = judged(check, node, make_outputs({QUERY: text}), hgx(facts={"gpu.count": 1}))
    assert ("gpu.mig", "gpu-001/gpu/0", "Enabled", "GPU-MODE") in broken(outcome)


def test_ecc_off(check, node, hgx, make_outputs, corpus_text) -> None:
    text = corpus_text(H100).replace("<current_ecc>Enabled<", "<current_ecc>Disabled<", 1)  # invented
    outcome = judged(check, node, make_outputs({QUERY: text}), hgx())
    assert broken(outcome) == [("gpu.ecc.mode", "gpu-001/gpu/0", "Disabled", "GPU-MODE")]


def test_a_board_without_mig_passes(check, node, hgx, make_outputs, corpus_text, values) -> None:
    text = corpus_text("nvidia-smi-xml/06-l40s-x1-595.xml")
    outcome = judged(check, node, make_outputs({QUERY: text}), hgx(facts={"gpu.count": 1}))
    assert outcome.verdict is Verdict.PASS
    assert [v[0] for v in values(outcome)] == ["gpu.persistence", "gpu.ecc.mode"]


def test_modes_that_are_not_reported_are_no_pass(check, node, hgx, make_outputs, corpus_text) -> None:
    text = corpus_text("nvidia-smi-xml/13-gtx1070ti-390-minimal.xml")
    outcome = judged(check, node, make_outputs({QUERY: text}), hgx(facts={"gpu.count": 1}))
    assert (outcome.verdict, outcome.reason) == (
        Verdict.ERROR,
        "persistence or ECC mode not reported by GPU 0",
    )
