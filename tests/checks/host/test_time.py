"""host.time: in step, off, without a source, without chrony."""

from __future__ import annotations

import pytest

from bringup.commands import Ended
from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.chrony import KERNEL_CLOCK, TRACKING
from bringup.parsers.timesyncd import STATUS

LIMITS = {"host.time.offset": ("<=", 10, "ms")}


def csv(offset_s: str, leap: str = "Normal") -> str:
    return f"A29FC801,time.example,3,1749959394.0,{offset_s},0.0,0.0,-3.6,0.0,0.1,0.009,0.0004,64.2,{leap}\n"


@pytest.fixture
def check(load_check):
    return load_check("host/time.py")


@pytest.mark.parametrize(
    ("offset", "milliseconds", "ok"), [("0.000010589", 0.010589, True), ("-0.250000000", 250.0, False)]
)
def test_offset(check, node, make_context, make_outputs, values, offset, milliseconds, ok) -> None:
    outcome = judged(check, node, make_outputs({TRACKING: csv(offset)}), make_context(LIMITS))
    assert outcome.verdict is (Verdict.PASS if ok else Verdict.FAIL)
    assert values(outcome) == [
        ("synchronised", "gpu-001", "yes", True),
        ("offset", "gpu-001", milliseconds, ok),
    ]
    assert [m.code for m in outcome.measurements] == ["CLOCK-UNSYNCED", "CLOCK-OFFSET"]


def test_without_a_source_the_offset_means_nothing(check, node, make_context, make_outputs, values) -> None:
    out = make_outputs({TRACKING: csv("0.0", "Not synchronised")})
    outcome = judged(check, node, out, make_context(LIMITS))
    assert outcome.verdict is Verdict.FAIL
    assert values(outcome) == [("synchronised", "gpu-001", "no", False)]


def no_chrony(answer):
    return answer(ended=Ended.MISSING, detail="chronyc")


def no_daemon(answer):
    return answer("506 Cannot talk to daemon\n506 Cannot talk to daemon\n", status=1)


@pytest.mark.parametrize("chrony", [no_chrony, no_daemon])
def test_the_kernel_knows_that_nobody_steers_it(
    check, node, make_context, make_outputs, answer, values, chrony
) -> None:
    absent = answer(status=1, stderr="Failed to query server: ...")
    out = make_outputs({TRACKING: chrony(answer), STATUS: absent, KERNEL_CLOCK: "NTPSynchronized=no\n"})
    outcome = judged(check, node, out, make_context(LIMITS))
    assert outcome.verdict is Verdict.FAIL
    assert values(outcome) == [("synchronised", "gpu-001", "no", False)]


@pytest.mark.parametrize(
    ("chrony", "code", "words"),
    [
        (no_chrony, "TOOL-MISSING", "chronyc"),
        (no_daemon, "", "chronyd does not run, so the offset is unknown"),
    ],
)
@pytest.mark.parametrize("kernel", ["NTPSynchronized=yes\n", "what?\n", None])
def test_a_clock_that_somebody_steers_by_an_unknown_amount(
    check, node, make_context, make_outputs, answer, chrony, code, words, kernel
) -> None:
    said = answer(ended=Ended.MISSING, detail="timedatectl") if kernel is None else kernel
    absent = answer(ended=Ended.MISSING, detail="timedatectl")
    out = make_outputs({TRACKING: chrony(answer), STATUS: absent, KERNEL_CLOCK: said})
    outcome = judged(check, node, out, make_context(LIMITS))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, code)
    assert words in outcome.reason


def test_unknown_words(check, node, make_context, make_outputs) -> None:
    outcome = judged(check, node, make_outputs({TRACKING: csv("soon")}), make_context(LIMITS))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "OUTPUT-UNKNOWN")


@pytest.mark.parametrize(
    ("text", "verdict", "told"),
    [
        ("Server: a\nLeap: normal\nOffset: -1.5ms\n", Verdict.PASS, ["yes", 1.5]),
        ("Server: a\nLeap: normal\nOffset: +2.5s\n", Verdict.FAIL, ["yes", 2500.0]),
        ("Server: a\nPacket count: 0\n", Verdict.FAIL, ["no"]),
    ],
)
@pytest.mark.parametrize("chrony", [no_chrony, no_daemon])
def test_systemd_timesyncd_tells_as_much(
    check, node, make_context, make_outputs, answer, chrony, text, verdict, told
) -> None:
    out = make_outputs({TRACKING: chrony(answer), STATUS: text, KERNEL_CLOCK: "NTPSynchronized=yes\n"})
    outcome = judged(check, node, out, make_context(LIMITS))
    assert (outcome.verdict, [m.value for m in outcome.measurements]) == (verdict, told)


def test_timesyncd_in_unknown_words(check, node, make_context, make_outputs, answer) -> None:
    out = make_outputs(
        {TRACKING: no_chrony(answer), STATUS: "what?\n", KERNEL_CLOCK: "NTPSynchronized=yes\n"}
    )
    assert judged(check, node, out, make_context(LIMITS)).code == "OUTPUT-UNKNOWN"
