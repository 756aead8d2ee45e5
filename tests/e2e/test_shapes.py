"""Every shape of the simulated cluster, healthy, ends READY: the worked inventories and the shapes without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from bringup.mock import SHAPES

INVENTORIES = Path(__file__).parents[2] / "inventories"
# Each with nodes enough for a majority; 36 trays are too many for a test, so three of each domain stand for them.
WORKED = {
    "hgx-h100": ("-n", "gpu-[001-004]"),
    "gb200-nvl72": ("-n", "tray-[01-03,19-21]"),
    "mi300x": (),
    "roce": (),
    "cpu-ethernet": (),
}
OTHERS = sorted(set(SHAPES) - {"hgx-h100", "hgx-h100-roce", "gb200-nvl72", "mi300x", "cpu-ethernet"})


@pytest.mark.parametrize("name", sorted(WORKED))
def test_a_worked_inventory_ends_ready(name, bringup) -> None:  # type: ignore[no-untyped-def]
    ended = bringup("run", "-q", "--json", "-i", str(INVENTORIES / f"{name}.yaml"), *WORKED[name])
    assert (ended.code, ended.defects) == (0, set()), ended.stderr
    assert ended.report["verdict"] == "READY"


@pytest.mark.parametrize("shape", OTHERS)
def test_every_other_shape_ends_ready(shape, bringup, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    rails = [f"mlx5_{rail}" for rail in range(len(SHAPES[shape].hca_bdfs))]
    cables = "".join(
        f'  - {{a: "n-[1-3]:{hca}", b: "leaf-{rail + 1:02}:{{n}}"}}\n' for rail, hca in enumerate(rails)
    )
    file = tmp_path / "shape.yaml"
    file.write_text(
        f"name: {shape}\ndefaults: {{profile: {shape}}}\nnodes:\n  - names: n-[1-3]\n    rack: R01\n"
        f"    rails: [{', '.join(rails)}]\ncables:\n{cables}simulate: {{shape: {shape}, seed: 3, speed: 60}}\n"
    )
    ended = bringup("run", "-q", "--json", "-i", str(file))
    assert (ended.code, ended.defects) == (0, set()), ended.stderr
    assert ended.report["verdict"] == "READY"
