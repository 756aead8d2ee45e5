"""A machine of which no number is known: run, learn its limits from the healthy nodes, and find a slow port with them."""

from __future__ import annotations

import re
from pathlib import Path

from bringup.profile import STOCK

BW = re.compile(r'\[limits\."rdma\.write_bw"\]\n(?:[a-z]+ = .*\n)+\n?')


def test_limits_that_are_learned_find_a_port_that_is_a_fifth_too_slow(
    bringup, simulated, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    profiles = tmp_path / "profiles"
    profiles.mkdir()
    known = (STOCK / "hgx-h100.toml").read_text().replace('name = "hgx-h100"', 'name = "new-box"')
    bare, removed = BW.subn("", known)
    assert removed == 1
    (profiles / "new-box.toml").write_text(bare)
    arguments = ("--check", "rdma.write-bw", "--check", "nvlink.links", "--profiles", "profiles")

    def inventory(name: str, profile: str, fault: dict[str, object]) -> str:
        path: Path = simulated(6, [fault], name)
        path.write_text(path.read_text().replace("profile: hgx-h100", f"profile: {profile}"))
        return str(path)

    first = inventory(
        "first.yaml", "new-box", {"kind": "nvlink-down", "node": "gpu-006", "gpu": 2, "link": 7}
    )
    ended = bringup("run", "--json", "-i", first, *arguments)
    assert ended.code == 1, ended.stderr
    assert ("NVLINK-DOWN", "gpu-006/gpu/2") in ended.defects
    assert any("has no limit rdma.write_bw" in d["measured"] for d in ended.report["defects"])

    learned = bringup("profile", "learn", "last", "--out", "profiles/new-box-learned.toml")
    assert learned.code == 0, learned.stderr
    said = learned.stdout.splitlines()
    assert said[0] == "new-box: learned from 5 healthy nodes"
    assert said[1] == "  left out: gpu-006 (NVLINK-DOWN)"
    assert re.fullmatch(
        r"  rdma\.write_bw >= 34\d Gb/s   90 % of the median: median 38\d.* on 5 healthy nodes", said[2]
    )
    checked = bringup("profile", "check", "profiles/new-box-learned.toml")
    assert (checked.code, checked.stdout) == (0, "")

    slow = {"kind": "slow-hca", "node": "gpu-003", "hca": "mlx5_9", "fraction": 0.8}
    second = inventory("second.yaml", "new-box-learned", slow)
    ended = bringup("run", "--json", "-i", second, *arguments)
    assert (ended.code, ended.defects) == (1, {("RDMA-BW", "gpu-003/hca/mlx5_9/port/1")}), ended.stderr
