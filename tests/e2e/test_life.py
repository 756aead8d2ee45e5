"""The life of defects from the first run to the hand-over, as people do it: claim, swap, repair, retest, waive, sign."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

PORT = {"kind": "port-rate", "node": "gpu-002", "hca": "mlx5_4", "rate": 200}
GPU = {"kind": "gpu-lost", "node": "gpu-003", "gpu": 5}
SLOW = {"kind": "slow-hca", "node": "gpu-004", "hca": "mlx5_9", "fraction": 0.45}
DRIVER = {"kind": "driver-version", "node": "gpu-005", "version": "570.86.15"}
PATIENCE_S = 600.0


def test_from_the_first_run_to_the_hand_over(
    bringup: Callable[..., Any], simulated: Callable[..., Path], tmp_path: Path
) -> None:
    def cluster(*faults: Mapping[str, object]) -> None:
        simulated(6, faults)

    def call(*arguments: str, code: int = 0) -> str:
        ended = bringup(*arguments, timeout=PATIENCE_S)
        assert ended.code == code, f"{arguments}: {ended.stdout}{ended.stderr}"
        return str(ended.stdout + ended.stderr)

    def states() -> dict[str, str]:
        ledger = json.loads(call("defects", "--all", "--json"))
        assert ledger["schema"] == "bringup.ledger/1"
        return {d["code"]: d["state"] for d in ledger["defects"]}

    # the first night
    cluster(PORT, GPU, SLOW, DRIVER)
    call("run", "-i", "sim.yaml", "-q", code=1)
    first = sorted(p.name for p in (tmp_path / "runs").iterdir() if p.is_dir())[0]
    ids = {d["code"]: d["id"] for d in json.loads(call("defects", "--all", "--json"))["defects"]}
    assert states() == {
        "LINK-RATE": "open", "GPU-LOST": "open", "RDMA-BW": "open", "VERSION-MINORITY": "open"
    }  # fmt: skip
    assert "the run is NOT READY" in call("handover", "last", code=1)

    # somebody takes the port, and finds out that it is the cable
    call("claim", ids["LINK-RATE"], "--owner", "ann")
    said = call("swap", "gpu-002:mlx5_4", "gpu-002:mlx5_5", "--run", first)
    assert "before: gpu-002:mlx5_4 bad, gpu-002:mlx5_5 good" in said
    cluster({**PORT, "hca": "mlx5_5"}, GPU, SLOW, DRIVER)
    said = call("swap", "gpu-002:mlx5_4", "gpu-002:mlx5_5", "--done")
    assert "CABLE: the fault went along with L03-02 to gpu-002 mlx5_5" in said
    assert states()["LINK-RATE"] == "claimed", "a swap test is no proof of anything but itself"

    # the cable is replaced: the retest closes the defect with what it had suppressed
    cluster(GPU, SLOW, DRIVER)
    call("fixed", ids["LINK-RATE"], "-m", "cable replaced")
    assert states()["LINK-RATE"] == "fixed?"
    plan = call("retest", first, "--plan")
    assert "link.rate" in plan and "rdma.write-bw" in plan and "gpu-003" not in plan
    assert f"{ids['LINK-RATE']}  gpu-002 mlx5_4 runs below its rate: closed by run" in call(
        "retest", first, "-q"
    )
    assert states()["LINK-RATE"] == "closed"

    # the GPU is called fixed and is not: it returns; then it is
    call("fixed", ids["GPU-LOST"])
    assert "returned, 2nd time" in call("retest", first, "--defect", ids["GPU-LOST"], "-q", code=1)
    cluster(SLOW, DRIVER)
    assert "closed by run" in call("retest", first, "--defect", ids["GPU-LOST"], "-q")

    # the node of the wrong driver is imaged again and tested as a whole
    cluster(SLOW)
    call("retest", first, "--node", "gpu-005", "-q")
    assert states() == {
        "LINK-RATE": "closed", "GPU-LOST": "closed", "RDMA-BW": "open", "VERSION-MINORITY": "closed"
    }  # fmt: skip

    # the slow adapter is accepted, the whole battery is READY with an exception, and somebody signs it
    call(
        "waive", ids["RDMA-BW"], "--reason", "spare on order", "--owner", "Jane Doe", "--until", "2099-12-31"
    )
    said = call("run", "-i", "sim.yaml", "-q")
    assert said.startswith("READY   6 of 6 nodes ready   0 defects")
    assert "accepted by Jane Doe until 2099-12-31, not signed: spare on order" in " ".join(said.split())
    assert f"the exception for {ids['RDMA-BW']} (accepted by Jane Doe) is not signed" in call(
        "handover", code=1
    )
    call("handover", "last", "--sign", "Jane Doe, Example Corp", "-o", "package")
    check_package(tmp_path / "package", ids)
    assert "waived" in states()["RDMA-BW"]

    # weeks later the port is bad again
    cluster(SLOW, PORT)
    call("run", "-i", "sim.yaml", "-q", code=1)
    assert states()["LINK-RATE"] == "returned"
    assert "LINK-RATE" in call("diff", first, "last")
    told = call("history", "gpu-002:mlx5_4")
    assert "returned, 2nd time" in told and "repaired: cable replaced" in told
    assert "cable: the fault went along with L03-02" in told


def test_a_finding_of_the_whole_fleet_is_retested_on_the_whole_fleet(
    bringup: Callable[..., Any], simulated: Callable[..., Path]
) -> None:
    nodes = 4
    simulated(nodes, [{"kind": "fleet-nvls-off", "node": f"gpu-[001-{nodes:03}]"}])
    ran = bringup("run", "-i", "sim.yaml", "-q", "--json", timeout=PATIENCE_S)
    assert ran.code == 1
    (defect,) = json.loads(ran.stdout)["defects"]
    assert (defect["code"], defect["nodes"]) == (
        "COLL-TRANSPORT",
        [f"gpu-{k:03}" for k in range(1, nodes + 1)],
    )
    still = bringup("retest", "last", "--defect", defect["id"], "-q", timeout=PATIENCE_S)
    assert (still.code, still.stdout.splitlines()[-1].endswith(": open")) == (1, True), still.stdout
    simulated(nodes, [])
    bringup("fixed", defect["id"])
    healed = bringup("retest", "last", "--defect", defect["id"], "-q", timeout=PATIENCE_S)
    assert healed.code == 0, healed.stdout
    assert "closed by run" in healed.stdout.splitlines()[-1]


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def check_package(folder: Path, ids: Mapping[str, str]) -> None:
    """The documents of a hand-over, and that their sums are right."""
    sums = dict(line.split("  ", 1)[::-1] for line in (folder / "manifest.sha256").read_text().splitlines())
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {"manifest.sha256"}
    assert there == set(sums)
    assert all(
        hashlib.sha256((folder / name).read_bytes()).hexdigest() == said for name, said in sums.items()
    )
    punch = rows_of(folder / "5-punch-list.csv")
    assert {row["code"]: row["state"] for row in punch} == {
        "LINK-RATE": "closed", "GPU-LOST": "closed", "VERSION-MINORITY": "closed", "RDMA-BW": "waived"
    }  # fmt: skip
    assert all(row["proven_by"] for row in punch if row["state"] == "closed")
    exceptions = (folder / "7-exceptions.md").read_text()
    assert ids["RDMA-BW"].replace("-", "\\-") in exceptions or ids["RDMA-BW"] in exceptions
    assert "signed: Jane Doe, Example Corp" in exceptions
    assert "READY with 1 exception" in (folder / "README.md").read_text()
    found = rows_of(folder / "1-inventory-as-found.csv")
    assert {row["value"] for row in found if row["what"] == "node serial"} == {
        f"SIM{i:05}" for i in range(1, 7)
    }
    assert len(list((folder / "8-ocp-diag").glob("*.jsonl"))) == 6
    vendors = (folder / "9-for-vendors/report.html").read_text()
    assert "gpu-004" not in vendors and "SIM00004" not in vendors and "Jane Doe" not in vendors
    assert (folder / "9-run/journal.jsonl").is_file() and (folder / "9-run/evidence/gpu-004").is_dir()
