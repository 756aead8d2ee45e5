"""gpu.amd-power-cap: the kernel's own files say what is set and what the board's default is."""

from __future__ import annotations

import pytest

from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.pci_sysfs import DEVICES

AT = ("0000:05:00.0", "0000:26:00.0")


def caps(*watts: tuple[int, int]) -> str:
    """What grep prints of hwmon (invented numbers; names and unit are those of the kernel's documentation)."""
    rows = [
        f"{bdf}/hwmon/hwmon{n}/power1_{name}:{value}000000\n"
        for n, (bdf, values) in enumerate(zip(AT, watts, strict=False), 3)
        for name, value in zip(("cap", "cap_default"), values, strict=True)
    ]
    return "".join(rows) + "end\n"


@pytest.fixture
def judge(load_check, node, make_context, make_outputs):
    def run(text: str, count: int = 2):
        ctx = make_context(facts={"gpu.vendor": "amd", "gpu.count": count})
        check = load_check("gpu/amd_power_cap.py")
        first, _ = (step.command for step in check.plan(node, ctx).steps)
        devices = "".join(f"{b}/vendor:0x1002\n{b}/device:0x74a1\n{b}/class:0x120000\n" for b in AT)
        return judged(check, node, make_outputs({first: text, DEVICES: devices}), ctx)

    return run


def test_limits_at_their_default(judge, values) -> None:
    outcome = judge(caps((750, 750), (750, 750)))
    assert (outcome.verdict, outcome.findings) == (Verdict.PASS, ())
    assert values(outcome) == [("gpu.power.limit", f"gpu-001/gpu/{n}", 750.0, True) for n in range(2)]


def test_a_lowered_limit_is_at_its_gpu(judge) -> None:
    outcome = judge(caps((750, 750), (500, 750)))
    assert outcome.verdict is Verdict.FAIL
    assert [(m.at, m.value, str(m.limit)) for m in outcome.measurements if not m.ok] == [
        ("gpu-001/gpu/1", 500.0, "at least 750 W")
    ]


def test_virtual_functions_show_no_limit(judge) -> None:
    assert (judge("end\n").verdict, judge("end\n").reason) == (
        Verdict.NOT_RUN,
        "the driver shows the power limit of no GPU",
    )


def test_one_gpu_that_does_not_tell_and_one_that_is_gone(judge) -> None:
    outcome = judge(caps((750, 750)))
    assert (outcome.verdict, outcome.reason) == (
        Verdict.ERROR,
        "power limit and its default not reported by 0000:26:00.0",
    )
    assert judge(caps((750, 750), (750, 750)), 3).code == "GPU-MISSING"


@pytest.mark.parametrize("text", ["", "0000:05:00.0/hwmon/hwmon3/power1_cap:1\n", "grep: no\nend\n"])
def test_cut_off_or_unknown(judge, text) -> None:
    assert judge(text).code == "OUTPUT-UNKNOWN"


def test_other_gpus(load_check, node, make_context) -> None:
    with pytest.raises(NotApplicable):
        load_check("gpu/amd_power_cap.py").plan(
            node, make_context(facts={"gpu.vendor": "nvidia", "gpu.count": 8})
        )
