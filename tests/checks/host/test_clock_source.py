"""host.clock-source: the processors' own clock, a slow one, and the clocks of virtual machines."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bringup.commands import Ended
from bringup.judging import judged
from bringup.model import Verdict, Why
from bringup.parsers.clock_source import SOURCE, ClockSource, parse


@pytest.fixture
def judge(load_check, node, make_context, make_outputs):
    def run(text: object):
        check = load_check("host/clock_source.py")
        return judged(check, node, make_outputs({SOURCE: text}), make_context())

    return run


def told(current: str, virtual: str = "no", machine: str = "other") -> str:
    """As SOURCE prints it (invented)."""
    return f"current={current}\nvirtual={virtual}\nmachine={machine}\nend=clock\n"


@pytest.mark.parametrize("text", [told("tsc"), told("tsc", "yes"), told("arch_sys_counter", machine="arm")])
def test_the_processors_own_clock(judge, text) -> None:
    outcome = judge(text)
    assert (outcome.verdict, outcome.reason, outcome.findings) == (Verdict.PASS, "", ())
    assert len(outcome.measurements) == 1


@pytest.mark.parametrize("text", [told("hpet"), told("acpi_pm"), told("acpi_pm", "yes"), told("kvm-clock")])
def test_a_slow_clock(judge, text, values) -> None:
    outcome = judge(text)
    assert outcome.verdict is Verdict.FAIL
    assert values(outcome) == [("clock source", "gpu-001", text[8:].partition("\n")[0], False)]


def test_the_hypervisors_clock(judge) -> None:
    outcome = judge(told("kvm-clock", "yes"))
    assert (outcome.verdict, outcome.why) == (Verdict.NOT_RUN, Why.NOT_APPLICABLE)


@pytest.mark.parametrize(
    "text", ["", "tsc\n", told("tsc").replace("end=clock\n", ""), "virtual=no\nend=clock\n", told("a b")]
)
def test_cut_off_or_unknown(judge, text) -> None:
    assert judge(text).code == "OUTPUT-UNKNOWN"


def test_hanging(judge, answer) -> None:
    assert judge(answer(ended=Ended.TIMEOUT)).code == "COMMAND-HANGS"


def test_the_command_reads_a_machine(tmp_path: Path) -> None:
    base = tmp_path / "sys/devices/system/clocksource/clocksource0"
    base.mkdir(parents=True)
    (base / "current_clocksource").write_text("hpet\n")
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text("processor\t: 0\nflags\t\t: fpu tsc hypervisor\n")
    done = subprocess.run(
        ["/bin/sh", "-c", SOURCE.script],
        env={"ROOT": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert parse(done.stdout) == ClockSource("hpet", virtual=True, arm=False)
