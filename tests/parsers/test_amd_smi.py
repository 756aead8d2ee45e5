"""amd-smi: identity, metrics, processes and tables, in text and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import amd_smi, amd_smi_tables
from bringup.parsers.amd_smi import Gpu, Metric, Process

Read = Callable[[str], str]
BUSES = ("05", "26", "46", "65", "85", "a6", "c6", "e5")
ADDRESSES = tuple(f"00000000:{bus}:00.0" for bus in BUSES)

GPUS: dict[str, tuple[Gpu, ...]] = {
    "01-list-text.txt": (
        Gpu(0, "00000000:05:00.0", "afff74a1-0000-1000-8054-e92b0a5d57c8"),
        Gpu(1, "00000000:26:00.0", "0aff74a1-0000-1000-805b-ce698de95724"),
        Gpu(2, "00000000:46:00.0", "97ff74a1-0000-1000-8065-fa81273af9ce"),
    ),
    "06-static-text.txt": (
        Gpu(
            0,
            "00000000:05:00.0",
            name="MI300X-O",
            device_id="0x74a1",
            serial="0xAF54E92B0A5D57C8",
            oam=7,
            max_width=16,
            max_gts=32.0,
        ),
    ),
    "07-static-json-envelope-shortened.json": (
        Gpu(
            0,
            "00000000:83:00.0",
            name="AMD Instinct MI300X",
            device_id="0x74a1",
            serial="0x6F1F0A2B3C4D5E6F",
            memory_mib=196592.0,
            driver="6.19.14",
        ),
    ),
}
METRICS: dict[str, tuple[Metric, ...]] = {
    "02-metric-text.txt": (Metric(0, busy_percent=100.0, power_w=234.0, throttle="UNTHROTTLED"),),
}
TABLES = {"03-monitor-table.txt", "04-topology-text.txt", "05-xgmi-text.txt"}


def test_every_captured_file_has_an_expectation(captured: Callable[[str], dict[str, str]]) -> None:
    assert set(captured("amd-smi")) <= {*GPUS, *METRICS, *TABLES}


@pytest.mark.parametrize("name", GPUS)
def test_captured_gpus(read: Read, name: str) -> None:
    assert amd_smi.parse_gpus(read(f"amd-smi/{name}")) == GPUS[name]
    with pytest.raises(ParseError):
        amd_smi.parse_metrics(read(f"amd-smi/{name}"))


@pytest.mark.parametrize("name", METRICS)
def test_captured_metrics(read: Read, name: str) -> None:
    assert amd_smi.parse_metrics(read(f"amd-smi/{name}")) == METRICS[name]
    with pytest.raises(ParseError):
        amd_smi.parse_gpus(read(f"amd-smi/{name}"))


def test_captured_monitor(read: Read) -> None:
    loads = amd_smi_tables.parse_monitor(read("amd-smi/03-monitor-table.txt"))
    assert [load.figure("POWER", "W") for load in loads] == [182, 143, 117, 116, 118, 118, 116, 118]
    assert [load.figure("GPU_TEMP", "C") for load in loads] == [42, 40, 41, 40, 42, 39, 41, 40]
    assert loads[0].figure("GFX_UTIL", "%") == 83
    assert dict(loads[7].cells) == {
        "POWER": "118 W",
        "GPU_TEMP": "40 °C",
        "MEM_TEMP": "37 °C",
        "GFX_UTIL": "0 %",
        "GFX_CLOCK": "120 MHz",
        "MEM_UTIL": "0 %",
        "MEM_CLOCK": "900 MHz",
    }
    with pytest.raises(ParseError):
        loads[0].figure("FAN", "%")
    with pytest.raises(ParseError):
        loads[0].figure("POWER", "%")


def test_captured_topology(read: Read) -> None:
    tables = amd_smi_tables.parse_topology(read("amd-smi/04-topology-text.txt"))
    pairs = {(a, b) for a in ADDRESSES for b in ADDRESSES}
    assert tables == {
        "ACCESS TABLE": dict.fromkeys(pairs, "ENABLED"),
        "WEIGHT TABLE": {(a, b): "0" if a == b else "15" for a, b in pairs},
    }


def test_captured_xgmi(read: Read) -> None:
    first, second = amd_smi_tables.parse_xgmi(read("amd-smi/05-xgmi-text.txt"))
    assert (first.gpu, first.address, first.rate_gbps, first.most_gbps, first.type) == (
        0,
        "00000000:05:00.0",
        32.0,
        512.0,
        "XGMI",
    )
    assert tuple(first.read_kb.items()) == tuple(
        zip(ADDRESSES, (None, 1259, 1, 1, 1, 1141, 9774, 1069), strict=True)
    )
    assert tuple(second.written_kb.values()) == (0, None, 1564, 1279, 1, 1, 9858, 1412)


def test_the_bare_list_of_older_versions(read: Read) -> None:
    envelope = json.loads(read("amd-smi/07-static-json-envelope-shortened.json"))
    assert (
        amd_smi.parse_gpus(json.dumps(envelope["gpu_data"])) == GPUS["07-static-json-envelope-shortened.json"]
    )


def test_metrics_in_json() -> None:
    # invented values under the tool's keys
    gpu = {
        "gpu": 3,
        "usage": {"gfx_activity": {"value": 7, "unit": "%"}},
        "power": {"socket_power": {"value": 141, "unit": "W"}, "gfx_voltage": "N/A"},
        "temperature": {
            "edge": "N/A",
            "hotspot": {"value": 48, "unit": "C"},
            "mem": {"value": 44, "unit": "C"},
        },
        "pcie": {"width": 16, "speed": {"value": 32, "unit": "GT/s"}},
        "ecc": {"total_correctable_count": 0, "total_uncorrectable_count": 2},
    }
    expected = Metric(3, 7.0, 141.0, None, None, 48.0, 44.0, 16, 32.0, 0, 2)
    assert amd_smi.parse_metrics(json.dumps([gpu])) == (expected,)
    gpu["power"] = {"socket_power": {"value": 141, "unit": "mW"}}
    with pytest.raises(ParseError, match="needed W"):
        amd_smi.parse_metrics(json.dumps([gpu]))


def test_processes() -> None:
    # invented values in the tool's layout
    text = json.dumps(
        [
            {"gpu": 0, "process_list": [{"process_info": "No running processes detected"}]},
            {"gpu": 1, "process_list": [{"process_info": {"name": "python3", "pid": 4242}}]},
        ]
    )
    assert amd_smi.parse_processes(text) == (Process(1, 4242, "python3"),)
    with pytest.raises(ParseError):
        amd_smi.parse_processes(json.dumps([{"gpu": 0, "process_list": [{"process_info": "Access denied"}]}]))


PARSERS: tuple[Callable[[str], object], ...] = (
    amd_smi.parse_gpus,
    amd_smi.parse_metrics,
    amd_smi.parse_processes,
    amd_smi_tables.parse_monitor,
    amd_smi_tables.parse_topology,
    amd_smi_tables.parse_xgmi,
)


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"gpu_data": [{}]}',
        '[{"gpu": 0}, {"gpu": 0}]',
        "GPU: 0\n",
        "GPU: 0\n    BDF: nowhere\n",
        "GPU: 0\nBDF: 0000:05:00.0\n",
        "GPU: 0\n    POWER:\n        SOCKET_POWER: much\n",
        "GPU  POWER\n",
        "GPU  POWER\n  0\n",
        "ACCESS TABLE:\n 0000:05:00.0 0000:26:00.0\n0000:05:00.0 ENABLED ENABLED\n",
        "ACCESS TABLE:\n 0000:05:00.0\n0000:05:00.0\n",
        "LINK METRIC TABLE:\n bdf bit_rate 05:00.0\nGPU0 05:00.0 32 Gb/s 512 Gb/s XGMI\n Read N/A\n",
        "ERROR: No AMD GPUs were detected\n",
    ],
)
def test_cut_or_unknown(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(ParseError):
        parse(text)


@given(st.text())
def test_any_text_gives_rows_or_a_parse_error(text: str) -> None:
    heads = (
        "",
        "GPU: 0\n    BDF: ",
        "GPU: 0\n    POWER:\n        ",
        "GPU  POWER\n  0  ",
        "ACCESS TABLE:\n",
        "LINK METRIC TABLE:\n",
    )
    for head in heads:
        for parse in PARSERS:
            try:
                assert parse(head + text) is not None
            except ParseError:
                pass
