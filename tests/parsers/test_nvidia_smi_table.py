"""The table of plain nvidia-smi: every captured one, and what is no table."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers.nvidia_smi_errors import Kind
from bringup.parsers.nvidia_smi_table import Table, TableGpu, parse

TOOL = "nvidia-smi-table"
Captured = Callable[[str], dict[str, str]]

# file -> (driver, CUDA, indices, persistence and ECC cells of all GPUs, whether its end is there)
EXPECTED: dict[str, tuple[str, str, list[int], set[tuple[str, str]], bool]] = {
    "01-h200-idle-590.txt": ("590.48.01", "13.1", [0], {("On", "0")}, True),
    "02-h100-mig-enabled.txt": ("590.48.01", "13.1", [0], {("On", "On")}, True),
    "03-h200-mig-compute-instances.txt": ("590.48.01", "13.1", [0], {("On", "On")}, True),
    "04-rtx2080-driver610-new-header.txt": ("610.57.04", "13.3", [0], {("Off", "N/A")}, True),
    "05-rtx2080-driver595-old-header.txt": ("595.71.05", "13.2", [0], {("Off", "N/A")}, True),
    "06-l40s-busy.txt": ("595.80", "13.2", [0], {("Off", "0")}, True),
    "07-v100x8-inforom-corrupt-trailing-warning.txt": (
        "460.32.03",
        "11.2",
        list(range(8)),
        {("Off", "0")},
        True,
    ),
    "08-mixed-3090-2xv100-580.txt": ("580.95.05", "13.0", [0, 1, 2], {("Off", "N/A"), ("Off", "0")}, True),
    "09-a100pcie-550-truncated.txt": ("550.90.12", "12.4", [0], {("Off", "0")}, False),
    "10-h100sxm-x8-565.txt": ("565.57.01", "12.7", list(range(8)), {("On", "0")}, True),
    "11-a100sxm-x4.txt": ("555.42.02", "12.5", list(range(4)), {("On", "0")}, True),
    "12-a40-x10.txt": ("550.127.05", "12.4", list(range(10)), {("On", "0")}, True),
    "13-gpu1-lost-stderr-before-table-610.txt": ("610.57.04", "13.3", [0, 2, 3], {("On", "Off")}, True),
}


def test_every_captured_file_has_an_expectation(captured: Captured) -> None:
    assert set(captured(TOOL)) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_captured_table(name: str, captured: Captured) -> None:
    table = parse(captured(TOOL)[name])
    cells = {(gpu.persistence, gpu.uncorrected_ecc) for gpu in table.gpus}
    told = (table.driver, table.cuda, [gpu.index for gpu in table.gpus], cells, table.complete)
    assert told == EXPECTED[name]


def test_a_lost_gpu_is_a_gap(captured: Captured) -> None:
    table = parse(captured(TOOL)["13-gpu1-lost-stderr-before-table-610.txt"])
    assert table.gaps == (1,)
    assert [(c.kind, c.index, c.address) for c in table.complaints] == [(Kind.GPU, 1, "00000000:34:00.0")]


def test_a_warning_after_the_table_names_the_gpu(captured: Captured) -> None:
    table = parse(captured(TOOL)["07-v100x8-inforom-corrupt-trailing-warning.txt"])
    (complaint,) = table.complaints
    assert (complaint.kind, complaint.address) == (Kind.INFOROM, "00000008:00:00.0")
    assert [gpu.index for gpu in table.gpus if gpu.address == complaint.address] == [7]


def test_names_of_a_mixed_node(captured: Captured) -> None:
    table = parse(captured(TOOL)["08-mixed-3090-2xv100-580.txt"])
    assert [gpu.address for gpu in table.gpus] == ["00000000:41:00.0", "00000000:81:00.0", "00000000:c1:00.0"]
    assert table.gpus[1] == TableGpu(1, "Tesla V100-SXM2-32GB", "00000000:81:00.0", "Off", "0")


@pytest.mark.parametrize("text", ["", "No devices were found\n", "Driver Version: 590.48.01\n"])
def test_what_is_no_table(text: str) -> None:
    with pytest.raises(ParseError):
        parse(text)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_cut_table_is_incomplete_or_a_parse_error(name: str, captured: Captured) -> None:
    text = captured(TOOL)[name]
    end = text.find("Processes:")
    mig = text.find("MIG devices:")
    end = mig if mig >= 0 else end
    for cut in range(0, end if end >= 0 else len(text), 97):
        try:
            assert not parse(text[:cut]).complete
        except ParseError:
            pass


@given(st.text())
def test_any_text_gives_a_table_or_a_parse_error(text: str) -> None:
    for tried in (text, f"Driver Version: 590.48.01\n{text}"):
        try:
            assert isinstance(parse(tried), Table)
        except ParseError:
            pass
