"""What a loaded GPU achieves, whether it is right, and what the driver tells of it meanwhile."""

from __future__ import annotations

import pytest

from bringup.model import Verdict, Weight

FILES = ["perf/gemm.py", "perf/results.py", "perf/under_load.py", "perf/pcie_link.py"]


def failed(outcome) -> list[tuple[str, str]]:  # type: ignore[no-untyped-def]
    found = [(m.code, m.at) for m in outcome.measurements if not m.ok]
    return found + [(f.code, f.at) for f in outcome.findings if f.weight is Weight.FAIL]


@pytest.mark.parametrize("file", FILES)
def test_a_healthy_node_passes(world, file) -> None:  # type: ignore[no-untyped-def]
    outcome = world.judge(file)
    assert (outcome.verdict, outcome.reason, failed(outcome)) == (Verdict.PASS, "", [])
    assert any(m.limit is not None for m in outcome.measurements)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"gpus": None}, "TOOL-MISSING", "python3"),
        ({"missing_why": "no torch"}, "TOOL-MISSING", "torch for python3 (no torch)"),
        ({"gpus": []}, "GPU-LOAD", "it names no GPU"),
    ],
)
def test_what_did_not_run_is_not_judged(world, file, change, code, said) -> None:  # type: ignore[no-untyped-def]
    for name, value in change.items():
        setattr(world, name, value)
    outcome = world.judge(file)
    assert (outcome.verdict, outcome.code, outcome.error_at) == (Verdict.ERROR, code, "gpu-001")
    assert said in outcome.reason


@pytest.mark.parametrize("file", FILES)
def test_a_program_that_dies_tells_its_last_words(world, file, answer) -> None:  # type: ignore[no-untyped-def]
    from bringup.battery import perf

    command = perf.load_command(world.node, world.ctx())
    text = world.listing() + "@bringup begin load\n@bringup end load 137\n"
    outcome = world.judge(file, {command: answer(text, 0, "Killed")})
    assert (outcome.verdict, outcome.reason) == (
        Verdict.ERROR, "the load of the GPUs ended with status 137: Killed",
    )  # fmt: skip


@pytest.mark.parametrize("file", FILES)
def test_where_no_gpu_works_the_reason_is_one(world, file) -> None:  # type: ignore[no-untyped-def]
    world.gpus = [{"index": n, "error": "RuntimeError: system not yet initialized"} for n in range(8)]
    outcome = world.judge(file)
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "GPU-LOAD")
    assert "system not yet initialized" in outcome.reason


def test_what_fails_on_one_gpu_is_its_fault(world) -> None:  # type: ignore[no-untyped-def]
    world.gpus[4] = {"index": 4, "error": "RuntimeError: CUDA error: uncorrectable ECC error encountered"}
    outcome = world.judge("perf/gemm.py")
    assert outcome.verdict is Verdict.FAIL
    assert failed(outcome) == [("GPU-LOAD", "gpu-001/gpu/4")]
    assert len({m.at for m in outcome.measurements}) == 7


def test_a_lost_gpu_is_not_mistaken_for_another_one(world) -> None:  # type: ignore[no-untyped-def]
    """GPU 3 fell off the bus: PyTorch counts the other seven, and knows nothing of an eighth."""
    world.listed = [0, 1, 2, 4, 5, 6, 7]
    for gpu in world.gpus:
        gpu["bus"] = None
    world.gpus[7] = {"index": 7, "error": "RuntimeError: there is no such GPU"}
    outcome = world.judge("perf/gemm.py")
    assert (outcome.verdict, outcome.code, failed(outcome)) == (Verdict.ERROR, "GPU-LOAD", [])
    assert outcome.reason.startswith("matrix products of 7 of 8 GPUs")
    assert {m.at.rsplit("/", 1)[1] for m in outcome.measurements} == {"0", "1", "2", "4", "5", "6", "7"}


@pytest.mark.parametrize("kind", ["bf16", "fp8"])
def test_a_slow_gpu_stands_out_among_its_siblings(world, kind) -> None:  # type: ignore[no-untyped-def]
    world.gpus[1]["results"]["gemm"][kind]["tflops"] *= 0.94
    outcome = world.judge("perf/gemm.py")
    assert failed(outcome) == [("GPU-GEMM", "gpu-001/gpu/1")]


def test_the_profiles_floor_counts_where_it_asks_for_more(world) -> None:  # type: ignore[no-untyped-def]
    world.limits["perf.gemm.bf16"] = (">=", 720, "TFLOPS")
    assert len(failed(world.judge("perf/gemm.py"))) == 8


def test_gpus_without_fp8_are_judged_by_bf16(world) -> None:  # type: ignore[no-untyped-def]
    for gpu in world.gpus:
        gpu["results"]["gemm"]["fp8"] = {"why": "not on this GPU"}
    outcome = world.judge("perf/gemm.py")
    assert outcome.verdict is Verdict.PASS
    assert {m.name for m in outcome.measurements} == {"GEMM bf16"}


# ----------------------------------------------------------------------------------------------- results


@pytest.mark.parametrize("key", ["wrong", "pattern_wrong"])
def test_one_wrong_value_is_one_too_many(world, key) -> None:  # type: ignore[no-untyped-def]
    world.gpus[7]["results"]["compare"][key] = 1
    outcome = world.judge("perf/results.py")
    assert failed(outcome) == [("GPU-RESULTS", "gpu-001/gpu/7")]


def test_a_gpu_that_is_always_wrong_differs_from_the_others(world) -> None:  # type: ignore[no-untyped-def]
    world.gpus[2]["results"]["compare"]["digest"] = [7, 10]
    outcome = world.judge("perf/results.py")
    assert failed(outcome) == [("GPU-RESULTS", "gpu-001/gpu/2")]


def test_where_nobody_knows_who_is_right_the_node_is_named(world) -> None:  # type: ignore[no-untyped-def]
    for n in range(4):
        world.gpus[n]["results"]["compare"]["digest"] = [7, 10]
    assert failed(world.judge("perf/results.py")) == [("GPU-RESULTS", "gpu-001")]


# ------------------------------------------------------------------------------------------ the driver's view


def test_one_moment_of_hardware_slowdown_is_enough(world, make_sample) -> None:  # type: ignore[no-untyped-def]
    bad = [make_sample(n, reasons="0x0000000000000048" if n == 3 else "0x0000000000000004") for n in range(8)]
    world.samples = [world.samples[0], bad, world.samples[0]]
    outcome = world.judge("perf/under_load.py")
    assert failed(outcome) == [("GPU-SLOWDOWN", "gpu-001/gpu/3")]
    (note,) = outcome.findings
    assert note.message == "under load: hw slowdown, hw thermal slowdown"


def test_that_the_power_limit_holds_clocks_down_is_normal(world, make_sample) -> None:  # type: ignore[no-untyped-def]
    world.samples = [[make_sample(n, reasons="0x0000000000000004") for n in range(8)]]
    assert world.judge("perf/under_load.py").verdict is Verdict.PASS


def test_a_gpu_far_hotter_than_the_others(world, make_sample) -> None:  # type: ignore[no-untyped-def]
    world.samples = [[make_sample(n, celsius=86 if n == 6 else 64) for n in range(8)]]
    assert failed(world.judge("perf/under_load.py")) == [("GPU-TEMPERATURE", "gpu-001/gpu/6")]


def test_memory_above_its_limit(world, make_sample) -> None:  # type: ignore[no-untyped-def]
    world.samples = [[make_sample(n, memory=97 if n == 6 else "N/A") for n in range(8)]]
    assert failed(world.judge("perf/under_load.py")) == [("GPU-TEMPERATURE", "gpu-001/gpu/6")]


def test_a_clock_that_stays_low_for_no_reason(world, make_sample) -> None:  # type: ignore[no-untyped-def]
    world.samples = [
        [make_sample(n, mhz=1200 if n == 0 else 1700, reasons="0x0000000000000000") for n in range(8)]
    ]
    assert failed(world.judge("perf/under_load.py")) == [("GPU-CLOCK-LOW", "gpu-001/gpu/0")]


@pytest.mark.parametrize("file", ["perf/under_load.py", "perf/pcie_link.py"])
def test_samples_of_resting_gpus_prove_nothing(world, make_sample, file) -> None:  # type: ignore[no-untyped-def]
    world.samples = [[make_sample(n, busy=0, gen=1) for n in range(8)]]
    outcome = world.judge(file)
    assert outcome.verdict is Verdict.ERROR
    assert failed(outcome) == []


@pytest.mark.parametrize("file", ["perf/under_load.py", "perf/pcie_link.py"])
def test_a_gpu_that_the_driver_does_not_tell_of_is_not_judged(world, make_sample, file) -> None:  # type: ignore[no-untyped-def]
    world.samples = [[make_sample(n) for n in range(7)]]
    outcome = world.judge(file)
    assert (outcome.verdict, failed(outcome)) == (Verdict.ERROR, [])
    assert "7" in outcome.reason


def test_a_link_that_rose_once_is_fine(world, make_sample) -> None:  # type: ignore[no-untyped-def]
    world.samples = [[make_sample(n, gen=1) for n in range(8)], [make_sample(n, busy=2) for n in range(8)]]
    assert world.judge("perf/pcie_link.py").verdict is Verdict.PASS


@pytest.mark.parametrize(("change", "code"), [({"gen": 3}, "PCIE-GPU-GEN"), ({"width": 8}, "PCIE-GPU-WIDTH")])
def test_a_link_that_stays_low_under_load(world, make_sample, change, code) -> None:  # type: ignore[no-untyped-def]
    world.samples = [[make_sample(n, **(change if n == 5 else {})) for n in range(8)]] * 3
    assert failed(world.judge("perf/pcie_link.py")) == [(code, "gpu-001/gpu/5")]
