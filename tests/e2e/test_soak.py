"""Level soak as a user runs it: what only a long load shows is named at its part, and a short one does not show it."""

from __future__ import annotations

from pathlib import Path


def test_a_gpu_that_gets_hot_after_minutes(bringup, simulated) -> None:  # type: ignore[no-untyped-def]
    path: Path = simulated(2, [{"kind": "gpu-slowdown-late", "node": "gpu-002", "gpu": 3}])
    path.write_text(path.read_text().replace("speed: 40", "speed: 400"))
    short = bringup("run", "-q", "--json", "-i", str(path), "--stage", "perf")
    assert (short.code, short.defects) == (0, set()), short.stderr
    long = bringup(
        "run", "-q", "--json", "-i", str(path), "--level", "soak", "--check", "soak.*", timeout=400
    )
    assert (long.code, long.defects) == (1, {("GPU-SLOWDOWN", "gpu-002/gpu/3")}), long.stderr


def test_a_soak_says_beforehand_how_long_it_takes(bringup, simulated) -> None:  # type: ignore[no-untyped-def]
    planned = bringup("plan", "-i", str(simulated(2)), "--level", "soak", "--stage", "soak", "--json")
    assert planned.code == 0, planned.stderr
    (stage,) = [stage for stage in planned.report["stages"] if stage["stage"] == "soak"]
    assert 3000 < stage["estimate_s"] < 2 * 3600
    standard = bringup("plan", "-i", str(simulated(2)), "--json")
    assert "soak" not in {stage["stage"] for stage in standard.report["stages"]}
