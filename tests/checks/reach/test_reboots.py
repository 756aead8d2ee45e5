"""reach.reboots: up for long, boot loops, no record of earlier boots."""

from __future__ import annotations

import pytest

from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.boots import BOOTS

LIMITS = {"reach.reboots": ("<=", 5, "boots")}
FACTS = {"reboots.lookback_h": 24}
NOW = 1_732_104_000  # 2024-11-20T12:00:00Z


def boot(stamp: str) -> str:
    # invented, in the layout of util-linux 2.38
    return f"last=reboot   system boot  5.15.0-112-gener {stamp}   still running\n"


def text(uptime: float, history: str) -> str:
    return f"now={NOW}\nuptime={uptime}\n{history}end=boots\n"


def last(*stamps: str, since: str = "2024-11-01T00:00:00+00:00") -> str:
    return "history=last\n" + "".join(boot(s) for s in stamps) + f"last=\nlast=wtmp begins {since}\n"


@pytest.fixture
def check(load_check):
    return load_check("reach/reboots.py")


@pytest.fixture
def judge(check, node, make_context, make_outputs):
    return lambda said: judged(check, node, make_outputs({BOOTS: said}), make_context(LIMITS, FACTS))


def test_a_node_that_is_up_for_days_needs_no_record(judge, values) -> None:
    outcome = judge(text(172_800.5, "history=no-tool\n"))
    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")
    assert values(outcome) == [("uptime", "gpu-001", 48.0, True), ("boots", "gpu-001", 0, True)]


def test_a_boot_loop(judge, values) -> None:
    stamps = [f"2024-11-20T{h:02}:30:00+00:00" for h in (11, 10, 9, 8, 7, 6)] + ["2024-11-10T06:00:00+00:00"]
    outcome = judge(text(1800, last(*stamps)))
    assert outcome.verdict is Verdict.FAIL
    assert values(outcome) == [("uptime", "gpu-001", 0.5, True), ("boots", "gpu-001", 6, False)]


def test_one_boot_today_is_fine(judge, values) -> None:
    outcome = judge(text(1800, last("2024-11-20T11:30:00+00:00", "2024-11-01T11:30:00+00:00")))
    assert (outcome.verdict, outcome.findings) == (Verdict.PASS, ())
    assert values(outcome)[1] == ("boots", "gpu-001", 1, True)


def test_a_young_record_is_told(judge, found) -> None:
    outcome = judge(text(1800, last("2024-11-20T11:30:00+00:00", since="2024-11-20T10:00:00+00:00")))
    assert outcome.verdict is Verdict.PASS
    assert found(outcome) == [("note", "NODE-REBOOTS", "gpu-001")]


@pytest.mark.parametrize("history", ["no-tool", "no-file"])
def test_a_young_node_without_a_record_cannot_be_judged(judge, history) -> None:
    outcome = judge(text(1800, f"history={history}\n"))
    assert outcome.verdict is Verdict.ERROR
    assert "booted 0.5 h ago, and boots before that are not known" in outcome.reason


@pytest.mark.parametrize(
    "said",
    [
        "now=1732104000\nuptime=1800\nhistory=last\n",
        text(
            1800,
            "history=last\nlast=reboot   system boot  5.15 Wed Nov 20 11:30 - 12:00\nlast=wtmp begins x\n",
        ),
        text(1800, "history=last\n" + boot("2024-11-20T11:30:00+00:00")),
    ],
)
def test_cut_off_or_unknown(judge, said) -> None:
    outcome = judge(said)
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "OUTPUT-UNKNOWN")
