"""`nvidia-smi topo -m`: every captured table in all its shapes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers.nvidia_smi_topo import Topology, parse

TOOL = "nvidia-smi-topo"
Captured = Callable[[str], dict[str, str]]


@dataclass(frozen=True)
class Facts:
    """GPU count, the ways between different GPUs, NIC columns, NUMA of each GPU, and NICs by nearest path."""

    gpus: int
    ways: set[str]
    nics: list[str]
    numa: list[str | None]
    near: dict[str, tuple[str, ...]] = field(default_factory=dict)
    kind: str = "PIX"


EXPECTED: dict[str, Facts | None] = {
    "01-azure-ndv4-a100x8-truncated-nic-names.txt": Facts(
        8, {"NV12"}, ["mlx5_an"] + ["mlx5_ib"] * 8, ["1", "1", "0", "0", "3", "3", "2", "2"], {"GPU0": ()}
    ),
    "02-azure-ndmv4-a100x8.txt": Facts(
        8,
        {"NV12"},
        ["mlx5_ib"] * 8,
        ["1", "1", "0", "0", "3", "3", "2", "2"],
        {"GPU0": ("mlx5_ib", "mlx5_ib")},
        "NODE",
    ),
    "03-v100pcie-x2-no-numa-column.txt": Facts(
        2, {"PIX"}, ["mlx5_0", "mlx5_1"], [None, None], {"GPU0": ("mlx5_0", "mlx5_1")}, "SYS"
    ),
    "04-h100-x1-ansi.txt": Facts(1, set(), [], ["0"]),
    "05-windows-error-exit255.txt": None,
    "06-3090-2xv100-partial-nvlink.txt": Facts(3, {"NODE", "NV6"}, [], ["0", "0", "0"]),
    "07-h800x8-mangled-paste.txt": Facts(
        8,
        {"NV8"},
        [],
        ["0"] * 4 + ["1"] * 4,
        {"GPU1": ("mlx5_0",), "GPU3": ("mlx5_1",), "GPU7": ("mlx5_2", "mlx5_3"), "GPU0": ()},
    ),
    "08-a800x8-nic-legend.txt": Facts(
        8,
        {"NV8"},
        ["mlx5_0", "mlx5_1", "mlx5_2", "mlx5_3"],
        ["0"] * 4 + ["1"] * 4,
        {"GPU1": ("mlx5_0",), "GPU3": ("mlx5_1",), "GPU7": ("mlx5_2", "mlx5_3")},
    ),
    "09-a100x8-nv12.txt": Facts(8, {"NV12"}, [], ["0"] * 4 + ["1"] * 4),
    "10-h100x8-nv18.txt": Facts(8, {"NV18"}, [], ["0"] * 4 + ["1"] * 4),
    "11-2gpu-phb-no-nvlink.txt": Facts(2, {"PHB"}, [], [None, None]),
    "12-dgx-h100x8-mlx5-columns.txt": Facts(
        8,
        {"NV18"},
        [f"mlx5_{n}" for n in range(10)],
        ["0"] * 4 + ["1"] * 4,
        {f"GPU{n}": (f"mlx5_{n}",) for n in range(8)},
    ),
    "13-oci-h100-4gpu-nic-legend.txt": Facts(
        4,
        {"NV18"},
        ["mlx5_0", "mlx5_1", "mlx5_2", "mlx5_3"],
        ["0"] * 4,
        {"GPU0": ("mlx5_0", "mlx5_1"), "GPU1": ("mlx5_3",), "GPU2": ("mlx5_2",), "GPU3": ("mlx5_1",)},
        "PXB",
    ),
    "14-a100pcie-x2-bf3-nic-rows.txt": Facts(
        2,
        {"SYS"},
        ["mlx5_0", "mlx5_1", "mlx5_2", "mlx5_3"],
        ["0", "1"],
        {"GPU0": ("mlx5_0", "mlx5_1"), "GPU1": ("mlx5_2", "mlx5_3")},
    ),
}


def test_every_captured_file_has_an_expectation(captured: Captured) -> None:
    assert set(captured(TOOL)) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_captured_table(name: str, captured: Captured) -> None:
    text, facts = captured(TOOL)[name], EXPECTED[name]
    if facts is None:
        with pytest.raises(ParseError):
            parse(text)
        return
    topology = parse(text)
    gpus = topology.gpus
    assert [row.name for row in gpus] == [f"GPU{n}" for n in range(facts.gpus)]
    assert {path for row in gpus for path in row.paths[: facts.gpus] if path != "X"} == facts.ways
    assert list(topology.columns[facts.gpus :]) == facts.nics
    assert [row.numa for row in gpus] == facts.numa
    assert {gpu: topology.nearest_nics(gpu, facts.kind) for gpu in facts.near} == facts.near


def test_cpu_affinity_is_kept_as_printed(captured: Captured) -> None:
    texts = captured(TOOL)
    assert parse(texts["03-v100pcie-x2-no-numa-column.txt"]).rows[0].cpus == "0-11,24-35"
    assert parse(texts["04-h100-x1-ansi.txt"]).rows[0].cpus == "0-19"


def test_only_one_pair_has_nvlink(captured: Captured) -> None:
    rows = parse(captured(TOOL)["06-3090-2xv100-partial-nvlink.txt"]).rows
    assert [row.paths for row in rows] == [("X", "NODE", "NODE"), ("NODE", "X", "NV6"), ("NODE", "NV6", "X")]


@pytest.mark.parametrize("name", [n for n, facts in EXPECTED.items() if facts is not None])
def test_a_table_cut_before_its_last_gpu_is_a_parse_error(name: str, captured: Captured) -> None:
    text = captured(TOOL)[name]
    facts = EXPECTED[name]
    assert facts is not None
    last = text.index(f"\nGPU{facts.gpus - 1}")
    for cut in (last + 1, last + 6):
        with pytest.raises(ParseError):
            parse(text[:cut])


def test_a_gpu_that_is_not_in_the_table_is_a_parse_error(captured: Captured) -> None:
    with pytest.raises(ParseError):
        parse(captured(TOOL)["04-h100-x1-ansi.txt"]).nearest_nics("GPU7", "PIX")


@given(st.text())
def test_any_text_gives_a_table_or_a_parse_error(text: str) -> None:
    head = "\tGPU0\tGPU1\tCPU Affinity\tNUMA Affinity\n"
    for tried in (text, head + text, head + "GPU0\t X \t" + text, f"GPU0 {text} CPU Affinity\n{text}"):
        try:
            assert isinstance(parse(tried), Topology)
        except ParseError:
            pass


def test_a_table_without_its_first_gpu(captured: Captured) -> None:
    """A GPU that fell off the bus is not listed; the others keep their numbers (invented from a captured table)."""
    text = captured(TOOL)["06-3090-2xv100-partial-nvlink.txt"]
    rows = [line.split("\t") for line in text.splitlines()]
    cut = "\n".join("\t".join(cells[:1] + cells[2:]) for cells in rows if "GPU0" not in cells[0])
    seen = parse(cut)
    assert (seen.columns, [row.name for row in seen.gpus]) == (("GPU1", "GPU2"), ["GPU1", "GPU2"])
    assert [row.paths for row in seen.gpus] == [("X", "NV6"), ("NV6", "X")]
