"""gpu.slowdown: what power and cooling do, and what software does."""

from __future__ import annotations

import pytest

from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.nvidia_smi_xml import QUERY

H100 = "nvidia-smi-xml/01-h100-x8-580.xml"


@pytest.fixture
def check(load_check):
    return load_check("gpu/slowdown.py")


def active(text: str, reason: str) -> str:
    """The document with one reason active on GPU 0 (invented)."""
    name = f"clocks_event_reason_{reason}"
    assert f"<{name}>Not Active<" in text
    return text.replace(f"<{name}>Not Active<", f"<{name}>Active<", 1)


def test_a_thermal_slowdown_with_its_temperature(
    check, node, hgx, make_outputs, corpus_text, values, found
) -> None:
    text = active(active(corpus_text(H100), "hw_slowdown"), "hw_thermal_slowdown")
    outcome = judged(check, node, make_outputs({QUERY: text}), hgx())
    assert outcome.verdict is Verdict.FAIL
    assert [v for v in values(outcome) if not v[3]] == [("gpu.slowdown", "gpu-001/gpu/0", 2, False)]
    assert found(outcome) == [("note", "GPU-SLOWDOWN", "gpu-001/gpu/0")]
    assert outcome.findings[0].message == "active: hw slowdown, hw thermal slowdown at 29 C"


@pytest.mark.parametrize(("reason", "notes"), [("sw_power_cap", 0), ("sw_thermal_slowdown", 1)])
def test_what_software_does_is_no_failure(check, node, hgx, make_outputs, corpus_text, reason, notes) -> None:
    outcome = judged(check, node, make_outputs({QUERY: active(corpus_text(H100), reason)}), hgx())
    assert outcome.verdict is Verdict.PASS
    assert len(outcome.findings) == notes


def test_a_driver_that_does_not_tell_is_no_pass(check, node, hgx, make_outputs, corpus_text) -> None:
    text = corpus_text("nvidia-smi-xml/13-gtx1070ti-390-minimal.xml")
    outcome = judged(check, node, make_outputs({QUERY: text}), hgx(facts={"gpu.count": 1}))
    assert (outcome.verdict, outcome.reason) == (Verdict.ERROR, "reasons for slowdown not reported by GPU 0")
