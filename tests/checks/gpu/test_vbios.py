"""gpu.vbios collects by model; gpu.vbios-drift compares the GPUs of each model."""

from __future__ import annotations

import re

import pytest

from bringup.commands import Ended
from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Finding, Group, Measurement, Verdict, Weight, Why
from bringup.parsers.nvidia_smi_xml import QUERY

GOOD = "nvidia-smi-xml/03-gb200-x4-580.xml"
NAME = "vbios NVIDIA H100 80GB HBM3"


@pytest.fixture
def read(load_check, node, hgx, make_outputs):
    def run(text: object):
        ctx = hgx(facts={"gpu.count": 4})
        return judged(load_check("gpu/vbios.py"), node, make_outputs({QUERY: text}), ctx)

    return run


def test_readings(read, corpus_text) -> None:
    outcome = read(corpus_text(GOOD))
    assert (outcome.verdict, outcome.reason, len(outcome.measurements)) == (Verdict.PASS, "", 4)
    assert {m.name.partition(" ")[0] for m in outcome.measurements} == {"vbios"}
    assert all(re.fullmatch(r"[0-9A-F.]{10,20}", str(m.value)) for m in outcome.measurements)
    assert outcome.measurements[-1].at == "gpu-001/gpu/3"


def test_a_gpu_that_does_not_tell(read, corpus_text) -> None:
    text = re.sub(r"(<vbios_version>)[^<]*", r"\g<1>N/A", corpus_text(GOOD), count=1)
    outcome = read(text)
    assert (outcome.verdict, outcome.reason) == (Verdict.ERROR, "VBIOS not reported by GPU 0")


def test_unknown_text_and_no_tool(read, answer) -> None:
    assert read("nothing\n").code == "OUTPUT-UNKNOWN"
    assert read(answer(ended=Ended.MISSING, detail="nvidia-smi")).code == "TOOL-MISSING"


@pytest.fixture
def drift(load_check, make_node, hgx, make_outputs):
    def run(versions: str, **facts: object):
        told = tuple(
            Measurement(NAME, version, "", f"gpu-001/gpu/{n}") for n, version in enumerate(versions.split())
        )
        ctx = hgx(facts=facts)
        ctx = type(ctx)(rules=ctx.rules, readings={("gpu.vbios", NAME): told} if told else {})
        fleet = Group("fleet", (make_node(),))
        check = load_check("gpu/vbios_drift.py")
        check.plan(fleet, ctx)
        return judged(check, fleet, make_outputs({}), ctx)

    return run


def test_siblings_that_are_equal(drift, values) -> None:
    outcome = drift("96 96 96 96")
    assert (outcome.verdict, outcome.findings) == (Verdict.PASS, ())
    assert values(outcome) == [(f"{NAME} versions", "fleet", 1, True)]


def test_one_sibling_that_is_not(drift) -> None:
    outcome = drift("96 96 95 96")
    assert outcome.verdict is Verdict.FAIL
    assert outcome.findings == (Finding("VBIOS-MINORITY", f"{NAME} 95, 96 on 3 of 4 GPUs", "gpu-001/gpu/2"),)


def test_a_split_is_the_fleets(drift, found) -> None:
    assert found(drift("96 96 95 95")) == [("fail", "VBIOS-MINORITY", "fleet")]


def test_too_few_gpus_and_none(drift) -> None:
    few = drift("96 95")
    assert (few.verdict, few.why) == (Verdict.NOT_RUN, Why.NOT_APPLICABLE)
    assert few.findings == (
        Finding("VBIOS-MINORITY", f"only 2 GPUs: {NAME} was not compared", "fleet", Weight.NOTE),
    )
    assert drift("").verdict is Verdict.ERROR
    with pytest.raises(NotApplicable):
        drift("96 96 96", **{"gpu.vendor": "amd"})
