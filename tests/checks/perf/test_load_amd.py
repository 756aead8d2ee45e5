"""perf.under-load and perf.pcie-link on AMD's GPUs: samples of amd-smi, and what the GPUs count themselves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bringup.model import Outcome, Verdict

GPUS = 8
ADDRESSES = tuple(f"0000:{bus}:00.0" for bus in ("1b", "43", "52", "61", "9d", "c3", "d1", "df"))
COUNTED = ("prochot", "ppt", "socket_thermal", "vr_thermal", "hbm_thermal")


def part(name: str, body: object, status: int = 0) -> str:
    return f"@bringup begin {name}\n{json.dumps(body)}\n@bringup end {name} {status}\n"


def of(value: float, unit: str) -> dict[str, object]:
    return {"value": value, "unit": unit}


def one(
    n: int, *, mhz: float = 1830, hotspot: float = 81, gts: float = 32, busy: float = 100
) -> dict[str, object]:
    """A GPU as amd-smi tells of it, but for what no check reads. # invented"""
    return {
        "gpu": n,
        "usage": {"gfx_activity": of(busy, "%")},
        "power": {"socket_power": of(741, "W")},
        "clock": {f"gfx_{k}": {"clk": of(mhz, "MHz"), "max_clk": of(2102, "MHz")} for k in range(8)},
        "temperature": {"hotspot": of(hotspot, "C"), "mem": of(62, "C")},
        "pcie": {"width": 16, "speed": of(gts, "GT/s")},
    }


def counted(ticks: int, held: dict[int, dict[str, int]]) -> list[dict[str, object]]:
    return [
        {
            "gpu": n,
            "throttle": {
                "accumulation_counter": ticks,
                **{f"{name}_accumulated": held.get(n, {}).get(name, 0) for name in COUNTED},
            },
        }
        for n in range(GPUS)
    ]


def seen(
    changes: dict[int, dict[str, Any]] | None = None, held: dict[int, dict[str, int]] | None = None
) -> str:
    listed = part("list", [{"gpu": n, "bdf": ADDRESSES[n]} for n in range(GPUS)])
    sample = part("sample", [one(n, **(changes or {}).get(n, {})) for n in range(GPUS)])
    return (
        listed + part("before", counted(1000, {})) + sample * 3 + part("behind", counted(21_000, held or {}))
    )


@pytest.fixture
def amd(world):  # type: ignore[no-untyped-def]
    world.facts["gpu.vendor"] = "amd"
    del world.limits["gpu.memory.temperature"]
    world.seen = seen()
    return world


def failed(outcome: Outcome) -> list[tuple[str, str]]:
    found = [(m.code, m.at) for m in outcome.measurements if not m.ok]
    return found + [(f.code, f.at) for f in outcome.findings if f.weight == "fail"]


@pytest.mark.parametrize("file", ["perf/under_load.py", "perf/pcie_link.py"])
def test_a_healthy_node(amd, file) -> None:  # type: ignore[no-untyped-def]
    amd.seen = seen(held={n: {"ppt": 20_000} for n in range(GPUS)})  # the power limit, as at any full load
    outcome = amd.judge(file)
    assert (outcome.verdict, outcome.reason, failed(outcome)) == (Verdict.PASS, "", [])
    assert {m.at for m in outcome.measurements} == {f"gpu-001/gpu/{n}" for n in range(GPUS)}


@pytest.mark.parametrize(
    ("changes", "held", "code"),
    [
        ({}, {"socket_thermal": 4_000}, "GPU-SLOWDOWN"),
        ({}, {"prochot": 4_000}, "GPU-SLOWDOWN"),
        ({"mhz": 1200}, {}, "GPU-CLOCK-LOW"),
        ({"hotspot": 104}, {}, "GPU-TEMPERATURE"),
    ],
)
def test_a_gpu_that_is_held_down(amd, changes, held, code) -> None:  # type: ignore[no-untyped-def]
    amd.seen = seen({3: changes}, {3: held})
    outcome = amd.judge("perf/under_load.py")
    assert failed(outcome) == [(code, "gpu-001/gpu/3")]


def test_a_link_that_stays_at_an_older_generation(amd) -> None:  # type: ignore[no-untyped-def]
    amd.seen = seen({5: {"gts": 8}})
    assert failed(amd.judge("perf/pcie_link.py")) == [("PCIE-GPU-GEN", "gpu-001/gpu/5")]


def test_an_older_release_that_tells_no_reasons_is_no_pass(amd) -> None:  # type: ignore[no-untyped-def]
    amd.seen = seen().replace("accumulation_counter", "other")
    outcome = amd.judge("perf/under_load.py")
    assert (outcome.verdict, failed(outcome)) == (Verdict.ERROR, [])
    assert "amd-smi does since ROCm 6.3" in outcome.reason


def test_without_samples_nothing_is_judged(amd) -> None:  # type: ignore[no-untyped-def]
    amd.seen = part("list", [{"gpu": n, "bdf": ADDRESSES[n]} for n in range(GPUS)])
    for file in ("perf/under_load.py", "perf/pcie_link.py"):
        outcome = amd.judge(file)
        assert (outcome.verdict, failed(outcome)) == (Verdict.ERROR, [])


def test_a_gpu_goes_by_its_address(amd) -> None:  # type: ignore[no-untyped-def]
    """amd-smi may number the GPUs in another order than PyTorch does."""
    turned = [{"gpu": n, "bdf": ADDRESSES[GPUS - 1 - n]} for n in range(GPUS)]
    amd.seen = seen({0: {"mhz": 1200}}).replace(
        part("list", [{"gpu": n, "bdf": ADDRESSES[n]} for n in range(GPUS)]), part("list", turned)
    )
    amd.gpus[7]["results"]["gemm"]["bf16"]["tflops"] = 100.0
    assert failed(amd.judge("perf/under_load.py")) == [("GPU-CLOCK-LOW", "gpu-001/gpu/0")]
    assert failed(amd.judge("perf/gemm.py")) == [("GPU-GEMM", "gpu-001/gpu/0")]
