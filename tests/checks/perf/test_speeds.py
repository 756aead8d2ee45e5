"""Copies, GPU memory and transfers between GPUs: the vendor's tool first, then bringup's own program, then nobody."""

from __future__ import annotations

import pytest

from bringup.commands import Ended
from bringup.model import Verdict

SPEEDS = ["perf/copies.py", "perf/gpu_memory.py", "perf/peers.py"]


@pytest.mark.parametrize("file", SPEEDS)
def test_a_healthy_node_passes(world, file) -> None:  # type: ignore[no-untyped-def]
    outcome = world.judge(file)
    assert (outcome.verdict, outcome.reason, outcome.findings) == (Verdict.PASS, "", ())
    assert {m.at for m in outcome.measurements} == {f"gpu-001/gpu/{n}" for n in range(8)}
    assert all(m.limit is not None and m.limit.op == ">=" for m in outcome.measurements)


@pytest.mark.parametrize("file", SPEEDS)
def test_without_the_vendors_tool_the_own_program_counts(world, file) -> None:  # type: ignore[no-untyped-def]
    world.h2d = None
    world.peers = [[None if a == b else 380.0 for b in range(8)] for a in range(8)]
    outcome = world.judge(file)
    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")
    assert all(m.name.endswith(", PyTorch") for m in outcome.measurements)


@pytest.mark.parametrize("file", SPEEDS)
def test_without_either_a_tool_is_missing_and_no_node_is_bad(world, file) -> None:  # type: ignore[no-untyped-def]
    world.h2d = None
    world.missing_why = "ModuleNotFoundError: No module named 'torch'"
    outcome = world.judge(file)
    assert (outcome.verdict, outcome.code, outcome.error_at) == (Verdict.ERROR, "TOOL-MISSING", "gpu-001")
    assert "the vendor's tool for" in outcome.reason
    assert "torch for python3 (ModuleNotFoundError: No module named 'torch')" in outcome.reason
    assert "perf.python" in outcome.reason and "container.run" in outcome.reason


def failed(outcome) -> set[tuple[str, str]]:  # type: ignore[no-untyped-def]
    return {(m.code, m.at) for m in outcome.measurements if not m.ok}


@pytest.mark.parametrize("value", [44.0, 52.0])  # below the floor; above it, and 5 % below its siblings
@pytest.mark.parametrize("way", ["h2d", "d2h"])
def test_one_slow_gpu_is_named(world, way, value) -> None:  # type: ignore[no-untyped-def]
    getattr(world, way)[5] = value
    outcome = world.judge("perf/copies.py")
    assert outcome.verdict is Verdict.FAIL
    assert failed(outcome) == {("GPU-COPY-BW", "gpu-001/gpu/5")}


def test_all_slow_is_below_the_floor_of_the_profile(world) -> None:  # type: ignore[no-untyped-def]
    world.local = [900.0] * 8
    outcome = world.judge("perf/gpu_memory.py")
    assert failed(outcome) == {("GPU-MEMORY-BW", f"gpu-001/gpu/{n}") for n in range(8)}
    assert {m.value for m in outcome.measurements} == {1800.0}  # read and written


def test_a_tool_without_local_copies_leaves_memory_to_the_own_program(world) -> None:  # type: ignore[no-untyped-def]
    world.local = None
    world.gpus[3]["results"]["memory"]["copy_gbs"] = 1950.0
    outcome = world.judge("perf/gpu_memory.py")
    assert failed(outcome) == {("GPU-MEMORY-BW", "gpu-001/gpu/3")}
    assert {m.name for m in outcome.measurements} == {"GPU memory, PyTorch"}


def test_the_driver_numbers_the_gpus(world) -> None:  # type: ignore[no-untyped-def]
    """Programs count by address; the numbers of the driver's tool are what people know."""
    world.listed = [7, 6, 5, 4, 3, 2, 1, 0]
    world.h2d[2] = 30.0
    world.gpus[2]["error"] = "RuntimeError: CUDA error"
    assert failed(world.judge("perf/copies.py")) == {("GPU-COPY-BW", "gpu-001/gpu/5")}
    assert [f.at for f in world.judge("perf/gemm.py").findings] == ["gpu-001/gpu/5"]


def test_two_gpus_without_a_floor_are_readings(world) -> None:  # type: ignore[no-untyped-def]
    world.facts["gpu.count"], world.listed = 2, [0, 1]
    world.limits["perf.copy.h2d"] = world.limits["perf.copy.d2h"] = None
    world.h2d, world.d2h = [55.0, 30.0], [55.0, 30.0]
    outcome = world.judge("perf/copies.py")
    assert outcome.verdict is Verdict.PASS
    assert all(m.limit is None for m in outcome.measurements)
    assert "compared only with other nodes" in outcome.findings[0].message


def test_fewer_gpus_than_planned_are_not_all_judged(world) -> None:  # type: ignore[no-untyped-def]
    world.h2d, world.d2h, world.listed = [55.0] * 7, [55.0] * 7, [0, 1, 2, 3, 4, 6, 7]
    outcome = world.judge("perf/copies.py")
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "GPU-LOAD")
    assert outcome.reason.startswith("copies of 7 of 8 GPUs")
    assert [m.at for m in outcome.measurements][6] == "gpu-001/gpu/7"


def test_where_driver_and_tool_see_other_gpus_nobody_is_named(world) -> None:  # type: ignore[no-untyped-def]
    world.h2d, world.d2h = [55.0] * 6 + [20.0], [55.0] * 7
    outcome = world.judge("perf/copies.py")
    assert (outcome.verdict, outcome.measurements) == (Verdict.ERROR, ())
    assert outcome.reason == "8 GPUs of gpu-001 answer the driver and 7 the test: nobody knows which"


# ------------------------------------------------------------------------------------------------- peers


def slow(world, *pairs: tuple[int, int], gbs: float = 200.0) -> None:  # type: ignore[no-untyped-def]
    for a, b in pairs:
        world.pairs[a][b] = gbs


def test_a_gpu_that_is_slow_both_ways(world) -> None:  # type: ignore[no-untyped-def]
    slow(world, *((2, n) for n in range(8)), *((n, 2) for n in range(8)), gbs=370.0)
    outcome = world.judge("perf/peers.py")
    assert failed(outcome) == {("GPU-PEER-BW", "gpu-001/gpu/2")}
    assert [m.name for m in outcome.measurements if not m.ok] == ["GPU sends", "GPU receives"]


@pytest.mark.parametrize(
    ("pairs", "side"),
    [([(2, n) for n in range(8)], "GPU sends"), ([(n, 2) for n in range(8)], "GPU receives")],
)
def test_a_gpu_that_is_slow_one_way(world, pairs, side) -> None:  # type: ignore[no-untyped-def]
    slow(world, *pairs)
    outcome = world.judge("perf/peers.py")
    assert [(m.name, m.at) for m in outcome.measurements if not m.ok] == [(side, "gpu-001/gpu/2")]


def test_a_pair_that_is_slow_alone_is_named_as_one(world) -> None:  # type: ignore[no-untyped-def]
    slow(world, (3, 6), (6, 3))
    outcome = world.judge("perf/peers.py")
    assert failed(outcome) == set()
    assert [(f.code, f.at, f.message.split(",")[0]) for f in outcome.findings] == [
        ("GPU-PEER-BW", "gpu-001", "GPU 3 to GPU 6: 200 GB/s"),
        ("GPU-PEER-BW", "gpu-001", "GPU 6 to GPU 3: 200 GB/s"),
    ]
    assert outcome.verdict is Verdict.FAIL


def test_some_slow_pairs_of_one_gpu_are_that_gpu(world) -> None:  # type: ignore[no-untyped-def]
    slow(world, (4, 0), (4, 1), (4, 2))
    outcome = world.judge("perf/peers.py")
    assert [(f.code, f.at) for f in outcome.findings] == [("GPU-PEER-BW", "gpu-001/gpu/4")]
    assert outcome.findings[0].message.startswith("3 slow transfers")


def test_all_slow_alike_is_below_the_floor(world) -> None:  # type: ignore[no-untyped-def]
    world.pairs = [[300.0] * 8 for _ in range(8)]
    outcome = world.judge("perf/peers.py")
    assert outcome.verdict is Verdict.FAIL
    assert {at for _, at in failed(outcome)} >= {f"gpu-001/gpu/{n}" for n in range(7)}


def test_gpus_without_links_are_not_compared(world) -> None:  # type: ignore[no-untyped-def]
    world.facts["nvlink.links"] = 0
    with pytest.raises(Exception, match="no NVLink"):
        world.judge("perf/peers.py")


# --------------------------------------------------------------------------------- what never ran, or broke


@pytest.mark.parametrize("file", SPEEDS)
def test_a_driver_that_hangs_is_no_verdict_on_speed(world, file, answer) -> None:  # type: ignore[no-untyped-def]
    hung = "@bringup begin list\n@bringup end list 124\n"
    from bringup.battery import perf

    commands = (perf.bandwidth_command(world.node, world.ctx()), perf.load_command(world.node, world.ctx()))
    outcome = world.judge(file, {command: answer(hung, status=124) for command in commands})
    assert (outcome.verdict, outcome.code, outcome.error_at) == (Verdict.ERROR, "COMMAND-HANGS", "gpu-001")


def test_a_tool_that_fails_says_why_and_is_no_unknown_output(world, answer) -> None:  # type: ignore[no-untyped-def]
    from bringup.battery import perf

    command = perf.bandwidth_command(world.node, world.ctx())
    text = world.listing() + (
        '@bringup begin nvbandwidth\n{"nvbandwidth": {"error": "system not yet initialized"}}\n@bringup end nvbandwidth 1\n'
    )
    outcome = world.judge("perf/copies.py", {command: answer(text)})
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "GPU-LOAD")
    assert "system not yet initialized" in outcome.reason
    garbled = world.judge("perf/copies.py", {command: answer(text.replace("nvbandwidth 1", "nvbandwidth 0"))})
    assert garbled.code == "OUTPUT-UNKNOWN"


def test_a_container_that_does_not_start(world, answer) -> None:  # type: ignore[no-untyped-def]
    from bringup.battery import perf

    world.facts["container.run"] = ["docker", "site/tests:1"]
    command = perf.bandwidth_command(world.node, world.ctx())
    outcome = world.judge("perf/copies.py", {command: answer(world.listing(), 125, "no such image")})
    assert (outcome.verdict, outcome.reason) == (
        Verdict.ERROR, "the test on gpu-001 did not start: no such image",
    )  # fmt: skip
    missing = world.judge("perf/copies.py", {command: answer("", None, ended=Ended.MISSING, detail="docker")})
    assert (missing.code, "docker" in missing.reason) == ("TOOL-MISSING", True)
