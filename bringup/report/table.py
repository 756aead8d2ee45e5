"""Defects, measurements and links as CSV, for spreadsheets and for whoever keeps the figures of many runs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from bringup.defects import Defect
from bringup.model import Measurement
from bringup.report import serials, text, words
from bringup.report.defects import select
from bringup.report.readings import links, speeds
from bringup.run import RunState

_MOST_CELL = 2_000
_FORMULA = ("=", "+", "-", "@", "\t")
Cell = str | int | float | bool | None

DEFECTS = (
    "id", "who", "code", "severity", "stage", "place", "nodes", "component", "cable", "far_end", "title", "measured", "expected",
    "action", "results", "exception", "serials",
)  # fmt: skip
MEASUREMENTS = (
    "stage",
    "check",
    "target",
    "verdict",
    "at",
    "name",
    "value",
    "unit",
    "limit",
    "limit_from",
    "ok",
)
LINKS = (
    "rack", "unit", "node", "rail", "port", "cable", "planned_switch", "planned_port", "seen_at", "state", "phys_state", "rate",
    "width", "optic", "optic_serial", "guid", "hardware_address", "best_gbps", "defect", "out_of_limit",
)  # fmt: skip


def defects_csv(state: RunState) -> str:
    """One row per defect, in working order; several nodes are folded in one cell."""
    rows = [
        (
            d.id, d.who.value, d.code, d.severity.value, d.stage.value, _place(state, d.place, d.nodes),
            words.names(d.nodes, 1_000), d.component,
            d.cable, d.far_end, d.title, d.measured, d.expected, d.action, len(d.explains), _exception(state, d),
            serials.said(state, d),
        )
        for d in select(state)
    ]  # fmt: skip
    return written(DEFECTS, rows)


def measurements_csv(state: RunState) -> str:
    """One row per reading, in the order of the plan; `ok` is empty for a reading that has no limit."""
    rows = (
        (
            o.stage.value, o.check, o.target, o.verdict.value, m.at, m.name, m.value, m.unit, words.limit_words(m), _source(m),
            "" if m.limit is None else words.holds(m),
        )
        for o in state.outcomes
        for m in o.measurements
    )  # fmt: skip
    return written(MEASUREMENTS, rows)


def links_csv(state: RunState) -> str:
    """One row per planned port in walking order, with what was read there."""
    rows = [
        (
            link.node.rack, link.node.unit, link.node.name, link.port.rail, link.port.hca, link.port.cable, link.port.leaf,
            link.port.leaf_port, link.seen_at, *(link.read.get(key, "") for key in (
                "state", "phys_state", "rate", "width", "optic", "optic serial", "guid", "hardware address")),
            "" if link.best is None else link.best, link.defect, "; ".join(link.broken),
        )
        for link in links(state, speeds(state))
    ]  # fmt: skip
    return written(LINKS, rows)


def _place(state: RunState, place: str, nodes: Sequence[str]) -> str:
    if place or len(nodes) != 1 or nodes[0] not in state.nodes:
        return place
    return state.nodes[nodes[0]].place


def _exception(state: RunState, defect: Defect) -> str:
    waiver = state.waiver_of(defect)
    return "" if waiver is None else f"{waiver.owner} until {waiver.day}: {waiver.reason}"


def _source(measurement: Measurement) -> str:
    return measurement.limit.source if measurement.limit else ""


def written(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Rows below their heads as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: Cell) -> Cell:
    """A spreadsheet must not take a node's text for a formula: it gets an apostrophe, as spreadsheets themselves write."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, str):
        return value
    said = text.line(value, _MOST_CELL)
    return f"'{said}" if said.startswith(_FORMULA) else said
