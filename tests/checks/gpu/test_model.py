"""gpu.model: another model, and less memory than the model has."""

from __future__ import annotations

import pytest

from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.nvidia_smi_xml import QUERY

H100 = "nvidia-smi-xml/01-h100-x8-580.xml"


@pytest.fixture
def check(load_check):
    return load_check("gpu/model.py")


def test_one_gpu_of_another_model(check, node, hgx, make_outputs, corpus_text, values) -> None:
    text = corpus_text(H100).replace("NVIDIA H100 80GB HBM3", "NVIDIA H100 PCIe", 1)  # invented
    outcome = judged(check, node, make_outputs({QUERY: text}), hgx())
    assert outcome.verdict is Verdict.FAIL
    assert [v for v in values(outcome) if not v[3]] == [
        ("gpu.model", "gpu-001/gpu/0", "NVIDIA H100 PCIe", False)
    ]
    assert [m.code for m in outcome.measurements if not m.ok] == ["GPU-MODEL"]


def test_one_gpu_with_less_memory(check, node, hgx, make_outputs, corpus_text, values) -> None:
    text = corpus_text(H100)
    at = text.rindex("81559 MiB")
    outcome = judged(
        check, node, make_outputs({QUERY: text[:at] + "65247" + text[at + 5 :]}), hgx()
    )  # invented
    assert [v for v in values(outcome) if not v[3]] == [("gpu.memory.total", "gpu-001/gpu/7", 65247, False)]
    assert [m.code for m in outcome.measurements if not m.ok] == ["GPU-MEMORY"]


def test_a_board_of_another_kind(check, node, hgx, make_outputs, corpus_text) -> None:
    outcome = judged(
        check, node, make_outputs({QUERY: corpus_text("nvidia-smi-xml/02-b200-x8-580.xml")}), hgx()
    )
    assert outcome.verdict is Verdict.FAIL
    assert {m.code for m in outcome.measurements if not m.ok} == {"GPU-MODEL"}


def test_a_model_that_is_not_reported_is_no_pass(check, node, hgx, make_outputs, corpus_text) -> None:
    text = corpus_text(H100).replace(
        "<product_name>NVIDIA H100 80GB HBM3<", "<product_name>N/A<", 1
    )  # invented
    outcome = judged(check, node, make_outputs({QUERY: text}), hgx())
    assert (outcome.verdict, outcome.reason) == (Verdict.ERROR, "model and memory not reported by GPU 0")
