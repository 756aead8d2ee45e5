"""gpu.driver-version: a driver is only judged where the profile names what it approves."""

from __future__ import annotations

import pytest

from bringup.errors import NoLimit, NotApplicable
from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.host import VERSIONS

APPROVED = "gpu.driver.approved"


@pytest.fixture
def judge(load_check, node, hgx, make_outputs):
    def run(text: str, approved: object):
        ctx = hgx(facts={APPROVED: approved})
        check = load_check("gpu/driver_version.py")
        check.plan(node, ctx)
        return judged(check, node, make_outputs({VERSIONS: text}), ctx)

    return run


def told(*lines: str) -> str:
    """As VERSIONS prints it (invented)."""
    return "\n".join(("kernel=5.15.0", *lines, "ofed=none", "end=versions", ""))


@pytest.mark.parametrize("line", ["nvidia=580.95.05", "amdgpu=580.95.05"])
def test_an_approved_driver(judge, line, values) -> None:
    outcome = judge(told(line), ["570.86.15", "580.95.05"])
    assert (outcome.verdict, values(outcome)) == (Verdict.PASS, [("driver", "gpu-001", "580.95.05", True)])


def test_a_driver_that_nobody_has_approved(judge) -> None:
    outcome = judge(told("nvidia=535.54.03"), ["570.86.15", "580.95.05"])
    assert outcome.verdict is Verdict.FAIL
    (driver,) = outcome.measurements
    assert driver.limit is not None
    assert (driver.value, str(driver.limit)) == ("535.54.03", "570.86.15 or 580.95.05")


def test_a_driver_that_is_not_loaded(judge) -> None:
    assert judge(told(), ["580.95.05"]).verdict is Verdict.ERROR


def test_a_profile_that_approves_nothing_or_nonsense(judge) -> None:
    with pytest.raises(NotApplicable):
        judge(told(), None)
    for wrong in ("580", [580], ["580\nx"], [""]):
        with pytest.raises(NoLimit, match=r"gpu\.driver\.approved"):
            judge(told(), wrong)
