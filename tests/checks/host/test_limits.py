"""host.limits: unlimited, enough, the common 8 MiB, and a table that is cut off."""

from __future__ import annotations

import pytest

from bringup.check import judged
from bringup.model import Verdict
from bringup.parsers.host import LIMITS


@pytest.fixture
def check(load_check):
    return load_check("host/limits.py")


def table(memlock: str) -> str:
    return (
        "Limit                     Soft Limit           Hard Limit           Units     \n"
        f"Max locked memory         {memlock:<20} {memlock:<20} bytes     \n"
        "Max realtime timeout      unlimited            unlimited            us        \n"
    )


@pytest.mark.parametrize(
    ("memlock", "value", "ok"),
    [("unlimited", "unlimited", True), ("17179869184", 16777216, True), ("8388608", 8192, False)],
)
def test_memlock(check, node, make_context, make_outputs, values, memlock, value, ok) -> None:
    ctx = make_context({"host.limits.memlock": (">=", 16777216, "KiB")})
    outcome = judged(check, node, make_outputs({LIMITS: table(memlock)}), ctx)
    assert outcome.verdict is (Verdict.PASS if ok else Verdict.FAIL)
    assert values(outcome) == [("memlock", "gpu-001", value, ok)]


def test_unlimited_still_needs_a_limit_in_the_profile(check, node, make_context, make_outputs) -> None:
    outcome = judged(check, node, make_outputs({LIMITS: table("unlimited")}), make_context())
    assert (outcome.verdict, outcome.reason) == (
        Verdict.ERROR,
        "profile test has no limit host.limits.memlock",
    )


@pytest.mark.parametrize("text", ["", table("64").replace("locked memory", "stack size   ")])
def test_unreadable(check, node, make_context, make_outputs, text) -> None:
    ctx = make_context({"host.limits.memlock": (">=", 16777216, "KiB")})
    outcome = judged(check, node, make_outputs({LIMITS: text}), ctx)
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "OUTPUT-UNKNOWN")
