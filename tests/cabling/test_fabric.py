"""Discovered fabrics: captured ones in many states, by either tool, and answers that are none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bringup.cabling.ends import HostPort, in_fabric
from bringup.cabling.fabric import Fabric, SwitchPort, Trunk, discover, merged, parse
from bringup.errors import CannotJudge, ParseError

Discovered = Callable[[str, str], str]
TOOLS = ("ibnetdiscover", "iblinkinfo")


def hosts_of(fabric: Fabric) -> dict[str, str]:
    """Host name -> leaf and port."""
    return {
        fabric.adapters[guid].split()[0]: f"{fabric.switches[at.switch]} {at.port}"
        for (guid, _), at in fabric.hosts.items()
    }


@pytest.mark.parametrize("tool", TOOLS)
def test_healthy_fabric(discovered: Discovered, tool: str) -> None:
    fabric = parse(discovered("healthy", tool))
    assert sorted(fabric.switches.values()) == ["leaf1", "leaf2", "leaf3", "leaf4", "spine1", "spine2"]
    assert hosts_of(fabric) == {
        f"node{n:02}": f"leaf{(n - 1) // 4 + 1} {(n - 1) % 4 + 1}" for n in range(1, 17)
    }
    assert len(fabric.trunks) == 16
    assert {trunk.gbps for trunk in fabric.trunks} == {200}
    assert not fabric.trouble
    assert not fabric.shared


@pytest.mark.parametrize("tool", TOOLS)
def test_two_cables_changed_places(discovered: Discovered, tool: str) -> None:
    was, now = (hosts_of(parse(discovered(state, tool))) for state in ("healthy", "miswire-node03-node07"))
    assert {name: now[name] for name in now if now[name] != was[name]} == {
        "node03": was["node07"],
        "node07": was["node03"],
    }


@pytest.mark.parametrize("tool", TOOLS)
def test_an_uplink_that_is_down_or_slow(discovered: Discovered, tool: str) -> None:
    assert len(parse(discovered("uplink-down", tool)).trunks) == 15
    slow = [t for t in parse(discovered("uplink-speed-EDR", tool)).trunks if t.gbps != 200]
    assert [t.gbps for t in slow] == [100]


def test_what_did_not_answer_is_told(discovered: Discovered) -> None:
    fabric = parse(discovered("node03-mads-all-lost", "ibnetdiscover"))
    assert "node03" not in hosts_of(fabric)
    assert "leaf1 3" not in hosts_of(fabric).values()


BY_RAIL = """=== ibnetdiscover mlx5_0 0
# Initiated from node 0000000000000001 port 0000000000000001

switchguid=0xa1(a1)
Switch\t64 "S-00000000000000a1"\t\t# "MF0;leaf-01:MQM9700/U1" enhanced port 0 lid 5 lmc 0
[1]\t"H-0000000000000001"[1](1) \t\t# "gpu-1 mlx5_0" lid 1 4xNDR
[65]\t"H-00000000000000f1"[1](f1) \t\t# "Mellanox Technologies Aggregation Node" lid 9 4xHDR

caguid=0x1
Ca\t1 "H-0000000000000001"\t\t# "gpu-1 mlx5_0"
[1](1) \t"S-00000000000000a1"[1]\t\t# lid 1 lmc 0 "MF0;leaf-01:MQM9700/U1" lid 5 4xNDR

caguid=0xf1
Ca\t1 "H-00000000000000f1"\t\t# "Mellanox Technologies Aggregation Node"
[1](f1) \t"S-00000000000000a1"[65]\t\t# lid 9 lmc 0 "MF0;leaf-01:MQM9700/U1" lid 5 4xHDR
=== ibnetdiscover mlx5_1 0
# Initiated from node 0000000000000002 port 0000000000000002

switchguid=0xa2(a2)
Switch\t64 "S-00000000000000a2"\t\t# "Quantum Mellanox Technologies" base port 0 lid 5 lmc 0
[7]\t"H-0000000000000002"[1](2) \t\t# "MT4129 ConnectX7" lid 1 4xNDR

caguid=0x2
Ca\t1 "H-0000000000000002"\t\t# "MT4129 ConnectX7"
[1](2) \t"S-00000000000000a2"[7]\t\t# lid 1 lmc 0 "Quantum Mellanox Technologies" lid 5 4xNDR
"""  # invented: two rails that are networks of their own; the layout is ibnetdiscover's


def test_rails_that_are_networks_of_their_own(make_port: Callable[..., HostPort]) -> None:
    fabric = parse(BY_RAIL)
    assert fabric.hosts == {
        ("0000000000000001", 1): SwitchPort("00000000000000a1", 1),
        ("0000000000000002", 1): SwitchPort("00000000000000a2", 7),
    }
    ports = (make_port("gpu-1", 0, "leaf-01", "1"), make_port("gpu-1", 1, "leaf-02", "7"))
    guids = {"0000000000000001": "gpu-1/hca/mlx5_0", "0000000000000002": "gpu-1/hca/mlx5_1"}
    sight = in_fabric(fabric, guids, ports)
    # the GUID names the adapter, its cables name the switch that has no name
    assert {at: str(end) for at, end in sight.ends.items()} == {
        "gpu-1/hca/mlx5_0/port/1": "leaf-01 port 1",
        "gpu-1/hca/mlx5_1/port/1": "leaf-02 port 7",
    }


def test_a_silent_node_is_known_by_the_name_of_its_adapter(make_port: Callable[..., HostPort]) -> None:
    ports = (make_port("gpu-1", 0, "leaf-01", "1"),)
    sight = in_fabric(parse(BY_RAIL), {}, ports)
    assert [str(end) for end in sight.ends.values()] == ["leaf-01 port 1"]
    assert sight.notes == ("1 ports are known only by the name that their adapter carries in the fabric",)
    # once the node tells its GUIDs a wrong name in the fabric counts for nothing
    assert not in_fabric(parse(BY_RAIL), {"00000000000000ee": "gpu-1/hca/mlx5_0"}, ports).ends


def test_two_adapters_with_one_guid_are_not_known() -> None:
    twice = BY_RAIL.replace('[7]\t"H-0000000000000002"[1](2)', '[7]\t"H-0000000000000001"[1](1)')
    fabric = parse(twice)
    assert fabric.shared == {"0000000000000001"}
    assert ("0000000000000001", 1) not in fabric.hosts


def test_two_nodes_see_more_than_one() -> None:
    a, b = (
        Fabric({"s": "leaf"}, {("h", 1): SwitchPort("s", 1)}),
        Fabric({"t": "other"}, {("h", 1): SwitchPort("t", 1)}),
    )
    both = merged((a, b))
    assert both.hosts == a.hosts
    assert both.switches == {"s": "leaf", "t": "other"}
    assert both.trouble == ("two nodes see 1 ports at different places: cables were moved during the run",)
    link = Trunk(SwitchPort("s", 1), SwitchPort("t", 1), 100)
    assert merged((Fabric(trunks=(link,)), Fabric(trunks=(link,)))).trunks == (link,)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("=== no tool\n", "neither ibnetdiscover nor iblinkinfo is installed"),
        ("=== no port\n", "no planned port is an active InfiniBand port"),
        (
            "=== ibnetdiscover mlx5_0 255\nibnetdiscover: iberror: failed: discover failed\n\n"
            "ibwarn: [1] mad_rpc_open_port: can't open UMAD port (mlx5_0:1)\n",
            "no rights to /dev/infiniband/umad",
        ),
    ],
)
def test_nothing_was_seen(text: str, why: str) -> None:
    with pytest.raises(CannotJudge, match=why) as caught:
        parse(text)
    assert caught.value.code == "FABRIC-UNSEEN"


@pytest.mark.parametrize(
    "text", ["", "hello\n", "hello\n=== ibnetdiscover mlx5_0 0\n", "=== ibnetdiscover mlx5_0 0\n"]
)
def test_unknown_text_is_no_fabric(text: str) -> None:
    with pytest.raises(ParseError):
        parse(text)


def test_names_of_adapters_are_quoted_in_the_script() -> None:
    assert "'a;reboot'" in discover(("mlx5_0", "a;reboot")).script
