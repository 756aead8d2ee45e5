"""The four rules against false green, and the words of a check that cannot judge."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bringup.check import Check, Outputs, Plan, run
from bringup.commands import Command, Ended, Output
from bringup.context import Context
from bringup.defects import Fault
from bringup.errors import CannotJudge, NotApplicable, ParseError
from bringup.judging import judged
from bringup.model import Finding, Limit, Measurement, Node, Stage, Verdict, Weight, Why

NODE = Node("gpu-001")
ECHO = Command("echo hi", needs=("echo",))
LIMIT = Limit("t", ">=", 10.0, "GB/s")
CTX = Context({})


def good(value: float | str = 12.0) -> Measurement:
    return Measurement("t", value, "GB/s", "gpu-001", LIMIT)


class Scripted(Check[Node]):
    """Says what the test tells it to say."""

    id = "host.scripted"
    stage = Stage.HOST
    faults = (Fault("SCRIPTED", "t", "a"),)

    def __init__(self, *script: Measurement | Finding | Exception) -> None:
        self.script = script

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, ECHO)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        for item in self.script:
            if isinstance(item, Exception):
                raise item
            yield item


def verdict(*script: Measurement | Finding | Exception) -> tuple[Verdict, str, str]:
    outcome = judged(Scripted(*script), NODE, Outputs({}), CTX)
    return outcome.verdict, outcome.code, outcome.reason.split("\n")[0]


def test_a_value_within_its_limit_passes() -> None:
    assert verdict(good()) == (Verdict.PASS, "", "")


def test_a_value_beyond_its_limit_fails() -> None:
    assert verdict(good(), good(9.9)) == (Verdict.FAIL, "", "")


def test_a_proven_failure_survives_a_later_error() -> None:
    assert verdict(good(9.0), ParseError("line 7: ???")) == (
        Verdict.FAIL,
        "OUTPUT-UNKNOWN",
        "output not understood: line 7: ???",
    )


def test_a_good_value_does_not_survive_a_later_error() -> None:
    assert verdict(good(), CannotJudge("lost")) == (Verdict.ERROR, "", "lost")


def test_judging_nothing_is_an_error() -> None:
    assert verdict()[:2] == (Verdict.ERROR, "NOTHING-JUDGED")
    informative = Measurement("t", 1.0, "", "gpu-001")
    assert verdict(informative)[:2] == (Verdict.ERROR, "NOTHING-JUDGED")


def test_a_note_alone_is_no_pass() -> None:
    note = Finding("SCRIPTED", "seen before the run", "gpu-001", Weight.NOTE)
    assert verdict(note) == (Verdict.ERROR, "", "seen before the run")
    assert verdict(note, good())[0] is Verdict.PASS


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_value_that_is_no_number_is_an_error(value: float) -> None:
    assert verdict(good(value))[:2] == (Verdict.ERROR, "OUTPUT-UNKNOWN")


def test_words_against_a_number_limit_are_an_error() -> None:
    assert verdict(good("N/A"))[:2] == (Verdict.ERROR, "CHECK-BUG")


def test_a_bug_in_a_check_is_an_error_with_its_traceback() -> None:
    outcome = judged(Scripted(ZeroDivisionError("x")), NODE, Outputs({}), CTX)
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "CHECK-BUG")
    assert "ZeroDivisionError: x" in outcome.reason


def test_not_applicable_is_not_run_with_the_reason() -> None:
    outcome = judged(Scripted(NotApplicable("no GPUs by profile")), NODE, Outputs({}), CTX)
    assert (outcome.verdict, outcome.why, outcome.reason) == (
        Verdict.NOT_RUN,
        Why.NOT_APPLICABLE,
        "no GPUs by profile",
    )


@pytest.mark.parametrize(
    ("output", "code", "words"),
    [
        (Output("gpu-001", ECHO, Ended.MISSING, detail="echo"), "TOOL-MISSING", "not installed on the node"),
        (Output("gpu-001", ECHO, Ended.TIMEOUT), "COMMAND-HANGS", "echo did not answer within 20 s"),
        (Output("gpu-001", ECHO, Ended.LOST, detail="connection lost"), "NODE-LOST", "connection lost"),
        (Output("gpu-001", ECHO, Ended.EXITED, 0, truncated=True), "", "printed more than"),
        (Output("gpu-001", ECHO, Ended.EXITED, 3, stderr=b"no\nway"), "", "status 3 on gpu-001: no / way"),
    ],
)
def test_an_output_that_is_no_answer_cannot_be_judged(output: Output, code: str, words: str) -> None:
    with pytest.raises(CannotJudge) as caught:
        Outputs({("gpu-001", ECHO): output}).text(NODE, ECHO)
    assert caught.value.code == code
    assert words in caught.value.reason


def test_the_first_answers_are_there_for_checks_that_compare_and_a_missing_one_says_so() -> None:
    first, now = (Output("gpu-001", ECHO, Ended.EXITED, 0, text) for text in (b"1", b"2"))
    key = ("gpu-001", ECHO)
    both = Outputs({key: now}, {key: first})
    assert (both.before.text(NODE, ECHO), both.text(NODE, ECHO)) == ("1", "2")
    for lonely in (Outputs({key: now}), Outputs({key: now}, {})):
        with pytest.raises(CannotJudge, match="echo had no answer on gpu-001 before the load"):
            lonely.before.text(NODE, ECHO)
    assert list(both) == [now]
