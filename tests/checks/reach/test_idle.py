"""reach.idle: idle GPUs, a foreign load, no GPUs by profile, a driver that does not answer."""

from __future__ import annotations

import pytest

from bringup.commands import Ended
from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Finding, Verdict
from bringup.parsers import amd_smi
from bringup.parsers.nvidia_smi_csv import COMPUTE_APPS

FACTS = {"gpu.count": 8}


@pytest.fixture
def check(load_check):
    return load_check("reach/idle.py")


def test_idle(check, node, make_context, make_outputs, values) -> None:
    outcome = judged(check, node, make_outputs({COMPUTE_APPS: ""}), make_context(facts=FACTS))
    assert (outcome.verdict, outcome.findings) == (Verdict.PASS, ())
    assert values(outcome) == [("processes", "gpu-001", 0, True)]


def test_a_foreign_load_is_named(check, node, make_context, make_outputs) -> None:
    text = "".join(f"{4000 + n}, python3, 71234\n" for n in range(7))  # invented
    outcome = judged(check, node, make_outputs({COMPUTE_APPS: text}), make_context(facts=FACTS))
    assert outcome.verdict is Verdict.FAIL
    assert outcome.findings == (
        Finding(
            "NODE-BUSY",
            "7 on the GPUs: python3 (pid 4000), python3 (pid 4001), python3 (pid 4002), python3 (pid 4003),"
            " python3 (pid 4004) and 2 more",
            "gpu-001",
        ),
    )


def test_a_node_without_gpus(check, node, make_context) -> None:
    with pytest.raises(NotApplicable):
        check.plan(node, make_context(facts={"gpu.count": 0}))


def test_a_driver_that_does_not_answer(check, node, make_context, make_outputs, answer, corpus_text) -> None:
    text = corpus_text("nvidia-smi-errors/04-nvml-driver-library-mismatch-2-lines.txt")
    out = make_outputs({COMPUTE_APPS: answer(text, status=18)})
    outcome = judged(check, node, out, make_context(facts=FACTS))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "GPU-DRIVER")


def test_no_tool(check, node, make_context, make_outputs, answer) -> None:
    out = make_outputs({COMPUTE_APPS: answer(ended=Ended.MISSING, detail="nvidia-smi")})
    outcome = judged(check, node, out, make_context(facts=FACTS))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "TOOL-MISSING")


AMD = {"gpu.count": 8, "gpu.vendor": "amd", "tools.required": []}


def test_idle_gpus_of_amd(check, node, make_context, make_outputs) -> None:
    text = '[{"gpu": 0, "process_list": [{"process_info": "No running processes detected"}]}]'  # invented
    outcome = judged(check, node, make_outputs({amd_smi.PROCESS: text}), make_context(facts=AMD))
    assert (outcome.verdict, outcome.findings) == (Verdict.PASS, ())
    assert check.plan(node, make_context(facts=AMD)).steps[0].command is amd_smi.PROCESS


def test_a_foreign_load_on_gpus_of_amd_counts_once(check, node, make_context, make_outputs) -> None:
    own = '{"gpu": %d, "process_list": [{"process_info": {"name": "python3", "pid": 77}}]}'  # invented
    text = f"[{', '.join(own % n for n in range(8))}]"
    outcome = judged(check, node, make_outputs({amd_smi.PROCESS: text}), make_context(facts=AMD))
    assert outcome.findings == (Finding("NODE-BUSY", "1 on the GPUs: python3 (pid 77)", "gpu-001"),)
