"""Names of one port that mean the same, and names that do not."""

from __future__ import annotations

import pytest

from bringup.cabling.ports import ib_number, same_ib_port, same_port, same_switch


@pytest.mark.parametrize(
    ("planned", "names", "same"),
    [
        ("swp7", ("swp7",), True),
        ("7", ("swp7",), True),
        ("7", ("swp17",), False),
        ("7", ("1a:e2:18:42:bd:e7", "swp7"), True),
        ("7", ("1a:e2:18:42:bd:e7",), None),
        ("1/7", ("Ethernet1/7",), True),
        ("7", ("Ethernet1/7",), True),
        ("17", ("Ethernet17/1",), True),
        ("1", ("Ethernet17/1",), False),
        ("Eth1/7", ("ethernet1/7",), True),
        ("1/7", ("Ethernet2/7",), False),
        ("7", (), None),
        ("", ("swp7",), None),
        ("uplink", ("swp7",), None),
        ("etp17", ("Ethernet64", "etp17"), True),
    ],
)
def test_ports_by_the_names_that_switches_give_them(
    planned: str, names: tuple[str, ...], same: bool | None
) -> None:
    assert same_port(planned, names) is same


@pytest.mark.parametrize(
    ("planned", "number"),
    [
        ("17", 17),
        ("swp17", 17),
        ("1/17", 17),
        ("9/1", 17),
        ("9/2", 18),
        ("IB1/9/1", 17),
        ("0/1", None),
        ("x", None),
    ],
)
def test_infiniband_numbers_by_port_or_by_cage(planned: str, number: int | None) -> None:
    assert ib_number(planned) == number
    assert same_ib_port(planned, 17) is (None if number is None else number == 17)


def test_switch_names_with_and_without_domain() -> None:
    assert same_switch("leaf-01", "Leaf-01.dc1.example")
    assert not same_switch("leaf-01", "leaf-011")
