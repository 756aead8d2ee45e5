"""The comparison on what real programs say: ibsim with opensm and infiniband-diags, and lldpd in network namespaces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from support.ibnet import Net
from support.real_fabric import ethernet, infiniband

from bringup.cabling.ends import FarEnd, HostPort, in_fabric
from bringup.cabling.fabric import discover, parse
from bringup.cabling.plan import Deviation, compare
from bringup.commands import Command
from bringup.model import port_path
from bringup.parsers import lldp

Change = Callable[[Net], None]


def nothing(net: Net) -> None:
    """A fabric as planned."""


def swapped(net: Net) -> None:
    net.exchange(("gpu-2", 1), ("gpu-3", 1))


CASES = [(nothing, []), (swapped, [("CABLE-SWAP", ("gpu-2/hca/mlx5_1/port/1", "gpu-3/hca/mlx5_1/port/1"))])]


def planned(net: Net) -> tuple[HostPort, ...]:
    return tuple(HostPort(node, port) for node in net.plan for port in node.ports)


def short(deviations: tuple[Deviation, ...]) -> list[tuple[str, tuple[str, ...]]]:
    return [(d.code, d.at) for d in deviations]


@pytest.mark.parametrize("tool", ["ibnetdiscover", "iblinkinfo"])
@pytest.mark.parametrize(("change", "expected"), CASES)
def test_infiniband(
    change: Change, expected: list[tuple[str, tuple[str, ...]]], tool: str, tmp_path: Path
) -> None:
    net = Net(speed="HDR")  # ibsim does not know what came later
    change(net)
    ports = planned(net)
    with infiniband(net, tmp_path) as ask:
        text = ask("gpu-2", _by(tool))
    assert text.startswith(f"=== {tool} ibsim0 0\n")
    fabric = parse(text)
    guids = {
        guid: f"{host}/hca/mlx5_{rail}"
        for host, rail in net.ends
        for guid in (net.guid(host, rail), net.port_guid(host, rail))
    }
    compared = compare(ports, in_fabric(fabric, guids, ports).ends)
    assert (compared.seen, short(compared.deviations)) == (8, expected)
    assert len(fabric.trunks) == net.rails * net.spines * net.uplinks
    assert {trunk.gbps for trunk in fabric.trunks} == {200}


def _by(tool: str) -> Command:
    """The discovery, with the other tool made unknown."""
    command = discover(("ibsim0",))
    if tool == "ibnetdiscover":
        return command
    script = command.script.replace("tool=ibnetdiscover more=", "tool=iblinkinfo more=-l", 1)
    return msgspec.structs.replace(
        command, script=script.replace("command -v ibnetdiscover", "command -v sh", 1)
    )


@pytest.mark.parametrize(("change", "expected"), CASES)
def test_ethernet(change: Change, expected: list[tuple[str, tuple[str, ...]]], tmp_path: Path) -> None:
    net = Net()
    change(net)
    ports = planned(net)
    ends: dict[str, FarEnd] = {}
    with ethernet(net, tmp_path) as ask:
        for node in net.plan:
            for heard in lldp.parse(ask(node.name, lldp.NEIGHBOURS)):
                at = port_path(node.name, f"mlx5_{heard.interface.removeprefix('eth')}")
                ends[at] = FarEnd(heard.system or "", heard.port_names)
    compared = compare(ports, ends)
    assert (compared.seen, short(compared.deviations)) == (8, expected)
