"""host.cpu and host.memory: counts and totals against the profile."""

from __future__ import annotations

import pytest

from bringup.judging import judged
from bringup.model import Verdict
from bringup.parsers.host import CPU, MEMORY

LIMITS = {
    "host.cpu.sockets": ("==", 2, "sockets"),
    "host.cpu.threads": (">=", 8, "threads"),
    "host.memory.total": (">=", 1776, "GiB"),
}


def cpuinfo(threads: int, sockets: int) -> str:
    return "".join(f"processor\t: {n}\nphysical id\t: {n % sockets}\n" for n in range(threads))


@pytest.fixture
def cpu(load_check):
    return load_check("host/cpu.py")


@pytest.fixture
def memory(load_check):
    return load_check("host/memory.py")


def test_all_processors(cpu, node, make_context, make_outputs, values) -> None:
    outcome = judged(cpu, node, make_outputs({CPU: cpuinfo(8, 2)}), make_context(LIMITS))
    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")
    assert values(outcome) == [("threads", "gpu-001", 8, True), ("sockets", "gpu-001", 2, True)]


def test_the_model_is_a_reading(cpu, node, make_context, make_outputs, values) -> None:
    text = "".join(f"{line}\nmodel name\t: Xeon 8480C\n" for line in cpuinfo(8, 2).splitlines())
    outcome = judged(cpu, node, make_outputs({CPU: text}), make_context(LIMITS))
    assert (outcome.verdict, cpu.collects) == (Verdict.PASS, True)
    assert values(outcome)[0] == ("processor model", "gpu-001", "Xeon 8480C", True)


def test_one_processor_missing(cpu, node, make_context, make_outputs, values) -> None:
    outcome = judged(cpu, node, make_outputs({CPU: cpuinfo(4, 1)}), make_context(LIMITS))
    assert outcome.verdict is Verdict.FAIL
    assert values(outcome) == [("threads", "gpu-001", 4, False), ("sockets", "gpu-001", 1, False)]


def test_sockets_that_are_not_told_are_not_passed(cpu, node, make_context, make_outputs, values) -> None:
    text = "".join(f"processor\t: {n}\n" for n in range(8))
    outcome = judged(cpu, node, make_outputs({CPU: text}), make_context(LIMITS))
    assert (outcome.verdict, outcome.reason) == (
        Verdict.ERROR,
        "the kernel does not tell how many sockets there are",
    )
    assert values(outcome) == [("threads", "gpu-001", 8, True)]


def test_cpu_without_a_limit(cpu, node, make_context, make_outputs) -> None:
    outcome = judged(cpu, node, make_outputs({CPU: cpuinfo(8, 2)}), make_context())
    assert (outcome.verdict, outcome.reason) == (Verdict.ERROR, "profile test has no limit host.cpu.threads")


def test_cpu_unreadable(cpu, node, make_context, make_outputs) -> None:
    outcome = judged(cpu, node, make_outputs({CPU: ""}), make_context(LIMITS))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "OUTPUT-UNKNOWN")


@pytest.mark.parametrize(("kib", "gib", "ok"), [(2113405220, 2015.5, True), (1056702610, 1007.8, False)])
def test_memory(memory, node, make_context, make_outputs, values, kib, gib, ok) -> None:
    out = make_outputs({MEMORY: f"MemTotal:       {kib} kB\nMemFree: 1 kB\n"})
    outcome = judged(memory, node, out, make_context(LIMITS))
    assert outcome.verdict is (Verdict.PASS if ok else Verdict.FAIL)
    assert values(outcome) == [("memory", "gpu-001", gib, ok)]


def test_memory_unreadable(memory, node, make_context, make_outputs, answer) -> None:
    out = make_outputs({MEMORY: answer(status=1, stderr="cat: /proc/meminfo: Permission denied\n")})
    outcome = judged(memory, node, out, make_context(LIMITS))
    assert outcome.verdict is Verdict.ERROR
    assert "Permission denied" in outcome.reason
