"""iblinkinfo in blocks and lines: captured answers, a simulated fabric in many states, broken text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import iblinkinfo
from bringup.parsers.ib_diags import unanswered
from bringup.parsers.iblinkinfo import Peer, Port

Session = Callable[[str], tuple[str, int | None, str]]

SWITCH = "Infiniscale-IV Mellanox Technologies"


def qdr(kind: str, name: str, guid: str, lid: int, port: int, peer: Peer) -> Port:
    return Port(kind, name, guid, lid, port, "Active", "LinkUp", "4X", "10.0 Gbps", 10.0, peer)


def simulated(port: int, peer: Peer) -> Port:
    return Port(
        None, "hxa-su1-leaf-r1", "0x0000000000200002", 4, port, "Active", "LinkUp", "4X", "2.5 Gbps", 2.5, peer,
        ("12X", "10.0 Gbps"),
    )  # fmt: skip


FILES: dict[str, tuple[Port, ...] | None] = {
    "01-ca-and-switch-with-down-port.txt": (
        qdr("CA", "centos-data-202 HCA-1", "0x0002c903000cc89b", 3, 1, Peer(SWITCH, 2, 1)),
        qdr("CA", "kube-node-100 HCA-1", "0x0002c903000d7aad", 5, 1, Peer(SWITCH, 2, 4)),
        *(
            qdr("Switch", SWITCH, "0x0002c9020046c588", 2, port, Peer(name, lid, 1))
            for port, name, lid in (
                (1, "centos-data-202 HCA-1", 3),
                (2, "centos-data-201 HCA-1", 1),
                (3, "centos-data-200 HCA-1", 4),
                (4, "kube-node-100 HCA-1", 5),
            )
        ),
        Port("Switch", SWITCH, "0x0002c9020046c588", 2, 5, "Down", "Polling"),
    ),
    "03-could-be-warnings.txt": (
        simulated(1, Peer("hxa-gpu01 mlx5_0", 5, 1, "0x0000000000100002")),
        simulated(2, Peer("hxa-gpu02 mlx5_0", 10, 1, "0x0000000000100006")),
    ),
    "05-no-umad-rc1.txt": None,
}

# state of the simulated fabric (4 leaves, 2 spines, 16 nodes) -> ports, and how many in each state
FABRIC: dict[str, tuple[int, dict[str, int]]] = {
    "healthy": (256, {"Active": 64, "Down": 192}),
    "error-counters": (256, {"Active": 64, "Down": 192}),
    "healthy-qdr": (256, {"Active": 64, "Down": 192}),
    "hca-link-down": (255, {"Active": 62, "Down": 193}),
    "hca-speed-EDR": (256, {"Active": 64, "Down": 192}),
    "hca-width-1x": (256, {"Active": 64, "Down": 192}),
    "hca-width-1x-qdr": (256, {"Active": 64, "Down": 192}),
    "leaf-down": (212, {"Active": 48, "Down": 164}),
    "leaf1-mads-30pct-lost": (39, {"Active": 10, "Down": 25, "NoChange": 4}),
    "miswire-node03-node07": (256, {"Active": 64, "Down": 192}),
    "no-sm": (256, {"Initialize": 64, "Down": 192}),
    "node03-mads-all-lost": (255, {"Active": 63, "Down": 192}),
    "spine-down": (216, {"Active": 48, "Down": 168}),
    "uplink-down": (256, {"Active": 62, "Down": 194}),
    "uplink-speed-EDR": (256, {"Active": 64, "Down": 192}),
}
ONLY_BLOCKS = {"healthy-qdr", "hca-width-1x-qdr", "leaf1-mads-30pct-lost"}
"""Not captured with -l, or captured while answers were lost at random."""


def test_every_captured_file_has_an_expectation(
    captured: Callable[[str], dict[str, str]], sessions: Path
) -> None:
    assert set(captured("iblinkinfo")) <= set(FILES)
    assert {f.parent.name for f in sessions.glob("ibsim-outputs/*/iblinkinfo.txt")} == set(FABRIC)


@pytest.mark.parametrize("name", FILES)
def test_captured(read: Callable[[str], str], name: str) -> None:
    expected = FILES[name]
    if expected is None:
        with pytest.raises(ParseError):
            iblinkinfo.parse(read(f"iblinkinfo/{name}"))
    else:
        assert iblinkinfo.parse(read(f"iblinkinfo/{name}")) == expected


@pytest.mark.parametrize("state", FABRIC)
def test_simulated_fabric(session: Session, state: str) -> None:
    text, _, _ = session(f"ibsim-outputs/{state}/iblinkinfo.txt")
    ports = iblinkinfo.parse(text)
    assert (len(ports), Counter(p.state for p in ports)) == FABRIC[state]


@pytest.mark.parametrize("state", sorted(set(FABRIC) - ONLY_BLOCKS))
def test_lines_say_the_same_as_blocks(session: Session, state: str) -> None:
    def ends(form: str) -> set[tuple[object, ...]]:
        text, _, _ = session(f"ibsim-outputs/{state}/{form}.txt")
        return {
            (p.name, p.port, p.state, p.lane_gbps, p.peer and (p.peer.name, p.peer.port))
            for p in iblinkinfo.parse(text)
        }

    assert ends("iblinkinfo-l") == ends("iblinkinfo")


def test_a_slow_link_shows_at_both_ends(session: Session) -> None:
    text, _, _ = session("ibsim-outputs/uplink-speed-EDR/iblinkinfo-l.txt")
    slow = [(p.name, p.port, p.could_be) for p in iblinkinfo.parse(text) if p.lane_gbps == 25.78125]
    assert slow == [("spine1", 1, ("12X", "53.125 Gbps")), ("leaf1", 21, ("12X", "53.125 Gbps"))]


def test_a_neighbour_that_does_not_answer(session: Session) -> None:
    text, status, _ = session("ibsim-outputs/node03-mads-all-lost/iblinkinfo-l.txt")
    silent = [(p.name, p.port) for p in iblinkinfo.parse(text) if p.state == "Active" and p.peer is None]
    assert (status, silent, unanswered(text)) == (0, [("leaf1", 3)], 1)


def test_other_words_of_the_tool() -> None:
    # invented values: FDR10, an external port number, switch settings between state and arrow, an old heading
    text = (
        "Switch 0x0002c90200408888 old switch, with: colon:\n"
        '    2    1[ 17] ==( 4X 10.0 Gbps (FDR10) Active /  LinkUp)==>   3   1[  ] "MF0;sw:SX60/U1" (Could be FDR10)\n'
        '    2    2[  ] ==( 4X 53.125 Gbps Active/  LinkUp) (HOQ:1 VL_Stall:7 )==>   4    1[  ] "h" ( )\n'
        '    2    3[  ] ==(          Down/Disabled)==>             [  ] "" ( )\n'
    )
    fdr10, settings, disabled = iblinkinfo.parse(text)
    assert (fdr10.name, fdr10.speed, fdr10.lane_gbps) == (
        "old switch, with: colon",
        "10.0 Gbps (FDR10)",
        10.0,
    )
    assert fdr10.peer == Peer("MF0;sw:SX60/U1", 3, 1)
    assert fdr10.could_be == ("FDR10",)
    assert (settings.state, settings.lane_gbps, settings.peer) == ("Active", 53.125, Peer("h", 4, 1))
    assert (disabled.state, disabled.phys_state, disabled.width) == ("Down", "Disabled", None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "CA: node01 mlx5_0:\n",
        "ibwarn: [1] mad_rpc_open_port: can't open UMAD port ((null):0)\n",
        "  1  1[  ] ==( 4X  10.0 Gbps Active/  LinkUp)==>\n",
        '  1  1[  ] ==( 4X  10.0 Gbps Active/  LinkUp)==>  3  1[  ] "x" (\n',
        '  1  1[  ] ==( fast )==>  3  1[  ] "x" ( )\n',
    ],
)
def test_cut_or_unknown(text: str) -> None:
    with pytest.raises(ParseError):
        iblinkinfo.parse(text)


@given(st.text())
def test_any_text_gives_ports_or_a_parse_error(text: str) -> None:
    for tried in (text, f"  1  1[  ] ==({text}", f"  1  1[  ] ==( 4X  10.0 Gbps Active/LinkUp)==>{text}"):
        try:
            ports = iblinkinfo.parse(tried)
        except ParseError:
            continue
        assert all(isinstance(p, Port) for p in ports)
