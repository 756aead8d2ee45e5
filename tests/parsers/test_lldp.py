"""lldpcli in all its formats: every captured answer, the test rig's sessions, and broken text."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import lldp, lldp_text
from bringup.parsers.lldp import Neighbour

LEAF = Neighbour(
    interface="enp97s0f0np0",
    chassis_id="06:2a:52:8a:9d:b4",
    port_id="06:2a:52:8a:9d:b4",
    port_id_type="mac",
    system="leaf-01",
    description="Lab switch, Debian 12",
    port_description="to gpu-node-01 rail 0",
    management=("fe80::42a:52ff:fe8a:9db4",),
    ttl_s=4,
)
SECOND = Neighbour(
    interface="enp225s0f0np0",
    chassis_id="06:2a:52:8a:9d:b4",
    port_id="42:70:bb:55:79:40",
    port_id_type="mac",
    system="leaf-01",
    description="Lab switch, Debian 12",
    port_description="swp2",
    management=("fe80::42a:52ff:fe8a:9db4",),
    ttl_s=4,
)


def arista(interface: str, system: str) -> Neighbour:
    return Neighbour(
        interface=interface,
        chassis_id="mac_value",
        port_id="ifname_value",
        port_id_type="ifname",
        system=system,
        description="Arista Networks EOS version 4.24.4M running on an Arista Networks 7368",
        management=("mgmt-ip",),
        ttl_s=120,
    )


FILES: dict[str, tuple[Neighbour, ...]] = {
    "01-single-if-array-huawei.json": (
        Neighbour(
            interface="ens11f0",
            chassis_id="0c:4f:9b:c4:18:61",
            port_id="25GE1/0/39",
            port_id_type="ifname",
            system="bj08-m1-a10-40-swl017",
            description="Huawei CE6863E",
            management=("192.0.2.21",),
            ttl_s=120,
        ),
    ),
    "02-two-if-h3c.json": (
        Neighbour(
            interface="ens14f0np0",
            chassis_id="28:c9:7a:b2:ab:b8",
            port_id="Twenty-FiveGigE1/0/16",
            port_id_type="ifname",
            system="CL-A052A",
            description="H3C Comware S6825-54HF",
            port_description="SDN_LAGG",
            ttl_s=121,
        ),
        Neighbour(
            interface="eth0",
            chassis_id="90:74:2e:ed:72:c0",
            port_id="FourHundredGigE1/0/98",
            port_id_type="ifname",
            system="CL-RLF233",
            description="H3C S9827-128DH",
            port_description="To-node-g86-114-eth0",
            management=("198.51.100.254",),
            ttl_s=121,
        ),
    ),
    "03-mgmt-ip-array.json": (
        Neighbour(
            interface="eth1",
            chassis_id="5c:f7:96:ab:07:13",
            port_id="ethernet12a",
            port_id_type="ifname",
            system="TJWQHY_D2_401-C-01-47.VEGS0-0-50",
            description="Lambda OS B5020",
            port_description="TO-SERVER-198.51.100.178",
            management=("203.0.113.151", "fdbd:dc41:199:4901::21ef:9197"),
            ttl_s=120,
        ),
    ),
    "04-no-neighbours.json": (),
    "05-f-json-interface-is-list.json": (
        arista("enp97s0f0", "rscfee5001"),
        arista("enp225s0f0", "rscfee4001"),
    ),
    "06-f-json-interface-is-object.json": (arista("enp97s0f0", "rscfee5002"),),
    "07-text-two-neighbours.txt": (LEAF, SECOND),
    "09-json-two-neighbours.json": (LEAF, SECOND),
    "11-xml-two-neighbours.xml": (LEAF, SECOND),
    "13-json-one-neighbour.json": (LEAF,),
    "15-json-none.json": (),
    "17-text-none.txt": (),
}
NODE02 = tuple(
    Neighbour(
        interface=interface,
        chassis_id=chassis,
        port_id=port,
        port_id_type="ifname",
        system=system,
        description="rig switch",
        port_description=port,
        management=(address,),
        ttl_s=8,
    )
    for interface, system, chassis, port, address in (
        ("eth1", "leaf1", "1a:e2:18:42:bd:e7", "swp3", "fe80::f46b:dfff:fefb:1530"),
        ("eth2", "leaf2", "aa:e8:f0:ab:fa:7b", "swp2", "fe80::20c1:e0ff:fe86:b8b4"),
    )
)


def reader(text: str) -> Callable[[str], tuple[Neighbour, ...]]:
    return lldp.parse if text.lstrip().startswith("{") else lldp_text.parse


def test_every_captured_file_has_an_expectation(captured: Callable[[str], dict[str, str]]) -> None:
    assert set(captured("lldp")) <= set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_captured(captured: Callable[[str], dict[str, str]], name: str) -> None:
    text = captured("lldp")[name]
    assert reader(text)(text) == FILES[name]


@pytest.mark.parametrize("form", ["json", "json0", "keyvalue", "plain", "xml"])
def test_one_miswired_node_reads_the_same_in_every_format(
    session: Callable[[str], tuple[str, int | None, str]], form: str
) -> None:
    text, _, _ = session(f"lldp-outputs/miswire-node02.{form}.txt")
    assert reader(text)(text) == NODE02


def test_details_and_a_lost_neighbour(session: Callable[[str], tuple[str, int | None, str]]) -> None:
    details, _, _ = session("lldp-outputs/node01.details.json.txt")
    assert [(n.interface, n.system, n.port_names) for n in lldp.parse(details)] == [
        ("eth1", "leaf1", ("swp1",)),
        ("eth2", "leaf2", ("swp1",)),
    ]
    one_down, _, _ = session("lldp-outputs/node01-eth1-down.json.txt")
    left = lldp.parse(one_down[one_down.index("{") :])
    assert [(n.interface, n.system) for n in left] == [("eth2", "leaf2")]


def test_none_in_both_json_forms(session: Callable[[str], tuple[str, int | None, str]]) -> None:
    text, _, _ = session("lldp-outputs/node01-none.json.txt")
    json, json0 = text.split("---")
    assert (lldp.parse(json), lldp.parse(json0)) == ((), ())


def test_a_switch_sees_all_nodes(session: Callable[[str], tuple[str, int | None, str]]) -> None:
    text, _, _ = session("lldp-outputs/leaf1.json.txt")
    seen = {n.interface: (n.system, n.port_names) for n in lldp.parse(text)}
    assert len(seen) == 16
    assert seen["swp1"] == ("node01", ("92:a4:0d:2f:45:c8", "eth1"))
    assert seen["swp3"][0] == "node02"


def test_a_neighbour_without_a_name_or_named_id() -> None:
    # invented: the shapes of `-f json` for a switch without system name, and for one whose name is "id"
    port = '"port": {"id": {"type": "ifname", "value": "swp1"}}'
    nameless = '{"lldp": {"interface": {"eth1": {"chassis": {"id": {"type": "mac", "value": "aa"}}, %s}}}}'
    named_id = (
        '{"lldp": {"interface": {"eth1": {"chassis": {"id": {"id": {"type": "mac", "value": "aa"}}}, %s}}}}'
    )
    assert [(n.system, n.chassis_id) for n in lldp.parse(nameless % port)] == [(None, "aa")]
    assert [(n.system, n.chassis_id) for n in lldp.parse(named_id % port)] == [("id", "aa")]


def test_keyvalue_with_a_vlan_interface_and_a_long_description() -> None:
    # invented: an interface name with a dot, a description of two lines
    text = (
        "lldp.eth0.100.via=LLDP\nlldp.eth0.100.chassis.mac=aa\nlldp.eth0.100.chassis.descr=SONiC\n second line\n"
        "lldp.eth0.100.port.local=Eth1/1\nlldp.eth0.100.vlan.vlan-id=100\n"
    )
    (found,) = lldp_text.parse(text)
    assert (found.interface, found.chassis_id, found.port_id, found.description) == (
        "eth0.100",
        "aa",
        "Eth1/1",
        "SONiC",
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"lldp": []}',
        '{"lldp": {"interface": "eth1"}}',
        '{"lldp": {"interface": {"eth1": {"chassis": {}, "port": {}}}}}',
        "unable to connect to socket /var/run/lldpd.socket\n",
    ],
)
def test_cut_or_unknown(text: str) -> None:
    for parse in (lldp.parse, lldp_text.parse):
        with pytest.raises(ParseError):
            parse(text)


@pytest.mark.parametrize("name", [n for n in FILES if FILES[n]])
def test_cut_off_in_the_middle_is_no_answer(captured: Callable[[str], dict[str, str]], name: str) -> None:
    text = captured("lldp")[name].rstrip()
    for end in range(0, len(text) - 1, 7):
        if text[:end].rstrip().endswith("\n" + "-" * 79):
            continue  # the plain table has no mark that tells its last rule from one between two neighbours
        with pytest.raises(ParseError):
            reader(text)(text[:end])


@given(st.text())
def test_any_text_gives_neighbours_or_a_parse_error(text: str) -> None:
    rule = "-" * 79
    for tried in (
        text,
        f"lldp.{text}",
        f"<lldp>{text}</lldp>",
        f"{rule}\nLLDP neighbors:\n{rule}\n{text}\n{rule}",
    ):
        for parse in (lldp.parse, lldp_text.parse):
            try:
                found = parse(tried)
            except ParseError:
                continue
            assert all(isinstance(n, Neighbour) for n in found)
