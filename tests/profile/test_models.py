"""The stock profiles of all models: one for each simulated shape, whole, and with a public source for each number."""

from __future__ import annotations

from pathlib import Path

import pytest

from bringup.inventory import load as load_inventory
from bringup.mock import SHAPES
from bringup.profile import load
from bringup.profile.loading import STOCK, available

INVENTORIES = Path(__file__).parents[2] / "inventories"
GPU_SHAPES = sorted(name for name, shape in SHAPES.items() if shape.gpu_bdfs)
WITH_A_FABRIC = sorted(name for name, shape in SHAPES.items() if shape.gpu_bdfs and shape.hca_bdfs)
WORKED = {
    "hgx-h100": ("hgx-h100", 8, 8),
    "gb200-nvl72": ("gb200-nvl72", 36, 4),
    "mi300x": ("mi300x", 4, 8),
    "roce": ("hgx-h100-roce", 4, 8),
    "cpu-ethernet": ("cpu-ethernet", 8, 0),
    "hgx-a100": ("hgx-a100", 4, 8),
    "hgx-h200": ("hgx-h200", 4, 8),
    "hgx-b200": ("hgx-b200", 4, 8),
    "hgx-b300": ("hgx-b300", 4, 8),
    "gb300-nvl72": ("gb300-nvl72", 18, 4),
    "mi325x": ("mi325x", 4, 8),
    "mi355x": ("mi355x", 4, 8),
    "h100-nvl": ("h100-nvl", 4, 0),
    "gh200": ("gh200", 4, 0),
}


def test_every_shape_has_a_profile_of_its_name() -> None:
    assert set(SHAPES) <= set(available())


def test_every_shape_has_a_worked_inventory() -> None:
    assert {shape for shape, _, _ in WORKED.values()} == set(SHAPES)


@pytest.mark.parametrize("shape", GPU_SHAPES)
def test_profile_and_shape_are_about_the_same_machine(shape: str) -> None:
    profile, node = load(shape), SHAPES[shape]
    facts = {name: fact.value for name, fact in profile.facts.items()}
    assert (facts["gpu.vendor"], facts["gpu.count"], profile.limits["gpu.model"].value, len(facts["fabric.hcas"])) == (
        node.gpu.vendor, len(node.gpu_bdfs), node.gpu.name, len(node.hca_bdfs),
    )  # fmt: skip
    assert facts["nvlink.fabric_manager"] == node.fabric_manager
    assert facts["nvlink.links"] == (node.gpu.nvlinks if node.gpu.vendor == "nvidia" else 0)
    assert profile.limits["gpu.memory.total"].holds(node.gpu.memory_mib)
    assert not profile.limits["gpu.memory.total"].holds(node.gpu.memory_mib * 0.95)


@pytest.mark.parametrize("shape", WITH_A_FABRIC)
def test_profile_and_shape_are_about_the_same_ports(shape: str) -> None:
    profile, node = load(shape), SHAPES[shape]
    assert profile.facts["fabric.link_layer"].value == node.layer
    assert profile.limits["link.layer"].value == node.layer
    assert profile.limits["link.rate"].value == node.hca.rate_gbps
    assert profile.limits["pcie.nic.speed"].value == node.hca.pcie_gts
    port = profile.limits["rdma.write_bw"]
    assert port.holds(node.hca.rate_gbps * 0.965)
    assert not port.holds(node.hca.rate_gbps * 0.85)


@pytest.mark.parametrize("shape", [name for name in GPU_SHAPES if len(SHAPES[name].gpu_bdfs) > 1])
def test_a_healthy_node_is_above_the_floor_and_a_clearly_slow_one_below(shape: str) -> None:
    profile, node = load(shape), SHAPES[shape]
    collective = profile.limits["collective.node.all_reduce"]
    assert collective.holds(node.gpu.busbw_gbs * 0.995)
    assert not collective.holds(node.gpu.busbw_gbs * 0.3)


@pytest.mark.parametrize("name", sorted(p.stem for p in STOCK.glob("*.toml")))
def test_every_number_says_why_and_from_where(name: str) -> None:
    profile = load(name)
    text = profile.path.read_text(encoding="utf-8")
    assert all(fact.why and fact.source for fact in profile.facts.values())
    assert all(limit.why and limit.source for limit in profile.limits.values())
    assert not {word for word in ("/work", "corpus", "hardware-facts", "catalogue.md") if word in text}
    assert profile.description


@pytest.mark.parametrize("name", sorted(WORKED))
def test_a_worked_inventory_is_a_healthy_simulated_cluster(name: str) -> None:
    shape, count, rails = WORKED[name]
    found = load_inventory(INVENTORIES / f"{name}.yaml")
    assert found.simulate is not None
    assert (found.name, found.simulate.shape, found.simulate.faults) == (name, shape, ())
    assert {(node.profile, len(node.ports)) for node in found.nodes} == {(shape, rails)}
    assert (len(found.nodes), len(found.cables)) == (count, count * rails)


def test_the_racks_of_trays_are_their_nvlink_domains() -> None:
    found = load_inventory(INVENTORIES / "gb200-nvl72.yaml")
    racks = [node.rack for node in found.nodes]
    assert {rack: racks.count(rack) for rack in racks} == {"R01": 18, "R02": 18}
