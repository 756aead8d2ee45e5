"""A fixture that makes simulated clusters without servers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from support.fabric_world import MakeWorld, World, planned

from bringup.inventory.types import FaultSpec, Params, Simulate
from bringup.mock.cluster import Cluster
from bringup.mock.hardware import Door
from bringup.model import Node


@pytest.fixture
def world(tmp_path: Path) -> MakeWorld:
    """Make a cluster: `world("port-down", hca="mlx5_2")` seeds one fault on gpu-001, `nodes=` on others."""
    made: list[World] = []

    def make(
        kind: str = "", *, size: int = 8, shape: str = "hgx-h100", nodes: Sequence[str] = ("gpu-001",),
        plans: tuple[Node, ...] = (), simulate: Simulate | None = None, **params: str | int | float,
    ) -> World:  # fmt: skip
        specs = (FaultSpec(kind, tuple(nodes), Params(params)),) if kind else ()
        plans = plans or planned(size)
        folder = tmp_path / str(len(made))
        folder.mkdir()
        what = simulate or Simulate(shape=shape, seed=7, faults=specs)
        made.append(World(Cluster(what, plans, [Door() for _ in plans], folder)))
        return made[-1]

    return make
