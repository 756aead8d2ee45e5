"""The JSON report of perftest (`--out_json`), in both dialects.

Versions before 25.01 write keys and words without quotes and a comma before each closing brace, which is not
JSON; later ones write JSON. Neither names a unit: it is told from message rate times message size.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping

from bringup.errors import ParseError
from bringup.parsers.perftest import Bandwidth, Latency, gbps
from bringup.parsers.reading import number, quoted, whole

_ENTRY = re.compile(
    r'\s*"?(?P<key>[A-Za-z][\w ./*-]{0,40}?)"?\s*:\s*(?P<value>"[^"]*"|[^\s,"{}]{1,64})?\s*,?\s*', re.ASCII
)
_OPEN = re.compile(r'\s*"?(?P<key>\w{1,40})"?\s*:\s*\{\s*')
_CLOSE = re.compile(r"\s*\}\s*,?\s*")


def parse(text: str) -> Bandwidth | Latency:
    """The result of a report. Raises ParseError for one that is cut off, or whose unit cannot be told."""
    results = _results(text)
    message, iterations = _field(results, "MsgSize"), _field(results, "n_iterations")
    size = whole(message, "perftest MsgSize")
    if "BW_average" in results:
        average = number(_field(results, "BW_average"), "perftest BW_average")
        rate = number(_field(results, "MsgRate"), "perftest MsgRate")
        return Bandwidth(
            message_bytes=size,
            iterations=whole(iterations, "perftest n_iterations"),
            peak=number(_field(results, "BW_peak"), "perftest BW_peak"),
            average=average,
            unit=_unit(average, rate, size),
            message_rate_mpps=rate,
        )
    latency = Latency(
        message_bytes=size,
        iterations=whole(iterations, "perftest n_iterations"),
        avg_us=_maybe(results, "t_avg"),
        min_us=_maybe(results, "t_min"),
        max_us=_maybe(results, "t_max"),
        typical_us=_maybe(results, "t_typical"),
        stdev_us=_maybe(results, "t_stdev"),
        p99_us=_maybe(results, "percentile_99"),
        p999_us=_maybe(results, "percentile_99.9"),
    )
    latency.middle_us  # noqa: B018  a report without any latency must surface here
    return latency


def _unit(average: float, rate_mpps: float, size: int) -> str:
    """Which unit the average is in: the one that agrees with the message rate.

    The rate has six decimals, so at low rates only the order of magnitude can be compared; the units are a factor
    of 119 apart. Nothing moved at all (both zero) fits either unit.
    """
    moved = rate_mpps * 1e6 * size * 8 / 1e9
    if average == 0 and rate_mpps == 0:
        return "Gb/sec"
    for unit in ("Gb/sec", "MiB/sec"):
        if moved > 0 and average > 0 and abs(math.log10(gbps(average, unit) / moved)) < 0.5:
            return unit
    raise ParseError(f"perftest: BW_average {average:g} has no unit and does not fit MsgRate {rate_mpps:g}")


def _field(results: Mapping[str, str], key: str) -> str:
    if key not in results:
        raise ParseError(f"perftest: the report has no {key}")
    return results[key]


def _maybe(results: Mapping[str, str], key: str) -> float | None:
    return number(results[key], f"perftest {key}") if key in results else None


def _results(text: str) -> dict[str, str]:
    """The section `results`, every value as text."""
    try:
        report = json.loads(text)
    except (ValueError, RecursionError):
        return _loose(text)
    results = report.get("results") if isinstance(report, dict) else None
    if not isinstance(results, dict):
        raise ParseError(f"perftest: {quoted(text)} is not a report")
    return {str(k): _text(v) for k, v in results.items()}


def _text(value: object) -> str:
    """A JSON number as text without exponent surprises; anything else as it is."""
    return f"{value:f}" if isinstance(value, float) else str(value)


def _loose(text: str) -> dict[str, str]:
    """The section `results` of the dialect without quotes. Each line must be known and each brace closed."""
    results: dict[str, str] = {}
    open_sections: list[str] = []
    closed = False
    for line in text.splitlines():
        if not line.strip():
            continue
        if closed:
            raise ParseError(f"perftest: {quoted(line)} stands after the report")
        if line.strip() == "{" and not open_sections:
            open_sections.append("")
        elif (head := _OPEN.fullmatch(line)) and open_sections == [""]:
            open_sections.append(head["key"])
        elif _CLOSE.fullmatch(line) and open_sections:
            open_sections.pop()
            closed = not open_sections
        elif (entry := _ENTRY.fullmatch(line)) and len(open_sections) == 2 and entry["value"]:
            if open_sections[-1] == "results":
                results[entry["key"]] = entry["value"].strip('"')
        else:
            raise ParseError(f"perftest: {quoted(line)} is not part of a report")
    if not closed or not results:
        raise ParseError(f"perftest: the report {quoted(text)} is cut off or has no results")
    return results
