"""The inventories that come with bringup, and the example of the documentation, mean what they say."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from bringup.inventory import load
from bringup.model import Jump, Node, Port

ROOT = Path(__file__).parents[2]
MOCK_RAILS = ("mlx5_0", "mlx5_3", "mlx5_4", "mlx5_5", "mlx5_6", "mlx5_9", "mlx5_10", "mlx5_11")


@pytest.mark.parametrize("name", ["mock", "mock-clean"])
def test_the_simulated_cluster(name: str) -> None:
    found = load(ROOT / "inventories" / f"{name}.yaml")
    assert found.name == name
    assert [n.name for n in found.nodes] == [f"gpu-{k:03}" for k in range(1, 17)]
    for k, node in enumerate(found.nodes, start=1):
        ports = tuple(
            Port(rail, hca, f"leaf-{rail + 1:02}", str(k), f"L{rail + 1:02}-{k:02}")
            for rail, hca in enumerate(MOCK_RAILS)
        )
        assert node == Node(
            f"gpu-{k:03}",
            address=f"gpu-{k:03}",
            user="root",
            profile="hgx-h100",
            rack=f"R0{(k - 1) // 4 + 1}",
            unit=str((k - 1) % 4 * 8 + 1),
            serial=f"SIM{k:05}",
            ports=ports,
        )
    assert len(found.cables) == 128
    assert found.simulate is not None
    assert (found.simulate.shape, found.simulate.seed, found.simulate.speed) == ("hgx-h100", 7, 20.0)


def test_the_seeded_faults_are_the_documented_six() -> None:
    simulate = load(ROOT / "inventories" / "mock.yaml").simulate
    assert simulate is not None
    assert [(f.kind, f.nodes, dict(f.params)) for f in simulate.faults] == [
        ("gpu-lost", ("gpu-003",), {"gpu": 5}),
        ("nvlink-down", ("gpu-005",), {"gpu": 2, "link": 7}),
        ("port-rate", ("gpu-009",), {"hca": "mlx5_4", "rate": 200}),
        ("slow-hca", ("gpu-012",), {"hca": "mlx5_9", "fraction": 0.45}),
        ("driver-version", ("gpu-014",), {"version": "570.86.15"}),
        ("unreachable", ("gpu-016",), {"how": "refused"}),
    ]
    clean = load(ROOT / "inventories" / "mock-clean.yaml").simulate
    assert clean is not None
    assert clean.faults == ()


def test_the_clean_cluster_is_otherwise_the_same() -> None:
    mock, clean = (load(ROOT / "inventories" / f"{n}.yaml") for n in ("mock", "mock-clean"))
    assert mock.nodes == clean.nodes
    assert [dataclasses.replace(c, line=0) for c in mock.cables] == [
        dataclasses.replace(c, line=0) for c in clean.cables
    ]


def test_this_machine() -> None:
    assert load(ROOT / "inventories" / "local.yaml").nodes == (
        Node("this-machine", connection="local", profile="linux"),
    )


def test_the_worked_example() -> None:
    found = load(ROOT / "inventories" / "example.yaml")
    spare, last = found.nodes[6], found.nodes[31]
    assert (spare.address, spare.peer_address, spare.serial) == ("10.1.9.7", "10.2.0.7", "1653922004321")
    assert (last.place, last.tags, last.path) == (
        "R12 U25",
        ("image-b",),
        ("/opt/hpcx/ompi/bin", "/usr/local/nccl-tests"),
    )
    assert last.jump == (Jump("bastion.hall-2.example", user="ops"),)
    assert last.ports[7] == Port(7, "mlx5_11", "leaf-08", "32", "L08-32")
    assert len(found.groups["first"]) == 16


def test_the_example_of_the_documentation(read) -> None:
    block = re.search(
        r"```yaml\n(.*?)```", (ROOT / "docs" / "inventory.md").read_text(encoding="utf-8"), re.DOTALL
    )
    assert block is not None
    found = read(block[1])
    assert [len(found.nodes), len(found.cables), list(found.groups)] == [18, 32, ["spare", "no-spare-rack"]]
    assert found.nodes[6].address == "10.1.9.7"
    assert found.nodes[17] == Node(
        "login-2", "login-2", user="root", key_file=found.nodes[0].key_file, profile="linux"
    )
