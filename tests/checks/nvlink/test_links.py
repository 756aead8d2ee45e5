"""nvlink.links: active links by GPU, and the sentences instead of links."""

from __future__ import annotations

import pytest

from bringup.commands import Ended
from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.nvidia_smi_nvlink import STATUS

TOOL = "nvidia-smi-nvlink/"


@pytest.fixture
def check(load_check):
    return load_check("nvlink/links.py")


@pytest.fixture
def judge(check, node, hgx, make_outputs):
    def run(text: object, gpus: int = 1, links: int = 18):
        context = hgx(facts={"gpu.count": gpus}, limits={"nvlink.links.active": ("==", links)})
        return judged(check, node, make_outputs({STATUS: text}), context)

    return run


def test_a_healthy_h100(judge, corpus_text, values) -> None:
    outcome = judge(corpus_text(TOOL + "01-h100-s-18links.txt"))
    assert (outcome.verdict, outcome.findings) == (Verdict.PASS, ())
    assert values(outcome) == [("nvlink.links.active", "gpu-001/gpu/0", 18, True)]


def test_eight_a100_with_twelve_links_each(judge, corpus_text, values) -> None:
    outcome = judge(corpus_text(TOOL + "09-a100x8-s-96links.txt"), gpus=8, links=12)
    assert outcome.verdict is Verdict.PASS
    assert values(outcome) == [("nvlink.links.active", f"gpu-001/gpu/{n}", 12, True) for n in range(8)]


def test_links_that_a_board_leaves_unwired_are_no_remark(judge, values) -> None:
    """As a card with a bridge of 12 links prints them (invented from its published list of inactive links)."""
    unwired = (4, 5, 10, 11, 16)
    lines = [f"\t Link {n}: {'<inactive>' if n in unwired else '26.562 GB/s'}" for n in range(17)]
    text = (
        "GPU 0: NVIDIA H100 NVL (UUID: GPU-00000000-0000-0000-0000-000000000000)\n" + "\n".join(lines) + "\n"
    )
    outcome = judge(text, links=12)
    assert (outcome.verdict, outcome.findings) == (Verdict.PASS, ())
    assert values(outcome) == [("nvlink.links.active", "gpu-001/gpu/0", 12, True)]
    one_down = judge(text.replace("Link 7: 26.562 GB/s", "Link 7: <inactive>"), links=12)
    assert [f.message for f in one_down.findings] == ["inactive: link 4, 5, 7, 10, 11, 16"]


def test_inactive_links_are_named(judge, corpus_text, values) -> None:
    outcome = judge(corpus_text(TOOL + "06-v100x8-s-inactive-links-bad.txt"), gpus=7, links=6)
    assert outcome.verdict is Verdict.FAIL
    assert [v[1:] for v in values(outcome) if not v[3]] == [
        ("gpu-001/gpu/3", 4, False),
        ("gpu-001/gpu/4", 5, False),
        ("gpu-001/gpu/5", 4, False),
        ("gpu-001/gpu/6", 5, False),
    ]
    assert [(f.weight.value, f.at, f.message) for f in outcome.findings] == [
        ("note", "gpu-001/gpu/3", "inactive: link 3, 5"),
        ("note", "gpu-001/gpu/4", "inactive: link 1"),
        ("note", "gpu-001/gpu/5", "inactive: link 0, 4"),
        ("note", "gpu-001/gpu/6", "inactive: link 1"),
    ]
    assert {m.code for m in outcome.measurements} == {"NVLINK-DOWN"}


@pytest.mark.parametrize("file", ["08-a100-s-all-inactive-bad.txt", "04-rtx2080-all-inactive.txt"])
def test_the_sentence_for_all_links_means_none(judge, corpus_text, values, file) -> None:
    outcome = judge(corpus_text(TOOL + file), links=12)
    assert outcome.verdict is Verdict.FAIL
    assert [v[2:] for v in values(outcome)] == [(0, False)]


@pytest.mark.parametrize("file", ["03-h100-mig-not-supported.txt", "05-l40s-not-supported.txt"])
def test_the_sentence_for_not_supported_is_no_pass_and_no_failure(judge, corpus_text, file) -> None:
    outcome = judge(corpus_text(TOOL + file))
    assert (outcome.verdict, outcome.measurements) == (Verdict.ERROR, ())
    assert outcome.reason.startswith("GPU 0: ")


def test_a_list_with_missing_gpus_is_no_pass(judge, corpus_text) -> None:
    outcome = judge(corpus_text(TOOL + "10-h800-s-8links-elided.txt"), gpus=8, links=8)
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "GPU-MISSING")
    assert len(outcome.measurements) == 3


def test_answers_that_cannot_be_judged(judge, answer, corpus_text) -> None:
    assert judge("").code == "OUTPUT-UNKNOWN"
    assert judge(answer(ended=Ended.MISSING, detail="nvidia-smi")).code == "TOOL-MISSING"
    assert judge(answer("No devices were found\n", status=6)).code == "GPU-MISSING"
    dead = corpus_text("nvidia-smi-errors/03-cannot-communicate-with-driver.txt")
    assert judge(answer(dead, status=9)).code == "GPU-DRIVER"


def test_a_model_without_nvlink(check, node, hgx) -> None:
    with pytest.raises(NotApplicable):
        check.plan(node, hgx(facts={"nvlink.links": 0}))
