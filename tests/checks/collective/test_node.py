"""collective.node: good, slow, wrong, failing, hanging and cut all_reduce runs of one node."""

from __future__ import annotations

import pytest

from bringup.commands import Ended
from bringup.errors import NoLimit, NotApplicable
from bringup.judging import judged
from bringup.model import Finding, Verdict
from bringup.parsers.nccl_tests import all_reduce

FACTS = {"gpu.count": 8, "collective.binary": "all_reduce_perf"}
LIMITS = {"collective.wrong": ("==", 0, "values"), "collective.node.all_reduce": (">=", 460, "GB/s")}
COMMAND = all_reduce("all_reduce_perf", 8)
FIVE = "nccl-tests/12-five-collectives-one-log-h100x8.txt"
WRONG = "nccl-tests/22-dcgm-mock-out-of-bounds-failed.txt"
FAILED = "nccl-tests/08-alltoall-remote-exited.txt"
HANG = "nccl-tests/11-alltoall-hang-no-rows-no-error.txt"


def first_of(text: str) -> str:
    """The first collective of a log of several."""
    return text[: text.index("# nccl-tests version", 10)]


@pytest.fixture
def check(load_check):
    return load_check("collective/node.py")


@pytest.fixture
def judge(check, node, make_context, make_outputs):
    def judge(said, limits=LIMITS, facts=FACTS):
        return judged(check, node, make_outputs({COMMAND: said}), make_context(limits, facts))

    return judge


def test_the_plan(check, node, make_context) -> None:
    assert [s.command for s in check.plan(node, make_context(LIMITS, FACTS)).steps] == [COMMAND]
    for facts in ({"gpu.count": 0}, {"gpu.count": 1, "collective.binary": "x"}):
        with pytest.raises(NotApplicable):
            check.plan(node, make_context(LIMITS, facts))
    with pytest.raises(NoLimit):
        check.plan(node, make_context(LIMITS, {"gpu.count": 8}))


def test_good(judge, corpus_text, values) -> None:
    outcome = judge(first_of(corpus_text(FIVE)))
    assert (outcome.verdict, outcome.reason, outcome.findings) == (Verdict.PASS, "", ())
    assert values(outcome) == [("wrong", "gpu-001", 0, True), ("busbw", "gpu-001", 481.30, True)]
    assert [m.code for m in outcome.measurements] == ["COLL-WRONG", "COLL-BUSBW"]


def test_slow_is_judged_at_the_largest_size_not_by_the_average(judge, corpus_text, values) -> None:
    limits = {**LIMITS, "collective.node.all_reduce": (">=", 482, "GB/s")}
    outcome = judge(first_of(corpus_text(FIVE)), limits=limits)
    assert outcome.verdict is Verdict.FAIL
    assert values(outcome)[1] == ("busbw", "gpu-001", 481.30, False)


def test_wrong_results(judge, corpus_text, answer, values) -> None:
    text = first_of(corpus_text(FIVE)).replace("481.30       0", "481.30       3")
    outcome = judge(answer(text, status=1))
    assert outcome.verdict is Verdict.FAIL
    assert values(outcome) == [("wrong", "gpu-001", 3, False), ("busbw", "gpu-001", 481.30, True)]
    assert outcome.findings == ()


def test_a_failure(judge, corpus_text, answer) -> None:
    outcome = judge(answer(corpus_text(FAILED), status=3))
    assert outcome.verdict is Verdict.FAIL
    assert outcome.findings == (
        Finding(
            "COLL-FAILED",
            "cnode2-016: Test NCCL failure alltoall.cu:274 'remote process exited or there was a network error / '",
            "gpu-001",
        ),
    )


def test_a_failure_before_the_table(judge, answer) -> None:
    said = "gpu-001: Test CUDA failure common.cu:1001 'system not yet initialized'\n"
    outcome = judge(answer(said, status=2))
    assert [(f.code, f.message) for f in outcome.findings] == [("COLL-FAILED", said.strip())]


def test_too_few_gpus_on_stderr(judge, answer) -> None:
    said = "# nThread 1 nGpus 8 minBytes 1073741824 maxBytes 8589934592 step: 2(factor)\n"
    outcome = judge(
        answer(said, status=1, stderr="Invalid number of GPUs: 8 requested but only 7 were found.\n")
    )
    assert outcome.findings == (
        Finding("COLL-FAILED", "Invalid number of GPUs: 8 requested but only 7 were found.", "gpu-001"),
    )


def test_a_hang_is_a_failure(judge, corpus_text, answer) -> None:
    outcome = judge(answer(corpus_text(HANG), ended=Ended.TIMEOUT))
    assert (outcome.verdict, outcome.measurements) == (Verdict.FAIL, ())
    assert outcome.findings == (Finding("COLL-FAILED", "hangs: 8 ranks, 0 sizes done in 300 s", "gpu-001"),)


def test_a_program_that_says_nothing_until_its_deadline(judge, answer) -> None:
    outcome = judge(answer(ended=Ended.TIMEOUT))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "COMMAND-HANGS")


def test_a_log_without_its_closing_lines_is_no_result(judge, corpus_text) -> None:
    text = first_of(corpus_text(FIVE))
    outcome = judge(text[: text.index("# Out of bounds")])
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "OUTPUT-UNKNOWN")
    assert "no closing lines" in outcome.reason


@pytest.mark.parametrize("text", ["", "hello\n"])
def test_unknown_text(judge, text) -> None:
    outcome = judge(text)
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "OUTPUT-UNKNOWN")


def test_several_tests_in_one_log(judge, corpus_text) -> None:
    outcome = judge(corpus_text(FIVE))
    assert outcome.verdict is Verdict.ERROR
    assert "the log holds 5 tests, needed one" in outcome.reason


def test_fewer_ranks_than_planned(judge, corpus_text) -> None:
    outcome = judge(corpus_text(WRONG))
    told = "all_reduce ran with 1 ranks on 1 GPUs of 1 nodes, needed 8 on 1 nodes"
    assert (outcome.verdict, outcome.reason) == (Verdict.ERROR, told)


def test_results_that_were_not_checked(judge, corpus_text) -> None:
    outcome = judge(corpus_text("nccl-tests/01-allreduce-a100x8-old-fmt.txt"))
    assert (outcome.verdict, outcome.reason) == (Verdict.ERROR, "all_reduce did not check its results")


def test_good_numbers_and_a_bad_end(judge, corpus_text, answer) -> None:
    outcome = judge(answer(first_of(corpus_text(FIVE)), status=139))
    assert outcome.verdict is Verdict.FAIL
    assert outcome.findings == (
        Finding("COLL-FAILED", "ended with status 139: it printed its result", "gpu-001"),
    )


def test_no_tool(judge, answer) -> None:
    outcome = judge(answer(ended=Ended.MISSING, detail="all_reduce_perf"))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "TOOL-MISSING")


NVSWITCH = {**FACTS, "gpu.vendor": "nvidia", "nvlink.fabric_reported": True, "nvlink.fabric_manager": True}


def with_log(text: str, *said: str) -> str:
    """The run with lines of NCCL before its table."""
    at = text.index("#\n#", text.index("Rank  7"))
    host = text[text.index(" on ") + 4 :].split()[0]
    return (
        text[:at]
        + "".join(f"{host}:11:12 [{n}] NCCL INFO {words}\n" for n, words in enumerate(said))
        + text[at:]
    )


def test_without_reductions_in_the_switches_the_bandwidth_is_void(judge, corpus_text, values) -> None:
    text = with_log(
        first_of(corpus_text(FIVE)),
        *(f"NVLS multicast support is not available on dev {n}" for n in range(8)),
    )
    outcome = judge(
        text, limits={**LIMITS, "collective.node.all_reduce": (">=", 600, "GB/s")}, facts=NVSWITCH
    )
    assert outcome.verdict is Verdict.FAIL
    said = "NVLS, the reduction in the NVSwitches, is not available on GPU 0, 1, 2, 3, 4, 5, 6, 7"
    assert outcome.findings == (Finding("COLL-TRANSPORT", said, "gpu-001"),)
    assert values(outcome) == [("wrong", "gpu-001", 0, True), ("busbw", "gpu-001", 481.30, True)]
    assert [m.limit is None for m in outcome.measurements] == [False, True]


@pytest.mark.parametrize(
    "facts", [FACTS, {**NVSWITCH, "collective.nvls": False}, {**NVSWITCH, "nvlink.fabric_reported": False}]
)
def test_nodes_that_cannot_reduce_in_the_switches_need_not(judge, corpus_text, facts) -> None:
    text = with_log(first_of(corpus_text(FIVE)), "NVLS multicast support is not available on dev 0")
    outcome = judge(text, facts=facts)
    assert (outcome.verdict, outcome.findings) == (Verdict.PASS, ())


def test_the_right_way_is_no_finding(judge, corpus_text) -> None:
    text = with_log(
        first_of(corpus_text(FIVE)), "NVLS multicast support is available on dev 0 (NVLS_NCHANNELS 16)"
    )
    outcome = judge(text, facts=NVSWITCH)
    assert (outcome.verdict, outcome.findings) == (Verdict.PASS, ())


def test_what_is_proven_to_fail_needs_no_limit(judge, corpus_text, answer) -> None:
    outcome = judge(answer(corpus_text(HANG), ended=Ended.TIMEOUT), limits={})
    assert outcome.verdict is Verdict.FAIL
    assert outcome.findings == (Finding("COLL-FAILED", "hangs: 8 ranks, 0 sizes done in 300 s", "gpu-001"),)
