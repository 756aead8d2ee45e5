"""reach.tools: each required program by name."""

from __future__ import annotations

import pytest

from bringup.errors import NoLimit, NotApplicable
from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.host import tools


@pytest.fixture
def check(load_check):
    return load_check("reach/tools.py")


FACTS = {"tools.required": ["ib_write_bw", "nvidia-smi"]}


def test_all_there(check, node, make_context, make_outputs, values) -> None:
    ctx = make_context(facts=FACTS)
    command = check.plan(node, ctx).steps[0].command
    assert command == tools(("ib_write_bw", "nvidia-smi"))
    text = "ib_write_bw=/usr/bin/ib_write_bw\nnvidia-smi=/usr/bin/nvidia-smi\nend=tools\n"
    outcome = judged(check, node, make_outputs({command: text}), ctx)
    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")
    assert values(outcome) == [
        ("tool ib_write_bw", "gpu-001", "found", True),
        ("tool nvidia-smi", "gpu-001", "found", True),
    ]


@pytest.mark.parametrize("text", ["ib_write_bw=\nnvidia-smi=\nend=tools\n", "end=tools\n"])
def test_each_missing_one_is_named(check, node, make_context, make_outputs, text) -> None:
    ctx = make_context(facts=FACTS)
    outcome = judged(check, node, make_outputs({tools(("ib_write_bw", "nvidia-smi")): text}), ctx)
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "TOOL-MISSING")
    assert outcome.reason == (
        "not installed on the node (or not in PATH): ib_write_bw (package perftest), nvidia-smi (the NVIDIA driver,"
        " package nvidia-utils)"
    )


def test_a_cut_answer_finds_nothing_missing(check, node, make_context, make_outputs) -> None:
    ctx = make_context(facts=FACTS)
    text = "ib_write_bw=/usr/bin/ib_write_bw\n"
    outcome = judged(check, node, make_outputs({tools(("ib_write_bw", "nvidia-smi")): text}), ctx)
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "OUTPUT-UNKNOWN")


def test_plans_that_cannot_be_made(check, node, make_context) -> None:
    with pytest.raises(NotApplicable):
        check.plan(node, make_context(facts={"tools.required": []}))
    with pytest.raises(NoLimit):
        check.plan(node, make_context(facts={"tools.required": "ib_write_bw"}))
    with pytest.raises(NoLimit):
        check.plan(node, make_context())
