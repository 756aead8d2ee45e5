"""csv answers of nvidia-smi: every captured one by its header, processes, and what is no csv."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers.nvidia_smi_csv import App, Field, apps, fields, parse

TOOL = "nvidia-smi-csv"
Captured = Callable[[str], dict[str, str]]

# file -> (columns, rows, for some columns the cells of all rows)
EXPECTED: dict[str, tuple[int, int, dict[str, list[str | None]]]] = {
    "01-h100-query-gpu-212-fields.txt": (
        212,
        1,
        {
            "name": ["NVIDIA H100 80GB HBM3"],
            "driver_version": ["590.48.01"],
            "power.draw": ["69.85"],
            "fabric.state": ["Completed"],
            "fabric.status": ["Success"],
            "fabric.cliqueId": ["0"],
            "pcie.link.gen.hostmax": [None],
            "platform.chassis_serial_number": [None],
            "remapped_rows.correctable": ["0"],
            "remapped_rows.uncorrectable": ["0"],
            "remapped_rows.pending": ["No"],
            "remapped_rows.failure": ["No"],
            "gpu_recovery_action": ["None"],
        },
    ),
    "02-h200-query-gpu-load.txt": (
        212,
        1,
        {
            "name": ["NVIDIA H200"],
            "power.draw": ["627.40"],
            "utilization.gpu": ["100"],
            "clocks_event_reasons.active": ["0x0000000000000000"],
            "memory.total": ["143771"],
        },
    ),
    "03-h100-mig-query-gpu.txt": (
        212,
        1,
        {
            "mig.mode.current": ["Enabled"],
            "utilization.gpu": [None],
            "remapped_rows.correctable": [None],
            "remapped_rows.uncorrectable": [None],
            "remapped_rows.pending": [None],
            "remapped_rows.failure": [None],
            "remapped_rows.histogram.max": ["2560"],
        },
    ),
    "04-l40s-query-gpu.txt": (
        202,
        1,
        {
            "name": ["NVIDIA L40S"],
            "fabric.state": [None],
            "mig.mode.current": [None],
            "utilization.gpu": ["100"],
        },
    ),
    "05-rtx2080-610-query-gpu.txt": (
        241,
        1,
        {"name": ["NVIDIA GeForce RTX 2080 SUPER"], "serial": [None], "fabric.state": [None]},
    ),
    "06-h100-retired-pages.txt": (
        8,
        2,
        {
            "gpu_name": ["NVIDIA H100 80GB HBM3"] * 2,
            "gpu_bus_id": ["00000000:00:09.0"] * 2,
            "retired_pages.address": [None, None],
            "retired_pages.timestamp": [None, None],
            "retired_pages.cause": ["Single Bit ECC", "Double Bit ECC"],
        },
    ),
    "07-v100x4-hex-domains.txt": (
        7,
        4,
        {
            "pci.domain": ["0x0001", "0x0002", "0x000A", "0x000D"],
            "retired_pages.dbe": ["0"] * 4,
            "remapped_rows.failure": [None] * 4,
        },
    ),
    "08-gb300-fabric-in-progress.txt": (
        4,
        4,
        {
            "index": ["0", "1", "2", "3"],
            "name": ["NVIDIA GB300"] * 4,
            "fabric.state": ["In Progress"] * 4,
            "fabric.status": [None] * 4,
        },
    ),
}


def test_every_captured_file_has_an_expectation(captured: Captured) -> None:
    assert set(captured(TOOL)) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_captured_answer(name: str, captured: Captured) -> None:
    columns, count, cells = EXPECTED[name]
    text = captured(TOOL)[name]
    rows = parse(text)
    assert (len(fields(text)), len(rows)) == (columns, count)
    assert {column: [row[column] for row in rows] for column in cells} == cells


def test_the_header_tells_the_units(captured: Captured) -> None:
    assert Field("power.draw", "W") in fields(captured(TOOL)["01-h100-query-gpu-212-fields.txt"])


@pytest.mark.parametrize("name", EXPECTED)
def test_a_row_cut_in_the_middle_is_a_parse_error(name: str, captured: Captured) -> None:
    text = captured(TOOL)[name].rstrip("\n")
    with pytest.raises(ParseError):
        parse(text[: text.rindex(",")])


@pytest.mark.parametrize(
    "text", ["", "\n \n", "No devices were found\n", "index, index\n0, 0\n", "0, NVIDIA H100\n"]
)
def test_what_is_no_csv(text: str) -> None:
    with pytest.raises(ParseError):
        parse(text)


def test_a_sentence_about_a_gpu_above_the_rows_is_passed_over() -> None:
    text = "Unable to determine the device handle for GPU1: 0000:34:00.0: Unknown Error\nindex, name\n0, NVIDIA H100\n"
    assert parse(text) == ({"index": "0", "name": "NVIDIA H100"},)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("No running processes found\n", ()),
        ("1720, /usr/bin/python3, 530\n", (App(1720, "/usr/bin/python3", 530),)),
        (
            "4242, python, train.py, [N/A]\n",
            (App(4242, "python, train.py", None),),
        ),  # invented: comma in a name
    ],
)
def test_processes(text: str, expected: tuple[App, ...]) -> None:
    assert apps(text) == expected


@pytest.mark.parametrize(
    "text", ["1720", "1720, python", "x, python, 5", "1, python, much", "9999999999999, p, 5"]
)
def test_processes_that_cannot_be_read(text: str) -> None:
    with pytest.raises(ParseError):
        apps(text)


@given(st.text())
def test_any_text_gives_rows_or_a_parse_error(text: str) -> None:
    for read in (parse, apps):
        for tried in (text, f"index, name\n{text}"):
            try:
                assert isinstance(read(tried), tuple)
            except ParseError:
                pass


def test_a_warning_below_the_processes_is_none_of_them() -> None:
    text = (
        "4711, python3, 1024\nWARNING: infoROM is corrupted at gpu 0000:D1:00.0\n"  # invented, of known lines
    )
    assert [app.pid for app in apps(text)] == [4711]
    assert apps("WARNING: infoROM is corrupted at gpu 0000:D1:00.0\n") == ()
