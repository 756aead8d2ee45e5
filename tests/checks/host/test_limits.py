"""host.limits: unlimited, enough, the common 8 MiB, few open files, and a table that is cut off."""

from __future__ import annotations

import pytest

from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.host import LIMITS

PROFILE = {
    "host.limits.memlock": (">=", 16777216, "KiB"),
    "host.limits.nofile": (">=", 1024, "files"),
}


@pytest.fixture
def judge(load_check, node, make_context, make_outputs):
    def run(text: str, limits=PROFILE, hcas=("mlx5_0",)):
        return judged(
            load_check("host/limits.py"),
            node,
            make_outputs({LIMITS: text}),
            make_context(limits, {"fabric.hcas": list(hcas)}),
        )

    return run


def table(memlock: str = "unlimited", files: str = "1048576") -> str:
    return (
        "Limit                     Soft Limit           Hard Limit           Units     \n"
        f"Max open files            {files:<20} {files:<20} files     \n"
        f"Max locked memory         {memlock:<20} {memlock:<20} bytes     \n"
        "Max realtime timeout      unlimited            unlimited            us        \n"
    )


@pytest.mark.parametrize(
    ("memlock", "value", "ok"),
    [("unlimited", "unlimited", True), ("17179869184", 16777216, True), ("8388608", 8192, False)],
)
def test_memlock(judge, values, memlock, value, ok) -> None:
    outcome = judge(table(memlock))
    assert outcome.verdict is (Verdict.PASS if ok else Verdict.FAIL)
    assert values(outcome) == [
        ("memlock", "gpu-001", value, ok),
        ("open files", "gpu-001", 1048576, True),
    ]


def test_without_fabric_ports_locked_memory_is_a_reading(judge) -> None:
    outcome = judge(table("8388608"), hcas=())
    assert outcome.verdict is Verdict.PASS
    assert [(m.value, m.limit is None) for m in outcome.measurements] == [(8192, True), (1048576, False)]


@pytest.mark.parametrize(("files", "value", "ok"), [("unlimited", "unlimited", True), ("256", 256, False)])
def test_open_files(judge, files, value, ok) -> None:
    outcome = judge(table(files=files))
    assert outcome.verdict is (Verdict.PASS if ok else Verdict.FAIL)
    last = outcome.measurements[-1]
    assert (last.name, last.value, last.ok, last.code) == ("open files", value, ok, "NOFILE-LIMIT")


@pytest.mark.parametrize("name", PROFILE)
def test_unlimited_still_needs_a_limit_in_the_profile(judge, name) -> None:
    outcome = judge(table(files="unlimited"), {n: v for n, v in PROFILE.items() if n != name})
    assert (outcome.verdict, outcome.reason) == (Verdict.ERROR, f"profile test has no limit {name}")


@pytest.mark.parametrize("text", ["", table("64").replace("locked memory", "stack size   ")])
def test_unreadable(judge, text) -> None:
    outcome = judge(text)
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "OUTPUT-UNKNOWN")
