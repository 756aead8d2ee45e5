"""What the perftest programs print: banners, tables and their JSON file."""

from __future__ import annotations

import json
from dataclasses import dataclass

from bringup.mock.hardware import Gpu, Hca

RULE = "-" * 87 + "\n"
WAITING = "\n" + "*" * 36 + "\n* Waiting for client to connect... *\n" + "*" * 36 + "\n"
_NAMES = {"write": "RDMA_Write", "read": "RDMA_Read", "send": "Send", "atomic": "Atomic"}


@dataclass(frozen=True, slots=True)
class Settings:
    """How one side was called. `seconds` is None for a test with a number of iterations, `gpu` for the host's memory."""

    verb: str
    is_latency: bool
    hca: Hca
    size: int
    qps: int
    seconds: float | None
    iterations: int
    gbits: bool
    both_ways: bool
    all_sizes: bool
    gid_index: str
    is_client: bool
    gpu: Gpu | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a result: bandwidth in Gb/s, or latencies in microseconds."""

    size: int
    iterations: int
    gbps: float = 0.0
    latencies_us: tuple[float, ...] = ()


def banner(s: Settings, qpns: tuple[int, int], peer: Hca) -> str:
    """Everything above the table."""
    way = " Bidirectional" if s.both_ways and not s.is_latency else ""
    link = "IB" if s.hca.layer == "InfiniBand" else "Ethernet"
    rows = [
        f"                    {_NAMES[s.verb]}{way} {'Latency' if s.is_latency else 'BW'} Test",
        f" Dual-port       : OFF\t\tDevice         : {s.hca.name}",
        f" Number of qps   : {s.qps}\t\tTransport type : IB",
        " Connection type : RC\t\tUsing SRQ      : OFF",
        f" PCIe relax order: {'OFF' if s.is_latency else 'ON'}",
        " ibv_wr* API     : ON",
    ]
    if s.is_client:
        rows.append(f" TX depth        : {1 if s.is_latency else 128}")
    if not s.is_latency:
        rows.append(" CQ Moderation   : 1")
    rows += [" Mtu             : 4096[B]", f" Link type       : {link}"]
    if s.gid_index or link == "Ethernet":
        rows.append(f" GID index       : {s.gid_index or 0}")
    rows += [
        f" Max inline data : {220 if s.is_latency else 0}[B]",
        " rdma_cm QPs\t : OFF",
        " Data ex. method : Ethernet",
    ]
    addresses = [_address("local", s.hca, qpns[0] + i) for i in range(s.qps)]
    addresses += [_address("remote", peer, qpns[1] + i) for i in range(s.qps)]
    return _cuda(s) + RULE + "\n".join(rows) + "\n" + RULE + "".join(addresses) + RULE


def _cuda(s: Settings) -> str:
    """What it says before anything else when it takes its buffer from a GPU."""
    if s.gpu is None:
        return ""
    size = 2 * s.size * s.qps
    if s.gpu.kind.vendor == "amd":
        return f"Using ROCm Device with ID: {s.gpu.index}, Name: {s.gpu.name}\nallocated {size} bytes of GPU buffer\n"
    return (
        f"initializing CUDA\nPicking device No. {s.gpu.index}\n"
        f"[pid = 4711, dev = {s.gpu.index}] device name = [{s.gpu.name}]\ncreating CUDA Ctx\n"
        f"making it the current CUDA Ctx\ncuMemAlloc() of a {size} bytes GPU buffer\n"
        "allocated GPU buffer address at 00007fba9c000000 pointer=0x7fba9c000000\n"
    )


def _address(side: str, hca: Hca, qpn: int) -> str:
    psn, key = (qpn * 7919 + hca.lid * 104729) & 0xFFFFFF, 0x1FF00 + qpn
    lid = f"0x{hca.lid:02x}" if hca.layer == "InfiniBand" else "0000"
    return f" {side} address: LID {lid} QPN 0x{qpn:04x} PSN 0x{psn:x} RKey 0x{key:06x} VAddr 0x007f{qpn:04x}5b6000\n"


def table(s: Settings, rows: list[Row]) -> str:
    """The header of the result and its rows."""
    if s.is_latency:
        return _latency_table(s, rows) + RULE
    unit = "Gb/sec" if s.gbits else "MB/sec"
    text = f" #bytes     #iterations    BW peak[{unit}]    BW average[{unit}]   MsgRate[Mpps]\n"
    for row in rows:
        average = row.gbps if s.gbits else row.gbps * 1e9 / 8 / 2**20
        peak = 0.0 if s.seconds is not None else average * 1.0008
        rate = row.gbps * 1000 / 8 / row.size
        text += (
            f" {row.size:<7d}    {row.iterations:<10d}       {_figure(peak)}            {_figure(average)}"
        )
        text += f"\t\t   {rate:<7.6f}\n"
    return text + RULE


def _figure(value: float) -> str:
    return f"{value:<7.6f}" if 0 < value < 0.1 else f"{value:<7.2f}"


def _latency_table(s: Settings, rows: list[Row]) -> str:
    if s.seconds is not None:
        text = " #bytes        #iterations       t_avg[usec]    tps average\n"
        for row in rows:
            average = row.latencies_us[3]
            text += f" {row.size:<7d}       {row.iterations:<10d}    {average:<7.2f}        {1e6 / (2 * average):<7.2f}\n"
        return text
    text = (
        " #bytes #iterations    t_min[usec]    t_max[usec]  t_typical[usec]    t_avg[usec]    t_stdev[usec]"
        "   99% percentile[usec]   99.9% percentile[usec] \n"
    )
    for row in rows:
        cells = [f"{value:<7.2f}" for value in row.latencies_us]
        text += f" {row.size:<7d} {row.iterations}          {cells[0]}        {cells[1]}      {cells[2]}  \t       {cells[3]}"
        text += f"     \t{cells[4]}\t\t{cells[5]} \t\t{cells[6]}\n"
    return text


def report(s: Settings, rows: list[Row]) -> str:
    """The JSON file, which holds the last row only, as in the real programs."""
    row = rows[-1]
    if s.is_latency:
        keys = ("t_min", "t_max", "t_typical", "t_avg", "t_stdev", "percentile_99", "percentile_99.9")
        results: dict[str, object] = {"MsgSize": row.size, "n_iterations": row.iterations}
        results |= {key: round(value, 2) for key, value in zip(keys, row.latencies_us, strict=True)}
    else:
        average = row.gbps if s.gbits else row.gbps * 1e9 / 8 / 2**20
        results = {
            "MsgSize": row.size,
            "n_iterations": row.iterations,
            "BW_peak": 0.0 if s.seconds is not None else round(average, 2),
            "BW_average": round(average, 2),
            "MsgRate": round(row.gbps * 1000 / 8 / row.size, 6),
        }
    kind = "Lat" if s.is_latency else "BW"
    info = {
        "test": f"{_NAMES[s.verb]}_{kind}_Test",
        "Dual_port": "OFF",
        "Device": s.hca.name,
        "Number_of_qps": s.qps,
        "Transport_type": "IB",
        "Connection_type": "RC",
        "Using_SRQ": "OFF",
        "PCIe_relax_order": "ON",
        "Link_type": "IB" if s.hca.layer == "InfiniBand" else "Ethernet",
    }
    return json.dumps({"test_info": info, "results": results}, indent=0) + "\n"
