"""AMD's bandwidth tests and network card tool: rocm-bandwidth-test, hipBusBandwidth, TransferBench, nicctl."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import nicctl, rocm_bandwidth_test, rocm_memory_bw, transferbench
from bringup.parsers.nicctl import Port
from bringup.parsers.rocm_bandwidth_test import Device
from bringup.parsers.rocm_memory_bw import Row

Read = Callable[[str], str]
Cells = dict[tuple[int, int], float | None]

BANDWIDTH: dict[str, tuple[str, tuple[Device, ...], dict[str, Cells], Cells]] = {
    "01-v201-2gpu-no-peer.txt": (
        "2.0.1",
        (
            Device(0, "Intel(R) Core(TM) i7-6900K CPU @ 3.20GHz", None, None),
            Device(1, "Vega 10 [Radeon PRO WX 8100]", "00000000:0d:00.0", None),
            Device(2, "Vega 10 [Radeon PRO WX 8100]", "00000000:07:00.0", None),
        ),
        {
            "access": {
                **{(a, b): 1.0 for a in range(3) for b in range(3)},
                (1, 2): 0.0,
                (2, 1): 0.0,
            },
            "unidirectional": {
                (0, 0): None, (0, 1): 13.377405, (0, 2): 13.366351,
                (1, 0): 14.310061, (1, 1): 404.438375, (1, 2): None,
                (2, 0): 14.309640, (2, 1): None, (2, 2): 389.988691,
            },
            "bidirectional": {
                (0, 0): None, (0, 1): 25.912159, (0, 2): 25.915931,
                (1, 0): 25.938865, (1, 1): None, (1, 2): None,
                (2, 0): 25.936705, (2, 1): None, (2, 2): None,
            },
        },
        {(1, 2): None, (2, 1): None},
    ),
    "02-v260-apu.txt": (
        "2.6.0",
        (
            Device(0, "AMD Eng Sample: 100-000001243-50_Y", None, None),
            Device(1, "AMD Radeon Graphics", "00000000:c2:00.0", "GPU-XX"),
        ),
        {
            "access": {(0, 0): 1.0, (0, 1): 1.0, (1, 0): 1.0, (1, 1): 1.0},
            "unidirectional": {(0, 0): None, (0, 1): 84.364, (1, 0): 84.147, (1, 1): 212.419},
            "bidirectional": {(0, 0): None, (0, 1): 83.489, (1, 0): 83.489, (1, 1): None},
        },
        {},
    ),
}  # fmt: skip
MEMORY = {"01-rocm-memory-d2h-bw.txt"}
TRANSFER = {"01-p2p-mi250-8gpu-v150.txt"}
NICS: dict[str, tuple[Port, ...]] = {
    "01-nicctl-port-json.json": (
        Port(
            nic="42424650-4c32-3530-3330-303439000000",
            name="eth1/1",
            admin="UP",
            state="UP",
            link="UP",
            speed_gbps=100,
            wanted_gbps=100,
            lanes=4,
            fec="RS",
            autonegotiation="disabled",
            mtu=1500,
            mac="04:90:81:2c:4f:90",
            cable="Copper",
            transceiver="QSFP-100G-CR4",
            link_downs=11,
        ),
    ),
}


def test_every_captured_file_has_an_expectation(captured: Callable[[str], dict[str, str]]) -> None:
    assert set(captured("rocm-bandwidth-test")) <= set(BANDWIDTH)
    assert set(captured("rocm-memory-bw")) <= MEMORY
    assert set(captured("transferbench")) <= TRANSFER
    assert set(captured("rocm-ainic")) <= set(NICS)


@pytest.mark.parametrize("name", BANDWIDTH)
def test_captured_bandwidth(read: Read, name: str) -> None:
    version, devices, matrices, between = BANDWIDTH[name]
    report = rocm_bandwidth_test.parse(read(f"rocm-bandwidth-test/{name}"))
    assert (report.version, report.devices) == (version, devices)
    assert {kind: report.matrices[kind] for kind in matrices} == matrices
    assert report.between_gpus(rocm_bandwidth_test.UNIDIRECTIONAL) == between


def test_captured_memory_bandwidth(read: Read) -> None:
    report = rocm_memory_bw.parse(read("rocm-memory-bw/01-rocm-memory-d2h-bw.txt"))
    assert (report.device, len(report.rows)) == ("Device 738c", 46)
    assert report.rows[0] == Row("D2H_Bandwidth_pinned", 64, "GB/sec", 0.0, 0.0, 0.0, 0.0, 0.0)
    assert report.rows[22] == Row(
        "D2H_Bandwidth_pinned", 512 << 20, "GB/sec", 28.0193, 27.9348, 0.1912, 27.4707, 28.0314
    )
    assert {row.unit for row in report.rows[23:]} == {"ms"}


def test_captured_transferbench(read: Read) -> None:
    report = transferbench.parse(read("transferbench/01-p2p-mi250-8gpu-v150.txt"))
    uni, both = report.matrices
    assert (report.version, report.bytes, uni.title, both.title) == (
        "1.50",
        4194304,
        "Unidirectional",
        "Bidirectional",
    )
    assert uni.averages == {"CPU->CPU": 22.23, "CPU->GPU": 16.35, "GPU->CPU": 23.77, "GPU->GPU": 37.74}
    assert both.averages == {"CPU->CPU": 15.29, "CPU->GPU": 19.72, "GPU->CPU": 19.39, "GPU->GPU": 36.17}
    peers = uni.between_gpus()
    assert (len(peers), max(peers.values()), min(peers.values())) == (56, 66.52, 26.93)
    assert (uni.cells["->", "GPU 07", "GPU 07"], peers["GPU 00", "GPU 01"]) == (110.47, 64.58)
    assert [both.cells[way, "GPU 07", "GPU 06"] for way in ("->", "<-", "<->")] == [63.69, 62.36, 126.04]
    assert both.cells["->", "GPU 07", "GPU 07"] is None


@pytest.mark.parametrize("name", NICS)
def test_captured_ports(read: Read, name: str) -> None:
    assert nicctl.parse(read(f"rocm-ainic/{name}")) == NICS[name]


PARSERS: tuple[Callable[[str], object], ...] = (
    rocm_bandwidth_test.parse,
    rocm_memory_bw.parse,
    transferbench.parse,
    nicctl.parse,
)


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"nic": []}',
        '{"nic": [{"id": "a", "port": [{"spec": {"name": "eth1/1"}}]}]}',
        '{"nic": [{"id": "a", "port": [{"spec": {"name": "p", "admin_state": "UP", "port_speed": "x"}, "status": {}}]}]}',
        "RocmBandwidthTest Version: 2.6.0\nDevice: 0,  CPU\n",
        "RocmBandwidthTest Version: 2.6.0\nDevice: 0,  CPU\nDevice: 1,  GPU,  c2:0.0\n"
        "Unidirectional copy peak bandwidth GB/s\nD/D 0 1\n0 N/A 84.364\n",
        "RocmBandwidthTest Version: 2.6.0\nDevice: 0,  CPU\nUnidirectional copy peak bandwidth GB/s\nD/D 0\n0 N/A 1\n",
        "TransferBench v1.50\nUnidirectional copy peak bandwidth GB/s\nSRC\\DST CPU 00\nCPU 00 -> 24.37\n",
        "TransferBench v1.50\nUnidirectional copy peak bandwidth GB/s\nSRC\\DST CPU 00 CPU 01\nCPU 00 -> 24.37\n",
        "Device:Device 738c Mem=32.0GB #CUs=120 Freq=1502Mhz\ntest atts units median mean stddev min max\n",
        "Segmentation fault\n",
    ],
)
def test_cut_or_unknown(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(ParseError):
        parse(text)


def test_cut_off_is_no_answer(read: Read) -> None:
    for parse, name, keep in (
        (rocm_bandwidth_test.parse, "rocm-bandwidth-test/02-v260-apu.txt", "Bidirectional copy"),
        (rocm_memory_bw.parse, "rocm-memory-bw/01-rocm-memory-d2h-bw.txt", "Note: results"),
        (transferbench.parse, "transferbench/01-p2p-mi250-8gpu-v150.txt", "Averages (During UniDir)"),
        (nicctl.parse, "rocm-ainic/01-nicctl-port-json.json", "transceiver_alarm"),
    ):
        text = read(name)
        for end in range(0, text.index(keep), 37):
            if parse is rocm_bandwidth_test.parse and "212.419" in text[:end]:
                break  # one whole matrix of bandwidths is an answer
            with pytest.raises(ParseError):
                parse(text[:end])


@given(st.text())
def test_any_text_gives_rows_or_a_parse_error(text: str) -> None:
    tries = (
        text,
        json.dumps(
            {"nic": [{"id": text, "port": [{"spec": {"name": text}, "status": {"port_speed": text}}]}]}
        ),
        f"RocmBandwidthTest Version: 2\nDevice: 0,  {text}\nUnidirectional copy peak bandwidth GB/s\nD/D 0\n0 {text}",
        f"TransferBench v1\nUnidirectional copy peak bandwidth GB/s\nSRC\\DST CPU 00\nCPU 00 -> {text}",
        f"Device:x Mem=1GB y\ntest atts units median mean stddev min max\n{text}\nNote: results marked with (*)",
    )
    for tried in tries:
        for parse in PARSERS:
            try:
                assert parse(tried) is not None
            except ParseError:
                pass
