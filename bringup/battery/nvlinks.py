"""Which counters of an NVLink are errors that a profile limits: for the checks before the load and after."""

from __future__ import annotations

from collections.abc import Mapping

from bringup.parsers.nvidia_smi_nvlink import Counters

KINDS: Mapping[str, tuple[str, ...]] = {
    "nvlink.errors.replay": ("Replay Errors",),
    "nvlink.errors.recovery": (
        "Recovery Errors",
        "Link recovery successful events",
        "Link recovery failed events",
    ),
    "nvlink.errors.crc": ("CRC Errors", "CRC Flit Errors", "CRC Data Errors"),
}
"""Limit name -> the counters that it covers; which of them exist depends on the driver."""


def counts(gpu: Counters, names: tuple[str, ...]) -> dict[int, float]:
    """The sum of these counters by link, for links that report at least one of them."""
    sums: dict[int, float] = {}
    for link, counters in gpu.links.items():
        told = [value for name in names if (value := counters.get(name)) is not None]
        if told:
            sums[link] = sum(told)
    return sums
