"""pcie.nic-link: lanes and speed of the planned adapters only."""

from __future__ import annotations

import pytest

from bringup.errors import NotApplicable
from bringup.judging import judged
from bringup.model import Port, Verdict
from bringup.parsers.pci_sysfs import DEVICES


@pytest.fixture
def check(load_check):
    return load_check("pcie/nic_link.py")


@pytest.fixture
def judge(check, node, hgx, make_outputs):
    def run(bus: str, at: object = node):
        return judged(check, at, make_outputs({DEVICES: bus}), hgx())

    return run


def broken(outcome) -> list[tuple[str, str, float | str, str]]:
    return [(m.name, m.at, m.value, m.code) for m in outcome.measurements if not m.ok]


def test_planned_adapters_pass_and_others_are_not_judged(judge, nic, values) -> None:
    storage = nic("0000:03:00.0", "mlx5_9", width="4", speed="8.0 GT/s PCIe")
    outcome = judge(nic("0000:1a:00.0", "mlx5_0") + nic("0000:2a:00.0", "mlx5_1") + storage)
    assert (outcome.verdict, outcome.reason) == (Verdict.PASS, "")
    assert values(outcome) == [
        ("pcie.nic.width", "gpu-001/hca/mlx5_0", 16, True),
        ("pcie.nic.speed", "gpu-001/hca/mlx5_0", 32.0, True),
        ("pcie.nic.width", "gpu-001/hca/mlx5_1", 16, True),
        ("pcie.nic.speed", "gpu-001/hca/mlx5_1", 32.0, True),
    ]


def test_fewer_lanes_and_a_lower_speed(judge, nic) -> None:
    outcome = judge(
        nic("0000:1a:00.0", "mlx5_0", width="8") + nic("0000:2a:00.0", "mlx5_1", speed="16.0 GT/s PCIe")
    )
    assert outcome.verdict is Verdict.FAIL
    assert broken(outcome) == [
        ("pcie.nic.width", "gpu-001/hca/mlx5_0", 8, "PCIE-NIC-WIDTH"),
        ("pcie.nic.speed", "gpu-001/hca/mlx5_1", 16.0, "PCIE-NIC-SPEED"),
    ]


def test_the_plan_of_the_inventory_counts_more_than_the_profile(judge, make_node, nic, values) -> None:
    planned = make_node(ports=(Port(0, "mlx5_bond_0"), Port(1, "mlx5_bond_0")))
    outcome = judge(nic("0000:1a:00.0", "mlx5_bond_0"), planned)
    assert outcome.verdict is Verdict.PASS
    assert {v[1] for v in values(outcome)} == {"gpu-001/hca/mlx5_bond_0"}


def test_a_missing_adapter_is_no_pass(judge, nic) -> None:
    outcome = judge(nic("0000:1a:00.0", "mlx5_0"))
    assert (outcome.verdict, outcome.code) == (Verdict.ERROR, "HCA-MISSING")
    assert outcome.reason == "planned adapters are not on the PCI bus: mlx5_1"


def test_a_link_that_is_not_reported_is_no_pass(judge, nic) -> None:
    outcome = judge(
        nic("0000:1a:00.0", "mlx5_0", width=None) + nic("0000:2a:00.0", "mlx5_1", speed="Unknown")
    )
    assert outcome.verdict is Verdict.ERROR
    assert outcome.reason == "PCIe link not reported by mlx5_0 (0000:1a:00.0), mlx5_1 (0000:2a:00.0)"


def test_a_bus_that_cannot_be_read(judge) -> None:
    assert judge("").code == "OUTPUT-UNKNOWN"


def test_a_node_without_training_ports(check, node, hgx) -> None:
    with pytest.raises(NotApplicable):
        check.plan(node, hgx(facts={"fabric.hcas": []}))
