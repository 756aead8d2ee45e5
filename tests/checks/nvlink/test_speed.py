"""nvlink.speed: slow links by name, and GPUs without a link that could be fast."""

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
    return load_check("nvlink/speed.py")


@pytest.fixture
def judge(check, node, hgx, make_outputs):
    def run(text: object):
        return judged(check, node, make_outputs({STATUS: text}), hgx())

    return run


@pytest.mark.parametrize(
    ("file", "at", "slowest"),
    [
        ("02-h200-s-18links.txt", "gpu-001/gpu/0", 26.562),
        ("07-a100-s-12links-25GBs.txt", "gpu-001/gpu/7", 25.0),
    ],
)
def test_full_speed(judge, corpus_text, values, file, at, slowest) -> None:
    outcome = judge(corpus_text(TOOL + file))
    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")
    assert values(outcome) == [("nvlink.link.speed", at, slowest, True)]


def test_one_slow_link(judge, corpus_text, values) -> None:
    text = corpus_text(TOOL + "01-h100-s-18links.txt").replace("Link 7: 26.562", "Link 7: 13.281")  # invented
    outcome = judge(text)
    assert outcome.verdict is Verdict.FAIL
    assert values(outcome) == [("nvlink.link.speed", "gpu-001/gpu/0/nvlink/7", 13.281, False)]
    assert [m.code for m in outcome.measurements] == ["NVLINK-SPEED"]


def test_inactive_links_are_another_checks_business(judge, corpus_text) -> None:
    outcome = judge(corpus_text(TOOL + "06-v100x8-s-inactive-links-bad.txt"))
    assert outcome.verdict is Verdict.PASS
    assert len(outcome.measurements) == 7


@pytest.mark.parametrize("file", ["08-a100-s-all-inactive-bad.txt", "03-h100-mig-not-supported.txt"])
def test_no_active_link_is_no_pass(judge, corpus_text, file) -> None:
    outcome = judge(corpus_text(TOOL + file))
    assert (outcome.verdict, outcome.measurements) == (Verdict.ERROR, ())
    assert outcome.reason.startswith("no active NVLink, so no speed, on GPU ")
    assert outcome.code == "NVLINK-SPEED"  # so that links that are down explain it


def test_answers_that_cannot_be_judged(judge, answer) -> None:
    assert judge("what\n").code == "OUTPUT-UNKNOWN"
    assert judge(answer(ended=Ended.TIMEOUT)).code == "COMMAND-HANGS"


def test_a_model_without_nvlink(check, node, hgx) -> None:
    with pytest.raises(NotApplicable):
        check.plan(node, hgx(facts={"nvlink.links": 0}))
