"""What nvidia-smi reports of a GPU's memory, and the form of its facts.

A leaf is (XML tag, label of the text, value); a branch has a list instead of the value. An empty tag or label means
that the form does not print it.
"""

from __future__ import annotations

from bringup.mock.hardware import Gpu

Entry = tuple[str, str, "str | list[Entry]"]

NA = "N/A"


def memory(gpu: Gpu) -> tuple[int, int, int]:
    """Reserved, used and free memory in MiB."""
    used = sum(p.memory_mib for p in gpu.processes)
    reserved = gpu.kind.reserved_mib
    return reserved, used, max(0, gpu.memory_mib - reserved - used)


def pair(tag: str, label: str, child: str, value: str) -> Entry:
    """A mode that has a current and a pending value; nothing is pending here."""
    return (tag, label, [(f"current_{child}", "Current", value), (f"pending_{child}", "Pending", value)])


def _yes(flag: bool) -> str:
    return "Yes" if flag else "No"


def usage(gpu: Gpu) -> list[Entry]:
    """Use of the memories, and the ECC mode."""
    reserved, used, free = memory(gpu)
    bar1 = gpu.kind.bar1_mib
    use = "97 %" if gpu.processes else "0 %"
    return [
        ("fb_memory_usage", "FB Memory Usage", _usage(gpu.memory_mib, used, free, reserved)),
        ("bar1_memory_usage", "BAR1 Memory Usage", _usage(bar1, 1, bar1 - 1) if bar1 else _NO_USAGE),
        ("cc_protected_memory_usage", "Conf Compute Protected Memory Usage", _usage(0, 0, 0)),
        ("compute_mode", "Compute Mode", "Default"),
        (
            "utilization",
            "Utilization",
            [
                ("gpu_util", "GPU", use),
                ("memory_util", "Memory", use),
                *((f"{word}_util", label, "0 %") for word, label in _ENGINES),
            ],
        ),
        ("encoder_stats", "Encoder Stats", _sessions()),
        ("fbc_stats", "FBC Stats", _sessions()),
        pair("dram_encryption_mode", "DRAM Encryption Mode", "dram_encryption", NA),
        pair("ecc_mode", "ECC Mode", "ecc", gpu.ecc_mode),
    ]


_ENGINES = (("encoder", "Encoder"), ("decoder", "Decoder"), ("jpeg", "JPEG"), ("ofa", "OFA"))


def _sessions() -> list[Entry]:
    return [
        ("session_count", "Active Sessions", "0"),
        ("average_fps", "Average FPS", "0"),
        ("average_latency", "Average Latency", "0"),
    ]


def _usage(total: int, used: int, free: int, reserved: int | None = None) -> list[Entry]:
    rows: list[Entry] = [("total", "Total", f"{total} MiB")]
    if reserved is not None:
        rows.append(("reserved", "Reserved", f"{reserved} MiB"))
    return [*rows, ("used", "Used", f"{used} MiB"), ("free", "Free", f"{free} MiB")]


_NO_USAGE: list[Entry] = [("total", "Total", NA), ("used", "Used", NA), ("free", "Free", NA)]


def errors(gpu: Gpu) -> list[Entry]:
    """Counters of memory errors, retired pages and remapped rows."""
    on = gpu.ecc_mode == "Enabled"

    def count(value: int) -> str:
        return str(value) if on else NA

    def counters(aggregate: bool) -> list[Entry]:
        rows: list[Entry] = [
            ("sram_correctable", "SRAM Correctable", count(0)),
            ("sram_uncorrectable_parity", "SRAM Uncorrectable Parity", count(0)),
            ("sram_uncorrectable_secded", "SRAM Uncorrectable SEC-DED", count(0)),
            ("dram_correctable", "DRAM Correctable", count(gpu.ecc_corrected)),
            ("dram_uncorrectable", "DRAM Uncorrectable", count(gpu.ecc_uncorrected)),
        ]
        return [*rows, ("sram_threshold_exceeded", "SRAM Threshold Exceeded", "No")] if aggregate else rows

    pages = [("retired_count", "", NA), ("retired_pagelist", "", NA)]
    banks = gpu.kind.remap_banks
    low = int(gpu.remap_failed)
    return [
        (
            "ecc_errors",
            "ECC Errors",
            [
                ("volatile", "Volatile", counters(False)),
                ("aggregate", "Aggregate", counters(True)),
                (
                    "aggregate_uncorrectable_sram_sources",
                    "Aggregate Uncorrectable SRAM Sources",
                    [
                        (f"sram_{tag}", f"SRAM {label}", count(0))
                        for tag, label in (
                            ("l2", "L2"),
                            ("sm", "SM"),
                            ("microcontroller", "Microcontroller"),
                            ("pcie", "PCIE"),
                            ("other", "Other"),
                        )
                    ],
                ),
                ("channel_repair_pending", "Channel Repair Pending", "No"),
                ("tpc_repair_pending", "TPC Repair Pending", "No"),
            ],
        ),
        (
            "retired_pages",
            "",
            [
                ("multiple_single_bit_retirement", "", list(pages)),
                ("double_bit_retirement", "", list(pages)),
                ("pending_blacklist", "", NA),
                ("pending_retirement", "", NA),
            ],
        ),
        (
            "remapped_rows",
            "Remapped Rows",
            [
                ("remapped_row_corr", "Correctable Error", str(gpu.remap_correctable)),
                ("remapped_row_unc", "Uncorrectable Error", str(gpu.remap_uncorrectable)),
                ("remapped_row_pending", "Pending", _yes(gpu.remap_pending)),
                ("remapped_row_failure", "Remapping Failure Occurred", _yes(gpu.remap_failed)),
                (
                    "row_remapper_histogram",
                    "Bank Remap Availability Histogram",
                    [
                        ("row_remapper_histogram_max", "Max", f"{banks - low} bank(s)"),
                        ("row_remapper_histogram_high", "High", "0 bank(s)"),
                        ("row_remapper_histogram_partial", "Partial", "0 bank(s)"),
                        ("row_remapper_histogram_low", "Low", "0 bank(s)"),
                        ("row_remapper_histogram_none", "None", f"{low} bank(s)"),
                    ],
                ),
            ],
        ),
    ]
