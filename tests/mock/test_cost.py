"""A large simulated cluster starts at once, because a node is made only when it is needed."""

from __future__ import annotations

from bringup.inventory.types import Simulate
from bringup.mock import serve
from bringup.model import Node


def test_a_thousand_nodes_are_served_at_once():  # type: ignore[no-untyped-def]
    nodes = tuple(Node(f"gpu-{n:04}") for n in range(1, 1001))
    with serve(Simulate(), nodes) as served:
        assert len({n.port for n in served.nodes}) == 1000
        assert len(served.known_hosts.read_text().splitlines()) == 1000
        assert not (served.folder / "nodes").exists()
        assert served.environment("gpu-0777")["BRINGUP_ROOT"] == f"{served.folder}/nodes/776/root"
        assert [entry.name for entry in (served.folder / "nodes").iterdir()] == ["776"]
