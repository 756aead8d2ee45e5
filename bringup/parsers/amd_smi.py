"""`amd-smi list`, `static`, `metric` and `process`: AMD GPUs, from JSON or from the text for people.

The JSON is a bare list in older versions and `{"gpu_data": [...]}` in newer ones. A quantity is an object with value
and unit, a text such as `100 %`, or N/A, with or without a unit. MB means MiB here. Maximum width and speed of PCIe
are what the card can do, not what it does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers import bdf
from bringup.parsers.reading import number, quoted, whole
from bringup.parsers.reading_json import count, document, figure, items, mapping, words

LIST = Command("amd-smi list --json", needs=("amd-smi",), timeout_s=60.0)
STATIC = Command("amd-smi static --json", needs=("amd-smi",), timeout_s=60.0, max_bytes=8 << 20)
METRIC = Command("amd-smi metric --json", needs=("amd-smi",), timeout_s=60.0, max_bytes=8 << 20)
PROCESS = Command("amd-smi process --json", needs=("amd-smi",), timeout_s=60.0)

_HEAD = re.compile(r"GPU: (?P<index>[0-9]{1,3})")
_PAIR = re.compile(r"(?P<key>[A-Z][A-Z0-9_ /-]{0,60}):(?: (?P<value>.*))?")
_CUT = re.compile(r"\[.{0,20}truncated\]|\[?\.\.\.\]?")
_QUANTITY = re.compile(r"(?P<value>-?[0-9]{1,20}(?:\.[0-9]{1,9})?|N/A)(?: ?(?P<unit>[A-Za-z%°/]{1,8}))?")
_DEPTH = 8

Tree = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Gpu:
    """What a GPU is. None: not asked for, or not reported. `max_width` and `max_gts` are capabilities."""

    index: int
    address: str | None = None
    uuid: str | None = None
    name: str | None = None
    device_id: str | None = None
    serial: str | None = None
    oam: int | None = None
    memory_mib: float | None = None
    max_width: int | None = None
    max_gts: float | None = None
    driver: str | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """What a GPU does now. None: not asked for, or not reported."""

    index: int
    busy_percent: float | None = None
    power_w: float | None = None
    throttle: str | None = None
    edge_c: float | None = None
    hotspot_c: float | None = None
    memory_c: float | None = None
    pcie_width: int | None = None
    pcie_gts: float | None = None
    correctable: int | None = None
    uncorrectable: int | None = None


@dataclass(frozen=True, slots=True)
class Process:
    """One process that uses a GPU."""

    gpu: int
    pid: int
    name: str | None


def parse_gpus(text: str) -> tuple[Gpu, ...]:
    """The GPUs of LIST or STATIC."""
    found = tuple(_gpu(index, tree) for index, tree in trees(text))
    if any(gpu == Gpu(gpu.index) for gpu in found):
        raise ParseError(f"amd-smi tells nothing about what the GPUs are: {quoted(text)}")
    return found


def parse_metrics(text: str) -> tuple[Metric, ...]:
    """The GPUs of METRIC."""
    found = tuple(_metric(index, tree) for index, tree in trees(text))
    if any(metric == Metric(metric.index) for metric in found):
        raise ParseError(f"amd-smi tells nothing about what the GPUs do: {quoted(text)}")
    return found


def parse_processes(text: str) -> tuple[Process, ...]:
    """The processes of PROCESS. A GPU without any has a list with one sentence."""
    found: list[Process] = []
    for index, tree in _from_json(text):
        for entry in items(tree.get("process_list"), f"amd-smi: processes of GPU {index}"):
            info = mapping(entry, "amd-smi: a process").get("process_info")
            if isinstance(info, str) and info.lower().startswith("no running process"):
                continue
            own = mapping(info, "amd-smi: process_info")
            name = own.get("name")
            pid = count(own.get("pid"), "amd-smi: pid")
            found.append(Process(index, pid, name if isinstance(name, str) else None))
    return tuple(found)


def _gpu(index: int, tree: Tree) -> Gpu:
    address = _text(tree, "bdf") or _text(tree, "bus/bdf")
    return Gpu(
        index=index,
        address=bdf.normalise(address) if address else None,
        uuid=_text(tree, "uuid"),
        name=_text(tree, "asic/market_name"),
        device_id=_text(tree, "asic/device_id"),
        serial=_text(tree, "asic/asic_serial"),
        oam=_whole(tree, "asic/oam_id"),
        memory_mib=_quantity(tree, "vram/size", "MB"),
        max_width=_whole(tree, "bus/max_pcie_width"),
        max_gts=_quantity(tree, "bus/max_pcie_speed", "GT/s"),
        driver=_text(tree, "driver/version") or _text(tree, "driver/driver_version"),
    )


def _metric(index: int, tree: Tree) -> Metric:
    return Metric(
        index=index,
        busy_percent=_quantity(tree, "usage/gfx_activity", "%"),
        power_w=_quantity(tree, "power/socket_power", "W"),
        throttle=_text(tree, "power/throttle_status"),
        edge_c=_quantity(tree, "temperature/edge", "C"),
        hotspot_c=_quantity(tree, "temperature/hotspot", "C"),
        memory_c=_quantity(tree, "temperature/mem", "C"),
        pcie_width=_whole(tree, "pcie/width"),
        pcie_gts=_quantity(tree, "pcie/speed", "GT/s"),
        correctable=_whole(tree, "ecc/total_correctable_count"),
        uncorrectable=_whole(tree, "ecc/total_uncorrectable_count"),
    )


# ------------------------------------------------------------------------------------------------ values


def _at(tree: Tree, path: str) -> object:
    value: object = tree
    for key in path.split("/"):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _text(tree: Tree, path: str) -> str | None:
    value = _at(tree, path)
    if value is None or value == "" or value == "N/A":
        return None
    return words(value, f"amd-smi: {path}")


def _quantity(tree: Tree, path: str, unit: str) -> float | None:
    value = _at(tree, path)
    return None if value is None else quantity(value, unit, f"amd-smi: {path}")


def _whole(tree: Tree, path: str) -> int | None:
    value = _at(tree, path)
    if value is None or value == "N/A" or value == "":
        return None
    return whole(value, f"amd-smi: {path}") if isinstance(value, str) else count(value, f"amd-smi: {path}")


def quantity(value: object, unit: str, what: str) -> float | None:
    """A number that must be in this unit if it names one; None for N/A, with or without a unit."""
    if isinstance(value, dict):
        own, named = value.get("value"), value.get("unit")
        if named is not None and words(named, what).removeprefix("°") != unit:
            raise ParseError(f"{what} is in {quoted(str(named))}, needed {unit}")
        return quantity(own, unit, what)
    if not isinstance(value, str):
        return figure(value, what)
    match = _QUANTITY.fullmatch(value.strip())
    if match is None or (match["unit"] or unit).removeprefix("°") != unit:
        raise ParseError(f"{what} is {quoted(value)}, needed a number of {unit}")
    return None if match["value"] == "N/A" else number(match["value"], what)


# ------------------------------------------------------------------------------------------------ formats


def trees(text: str) -> tuple[tuple[int, Tree], ...]:
    """Each GPU's index and its nested keys, in lower case, from either format."""
    return _from_json(text) if text.lstrip().startswith(("{", "[")) else _from_text(text)


def _from_json(text: str) -> tuple[tuple[int, Tree], ...]:
    root = document(text, "amd-smi")
    entries = items(root.get("gpu_data") if isinstance(root, dict) else root, "amd-smi: the list of GPUs")
    own = [mapping(entry, "amd-smi: a GPU") for entry in entries]
    return _distinct([(count(entry.get("gpu"), "amd-smi: gpu"), entry) for entry in own])


def _from_text(text: str) -> tuple[tuple[int, Tree], ...]:
    """Sections by indentation: a key without a value opens a deeper one."""
    found: list[tuple[int, Tree]] = []
    stack: list[tuple[int, dict[str, object]]] = []
    for line in text.splitlines():
        if not line.strip() or _CUT.fullmatch(line.strip()):
            continue
        if head := _HEAD.fullmatch(line.rstrip()):
            stack = [(0, {})]
            found.append((int(head["index"]), stack[0][1]))
            continue
        depth = len(line) - len(line.lstrip())
        match = _PAIR.fullmatch(line.strip())
        if match is None or not depth or not stack or len(stack) > _DEPTH:
            raise ParseError(f"amd-smi: {quoted(line)} is not known")
        while stack[-1][0] >= depth:
            stack.pop()
        key, value = match["key"].lower(), (match["value"] or "").strip()
        if value:
            stack[-1][1][key] = value
        else:
            section: dict[str, object] = {}
            stack[-1][1][key] = section
            stack.append((depth, section))
    return _distinct(found)


def _distinct(found: list[tuple[int, Tree]]) -> tuple[tuple[int, Tree], ...]:
    if not found or any(not tree for _, tree in found):
        raise ParseError("amd-smi lists no GPU, or one without anything")
    if len({index for index, _ in found}) != len(found):
        raise ParseError("amd-smi lists one GPU twice")
    return tuple(found)
