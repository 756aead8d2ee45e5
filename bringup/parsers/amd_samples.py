"""What amd-smi tells of each GPU while a test loads it.

Why clocks were low is counted by the GPU itself since it was started (MI300 and later, ROCm 6.3 and later), so it is
asked once before the load and once behind it. That the power limit holds clocks down is normal; heat, and a signal from
outside (PROCHOT), are not. Older releases only say whether a GPU is throttled, not why.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping

from bringup.errors import ParseError
from bringup.parsers import bdf
from bringup.parsers.amd_smi import Tree, quantity, trees
from bringup.parsers.gpu_samples import Driver, Sample, Series, series
from bringup.parsers.reading import whole
from bringup.parsers.reading_json import count

_SQUEEZED = 'awk \'{ $1 = $1; printf "%s", $0 } END { print "" }\''
"""Prints JSON on one line: indentation is the larger part of it."""
AMD = Driver(
    "amd-smi",
    "amd-smi list --json",
    "amd-smi metric -u -p -c -t -P --json",
    "",
    '"gpu"',
    _SQUEEZED,
    "amd-smi metric -v --json",
)
_GENERATIONS = {2.5: 1, 5.0: 2, 8.0: 3, 16.0: 4, 32.0: 5, 64.0: 6}
_HELD = {
    "prochot_accumulated": "PROCHOT",
    "socket_thermal_accumulated": "socket thermal",
    "vr_thermal_accumulated": "voltage regulator thermal",
    "hbm_thermal_accumulated": "HBM thermal",
}
_TICKS = "accumulation_counter"
_SHARE = 0.01
"""So much of the load's time a reason must hold: less would be missed by whoever looks once a second."""


def parse(texts: Iterable[str], before: str = "", behind: str = "") -> tuple[Series, ...]:
    """The GPUs of some samples in their order, each with its samples under load. Raises ParseError.

    `before` and `behind` are the two answers about reasons; empty where the tool knows nothing of them.
    """
    found: dict[int, list[Sample]] = {}
    for text in texts:
        for index, tree in trees(text):
            found.setdefault(index, []).append(_sample(index, tree))
    held = _held(_counts(before), _counts(behind))
    return tuple(series(found[index], held.get(index)) for index in sorted(found))


def parse_list(text: str) -> tuple[tuple[int, str], ...]:
    """Number and PCI address of each GPU that amd-smi lists, by address."""
    rows: list[tuple[int, str]] = []
    for index, tree in trees(text):
        address = tree.get("bdf")
        if not isinstance(address, str):
            raise ParseError(f"amd-smi does not tell the address of GPU {index}")
        rows.append((index, bdf.normalise(address)))
    return tuple(sorted(rows, key=lambda row: row[1]))


def _sample(index: int, tree: Tree) -> Sample:
    gts = _figure(tree, "pcie", "speed", "GT/s")
    return Sample(
        index=index,
        address="",
        busy_percent=_figure(tree, "usage", "gfx_activity", "%"),
        pcie_gen=None if gts is None else _generation(gts),
        pcie_width=_count(_branch(tree, "pcie").get("width"), "pcie/width"),
        sm_mhz=_clock(tree, "clk"),
        sm_max_mhz=_clock(tree, "max_clk"),
        temperature_c=_figure(tree, "temperature", "hotspot", "C"),
        memory_c=_figure(tree, "temperature", "mem", "C"),
        power_w=_figure(tree, "power", "socket_power", "W"),
        power_limit_w=None,
        reasons=None,
    )


def _clock(tree: Tree, name: str) -> float | None:
    """The clock of the GPU's cores: each of its chiplets has one."""
    clocks = _branch(tree, "clock")
    mhz = [
        value
        for key, own in clocks.items()
        if key.startswith("gfx_") and isinstance(own, Mapping)
        if (value := _figure(clocks, key, name, "MHz")) is not None
    ]
    return statistics.median(mhz) if mhz else None


def _generation(gts: float) -> int:
    if gts not in _GENERATIONS:
        raise ParseError(f"amd-smi: PCIe at {gts:g} GT/s is not known")
    return _GENERATIONS[gts]


# ------------------------------------------------------------------------------------------------ reasons

_Counts = Mapping[int, Mapping[str, int]]


def _counts(text: str) -> _Counts:
    """By GPU what was counted; a GPU of which one counter is not told is left out."""
    found: dict[int, dict[str, int]] = {}
    for index, tree in trees(text) if text.strip() else ():
        told = {key: _count(_branch(tree, "throttle").get(key), key) for key in (_TICKS, *_HELD)}
        own = {key: value for key, value in told.items() if value is not None}
        if len(own) == len(told):
            found[index] = own
    return found


def _held(before: _Counts, behind: _Counts) -> Mapping[int, tuple[str, ...]]:
    """The reasons that counted between both answers. A GPU whose counters went back was reset: nothing is known of it."""
    found: dict[int, tuple[str, ...]] = {}
    for index in before.keys() & behind.keys():
        rise = {key: behind[index][key] - before[index][key] for key in (_TICKS, *_HELD)}
        if rise[_TICKS] > 0 and min(rise.values()) >= 0:
            found[index] = tuple(said for key, said in _HELD.items() if rise[key] > _SHARE * rise[_TICKS])
    return found


# ------------------------------------------------------------------------------------------------- values


def _branch(tree: Tree, key: str) -> Tree:
    value = tree.get(key)
    return value if isinstance(value, dict) else {}


def _figure(tree: Tree, key: str, name: str, unit: str) -> float | None:
    value = _branch(tree, key).get(name)
    return None if value is None else quantity(value, unit, f"amd-smi: {key}/{name}")


def _count(value: object, what: str) -> int | None:
    if value is None or value == "N/A":
        return None
    return whole(value, f"amd-smi: {what}") if isinstance(value, str) else count(value, f"amd-smi: {what}")
