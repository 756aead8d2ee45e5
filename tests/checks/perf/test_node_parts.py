"""The processors' memory, drives, other collectives, and what only the fleet can tell."""

from __future__ import annotations

import json

import pytest

from bringup.check import NOTHING
from bringup.errors import NoLimit, NotApplicable
from bringup.judging import judged
from bringup.model import Group, Measurement, Node, Outcome, Verdict, Weight, Why

STREAM = (
    "Copy:          432177.1     0.037205     0.037021     0.037414\n"
    "Triad:         442250.3     0.054455     0.054268     0.054881\nSolution Validates: avg error less than 1e-13\n"
)


def section(name: str, text: str, status: int = 0) -> str:
    return f"@bringup begin {name}\n{text}\n@bringup end {name} {status}\n"


def own(gbs: float) -> str:
    return section(
        "memory",
        json.dumps({"bringup_memory_load": 2, "processors": 224, "silent": 0, "copy_gbs": gbs, "wrong": 0}),
    )


def command(world, file: str):  # type: ignore[no-untyped-def]
    (step,) = world.load(file).plan(world.node, world.ctx()).steps
    return step.command


# ------------------------------------------------------------------------------------------- host memory


@pytest.mark.parametrize(
    ("facts", "limits", "text", "verdict", "said"),
    [
        ({}, {}, own(430.0), Verdict.PASS, ""),
        ({}, {"perf.host_memory": (">=", 400, "GB/s")}, own(430.0), Verdict.PASS, ""),
        ({}, {"perf.host_memory": (">=", 400, "GB/s")}, own(300.0), Verdict.FAIL, ""),
        ({"perf.stream": "/opt/stream"}, {}, section("stream", STREAM), Verdict.PASS, ""),
        ({"perf.stream": "/opt/stream"}, {}, "@bringup missing /opt/stream\n", Verdict.ERROR, "/opt/stream"),
        ({}, {}, "@bringup missing python3\n", Verdict.ERROR, "python3"),
        ({}, {}, section("memory", "", 1), Verdict.ERROR, "ended with status 1"),
        ({}, {}, "@bringup begin memory\n", Verdict.ERROR, "was cut off"),
        ({}, {}, section("memory", "{}"), Verdict.ERROR, "printed no report"),
    ],
)
def test_host_memory(world, facts, limits, text, verdict, said) -> None:  # type: ignore[no-untyped-def]
    world.facts |= facts
    world.limits |= limits
    file = "perf/host_memory.py"
    outcome = world.judge(file, {command(world, file): text})
    assert outcome.verdict is verdict, outcome.reason
    assert said in outcome.reason
    if verdict is Verdict.PASS:
        names = [m.name for m in outcome.measurements]
        assert names == (
            ["memory copy, STREAM", "memory triad"] if facts else ["wrong copies", "memory copy"]
        )


# ------------------------------------------------------------------------------------------------ drives


def drives(**gbs: float | None) -> str:
    listed = "".join(f"drive {name}n1 {'BOOT' if name == 'nvme0' else 'DATA'}\n" for name in gbs)
    shown = ""
    for name, speed in gbs.items():
        job = {"error": 0, "read": {"bw_bytes": int((speed or 0) * 1e9)}}
        shown += section(f"fio/{name}n1", json.dumps({"jobs": [job]}, indent=1) if speed else "fio: error")
    return f"@bringup begin drives\n{listed}@bringup end drives 0\n{shown}"


def test_a_drive_is_judged_beside_those_of_its_model(world) -> None:  # type: ignore[no-untyped-def]
    file = "perf/nvme.py"
    text = drives(nvme0=3.0, nvme1=6.9, nvme2=6.8, nvme3=5.4, nvme4=6.9, nvme5=6.9)
    outcome = world.judge(file, {command(world, file): text})
    assert outcome.verdict is Verdict.FAIL
    assert [m.at for m in outcome.measurements if not m.ok] == ["gpu-001/drive/nvme3n1"]
    boot = next(m for m in outcome.measurements if m.at == "gpu-001/drive/nvme0n1")
    assert (boot.name, boot.limit) == ("read BOOT", None)


def test_a_drive_that_cannot_be_read_is_not_judged(world) -> None:  # type: ignore[no-untyped-def]
    file = "perf/nvme.py"
    outcome = world.judge(file, {command(world, file): drives(nvme1=6.9, nvme2=None)})
    assert outcome.verdict is Verdict.ERROR
    assert "nvme2n1 (fio: error)" in outcome.reason and "only be read as root" in outcome.reason


def test_a_node_without_drives(world) -> None:  # type: ignore[no-untyped-def]
    file = "perf/nvme.py"
    outcome = world.judge(file, {command(world, file): drives()})
    assert (outcome.verdict, outcome.why.value) == (Verdict.NOT_RUN, "not-applicable")


# -------------------------------------------------------------------------------------- other collectives


def answers(world, text: str, **other: str):  # type: ignore[no-untyped-def]
    steps = world.load("perf/collectives.py").plan(world.node, world.ctx()).steps
    names = ("all_gather", "reduce_scatter", "alltoall")
    return {step.command: other.get(name, text) for name, step in zip(names, steps, strict=True)}


def test_the_sisters_of_the_first_program_are_run(world) -> None:  # type: ignore[no-untyped-def]
    steps = world.load("perf/collectives.py").plan(world.node, world.ctx()).steps
    assert [step.command.needs for step in steps] == [
        ("/opt/nccl/all_gather_perf",), ("/opt/nccl/reduce_scatter_perf",), ("/opt/nccl/alltoall_perf",),
    ]  # fmt: skip
    world.facts["collective.binary"] = "/opt/nccl/run.sh"
    with pytest.raises(NoLimit, match="its sisters are not known"):
        world.load("perf/collectives.py").plan(world.node, world.ctx())
    world.facts["gpu.count"] = 1
    with pytest.raises(NotApplicable):
        world.load("perf/collectives.py").plan(world.node, world.ctx())


def test_one_that_fails_does_not_hide_the_others(world, eight) -> None:  # type: ignore[no-untyped-def]
    failing = "gpu-001: Test NCCL failure common.cu:958 'unhandled cuda error'\n"
    outcome = world.judge("perf/collectives.py", answers(world, eight, reduce_scatter=failing))
    assert outcome.verdict is Verdict.FAIL
    assert [(f.code, f.at) for f in outcome.findings] == [("COLL-OPS-FAILED", "gpu-001")]
    assert [m.name for m in outcome.measurements] == [
        "all_gather wrong", "all_gather busbw", "alltoall wrong", "alltoall busbw",
    ]  # fmt: skip


def test_wrong_values_fail(world, eight) -> None:  # type: ignore[no-untyped-def]
    assert world.judge("perf/collectives.py", answers(world, eight)).verdict is Verdict.PASS
    wrong = eight.replace("  0    ", "  3    ", 1)
    outcome = world.judge("perf/collectives.py", answers(world, eight, alltoall=wrong))
    assert [(m.name, m.code) for m in outcome.measurements if not m.ok] == [
        ("alltoall wrong", "COLL-OPS-WRONG")
    ]


def test_a_log_that_is_cut_off_is_no_result(world, eight) -> None:  # type: ignore[no-untyped-def]
    outcome = world.judge(
        "perf/collectives.py", answers(world, eight, all_gather=eight[: eight.index("# Out of")])
    )
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "OUTPUT-UNKNOWN")


@pytest.fixture
def eight() -> str:
    """invented: eight ranks in the layout of nccl-tests 2.13"""
    ranks = "".join(
        f"#  Rank {n:2d} Group  0 Pid {9000 + n} on gpu-001 device {n:2d} [0x{n + 1}b] NVIDIA H100\n"
        for n in range(8)
    )
    head = (
        "# nThread 1 nGpus 8 minBytes 8589934592 maxBytes 8589934592 step: 2(factor)\n#\n# Using devices\n"
        f"{ranks}#\n"
        "#                                                              out-of-place                       in-place          \n"
        "#       size         count      type   redop    root     time   algbw   busbw #wrong     time   algbw   busbw #wrong\n"
        "#        (B)    (elements)                               (us)  (GB/s)  (GB/s)            (us)  (GB/s)  (GB/s)       \n"
    )
    row = "  8589934592    2147483648     float    none      -1    20521  418.59  366.27  0      20540  418.21  365.93  0    \n"
    return f"{head}{row}# Out of bounds values : 0 OK\n# Avg bus bandwidth    : 366.1\n#\n"


# ------------------------------------------------------------------------------------------------- fleet


UNITS = {"perf.gemm": "TFLOPS", "perf.under-load": "MHz"}


def fleet(world, readings: dict[tuple[str, str], dict[str, float]], count: int = 6) -> Outcome:  # type: ignore[no-untyped-def]
    nodes = tuple(Node(f"n-{n}", profile="test") for n in range(1, count + 1))
    told = {
        (check, name): tuple(
            Measurement(name, value, UNITS.get(check, "GB/s"), at) for at, value in values.items()
        )
        for (check, name), values in readings.items()
    }
    check = world.load("perf/fleet.py")
    group = Group("fleet", nodes)
    context = world.context(readings=told)
    assert check.plan(group, context) == NOTHING
    return judged(check, group, world.outputs({}), context)


def gpus(value: float = 700.0, **other: float) -> dict[str, float]:
    return {f"n-{n}/gpu/{g}": value for n in range(1, 7) for g in range(4)} | {
        f"n-{key[1]}/gpu/{key[3]}": speed for key, speed in other.items()
    }


def test_a_slow_part_of_the_fleet_is_named(world) -> None:  # type: ignore[no-untyped-def]
    outcome = fleet(
        world, {("perf.gemm", "GEMM bf16"): gpus(n2g1=650.0), ("perf.gemm", "GEMM fp8"): gpus(n4g3=1.0)}
    )
    assert outcome.verdict is Verdict.FAIL
    assert [(m.code, m.at) for m in outcome.measurements if not m.ok] == [
        ("GPU-GEMM", "n-2/gpu/1"), ("GPU-GEMM", "n-4/gpu/3"),
    ]  # fmt: skip


def test_the_clock_of_a_single_gpu_is_compared_with_other_nodes(world) -> None:  # type: ignore[no-untyped-def]
    clocks = {f"n-{n}/gpu/0": 1700.0 + n for n in range(1, 7)} | {"n-4/gpu/0": 1200.0}
    outcome = fleet(world, {("perf.under-load", "clock under load"): clocks})
    assert outcome.verdict is Verdict.FAIL
    assert [(m.code, m.at, m.value) for m in outcome.measurements if not m.ok] == [
        ("GPU-CLOCK-LOW", "n-4/gpu/0", 1200.0)
    ]


def test_most_gpus_of_a_node_are_the_node(world) -> None:  # type: ignore[no-untyped-def]
    slow = {f"n3g{g}": 600.0 - g for g in range(3)}
    outcome = fleet(world, {("perf.copies", "host to GPU"): gpus(**slow)})
    assert [(m.code, m.at, m.value) for m in outcome.measurements if not m.ok] == [
        ("GPU-COPY-BW", "n-3", 598.0)
    ]


def test_a_tight_fleet_raises_nothing(world) -> None:  # type: ignore[no-untyped-def]
    tight = {at: 700.0 + n % 3 * 0.01 for n, at in enumerate(gpus())} | {"n-1/gpu/0": 680.0}
    outcome = fleet(world, {("perf.gemm", "GEMM bf16"): tight})
    assert outcome.verdict is Verdict.PASS
    (rest,) = outcome.measurements
    assert (rest.name, rest.value, rest.at) == ("slowest other GEMM bf16", 680.0, "fleet")


def test_each_part_has_its_own_tolerance(world) -> None:  # type: ignore[no-untyped-def]
    memory = {f"n-{n}": 400.0 for n in range(1, 7)} | {"n-6": 370.0}
    drives = {f"n-{n}/drive/nvme1n1": 6.9 for n in range(1, 7)} | {"n-6/drive/nvme1n1": 5.8}
    readings = {("perf.host-memory", "memory copy"): memory, ("perf.nvme", "read DATA"): drives}
    assert fleet(world, readings).verdict is Verdict.PASS
    memory["n-6"], drives["n-6/drive/nvme1n1"] = 350.0, 5.0
    outcome = fleet(world, readings)
    assert [(m.code, m.at) for m in outcome.measurements if not m.ok] == [
        ("HOST-MEMORY-BW", "n-6"), ("NVME-SLOW", "n-6/drive/nvme1n1"),
    ]  # fmt: skip


def test_readings_of_other_checks_and_of_other_kinds_are_left_out(world) -> None:  # type: ignore[no-untyped-def]
    readings = {("gpu.temperature", "x"): gpus(), ("perf.gemm", "GEMM bf16"): gpus()}
    assert fleet(world, readings).verdict is Verdict.PASS
    nothing = fleet(world, {("gpu.temperature", "x"): gpus()})
    assert (nothing.verdict, nothing.reason) == (Verdict.ERROR, "no node told a speed")
    assert all(f.weight is Weight.NOTE for f in nothing.findings)


def test_three_nodes_that_are_left_have_no_middle(world) -> None:  # type: ignore[no-untyped-def]
    left = {at: value for at, value in gpus().items() if at.split("/")[0] in ("n-1", "n-2", "n-3")}
    outcome = fleet(world, {("perf.gemm", "GEMM bf16"): left})
    told = "at most 3 nodes of one profile told a speed: no middle to compare with"
    assert (outcome.verdict, outcome.why, outcome.reason) == (Verdict.NOT_RUN, Why.NOT_APPLICABLE, told)


def test_few_nodes_have_no_middle(world) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(NotApplicable, match="fewer than 4"):
        world.load("perf/fleet.py").plan(Group("fleet", (world.node,)), world.context())
