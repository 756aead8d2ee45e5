"""A run as a text file for the node exporter's textfile collector: what a dashboard and an alert need, and no more.

Single readings stay out (a fleet has hundreds of thousands); each measurement has its lowest, median and highest value.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from statistics import median

from bringup.model import RunVerdict, Verdict
from bringup.report import text, words
from bringup.report import verdict as judge
from bringup.report.digest import seconds
from bringup.report.readings import number
from bringup.run import RunState

_MOST_SERIES = 2_000
Row = tuple[Mapping[str, str], float]


def textfile(state: RunState, *, exit_code: int | None = None) -> str:
    """The metrics of one run in Prometheus' text format; every series has the name of the run's inventory."""
    ready = judge.ready_nodes(state)
    said = judge.verdict(state)
    blocks = [
        _metric("run_info", "The run that these figures are of.", [({
            "run": state.info.id, "level": state.info.level.value, "version": state.info.version}, 1)], state),
        _metric("run_verdict", "1 for the verdict of the run.",
                [({"verdict": v.value}, float(v is said)) for v in RunVerdict], state),
        _metric("run_exit_code", "The exit code of the command.",
                [({}, float(judge.exit_code(state) if exit_code is None else exit_code))], state),
        _metric("run_started_timestamp_seconds", "When the run began.", [({}, state.info.started)], state),
        _metric("run_ended_timestamp_seconds", "When the run ended.", _known(state.ended), state),
        _metric("run_duration_seconds", "How long the run took.", _known(seconds(state)), state),
        _metric("nodes", "Nodes of the run.", [({}, float(len(state.nodes)))], state),
        _metric("nodes_ready", "Nodes on which everything was judged and nothing is wrong.", [({}, float(len(ready)))], state),
        _metric("node_ready", "1 for a node that is ready.",
                [({"node": n.name, "rack": n.rack}, float(n.name in ready)) for n in state.nodes.values()], state),
        _metric("results", "Results by stage and verdict; missing are planned ones without a result.", _results(state), state),
        _metric("defects", "Defects by who must act and fault code.", _defects(state), state),
        _metric("exceptions", "Exceptions in force: defects and nodes that are accepted as they are.",
                [({}, float(len(state.counted_waivers)))], state),
        _metric("measurement", "Lowest, median and highest value of a measurement.", _measurements(state), state),
        _metric("measurements_out_of_limit", "Readings that break their limit.", _broken(state), state),
    ]  # fmt: skip
    return "".join(blocks)


def _known(value: float | None) -> list[Row]:
    return [] if value is None else [({}, value)]


def _results(state: RunState) -> list[Row]:
    rows: list[Row] = []
    for stage, its in state.stages.items():
        if its.cases:
            rows += [
                ({"stage": stage.value, "verdict": v.value}, float(its.counts.get(v, 0))) for v in Verdict
            ]
            rows.append(({"stage": stage.value, "verdict": "missing"}, float(max(0, its.cases - its.done))))
    return rows


def _defects(state: RunState) -> list[Row]:
    counts = Counter((d.who.value, d.code) for d in state.defects if state.waiver_of(d) is None)
    return [({"who": who, "code": code}, float(count)) for (who, code), count in counts.items()]


def _measurements(state: RunState) -> list[Row]:
    found: dict[tuple[str, str, str], list[float]] = {}
    for outcome in state.outcomes:
        for m in outcome.measurements:
            if (value := number(m.value)) is not None:
                found.setdefault((outcome.check, m.name, m.unit), []).append(value)
    rows: list[Row] = []
    for (check, name, unit), values in list(found.items())[:_MOST_SERIES]:
        for stat, value in (("min", min(values)), ("median", median(values)), ("max", max(values))):
            rows.append(({"check": check, "name": name, "unit": unit, "stat": stat}, value))
    return rows


def _broken(state: RunState) -> list[Row]:
    counts = Counter((o.check, m.name) for o in state.outcomes for m in words.broken(o))
    return [
        ({"check": check, "name": name}, float(count))
        for (check, name), count in counts.most_common(_MOST_SERIES)
    ]


def _metric(name: str, text_of_help: str, rows: Iterable[Row], state: RunState) -> str:
    whole = f"bringup_{name}"
    lines = [f"# HELP {whole} {text_of_help}", f"# TYPE {whole} gauge"]
    seen: set[str] = set()
    for labels, value in rows:
        said = ",".join(f'{key}="{_label(v)}"' for key, v in {"inventory": state.info.name, **labels}.items())
        if said not in seen and math.isfinite(value):  # two series of one name and label would void the file
            seen.add(said)
            lines.append(f"{whole}{{{said}}} {value!r}")
    return "\n".join(lines) + "\n" if seen else ""


def _label(said: str) -> str:
    return text.line(said, 200).replace("\\", "\\\\").replace('"', '\\"')
