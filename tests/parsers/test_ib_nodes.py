"""ibswitches, ibhosts and sminfo: a simulated fabric in many states, and why they give no answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import ib_nodes, sminfo
from bringup.parsers.ib_nodes import Node
from bringup.parsers.ib_trouble import Trouble, trouble
from bringup.parsers.sminfo import Manager

Session = Callable[[str], tuple[str, int | None, str]]

# state of the simulated fabric -> names of its switches, how many hosts, the manager's activity; None: no manager
ALL_SWITCHES = ("leaf1", "leaf2", "leaf3", "leaf4", "spine1", "spine2")
FABRIC: dict[str, tuple[tuple[str, ...], int, int | None]] = {
    "healthy": (ALL_SWITCHES, 16, 738),
    "error-counters": (ALL_SWITCHES, 16, 738),
    "hca-link-down": (ALL_SWITCHES, 15, 1634),
    "hca-speed-EDR": (ALL_SWITCHES, 16, 738),
    "hca-width-1x": (ALL_SWITCHES, 16, 738),
    "leaf-down": (("leaf1", "leaf2", "leaf3", "spine1", "spine2"), 12, 1786),
    "leaf1-mads-30pct-lost": (("", "leaf1"), 1, 738),
    "miswire-node03-node07": (ALL_SWITCHES, 16, 738),
    "no-sm": (ALL_SWITCHES, 16, None),
    "node03-mads-all-lost": (ALL_SWITCHES, 15, 738),
    "spine-down": (("leaf1", "leaf2", "leaf3", "leaf4", "spine1"), 16, 1926),
    "uplink-down": (ALL_SWITCHES, 16, 1653),
    "uplink-speed-EDR": (ALL_SWITCHES, 16, 738),
}


def test_every_captured_session_has_an_expectation(sessions: Path) -> None:
    for tool in ("ibswitches", "ibhosts", "sminfo"):
        assert {f.parent.name for f in sessions.glob(f"ibsim-outputs/*/{tool}.txt")} == set(FABRIC)


@pytest.mark.parametrize("state", FABRIC)
def test_switches(session: Session, state: str) -> None:
    text, status, _ = session(f"ibsim-outputs/{state}/ibswitches.txt")
    switches = ib_nodes.parse(text)
    assert (status, tuple(sorted(s.name for s in switches))) == (0, FABRIC[state][0])
    assert {(s.kind, s.ports) for s in switches} == {("SW", 40)}
    lids = {s.lid for s in switches if s.name}
    assert lids == {0} if state == "no-sm" else len(lids) == len([s for s in switches if s.name])


@pytest.mark.parametrize("state", FABRIC)
def test_hosts(session: Session, state: str) -> None:
    text, status, _ = session(f"ibsim-outputs/{state}/ibhosts.txt")
    hosts = ib_nodes.parse(text)
    assert (status, len(hosts)) == (0, FABRIC[state][1])
    assert {(h.kind, h.ports, h.lid) for h in hosts} == {("CA", 1, None)}
    assert hosts[-1] == Node("CA", "0x0c42a10300100000", "node01 mlx5_0", 1, None)


@pytest.mark.parametrize("state", FABRIC)
def test_manager(session: Session, state: str) -> None:
    text, status, _ = session(f"ibsim-outputs/{state}/sminfo.txt")
    activity = FABRIC[state][2]
    if activity is None:
        with pytest.raises(ParseError, match="names no subnet manager"):
            sminfo.parse(text)
        assert (status, trouble(text)) == (255, Trouble.NO_MANAGER)
    else:
        assert sminfo.parse(text) == Manager(1, "0xc42a10300100001", activity, 0, "MASTER")
        assert (status, trouble(text)) == (0, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sminfo: sm lid 1 sm guid 0xc42a10300100001, activity count 738 prio",
        "sminfo: sm lid 1 sm guid 0x1, activity count 1 priority 0 state 3 SMINFO_MASTER\n" * 2,
        "sminfo: sm lid one sm guid 0x1, activity count 1 priority 0 state 3 SMINFO_MASTER\n",
    ],
)
def test_no_manager_in_cut_or_unknown_text(text: str) -> None:
    with pytest.raises(ParseError):
        sminfo.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ibwarn: [1] mad_rpc_open_port: can't open UMAD port ((null):0)\n",
        'Ca\t: 0x0c42a1030010001e ports 1 "node16 mlx',
        'Switch\t: 0x0c42a10300200003 ports 40 "leaf4"\n',
        "ibnetdiscover: iberror: failed: discover failed\n",
    ],
)
def test_no_nodes_in_cut_or_unknown_text(text: str) -> None:
    with pytest.raises(ParseError):
        ib_nodes.parse(text)


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("iblinkinfo/05-no-umad-rc1.txt", Trouble.NO_MODULE),
        ("ibnetdiscover/07-no-umad-rc255.txt", Trouble.NO_MODULE),
        ("perfquery/05-no-umad-rc255.txt", Trouble.NO_MODULE),
        ("iblinkinfo/03-could-be-warnings.txt", None),
        ("ibnetdiscover/01-p-ports-edr-disconnected.txt", None),
    ],
)
def test_why_there_is_no_answer(read: Callable[[str], str], file: str, why: Trouble | None) -> None:
    assert trouble(read(file)) == why


@pytest.mark.parametrize(
    ("state", "tool", "why"),
    [
        ("no-sm", "ibqueryerrors", Trouble.NO_MANAGER),
        ("no-sm", "iblinkinfo", None),
        ("node03-mads-all-lost", "iblinkinfo", Trouble.UNANSWERED),
        ("leaf1-mads-30pct-lost", "ibnetdiscover", Trouble.UNANSWERED),
    ],
)
def test_why_there_is_only_a_part(session: Session, state: str, tool: str, why: Trouble | None) -> None:
    assert trouble(session(f"ibsim-outputs/{state}/{tool}.txt")[0]) == why


def test_other_reasons() -> None:
    # the sentences of a node without rights, and of one with RoCE alone
    rights = (
        "ibwarn: [1054] mad_rpc_open_port: can't open UMAD port ((null):0)\nFailed to open (null) port 0\n"
    )
    roce = (
        "ibwarn: [1054] mad_rpc_open_port: client_register for mgmt 1 failed\nFailed to open (null) port 0\n"
    )
    assert (trouble(rights), trouble(roce)) == (Trouble.NOT_OPENED, Trouble.NOT_INFINIBAND)


@given(st.text())
def test_any_text_gives_rows_or_a_parse_error(text: str) -> None:
    for tried in (
        text,
        f'Ca\t: 0x0c42a1030010001e ports 1 "{text}"',
        f"sminfo: sm lid 1 sm guid 0x1, {text}",
    ):
        for parse in (ib_nodes.parse, sminfo.parse):
            try:
                assert parse(tried)
            except ParseError:
                continue
