"""Runs the command as a user does, in a process of its own, and reads what it leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

RAILS = ("mlx5_0", "mlx5_3", "mlx5_4", "mlx5_5", "mlx5_6", "mlx5_9", "mlx5_10", "mlx5_11")


@dataclass(frozen=True)
class Ended:
    """How a command ended. `report` is the JSON that `bringup run --json` prints."""

    code: int
    stdout: str
    stderr: str

    @property
    def report(self) -> dict[str, Any]:
        return dict(json.loads(self.stdout))

    @property
    def defects(self) -> set[tuple[str, str]]:
        return {(d["code"], d["component"]) for d in self.report["defects"]}


Bringup = Callable[..., Ended]


@pytest.fixture
def bringup(tmp_path: Path) -> Bringup:
    """Run `bringup ...` in the test's own folder."""

    def call(*arguments: str, timeout: float = 180.0) -> Ended:
        done = subprocess.run(
            [sys.executable, "-m", "bringup", *arguments],
            cwd=tmp_path, capture_output=True, text=True, timeout=timeout, check=False, stdin=subprocess.DEVNULL,
            env={**os.environ, "COLUMNS": "100"},
        )  # fmt: skip
        return Ended(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture
def simulated(tmp_path: Path) -> Callable[..., Path]:
    """Write an inventory of a simulated cluster with these faults; returns its path."""

    def write(count: int, faults: Sequence[Mapping[str, object]] = (), name: str = "sim.yaml") -> Path:
        cables = "\n".join(
            f'  - {{a: "gpu-[001-{count:03}]:{hca}", b: "leaf-{rail + 1:02}:{{i+1}}", label: "L{rail + 1:02}-{{i+1:02}}"}}'
            for rail, hca in enumerate(RAILS)
        )
        text = (
            f"name: sim\ndefaults: {{profile: hgx-h100}}\nnodes:\n  - names: gpu-[001-{count:03}]\n"
            f'    rack: R{{i//4+1:02}}\n    unit: "{{i%4*10+1}}"\n    serial: SIM{{n:05}}\n    rails: [{", ".join(RAILS)}]\n'
            f"cables:\n{cables}\nsimulate: {{shape: hgx-h100, seed: 7, speed: 40}}\n"
        )
        text += "faults:\n" + "".join(f"  - {json.dumps(dict(f))}\n" for f in faults) if faults else ""
        path = tmp_path / name
        path.write_text(text)
        return path

    return write
