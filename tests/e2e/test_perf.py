"""Stage perf as a user runs it: every fault that only a loaded node shows, each at its own part, and nothing else."""

from __future__ import annotations


def test_what_only_load_shows_is_named_at_its_part(bringup, simulated) -> None:  # type: ignore[no-untyped-def]
    table: list[tuple[dict[str, object], str, str]] = [
        ({"kind": "slow-copies", "gpu": 2, "fraction": 0.75}, "GPU-COPY-BW", "gpu-001/gpu/2"),
        ({"kind": "slow-hbm", "gpu": 3, "fraction": 0.75}, "GPU-MEMORY-BW", "gpu-002/gpu/3"),
        ({"kind": "gpu-clock-low", "gpu": 4, "fraction": 0.75}, "GPU-CLOCK-LOW", "gpu-003/gpu/4"),
        ({"kind": "gpu-slowdown-under-load", "gpu": 0}, "GPU-SLOWDOWN", "gpu-004/gpu/0"),
        ({"kind": "gpu-power-capped", "gpu": 6, "watts": 400}, "GPU-POWER-LIMIT", "gpu-005/gpu/6"),
        ({"kind": "wrong-results", "gpu": 7, "count": 1}, "GPU-RESULTS", "gpu-006/gpu/7"),
        ({"kind": "pcie-gen-stuck", "gpu": 1, "gen": 3}, "PCIE-GPU-GEN", "gpu-007/gpu/1"),
        ({"kind": "nvme-slow", "drive": 2, "fraction": 0.6}, "NVME-SLOW", "gpu-008/drive/nvme2n1"),
        ({"kind": "host-memory-slow", "fraction": 0.75}, "HOST-MEMORY-BW", "gpu-009"),
        ({"kind": "missing-tool", "tool": "python3"}, "TOOL-MISSING", "gpu-010"),
        ({"kind": "missing-tool", "tool": "nvbandwidth"}, "", ""),
        ({"kind": "missing-tool", "tool": "fio"}, "NOT-JUDGED", "gpu-012"),
    ]
    faults = [{**fault, "node": f"gpu-{n:03}"} for n, (fault, _, _) in enumerate(table, 1)]
    path = simulated(12, faults)
    ended = bringup("run", "-q", "--json", "-i", str(path), "--stage", "gpu", "--stage", "perf")
    assert ended.code == 1, ended.stderr
    wanted = {(code, component) for _, code, component in table if code}
    assert ended.defects == wanted
    for defect in ended.report["defects"]:
        assert defect["action"]
    explained = {
        e["code"] for d in ended.report["defects"] if d["component"] == "gpu-003/gpu/4" for e in d["explains"]
    }
    assert explained == {"GPU-CLOCK-LOW", "GPU-GEMM"}


def test_no_stage_of_a_standard_run_takes_more_than_a_minute_on_a_node(bringup, simulated) -> None:  # type: ignore[no-untyped-def]
    planned = bringup("plan", "-i", str(simulated(4)), "--stage", "perf", "--json")
    assert planned.code == 0, planned.stderr
    (stage,) = [s for s in planned.report["stages"] if s["stage"] == "perf"]
    assert 0 < stage["estimate_s"] <= 60
    checks = {case["check"] for case in stage["cases"]}
    assert "perf.gemm" in checks and "perf.collectives" not in checks
