"""A site without nccl-tests: bringup's own collective over PyTorch, alone, in pairs and in jobs, as a user runs it."""

from __future__ import annotations

from pathlib import Path

PROFILE = """\
name = "site"
description = "HGX H100 without nccl-tests"
extends = ["hgx-h100"]

[facts."collective.binary"]
value = "torch"
why = "only PyTorch is installed"
source = "the site"
"""


def test_collectives_over_pytorch_name_the_node(bringup, simulated, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    faults = [
        {"kind": "nccl-few-channels", "node": "gpu-006", "fraction": 0.4},
        {"kind": "nvls-off", "node": "gpu-003"},
    ]
    path: Path = simulated(8, faults)
    path.write_text(path.read_text().replace("profile: hgx-h100", "profile: site"))
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "site.toml").write_text(PROFILE)
    for node in ("gpu-001", "gpu-008"):  # there is no login from node to node
        text = path.read_text()
        path.write_text(f'{text}  - {{"kind": "peers-refused", "node": "{node}"}}\n')
    done = bringup(
        "run", "-q", "--json", "-i", str(path), "--profiles", "profiles", "--level", "full", "--check", "collective.*"
    )  # fmt: skip
    assert (done.code, done.defects) == (1, {("COLL-BUSBW", "gpu-006"), ("COLL-TRANSPORT", "gpu-003")}), (
        done.stderr
    )
