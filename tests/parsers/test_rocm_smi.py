"""rocm-smi over its releases: JSON, lines, the overview, the matrices of the topology."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import rocm_smi, rocm_smi_tables
from bringup.parsers.rocm_smi import Card

Read = Callable[[str], str]

# file -> driver, cards, PIDs, pairs with links, and the first card
CARDS: dict[str, tuple[str, int, tuple[int, ...], int, Card]] = {
    "01-rocm-smi-json-6xmi100-571.json": (
        "6.2.4",
        6,
        (104225,),
        15,
        Card(
            0, "0x738c", "Arcturus GL-XL [Instinct MI100]", None, "0", "00000000:1e:00.0", "113-D3430400-037",
            31.0, 34.0, 30.0, 39.0, 290.0, 0.0, 34342961152, 6782976, 8.0, 16, 0,
        ),
    ),
    "02-rocm-smi-json-4xmi100-602.json": (
        "6.3.6",
        4,
        (),
        6,
        Card(
            0, "0x738c", "Arcturus GL-XL [Instinct MI100]", "0x79ccd55167a2124a", None, "00000000:83:00.0",
            "113-D3431401-101", 53.0, 55.0, 53.0, 36.0, 290.0, 0.0, 34342961152, 6750208, 16.0, 16, 0,
        ),
    ),
    "03-rocm-smi-json-rx6700-430.json": (
        "6.3.6",
        1,
        (),
        0,
        Card(
            0, "0x73df", None, None, None, "00000000:07:00.0", "113-67XA6SSB1-D01",
            45.0, 47.0, 46.0, 6.0, 211.0, 0.0, 12868124672, 1622728704, 16.0, 16, 0,
        ),
    ),
    "04-rocm-smi-json-rx6700-612.json": (
        "6.3.6",
        1,
        (),
        0,
        Card(
            0, "0x73df", "Navi 22 [Radeon RX 6700/6700 XT / 6800M]", None, None, "00000000:07:00.0",
            "113-67XA6SSB1-D01", 45.0, 47.0, 46.0, 6.0, 211.0, 0.0, 12868124672, 1572745216, 16.0, 16, 0,
        ),
    ),
    "05-rocm-smi-json-vega20.json": (
        "5.9.17",
        1,
        (),
        28,
        Card(
            0, "0x66a1", "Radeon Instinct MI50 32GB", "0x2f048617326b1ea", "692024000810", "00000000:63:00.0",
            "113-D1631700-111", 36.0, 38.0, 35.0, 26.0, 225.0, 0.0, 34342961152, 10850304, 16.0, 16, 0,
        ),
    ),
    "07-a-all-mi300x-x4.txt": (
        "6.7.0",
        4,
        (1188185,),
        0,
        Card(
            0, "0x74a1", "AMD Instinct MI300X OAM", "0x8d1457e2c20f59d2", "692347006052", "00000000:26:00.0",
            "113-MI3SRIOV-001", None, 35.0, 33.0, 133.0, 750.0, 0.0, None, None, None, None, 0,
        ),
    ),
}  # fmt: skip
TABLES = ("06-table-mi300x-x4.txt", "08-showtopo-mi100-x8.txt")


def test_every_captured_file_has_an_expectation(captured: Callable[[str], dict[str, str]]) -> None:
    assert set(captured("rocm-smi")) <= {*CARDS, *TABLES}


@pytest.mark.parametrize("name", CARDS)
def test_captured_cards(read: Read, name: str) -> None:
    smi = rocm_smi.parse(read(f"rocm-smi/{name}"))
    assert (smi.driver, len(smi.cards), smi.pids, len(smi.links), smi.cards[0]) == CARDS[name]


def test_links_between_cards(read: Read) -> None:
    smi = rocm_smi.parse(read("rocm-smi/05-rocm-smi-json-vega20.json"))
    assert smi.links[0, 1] == {"Weight": "40", "Hops": "2", "Link type": "PCIE"}


def test_captured_overview(read: Read) -> None:
    rows = rocm_smi_tables.parse_overview(read("rocm-smi/06-table-mi300x-x4.txt"))
    assert [(r.gpu, r.cells["Temp"], r.cells["Power"], r.name) for r in rows] == [
        (n, temp, power, "AMD Instinct MI300X")
        for n, (temp, power) in enumerate(
            (("35.0°C", "133.0W"), ("37.0°C", "131.0W"), ("34.0°C", "131.0W"), ("38.0°C", "137.0W"))
        )
    ]
    assert {(r.cells["Partitions"], r.cells["PwrCap"]) for r in rows} == {("NPS1, SPX", "750.0W")}


def test_captured_topology(read: Read) -> None:
    tables = rocm_smi_tables.parse_topology(read("rocm-smi/08-showtopo-mi100-x8.txt"))

    def hives(apart: str, near: str) -> dict[tuple[int, int], str]:
        return {
            (a, b): "0" if a == b else near if a // 4 == b // 4 else apart for a in range(8) for b in range(8)
        }

    assert tables == {
        "Weight between two GPUs": hives("72", "15"),
        "Hops between two GPUs": hives("3", "1"),
        "Link Type between two GPUs": hives("PCIE", "XGMI"),
    }


PARSERS: tuple[Callable[[str], object], ...] = (
    rocm_smi.parse,
    rocm_smi_tables.parse_overview,
    rocm_smi_tables.parse_topology,
)
END = "================== End of ROCm SMI Log ==================="


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"system": {"Driver version": "6.3.6"}}',
        '{"card0": {}}',
        '{"card0": {"Device ID": "0x738c", "pcie clock level": "fast"}}',
        '{"card0": {"Device ID": "0x738c", "GPU use (%)": "some"}}',
        "GPU[0]\t\t: Device ID: 0x74a1\n",
        f"Device  Temp  Power\n0  35.0°C\n{END}",
        f"Device  Temp  Power\n{END}",
        f"== Hops ==\n GPU0 GPU1\nGPU0 0 1\n{END}",
        f"== Hops ==\n GPU0 GPU1\nGPU0 0\nGPU1 1 0\n{END}",
        "ERROR: GPU not initialized\n",
        END,
    ],
)
def test_cut_or_unknown(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(ParseError):
        parse(text)


@pytest.mark.parametrize("name", [*CARDS, *TABLES])
def test_cut_off_is_no_answer(read: Read, name: str) -> None:
    text = read(f"rocm-smi/{name}").rstrip()
    end = text.rindex("End of ROCm SMI Log") if "End of ROCm SMI Log" in text else len(text)
    for place in range(0, end, 173):
        for parse in PARSERS:
            with pytest.raises(ParseError):
                parse(text[:place])


@given(st.text())
def test_any_text_gives_rows_or_a_parse_error(text: str) -> None:
    tries = (
        text,
        json.dumps({"card0": {"Device ID": "0x1", "pcie clock level": text, "Serial Number": text}}),
        f"GPU[0] : Device ID: {text}\n{END}",
        f"Device  Temp\n0  {text}\n{END}",
        f"== Hops ==\n GPU0\nGPU0 {text}\n{END}",
    )
    for tried in tries:
        for parse in PARSERS:
            try:
                assert parse(tried) is not None
            except ParseError:
                pass
