"""The main job as a user runs it: the simulated cluster over real SSH, from the command to the reports."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped

from bringup.run import load

SEEDED = {
    ("GPU-LOST", "gpu-003"),
    ("NVLINK-DOWN", "gpu-005"),
    ("LINK-RATE", "gpu-009"),
    ("RDMA-BW", "gpu-012"),
    ("VERSION-MINORITY", "gpu-014"),
    ("NODE-UNREACHABLE", "gpu-016"),
}


def test_the_demo_finds_exactly_the_seeded_faults(bringup, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    ended = bringup("run")
    assert ended.code == 1, ended.stderr
    assert ended.stdout.startswith("NOT READY")
    assert "exit 1" in ended.stdout
    (folder,) = (tmp_path / "runs").glob("*/")
    state = load(folder)
    assert {(d.code, d.nodes[0]) for d in state.defects} == SEEDED
    assert len(state.defects) == len(SEEDED)
    components = {d.code: d.component for d in state.defects}
    assert components["NVLINK-DOWN"].startswith("gpu-005/gpu/2")
    assert components["LINK-RATE"] == "gpu-009/hca/mlx5_4/port/1"
    assert components["RDMA-BW"] == "gpu-012/hca/mlx5_9/port/1"
    assert state.missing == []
    for defect in state.defects:
        assert defect.action
        assert defect.id in ended.stdout
    for place in ("junit", "report.json", folder.name):
        assert place in ended.stdout


def test_the_junit_of_the_demo_reads_back_and_counts_the_same(bringup, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert bringup("run", "-q").code == 1
    (folder,) = (tmp_path / "runs").glob("*/")
    state = load(folder)
    seen: dict[str, int] = {}
    names: set[tuple[str, str]] = set()
    for file in sorted((folder / "reports/junit").glob("*.xml")):
        for suite in JUnitXml.fromfile(str(file)):
            for case in suite:
                kind = {Failure: "fail", Error: "error", Skipped: "not-run"}
                verdict = kind[type(case.result[0])] if case.result else "pass"
                seen[verdict] = seen.get(verdict, 0) + 1
                names.add((case.classname, case.name))
    wanted: dict[str, int] = {}
    for outcome in state.outcomes:
        wanted[outcome.verdict.value] = wanted.get(outcome.verdict.value, 0) + 1
    assert seen == wanted
    assert len(names) == sum(wanted.values())


@pytest.mark.parametrize("attempt", [1, 2, 3])
def test_the_same_cluster_without_faults_is_ready(bringup, tmp_path: Path, attempt: int) -> None:  # type: ignore[no-untyped-def]
    root = Path(__file__).resolve().parents[2]
    ended = bringup("run", "-i", str(root / "inventories/mock-clean.yaml"))
    assert ended.code == 0, ended.stdout + ended.stderr
    assert re.match(r"READY +16 of 16 nodes", ended.stdout)
    (folder,) = (tmp_path / "runs").glob("*/")
    assert load(folder).defects == []


def test_each_kind_of_fault_is_named_at_its_part_and_nothing_else(bringup, simulated) -> None:  # type: ignore[no-untyped-def]
    """One run, one fault on each node; every node must show just its own."""
    port = "gpu-{:03}/hca/{}/port/1"
    table: list[tuple[dict[str, object], str, str]] = [
        ({"kind": "gpu-lost", "gpu": 5}, "GPU-LOST", "gpu-001/gpu/*"),
        ({"kind": "gpu-missing", "gpu": 1}, "*GPU-MISSING", "gpu-002*"),
        ({"kind": "nvlink-down", "gpu": 2, "link": 7}, "NVLINK-DOWN", "gpu-003/gpu/2*"),
        ({"kind": "port-rate", "hca": "mlx5_4", "rate": 200}, "LINK-RATE", port.format(4, "mlx5_4")),
        ({"kind": "port-init", "hca": "mlx5_4"}, "LINK-INIT", port.format(5, "mlx5_4")),
        ({"kind": "port-down", "hca": "mlx5_4"}, "LINK-DOWN", port.format(6, "mlx5_4")),
        ({"kind": "port-disabled", "hca": "mlx5_4"}, "LINK-DISABLED", port.format(7, "mlx5_4")),
        ({"kind": "pcie-width", "gpu": 4, "width": 8}, "PCIE-GPU-WIDTH", "gpu-008/gpu/4"),
        ({"kind": "nic-pcie-width", "hca": "mlx5_5", "width": 8}, "PCIE-NIC-WIDTH", "gpu-009/hca/mlx5_5"),
        ({"kind": "ecc", "gpu": 3, "count": 2}, "GPU-ECC", "gpu-010/gpu/3"),
        ({"kind": "remap-failed", "gpu": 6}, "GPU-REMAP-FAILED", "gpu-011/gpu/6"),
        ({"kind": "slow-hca", "hca": "mlx5_9", "fraction": 0.45}, "RDMA-BW", port.format(12, "mlx5_9")),
        ({"kind": "slow-node", "fraction": 0.5}, "NODE-SLOW", "gpu-013"),
        ({"kind": "driver-version", "version": "570.86.15"}, "VERSION-MINORITY", "gpu-014"),
        ({"kind": "fabric-manager-down"}, "FM-DOWN", "gpu-015"),
        ({"kind": "memory-missing", "gib": 256}, "MEMORY-SIZE", "gpu-016"),
        ({"kind": "clock-offset", "ms": 80}, "CLOCK-OFFSET", "gpu-017"),
        ({"kind": "memlock-low", "kib": 64}, "MEMLOCK-LIMIT", "gpu-018"),
        ({"kind": "host-key-changed"}, "HOST-KEY-CHANGED", "gpu-019"),
        ({"kind": "wrong-hostname", "name": "gpu-099"}, "NODE-IDENTITY", "gpu-020"),
        ({"kind": "hca-missing", "hca": "mlx5_10"}, "HCA-MISSING", "gpu-021*"),
        ({"kind": "missing-tool", "tool": "ib_write_bw"}, "TOOL-MISSING", "gpu-022"),
        ({"kind": "unreachable", "how": "refused"}, "NODE-UNREACHABLE", "gpu-023"),
        ({"kind": "garbage-output", "tool": "nvidia-smi"}, "OUTPUT-UNKNOWN", "gpu-024"),
        ({"kind": "busy", "pid": 4711, "name": "python3"}, "NODE-BUSY", "gpu-025"),
        ({"kind": "symbol-errors", "hca": "mlx5_6", "count": 5000}, "LINK-ERRORS", port.format(26, "mlx5_6")),
        ({"kind": "xid", "gpu": 2, "code": 95}, "GPU-XID", "gpu-027/gpu/*"),
        ({"kind": "remap-pending", "gpu": 0}, "GPU-REMAP-PENDING", "gpu-028/gpu/0"),
        ({"kind": "rdma-refuses", "hca": "mlx5_3"}, "RDMA-CONNECT", port.format(29, "mlx5_3")),
        ({"kind": "firmware-version", "hca": "mlx5_0", "version": "28.36.1010"}, "HCA-FIRMWARE", "gpu-030*"),
    ]
    clean = 8
    faults = [{**fault, "node": f"gpu-{i:03}"} for i, (fault, _, _) in enumerate(table, 1)]
    ended = bringup("run", "--json", "-i", str(simulated(len(table) + clean, faults)), timeout=400)
    assert ended.code == 1, ended.stderr
    found: dict[str, set[tuple[str, str]]] = {}
    for d in ended.report["defects"]:
        for name in d["nodes"]:
            found.setdefault(name, set()).add((d["code"], d["component"] if len(d["nodes"]) == 1 else name))
    wrong = []
    for i, (fault, code, component) in enumerate(table, 1):
        mine = found.pop(f"gpu-{i:03}", set())
        if len(mine) != 1 or not all(_like(c, code) and _like(p, component) for c, p in mine):
            wrong.append((fault["kind"], (code, component), sorted(mine)))
    assert (wrong, found) == ([], {})


def _like(text: str, pattern: str) -> bool:
    import fnmatch

    return fnmatch.fnmatchcase(text, pattern)
