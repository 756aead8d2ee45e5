"""nvlink.errors: counters of old and new drivers against the limits."""

from __future__ import annotations

import pytest

from bringup.commands import Ended
from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.nvidia_smi_nvlink import ERRORS

TOOL = "nvidia-smi-nvlink/"
HEAD = "GPU {}: NVIDIA H100 80GB HBM3 (UUID: GPU-00000000-0000-0000-0000-000000000000)\n"


@pytest.fixture
def check(load_check):
    return load_check("nvlink/errors.py")


@pytest.fixture
def judge(check, node, hgx, make_outputs):
    def run(text: object, gpus: int = 1, links: int = 2, **limits: object):
        context = hgx(facts={"gpu.count": gpus, "nvlink.links": links}, limits=limits)
        return judged(check, node, make_outputs({ERRORS: text}), context)

    return run


def listing(counters: dict[str, int], links: int = 2) -> str:
    return HEAD.format(0) + "".join(
        f"\t Link {link}: {name}: {value}\n" for link in range(links) for name, value in counters.items()
    )


CLEAN = {"Replay Errors": 0, "Recovery Errors": 0, "CRC Errors": 0}


def test_no_errors(judge, values) -> None:
    outcome = judge(listing(CLEAN))
    assert (outcome.verdict, outcome.findings) == (Verdict.PASS, ())
    assert values(outcome) == [
        ("nvlink.errors.replay", "gpu-001/gpu/0", 0, True),
        ("nvlink.errors.recovery", "gpu-001/gpu/0", 0, True),
        ("nvlink.errors.crc", "gpu-001/gpu/0", 0, True),
    ]


def test_errors_are_named_by_link(judge, corpus_text, values) -> None:
    outcome = judge(corpus_text(TOOL + "15-e-nonzero-seven-counters-literal.txt"), gpus=2, links=1)
    assert outcome.verdict is Verdict.FAIL
    assert [v for v in values(outcome) if not v[3]] == [
        ("nvlink.errors.replay", "gpu-001/gpu/0/nvlink/0", 1, False),
        ("nvlink.errors.replay", "gpu-001/gpu/0/nvlink/1", 2, False),
        ("nvlink.errors.recovery", "gpu-001/gpu/1/nvlink/0", 5, False),
    ]
    assert {m.code for m in outcome.measurements} == {"NVLINK-ERRORS"}


def test_a_count_within_the_limit_passes(judge, values) -> None:
    outcome = judge(listing(CLEAN | {"Replay Errors": 3}), **{"nvlink.errors.replay": ("<=", 3)})
    assert outcome.verdict is Verdict.PASS
    assert ("nvlink.errors.replay", "gpu-001/gpu/0", 3, True) in values(outcome)


def test_counters_of_a_newer_driver(judge, values) -> None:
    # invented from the names that newer drivers print
    newer = {
        "Tx packets": 10,
        "Link recovery successful events": 2,
        "Link recovery failed events": 1,
        "Total link recovery events": 3,
        "Symbol Errors": 4,
    }
    outcome = judge(listing(newer, links=2))
    assert outcome.verdict is Verdict.FAIL
    assert values(outcome) == [
        ("nvlink.errors.recovery", "gpu-001/gpu/0/nvlink/0", 3, False),
        ("nvlink.errors.recovery", "gpu-001/gpu/0/nvlink/1", 3, False),
    ]
    assert [(f.weight.value, f.message) for f in outcome.findings] == [
        ("note", "Symbol Errors: 8 since the driver was loaded")
    ]


def test_a_shortened_listing_is_no_pass(judge, corpus_text) -> None:
    outcome = judge(corpus_text(TOOL + "13-h100-e-errors-elided.txt"), links=18)
    assert outcome.verdict is Verdict.ERROR
    assert outcome.reason == "error counters of all 18 NVLinks are not reported by GPU 0"
    assert outcome.code == "NVLINK-ERRORS"  # so that a link that is down explains it


@pytest.mark.parametrize(
    "text",
    [listing({"Frobnication Errors": 0}), HEAD.format(0) + "Nvlink queries are not supported for MIG\n"],
)
def test_unknown_or_no_counters_are_no_pass(judge, text) -> None:
    assert judge(text).verdict is Verdict.ERROR


def test_missing_gpus_are_no_pass(judge) -> None:
    assert judge(listing(CLEAN), gpus=8).code == "GPU-MISSING"


def test_answers_that_cannot_be_judged(judge, answer) -> None:
    assert judge("").code == "OUTPUT-UNKNOWN"
    assert judge(answer(ended=Ended.MISSING, detail="nvidia-smi")).code == "TOOL-MISSING"


def test_a_model_without_nvlink(check, node, hgx) -> None:
    with pytest.raises(NotApplicable):
        check.plan(node, hgx(facts={"nvlink.links": 0}))
