"""nvlink.fabric: state, status, and the health that state and status do not show."""

from __future__ import annotations

import pytest

from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.nvidia_smi_xml import QUERY

H100 = "nvidia-smi-xml/01-h100-x8-580.xml"


@pytest.fixture
def check(load_check):
    return load_check("nvlink/fabric.py")


@pytest.mark.parametrize("file", ["03-gb200-x4-580.xml", "04-gb300-x4-580.xml"])
def test_healthy_fabrics_with_any_clique(check, node, hgx, make_outputs, corpus_text, file) -> None:
    text = corpus_text(f"nvidia-smi-xml/{file}")
    outcome = judged(check, node, make_outputs({QUERY: text}), hgx(facts={"gpu.count": 4}))
    assert (outcome.verdict, outcome.findings) == (Verdict.PASS, ())
    assert len(outcome.measurements) == 8


def test_completed_and_successful_but_unhealthy(check, node, hgx, make_outputs, corpus_text, found) -> None:
    text = corpus_text("nvidia-smi-xml/10-mock-gb200-fabric-degraded.xml")
    outcome = judged(check, node, make_outputs({QUERY: text}), hgx(facts={"gpu.count": 2}))
    assert outcome.verdict is Verdict.FAIL
    assert all(m.ok for m in outcome.measurements)
    assert found(outcome) == [("fail", "NVLINK-FABRIC", "gpu-001/gpu/1")]
    assert outcome.findings[0].message == "health: Unhealthy; route unhealthy: True"


def test_a_gpu_that_waits_for_the_fabric_manager(check, node, hgx, make_outputs, corpus_text, values) -> None:
    text = corpus_text(H100)  # invented after nvidia-smi-csv/08: state In Progress, status N/A
    text = text.replace("<state>Completed</state>", "<state>In Progress</state>")
    text = text.replace("<status>Success</status>", "<status>N/A</status>")
    outcome = judged(check, node, make_outputs({QUERY: text}), hgx())
    assert outcome.verdict is Verdict.FAIL
    assert values(outcome) == [
        ("nvlink.fabric.state", f"gpu-001/gpu/{n}", "In Progress", False) for n in range(8)
    ]
    assert {m.code for m in outcome.measurements} == {"NVLINK-FABRIC"}


def test_a_registration_that_completed_without_success(
    check, node, hgx, make_outputs, corpus_text, values
) -> None:
    text = corpus_text(H100).replace("<status>Success<", "<status>Insufficient Resources<", 1)  # invented
    outcome = judged(check, node, make_outputs({QUERY: text}), hgx())
    assert [v for v in values(outcome) if not v[3]] == [
        ("nvlink.fabric.status", "gpu-001/gpu/0", "Insufficient Resources", False)
    ]


@pytest.mark.parametrize("file", ["05-a100-x1-570.xml", "12-a10g-515-pcie-gen1-idle.xml"])
def test_gpus_that_report_no_fabric_are_no_pass(check, node, hgx, make_outputs, corpus_text, file) -> None:
    text = corpus_text(f"nvidia-smi-xml/{file}")
    outcome = judged(check, node, make_outputs({QUERY: text}), hgx(facts={"gpu.count": 1}))
    assert (outcome.verdict, outcome.reason) == (Verdict.ERROR, "NVLink fabric state not reported by GPU 0")


def test_a_model_without_nvlink(check, node, hgx) -> None:
    with pytest.raises(NotApplicable):
        check.plan(node, hgx(facts={"nvlink.links": 0}))


def test_a_single_gpu_joins_no_fabric_unless_its_rack_is_one(check, node, hgx) -> None:
    """One visible GPU reports "Not Supported" or N/A, and nothing is wrong with it."""
    with pytest.raises(NotApplicable, match="has a single GPU, which joins no fabric"):
        check.plan(node, hgx(facts={"gpu.count": 1}))
    rack = hgx(facts={"gpu.count": 1, "nvlink.domain_nodes": 18})
    assert [step.command for step in check.plan(node, rack).steps] == [QUERY]
