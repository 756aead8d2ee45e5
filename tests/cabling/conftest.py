"""Planned ports and far ends from short words, for the tests of the comparisons."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bringup.cabling.ends import FarEnd, HostPort
from bringup.model import Node, Port

CAPTURED = Path(
    os.environ.get("BRINGUP_CAPTURED", Path(__file__).resolve().parents[2].parent / "shared" / "captured")
)


def host_port(node: str, rail: int, leaf: str = "", leaf_port: str = "", place: str = "R01") -> HostPort:
    hca = f"mlx5_{rail}"
    cable = f"{leaf}-{leaf_port}" if leaf else ""
    return HostPort(Node(node, rack=place), Port(rail, hca, leaf, leaf_port, cable))


@pytest.fixture
def make_port() -> Callable[..., HostPort]:
    """A planned port: make_port("gpu-1", rail, leaf, leaf port)."""
    return host_port


@pytest.fixture
def by_rail() -> Callable[[int, int], tuple[HostPort, ...]]:
    """So many nodes with so many rails, each rail on the leaf of its number, node n in port n."""

    def make(nodes: int, rails: int) -> tuple[HostPort, ...]:
        return tuple(
            host_port(f"gpu-{n}", rail, f"leaf-{rail}", str(n))
            for n in range(1, nodes + 1)
            for rail in range(rails)
        )

    return make


@pytest.fixture
def as_planned() -> Callable[..., dict[str, FarEnd]]:
    """Where the ports end if all is well, as InfiniBand tells it."""

    def make(ports: tuple[HostPort, ...]) -> dict[str, FarEnd]:
        return {
            p.at: FarEnd(p.port.leaf, (p.port.leaf_port,), int(p.port.leaf_port))
            for p in ports
            if p.port.leaf
        }

    return make


@pytest.fixture
def discovered() -> Callable[[str, str], str]:
    """The answer of the discovery as if it had asked a captured fabric, by state and tool."""

    def read(state: str, tool: str) -> str:
        file = {"ibnetdiscover": "ibnetdiscover.txt", "iblinkinfo": "iblinkinfo-l.txt"}[tool]
        path = CAPTURED / "ibsim-outputs" / state / file
        if not path.is_file():
            pytest.skip(f"no captured fabric at {path}; set BRINGUP_CAPTURED")
        body = "".join(
            line for line in path.read_text().splitlines(keepends=True) if not line.startswith(("$ ", "rc="))
        )
        return f"=== {tool} mlx5_0 0\n{body}"

    return read
