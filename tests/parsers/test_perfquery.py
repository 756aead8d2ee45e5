"""perfquery: one port, several, other field sets, no answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import perfquery
from bringup.parsers.perfquery import Counters

Session = Callable[[str], tuple[str, int | None, str]]

# file -> per port: (heading, LID, port, how many counters, those that are not zero except traffic)
FILES: dict[str, list[tuple[str, int, int, int, dict[str, int]]] | None] = {
    "01-x-0x7cfe9003003b4b96.txt": [("Port extended", 133, 1, 22, {})],
    "02-x-0x506b4b03005c2740.txt": [
        (
            "Port extended",
            2052,
            1,
            22,
            {
                "LinkDownedCounter": 1,
                "PortRcvSwitchRelayErrors": 7,
                "PortXmitDiscards": 20046,
                "PortXmitWait": 41864608,
            },
        )
    ],
    "03-x-two-ports-0x7cfe9003009ce5b0.txt": [
        ("Port extended", 1719, 1, 22, {"PortXmitWait": 22730501}),
        ("Port extended", 1719, 2, 22, {"PortXmitWait": 36510964}),
    ],
    "04-rcv-error-details.txt": [("PortRcvErrorDetails", 2052, 1, 6, {})],
    "05-no-umad-rc255.txt": None,
}
TRAFFIC = ("Data", "Pkts")


def test_every_captured_file_has_an_expectation(captured: Callable[[str], dict[str, str]]) -> None:
    assert set(captured("perfquery")) <= set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_captured(read: Callable[[str], str], name: str) -> None:
    text, expected = read(f"perfquery/{name}"), FILES[name]
    if expected is None:
        with pytest.raises(ParseError):
            perfquery.parse(text)
        return
    assert [
        (
            p.kind,
            p.lid,
            p.port,
            len(p.counters),
            {k: v for k, v in p.counters.items() if v and not k.endswith(TRAFFIC)},
        )
        for p in perfquery.parse(text)
    ] == expected


def test_data_counts_units_of_four_bytes(read: Callable[[str], str]) -> None:
    (port,) = perfquery.parse(read("perfquery/01-x-0x7cfe9003003b4b96.txt"))
    assert port.counters["PortXmitData"] * perfquery.DATA_UNIT_BYTES == 37108676853855 * 4


def test_every_simulated_state_is_read(sessions: Path, session: Session) -> None:
    silent = set()
    for file in sorted((sessions / "ibsim-outputs").glob("*/perfquery*.txt")):
        text, status, _ = session(str(file.relative_to(sessions)))
        if status:
            silent.add(file.parent.name)
            with pytest.raises(ParseError):
                perfquery.parse(text)
            continue
        (port,) = perfquery.parse(text)
        assert (port.lid, port.port, port.counters["PortXmitPkts"] > 0) == (8, 1, True)
    assert silent == {"no-sm", "node03-mads-all-lost"}


def test_a_direct_route_has_no_lid() -> None:
    # invented: the heading of a port that was asked by a direct route
    text = "# Port counters: DR path slid 0; dlid 0; 0,1 port 1 (CapMask: 0x1200)\nLinkDownedCounter:...255\n"
    assert perfquery.parse(text) == (Counters("Port", None, 1, {"LinkDownedCounter": 255}),)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# Port extended counters: Lid 133 port 1 (CapMask: 0x5A00)\n",
        "# Port extended counters: Lid 133 port 1\nPortSelect:......1\nCounterSelect:....0x0000\n",
        "# Port extended counters: Lid 133 port 1\nPortXmitData:.....",
        "# Port extended counters: Lid 133 port 1\nPortXmitData:.....many\n",
        "PortXmitData:.....5\n",
        "perfquery: iberror: failed: classportinfo query\n",
    ],
)
def test_cut_or_unknown(text: str) -> None:
    with pytest.raises(ParseError):
        perfquery.parse(text)


@given(st.text())
def test_any_text_gives_counters_or_a_parse_error(text: str) -> None:
    for tried in (text, f"# Port extended counters: Lid 133 port 1\nPortXmitData:.....5\n{text}"):
        try:
            assert perfquery.parse(tried)
        except ParseError:
            pass
