"""Names of switches and adapters as real fabrics show them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.parsers import ibnetdiscover_nodes
from bringup.parsers.ib_names import host_and_device, is_aggregation_node, switch_name


@pytest.mark.parametrize(
    ("description", "name"),
    [
        ("MF0;A09-P1-IBLEAF-04-04:MQM9701/U1", "A09-P1-IBLEAF-04-04"),
        ("MF0;rmd70-0101-0919-01ib0:MQM8700/U1", "rmd70-0101-0919-01ib0"),
        ("MF0;rmd70-0101-0908-01ib1-A:MCS8500/L02/U1", "rmd70-0101-0908-01ib1-A/L02"),
        ("MF0;PG22B-R16-IB:Q3400_RA/U2", "PG22B-R16-IB/U2"),
        ("ib-i1l1s01", "ib-i1l1s01"),
        ("5FB0405-leaf-IB01 ", "5FB0405-leaf-IB01"),
        ("Infiniscale-IV Mellanox Technologies", "Infiniscale-IV Mellanox Technologies"),
        ("", ""),
    ],
)
def test_switches(description: str, name: str) -> None:
    assert switch_name(description) == name


@pytest.mark.parametrize(
    ("description", "parts"),
    [
        ("a08-p1-dgx-04-c01 mlx5_5", ("a08-p1-dgx-04-c01", "mlx5_5")),
        ("a06-p1-dgx-02-c01 HCA-6", ("a06-p1-dgx-02-c01", "HCA-6")),
        ("RMD701091901003 ibp11s0f0", ("RMD701091901003", "ibp11s0f0")),
        ("gpu-001.site.example mlx5_0 ", ("gpu-001.site.example", "mlx5_0")),
        ("MT4129 ConnectX7   Mellanox Technologies", None),
        ("Mellanox Technologies Aggregation Node", None),
        ("", None),
    ],
)
def test_hosts(description: str, parts: tuple[str, str] | None) -> None:
    assert host_and_device(description) == parts


@pytest.mark.parametrize(
    ("file", "aggregation"), [("04-full-hdr-fake-topology.txt", 1), ("05-large-example-head.txt", 3)]
)
def test_aggregation_nodes_are_told_from_hosts(
    read: Callable[[str], str], file: str, aggregation: int
) -> None:
    fabric = ibnetdiscover_nodes.parse(read(f"ibnetdiscover/{file}"))
    peers = {link.peer_name for node in fabric.nodes for link in node.links}
    switches = {switch_name(node.name) for node in fabric.nodes if node.kind == "SW"}
    assert len(switches) == sum(node.kind == "SW" for node in fabric.nodes)
    seen = [link for node in fabric.nodes for link in node.links if is_aggregation_node(link.peer_name)]
    assert len(seen) == aggregation
    assert all(host_and_device(name) is None for name in peers if is_aggregation_node(name))


@given(st.text())
def test_any_name_gives_an_answer(text: str) -> None:
    assert isinstance(switch_name(text), str)
    assert host_and_device(text) is None or " ".join(host_and_device(text) or ()) == text.strip()
