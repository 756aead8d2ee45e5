"""ibstat, ibstat -s and what simulators and software devices print through it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import ibstat
from bringup.parsers.ibstat import Adapter, Port

FILES = {
    "01-mlx4-s-short.txt": (
        Adapter("mlx4_0", "MT26428", 2, "2.9.1000", "b0", "0x0002c9030056b9e6", "0x0002c9030056b9e9", ()),
    ),
    "02-mlx4-port2-down-polling.txt": (
        Adapter(
            "mlx4_0",
            ports=(Port(2, "Down", "Polling", 10.0, 0, 0, "0x0002c903005a7b7e", None),),
        ),
    ),
    "03-bf3-2hca-down-but-linkup.txt": tuple(
        Adapter(
            f"mlx5_{n}",
            "MT41692",
            1,
            "32.47.1088",
            "1",
            f"0xc470bd0300b8638{end}",
            "0xc470bd0300b8638a",
            (Port(1, "Down", "LinkUp", 100.0, 65535, 0, f"0xc470bd0300b8638{end}", "InfiniBand"),),
        )
        for n, end in ((0, "a"), (1, "b"))
    ),
    "05-mlx4-ddr-one-active-one-polling.txt": (
        Adapter(
            "mlx4_0",
            "MT25418",
            2,
            "2.9.1000",
            "a0",
            "0x0002c90300002f78",
            "0x0002c90300002f7b",
            (
                Port(1, "Active", "LinkUp", 20.0, 3, 3, "0x0002c90300002f79", "InfiniBand"),
                Port(2, "Down", "Polling", 10.0, 0, 0, "0x0002c90300002f7a", "InfiniBand"),
            ),
        ),
    ),
}


def test_every_captured_file_has_an_expectation(corpus: Path) -> None:
    assert {f.name for f in (corpus / "ibstat").iterdir()} <= set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_captured(read: Callable[[str], str], name: str) -> None:
    assert ibstat.parse(read(f"ibstat/{name}")) == FILES[name]


@pytest.mark.parametrize(
    ("folder", "state", "phys", "rate"),
    [
        ("healthy", "Active", "LinkUp", 104.0),
        ("healthy-qdr", "Active", "LinkUp", 40.0),
        ("hca-link-down", "Down", "Polling", 40.0),
        ("hca-link-restored", "Active", "LinkUp", 40.0),
        ("hca-width-1x-qdr", "Active", "LinkUp", 10.0),
        ("no-sm", "Initializing", "LinkUp", 104.0),
    ],
)
def test_simulated_fabric(
    session: Callable[[str], tuple[str, int | None, str]], folder: str, state: str, phys: str, rate: float
) -> None:
    text, status, _ = session(f"ibsim-outputs/{folder}/ibstat.txt")
    (adapter,) = ibstat.parse(text)
    (port,) = adapter.ports
    assert status == 0
    assert (port.state, port.phys_state, port.rate_gbps, port.link_layer) == (state, phys, rate, "IB")


def test_every_simulated_state_is_read(
    sessions: Path, session: Callable[[str], tuple[str, int | None, str]]
) -> None:
    for file in sorted((sessions / "ibsim-outputs").glob("*/ibstat.txt")):
        text, _, _ = session(str(file.relative_to(sessions)))
        assert [(a.name, len(a.ports)) for a in ibstat.parse(text)] == [("ibsim0", 1)]


def test_software_devices_leave_values_blank(session: Callable[[str], tuple[str, int | None, str]]) -> None:
    text, _, _ = session("rxe-outputs/bookworm-perftest-4.5/ibstat.txt")
    adapters = ibstat.parse(text)
    assert [(a.name, a.type, a.firmware, a.ports[0].rate_gbps) for a in adapters] == [
        ("rxe0", None, None, 2.5),
        ("rxe1", None, None, 2.5),
    ]


def test_nothing_printed_means_no_adapter() -> None:
    assert ibstat.parse("") == ()


@pytest.mark.parametrize(
    "text",
    [
        "CA 'mlx5_0'\n",
        "CA 'mlx5_0'\n\tPort 1:\n",
        "ibpanic: [1] main: stat of IB device failed\n",
        "State: Active\n",
    ],
)
def test_cut_or_unknown(text: str) -> None:
    with pytest.raises(ParseError):
        ibstat.parse(text)


@given(st.text())
def test_any_text_gives_adapters_or_a_parse_error(text: str) -> None:
    _parse_anything(text)


@pytest.mark.parametrize("name", FILES)
def test_cut_off_at_any_place(read: Callable[[str], str], name: str) -> None:
    text = read(f"ibstat/{name}")
    for end in range(len(text)):
        _parse_anything(text[:end])


def _parse_anything(text: str) -> None:
    try:
        rows = ibstat.parse(text)
    except ParseError:
        return
    assert all(isinstance(row, Adapter) for row in rows)
