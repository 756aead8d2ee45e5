"""The JSON report of nccl-tests (`-J FILE`, since 2.17.3), from its documented keys.

The file stores the whole environment of the run, so nothing of it but the figures leaves this module. It lists one
device for each process, not for each GPU. Without `end_time` the run did not finish.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from bringup.errors import ParseError
from bringup.parsers.nccl_tests import Collective, Half, Rank, Row
from bringup.parsers.reading import quoted


def parse(text: str) -> Collective:
    """The test of a report. Raises ParseError where the file is cut off or its figures are not numbers."""
    try:
        report = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"nccl-tests JSON is broken or cut off: {error}") from None
    if not isinstance(report, dict) or "nccl_version" not in report:
        raise ParseError(f"nccl-tests JSON: {quoted(text[:40])} is not a report")
    bounds, average = _section(report, "out_of_bounds"), _section(report, "average_bus_bandwidth")
    rows = tuple(_row(_mapping(entry, "result")) for entry in _items(report.get("results"), "results"))
    config = _section(report, "config")
    errors = _items(report.get("errors"), "errors")
    return Collective(
        name=None,
        ranks=tuple(_rank(_mapping(entry, "device")) for entry in _items(config.get("devices"), "devices")),
        rows=rows,
        failures=tuple(str(error)[:300] for error in errors if error),
        out_of_bounds=_whole(bounds, "count") if bounds else None,
        average_busbw_gbs=_figure(average, "bandwidth") if average else None,
        average_failed=average.get("okay") == "false",
        concluded=bool(rows and bounds and average and report.get("end_time")),
    )


def _row(entry: Mapping[str, object]) -> Row:
    root = str(entry.get("root", "")).strip()
    redop = entry.get("redop")
    return Row(
        size_bytes=_whole(entry, "size"),
        count=_whole(entry, "count"),
        type=str(entry.get("type", "")),
        redop=redop if isinstance(redop, str) and redop not in ("", "none") else None,
        root=int(root) if root.isascii() and root.isdigit() and len(root) < 10 else None,
        out_of_place=_half(entry, "out_of_place"),
        in_place=_half(entry, "in_place"),
    )


def _half(entry: Mapping[str, object], key: str) -> Half:
    half = _mapping(entry.get(key), key)
    wrong = half.get("nwrong")
    return Half(
        time_us=_figure(half, "cpu_time" if "cpu_time" in half else "time"),
        algbw_gbs=_figure(half, "alg_bw"),
        busbw_gbs=_figure(half, "bus_bw"),
        wrong=None if wrong is None else int(_figure(half, "nwrong")),
    )


def _rank(entry: Mapping[str, object]) -> Rank:
    return Rank(
        rank=_whole(entry, "rank"),
        pid=_whole(entry, "pid"),
        host=str(entry.get("hostname", ""))[:255],
        device=_whole(entry, "device"),
        bus=str(entry.get("device_hex", ""))[:20],
        gpu=str(entry.get("device_info", ""))[:200],
    )


def _section(report: Mapping[str, object], key: str) -> Mapping[str, object]:
    """A part of the report; empty where a run that broke off never wrote it."""
    return _mapping(report[key], key) if key in report else {}


def _mapping(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ParseError(f"nccl-tests JSON: {what} is {quoted(str(value))}, needed an object")
    return value


def _items(value: object, what: str) -> list[object]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise ParseError(f"nccl-tests JSON: {what} is {quoted(str(value))}, needed a list")
    return value


def _figure(entry: Mapping[str, object], key: str) -> float:
    """A finite number; the tool writes NaN as the text "nan"."""
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
        raise ParseError(f"nccl-tests JSON: {key} is {quoted(str(value))}, needed a number")
    return float(value)


def _finite(value: float) -> bool:
    return abs(value) < 1e300 and math.isfinite(value)


def _whole(entry: Mapping[str, object], key: str) -> int:
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63:
        raise ParseError(f"nccl-tests JSON: {key} is {quoted(str(value))}, needed a whole number")
    return value
