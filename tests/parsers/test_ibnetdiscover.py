"""ibnetdiscover -p and its classic format: captured fabrics, a simulated one in many states, broken text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import ibnetdiscover, ibnetdiscover_nodes
from bringup.parsers.ib_diags import unanswered
from bringup.parsers.ibnetdiscover import End, Port
from bringup.parsers.ibnetdiscover_nodes import Fabric, Link, Node

Read = Callable[[str], str]
Session = Callable[[str], tuple[str, int | None, str]]

LEAF1 = End("SW", "ib-i1l1s01", 1719, 10, "0x7cfe9003009ce5b0")

# file -> rows, physical links, links seen from one end only, ports without far end as (name, port, speed)
PORTS: dict[str, tuple[int, int, int, list[tuple[str, int, str]]]] = {
    "01-p-ports-edr-disconnected.txt": (9, 4, 1, [("ib-i4l1s01", 37, "???"), ("ib-i7l2s01", 80, "SDR")]),
    "02-p-ports-hdr-spaces-in-names.txt": (
        6,
        3,
        3,
        [
            ("5FB0406-spine-IB01", 1, "SDR"),
            ("5FB0406-spine-IB02", 1, "SDR"),
            ("Infiniscale-IV Mellanox Technologies", 22, "QDR"),
        ],
    ),
    "03-p-ports-missing-quotes.txt": (1, 0, 0, [("Infiniscale-IV Mellanox Technologies", 22, "QDR")]),
}
# file -> nodes, switches, rows of links, GUIDs without an own block
NODES: dict[str, tuple[int, int, int, int]] = {
    "04-full-hdr-fake-topology.txt": (18, 8, 35, 1),
    "05-large-example-head.txt": (4, 4, 112, 75),
}
NOTHING = {"06-bad-output.txt", "07-no-umad-rc255.txt"}

# state of the simulated fabric -> rows of -p, links, nodes, GUIDs without an own block; None: no answer
FABRIC: dict[str, tuple[int, int, int, int] | None] = {
    "healthy": (256, 32, 22, 0),
    "error-counters": (256, 32, 22, 0),
    "hca-link-down": (255, 31, 21, 0),
    "hca-speed-EDR": (256, 32, 22, 0),
    "hca-width-1x": (256, 32, 22, 0),
    "leaf-down": (212, 24, 17, 0),
    "leaf1-mads-30pct-lost": None,
    "miswire-node03-node07": (256, 32, 22, 0),
    "no-sm": (256, 32, 22, 0),
    "node03-mads-all-lost": (255, 31, 21, 0),
    "spine-down": (216, 24, 21, 0),
    "uplink-down": (256, 31, 22, 0),
    "uplink-speed-EDR": (256, 32, 22, 0),
}


def test_every_captured_file_has_an_expectation(
    captured: Callable[[str], dict[str, str]], sessions: Path
) -> None:
    assert set(captured("ibnetdiscover")) <= {*PORTS, *NODES, *NOTHING}
    assert {f.parent.name for f in sessions.glob("ibsim-outputs/*/ibnetdiscover.txt")} == set(FABRIC)


@pytest.mark.parametrize("name", PORTS)
def test_captured_ports(read: Read, name: str) -> None:
    rows, physical, once, alone = PORTS[name]
    ports = ibnetdiscover.parse(read(f"ibnetdiscover/{name}"))
    assert (len(ports), len(ibnetdiscover.links(ports)), len(ibnetdiscover.one_sided(ports))) == (
        rows,
        physical,
        once,
    )
    assert [(p.end.name, p.end.port, p.speed) for p in ports if p.peer is None] == alone


def test_a_whole_port(read: Read) -> None:
    first = ibnetdiscover.parse(read("ibnetdiscover/01-p-ports-edr-disconnected.txt"))[0]
    assert first == Port(End("CA", "o0001 HCA-1", 134, 1, "0x7cfe9003003b4bde"), "4x", "EDR", LEAF1)


@pytest.mark.parametrize("name", NODES)
def test_captured_nodes(read: Read, name: str) -> None:
    fabric = ibnetdiscover_nodes.parse(read(f"ibnetdiscover/{name}"))
    assert (
        len(fabric.nodes),
        sum(n.kind == "SW" for n in fabric.nodes),
        sum(len(n.links) for n in fabric.nodes),
        len(fabric.undescribed),
    ) == NODES[name]


def test_a_whole_node(read: Read) -> None:
    fabric = ibnetdiscover_nodes.parse(read("ibnetdiscover/04-full-hdr-fake-topology.txt"))
    assert fabric.nodes[-1] == Node(
        kind="CA",
        guid="043f720300e61112",
        name="RMD701091906037 ibp11s0f0",
        ports=1,
        lid=None,
        device_id="0x101b",
        system_guid="0x43f720300e61112",
        links=(Link(1, "0ff08c43215bae68", 9, "MF0;rmd70-0101-0919-12ib0:MQM8700/U1", 825, 4, "HDR", 150),),
    )


def test_a_large_fabric_that_was_cut_names_what_is_missing(read: Read) -> None:
    fabric = ibnetdiscover_nodes.parse(read("ibnetdiscover/05-large-example-head.txt"))
    assert fabric.initiator == "e09d730300156ff6"
    assert "e09d730300156ff6" in fabric.undescribed
    first = fabric.nodes[0]
    assert (first.name, first.lid, first.ports) == ("MF0;A09-P1-IBLEAF-04-04:MQM9701/U1", 73, 65)


@pytest.mark.parametrize("name", sorted(NOTHING))
def test_no_fabric(read: Read, name: str) -> None:
    for parse in (ibnetdiscover.parse, ibnetdiscover_nodes.parse):
        with pytest.raises(ParseError):
            parse(read(f"ibnetdiscover/{name}"))


@pytest.mark.parametrize("state", FABRIC)
def test_simulated_fabric(session: Session, state: str) -> None:
    expected = FABRIC[state]
    ports = ibnetdiscover.parse(session(f"ibsim-outputs/{state}/ibnetdiscover-p.txt")[0])
    classic = session(f"ibsim-outputs/{state}/ibnetdiscover.txt")[0]
    if expected is None:
        assert (len(ports), ports[0].peer, unanswered(classic)) == (1, None, 1)
        with pytest.raises(ParseError):
            ibnetdiscover_nodes.parse(classic)
        return
    fabric = ibnetdiscover_nodes.parse(classic)
    found = ibnetdiscover.links(ports)
    assert (len(ports), len(found), len(fabric.nodes), len(fabric.undescribed)) == expected
    assert sum(len(n.links) for n in fabric.nodes) == 2 * len(found)
    assert ibnetdiscover.one_sided(ports) == ()


def test_a_miswired_pair_shows_in_the_links(session: Session) -> None:
    def where(state: str) -> dict[str, tuple[str, int]]:
        ports = ibnetdiscover.parse(session(f"ibsim-outputs/{state}/ibnetdiscover-p.txt")[0])
        return {p.end.name: (p.peer.name, p.peer.port) for p in ports if p.end.kind == "CA" and p.peer}

    good, bad = where("healthy"), where("miswire-node03-node07")
    moved = {node for node in good if good[node] != bad[node]}
    assert moved == {"node03 mlx5_0", "node07 mlx5_0"}
    assert (bad["node03 mlx5_0"], bad["node07 mlx5_0"]) == (("leaf2", 3), ("leaf1", 3))


def test_a_node_that_does_not_answer_is_left_out(session: Session) -> None:
    text, status, _ = session("ibsim-outputs/node03-mads-all-lost/ibnetdiscover-p.txt")
    ports = ibnetdiscover.parse(text)
    silent = [p for p in ports if p.end == End("SW", "leaf1", 2, 3, "0x0c42a10300200000")]
    assert (status, unanswered(text), [p.peer for p in silent]) == (0, 1, [None])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "#\n# Initiated from node e09d730300156ff6 port e09d730300156ff6\n",
        "vendid=0x2c9\ndevid=0xd2f2\n",
        'Switch 65 "S-2c5eab0300b87b40"\t# "leaf" enhanced port 0 lid 73 lmc 0\n[1]\t"H-e09d',
        "SW   479 22 0x0002c9020040f161 4x QDR\n",
        "CA   134  1 0x7cfe9003003b4bde 4x EDR - SW  1719 10 0x7cfe9003009ce5b0 ( 'o0001 HCA-1' - 'ib-\n",
        "CA   134  1 0x7cfe9003003b4bde 4x EDR - SW  1719\n",
        "SW  2052 37 0x506b4b03005c2740 4x ???          'ib-i4\n",
    ],
)
def test_cut_or_unknown(text: str) -> None:
    for parse in (ibnetdiscover.parse, ibnetdiscover_nodes.parse):
        with pytest.raises(ParseError):
            parse(text)


def test_cut_in_the_last_word(read: Read) -> None:
    for name in PORTS.keys() - {"03-p-ports-missing-quotes.txt"}:
        with pytest.raises(ParseError):
            ibnetdiscover.parse(read(f"ibnetdiscover/{name}").rstrip()[:-2])
    with pytest.raises(ParseError):
        ibnetdiscover_nodes.parse(read("ibnetdiscover/05-large-example-head.txt").rstrip()[:-1])


@given(st.text())
def test_any_text_gives_a_fabric_or_a_parse_error(text: str) -> None:
    node = 'Ca\t1 "H-0c42a10300100000"\t\t# "node01 mlx5_0"\n'
    for tried in (text, f"{node}{text}", f"{node}[1]({text}", f"CA 1 1 0x7cfe9003003b4bde 4x EDR {text}"):
        try:
            assert ibnetdiscover.parse(tried)
        except ParseError:
            pass
        try:
            assert isinstance(ibnetdiscover_nodes.parse(tried), Fabric)
        except ParseError:
            pass
