"""`ip -j link` and `ip -j addr`: interfaces up, down and missing."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import ip_link
from bringup.parsers.ip_link import Address, Interface

Read = Callable[[str], str]

# file -> per interface: (name, MTU, operational state, switched on, has link)
FILES: dict[str, list[tuple[str, int, str, bool, bool]]] = {
    "01-ip-addr-good.json": [
        ("enp97s0f0", 9192, "UP", True, True),
        ("enp225s0f0", 9192, "UP", True, True),
        ("front0", 9192, "UP", True, True),
    ],
    "02-ip-addr-one-down.json": [
        ("lo", 65536, "UNKNOWN", True, True),
        ("enp226s0", 1500, "DOWN", True, False),
        ("enp97s0f0", 9192, "UP", True, True),
        ("enp97s0f1", 1500, "DOWN", True, False),
        ("enp225s0f0", 1500, "DOWN", True, False),
        ("enp225s0f1", 1500, "DOWN", True, False),
        *((f"ib{n}", 2044, "UP", True, True) for n in range(8)),
        ("front0", 9192, "UP", True, True),
    ],
    "03-ip-addr-one-missing.json": [
        ("enp97s0f0", 9192, "UP", True, True),
        ("front0", 9192, "UP", True, True),
    ],
    "04-veth-no-carrier.json": [
        ("lo", 65536, "DOWN", False, False),
        ("enp97s0f0np0", 1500, "UP", True, True),
        ("enp225s0f0np0", 1500, "DOWN", True, False),
    ],
}


def test_every_captured_file_has_an_expectation(captured: Callable[[str], dict[str, str]]) -> None:
    assert set(captured("ip-j")) <= set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_captured(read: Read, name: str) -> None:
    found = ip_link.parse(read(f"ip-j/{name}"))
    assert [(i.name, i.mtu, i.operstate, i.switched_on, i.has_link) for i in found] == FILES[name]


def test_a_whole_interface(read: Read) -> None:
    first, second, _ = ip_link.parse(read("ip-j/04-veth-no-carrier.json"))[:3]
    assert first.flags == ("LOOPBACK",)
    assert second == Interface(
        name="enp97s0f0np0",
        index=6,
        flags=("BROADCAST", "MULTICAST", "UP", "LOWER_UP"),
        mtu=1500,
        operstate="UP",
        link_type="ether",
        mac="32:ce:5c:3e:55:8d",
    )


def test_addresses(read: Read) -> None:
    bond = ip_link.parse(read("ip-j/03-ip-addr-one-missing.json"))[-1]
    assert bond.addresses == (
        Address("inet", "local", 27, "global"),
        Address("inet6", "local", 64, "global"),
        Address("inet6", "local", 64, "link"),
    )


def test_a_bond_member_names_its_master() -> None:
    # invented values; the key is what iproute2 prints
    entry = {
        "ifindex": 3,
        "ifname": "eth1",
        "flags": ["SLAVE"],
        "mtu": 9000,
        "operstate": "UP",
        "master": "bond0",
    }
    assert [i.master for i in ip_link.parse(json.dumps([{}, entry]))] == ["bond0"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "[{}]",
        "{}",
        "[1]",
        '[{"ifname": "eth0"}]',
        '[{"ifname": "eth0", "ifindex": 1, "flags": "UP", "mtu": 1500, "operstate": "UP"}]',
        '[{"ifname": "eth0", "ifindex": 1, "flags": ["UP"], "mtu": -1, "operstate": "UP"}]',
        "BusyBox v1.36.1 multi-call binary.\n\nUsage: ip [OPTIONS] address|route|link\n",
    ],
)
def test_unknown(text: str) -> None:
    with pytest.raises(ParseError):
        ip_link.parse(text)


@pytest.mark.parametrize("name", FILES)
def test_cut_off(read: Read, name: str) -> None:
    text = read(f"ip-j/{name}").rstrip()
    for end in range(0, len(text), 97):
        with pytest.raises(ParseError):
            ip_link.parse(text[:end])


@given(
    st.text()
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["ifname", "ifindex", "flags", "mtu", "operstate", "addr_info"]), inner
            )
        ),
        max_leaves=12,
    ).map(json.dumps)
)
def test_any_text_gives_interfaces_or_a_parse_error(text: str) -> None:
    try:
        found = ip_link.parse(text)
    except ParseError:
        return
    assert found
    assert all(isinstance(i, Interface) for i in found)
