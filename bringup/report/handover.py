"""The documents that are handed over with a cluster: what was found, what was measured, what is accepted, and how sure.

Everything is made from one run and the ledger of defects; `missing` says what keeps a run from being handed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from bringup.defects import Waiver
from bringup.life import describe
from bringup.life.parts import parts
from bringup.life.standing import Book, Standing
from bringup.model import FLEET, ReadyRule, RunVerdict, Stage, Verdict, Why
from bringup.report import html, jsonreport, junit, markdown, ocptv, table, text, words
from bringup.report import verdict as judge
from bringup.report.readings import in_place, number, versions
from bringup.report.table import Cell, written
from bringup.run import RunState

FOUND = ("node", "rack", "unit", "at", "what", "value", "as_planned")
NODES = (
    "node",
    "rack",
    "unit",
    "serial",
    "profile",
    "ready",
    "passed",
    "failed",
    "not_judged",
    "not_applicable",
    "exception",
)
COUNTERS = ("stage", "check", "target", "at", "name", "value", "unit", "limit", "ok")
PUNCH = (
    "id", "state", "who", "code", "place", "nodes", "component", "cable", "title", "measured", "owner", "first_run",
    "last_run", "proven_by", "returns", "exception", "notes",
)  # fmt: skip
BASELINE = ("check", "name", "unit", "readings", "lowest", "median", "highest", "limits")
_IDENTITIES = (
    "guid",
    "port guid",
    "hardware address",
    "MAC address",
    "GUID",
    "link.optic.part",
    "link.optic.vendor",
)
_COUNTING = (Stage.SOAK, Stage.AFTER)


def missing(state: RunState, book: Book, now: float) -> list[str]:
    """Why this run cannot be handed over, each reason a sentence; empty if it can."""
    said: list[str] = []
    if state.info.selection:
        said.append(
            f"the run was of a selection only ({state.info.selection}); hand over a run of the whole battery"
        )
    found = judge.verdict(state)
    if found is not RunVerdict.READY:
        said.append(f"the run is {found.value}")
    for defect in state.defects:
        if state.waiver_of(defect) is None:
            said.append(f"{defect.id} {defect.title}: neither repaired nor accepted (bringup waive)")
    shown = {d.id for d in state.defects}
    for life in describe.in_work(book, now):
        if life.id not in shown and book.standing(life, now) is not Standing.WAIVED:
            said.append(
                f"{life.id} {life.seen.title}: {describe.said(book, life, now)}; prove it with bringup retest"
            )
    said += state.short_of()
    said += [
        f"the exception for {w.what} (accepted by {w.owner}) is not signed"
        for w in in_use(state)
        if not w.signed
    ]
    return [text.line(one, 400) for one in said]


def in_use(state: RunState) -> tuple[Waiver, ...]:
    """The exceptions that are about something in this run."""
    about = {d.id for d in state.defects} | state.nodes.keys()
    return tuple(w for w in state.waivers if w.what in about)


def write(state: RunState, book: Book, folder: Path, now: float, sums: Mapping[str, str]) -> list[Path]:
    """Write all documents into a folder; returns them. `sums` names what proves the origin, for the first page."""
    texts = {
        "README.md": front_page(state, book, now, sums),
        "1-inventory-as-found.csv": written(FOUND, _found(state)),
        "1-versions.csv": written(("profile", "what", "version", "nodes"), _versions(state)),
        "2-links-as-built.csv": table.links_csv(state),
        "3-results-by-node.csv": written(NODES, _nodes(state)),
        "3-results.json": json.dumps(jsonreport.document(state, full=True), indent=1) + "\n",
        "3-measurements.csv": table.measurements_csv(state),
        "4-counters-after-load.csv": written(COUNTERS, _counters(state)),
        "5-punch-list.csv": written(PUNCH, _punch(book, now)),
        "6-baseline.csv": written(BASELINE, _baseline(state)),
        "7-exceptions.md": exceptions(state),
        "8-report.html": html.page(state),
        "8-summary.md": markdown.markdown(state),
    }
    folder.mkdir(parents=True, exist_ok=True)
    made: list[Path] = []
    for name, said in texts.items():
        path = folder / name
        path.write_text(said, encoding="utf-8", newline="")
        made.append(path)
    made += junit.write(state, folder / "8-junit")
    made += ocptv.write(state, folder / "8-ocp-diag")
    return made


def front_page(state: RunState, book: Book, now: float, sums: Mapping[str, str]) -> str:
    """What this folder is, for the one who takes the cluster over."""
    escaped = markdown.escaped
    accepted = in_use(state)
    verdict = judge.verdict(state).value + (
        f" with {words.plural(len(accepted), 'exception')}" if accepted else ""
    )
    ready = len(judge.ready_nodes(state))
    rule = state.info.ready
    facts = [
        ("Verdict", verdict),
        ("Cluster", state.info.name),
        ("Run", f"{state.info.id}, {judge.utc(state.info.started, ' ')} UTC, level {state.info.level.value}"),
        ("Nodes", f"{ready} of {len(state.nodes)} ready: {words.names(list(state.nodes))}"),
        ("Checks", f"{len(state.info.checks)}"),
        ("Defects over all runs", _counted(book, now)),
        ("Asked for", _asked(rule)),
        ("bringup", state.info.version),
        *sums.items(),
    ]
    lines = [f"# Hand-over of {escaped(state.info.name)}", ""]
    lines += [f"- **{escaped(name)}**: {escaped(text.line(said, 600))}" for name, said in facts if said]
    lines += [
        "",
        "| document | holds |",
        "|---|---|",
        *(f"| {name} | {what} |" for name, what in _CONTENTS),
        "",
    ]
    lines += [
        "Handed over by: ______________________   Taken over by: ______________________   Date: ____________",
        "",
    ]
    return "\n".join(lines)


_CONTENTS = (
    (
        "1-inventory-as-found.csv",
        "serial numbers, GUIDs, addresses, optics as read, and whether they are as planned",
    ),
    ("1-versions.csv", "firmware, drivers, BIOS and system by profile, minorities too"),
    ("2-links-as-built.csv", "every planned link: both ends, cable, optic, rate, best bandwidth"),
    (
        "3-results-by-node.csv, 3-results.json",
        "what became of every check on every node; every result with its command",
    ),
    ("3-measurements.csv", "every reading with its limit and where the limit comes from"),
    ("4-counters-after-load.csv", "what rose under load, from the stages soak and after"),
    ("5-punch-list.csv", "every defect of every run: state, owner, the run that proved its repair"),
    ("6-baseline.csv", "lowest, median and highest of every measurement, to compare with later"),
    ("7-exceptions.md", "what is accepted as it is, by whom, until when, with signatures"),
    ("8-report.html, 8-summary.md", "the report for people"),
    ("8-junit/, 8-ocp-diag/", "the same for machines"),
    ("9-run/", "the run itself: frozen inventory and limits, journal, every byte that the nodes answered"),
    ("9-for-vendors/", "report and results with pseudonyms, to be shown outside"),
    ("manifest.sha256", "the sums of all files of this folder: sha256sum -c manifest.sha256"),
)


def exceptions(state: RunState) -> str:
    """The exceptions with room for signatures."""
    escaped = markdown.escaped
    lines = [f"# Exceptions of {escaped(state.info.name)}", ""]
    by_id = {d.id: d for d in state.defects}
    for waiver in in_use(state):
        defect = by_id.get(waiver.what)
        about = (
            f"{defect.title} ({', '.join(defect.components)})"
            if defect
            else "the node is left out as a whole"
        )
        lines += [
            f"## {escaped(waiver.what)}: {escaped(text.line(about, 300))}",
            "",
            f"- reason: {escaped(text.line(waiver.reason, 1_000))}",
            f"- accepted by: {escaped(text.line(waiver.owner, 200))}",
            f"- until: {escaped(waiver.day)}",
            f"- recorded by: {escaped(text.line(waiver.by, 100))}, {judge.utc(waiver.at, ' ')} UTC",
            f"- signed: {escaped(text.line(waiver.signed, 200)) or '______________________'}",
            "",
        ]
    return "\n".join(lines if len(lines) > 2 else [*lines, "None."]) + "\n"


def _asked(rule: ReadyRule) -> str:
    """What the inventory asks for beyond the usual; empty where it asks for nothing more."""
    if rule == ReadyRule():
        return ""
    stages = f", stages {', '.join(rule.stages)}" if rule.stages else ""
    refused = "" if rule.exceptions else ", no exceptions"
    return f"level {rule.level.value} or higher{stages}{refused}"


def _counted(book: Book, now: float) -> str:
    counts: dict[str, int] = {}
    for life in book.lives.values():
        name = describe.WORDS[book.standing(life, now)]
        counts[name] = counts.get(name, 0) + 1
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"


Rows = Iterator[Sequence[Cell]]


def _found(state: RunState) -> Rows:
    planned = {(n.name, "node"): n.serial for n in state.nodes.values() if n.serial}
    seen: set[tuple[str, str, str]] = set()
    for part in parts(state):
        name = part.at.partition("/")[0]
        node = state.nodes.get(name)
        if node is None or (part.at, part.kind, part.serial) in seen:
            continue
        seen.add((part.at, part.kind, part.serial))
        plan = planned.get((name, part.kind)) if part.at == name else None
        same = "" if plan is None else ("yes" if plan == part.serial else f"planned {plan}")
        yield (name, node.rack, node.unit, part.at, f"{part.kind} serial", part.serial, same)
    for outcome in state.outcomes:
        for m in outcome.measurements:
            name = m.at.partition("/")[0]
            node = state.nodes.get(name)
            if node is None or m.name not in _IDENTITIES or not isinstance(m.value, str):
                continue
            if (m.at, m.name, m.value) not in seen:
                seen.add((m.at, m.name, m.value))
                yield (name, node.rack, node.unit, m.at, m.name, m.value, "")


def _versions(state: RunState) -> Rows:
    for version in versions(state):
        for value, nodes in version.values:
            yield (version.group, version.name, value, words.names(nodes, 2_000))


def _nodes(state: RunState) -> Rows:
    ready = judge.ready_nodes(state)
    left_out = {w.what: w for w in state.waivers}
    for node in in_place(state.nodes.values()):
        mine = [o for o in state.by_node.get(node.name, ()) if o.target != FLEET]
        count = {v: sum(o.verdict is v for o in mine) for v in Verdict}
        without = sum(o.why is Why.NOT_APPLICABLE for o in mine)
        waiver = left_out.get(node.name)
        yield (
            node.name, node.rack, node.unit, node.serial, node.profile, node.name in ready, count[Verdict.PASS],
            count[Verdict.FAIL], count[Verdict.ERROR] + count[Verdict.NOT_RUN] - without, without,
            waiver.reason if waiver else "",
        )  # fmt: skip


def _counters(state: RunState) -> Rows:
    for o in state.outcomes:
        if o.stage in _COUNTING:
            for m in o.measurements:
                ok = "" if m.limit is None else words.holds(m)
                yield (
                    o.stage.value,
                    o.check,
                    o.target,
                    m.at,
                    m.name,
                    m.value,
                    m.unit,
                    words.limit_words(m),
                    ok,
                )


def _punch(book: Book, now: float) -> Rows:
    for life in book.lives.values():
        waiver = book.waiver_of(life, now)
        seen = life.seen
        yield (
            life.id, describe.WORDS[book.standing(life, now)], life.who.value, life.code, seen.place,
            words.names(seen.nodes, 1_000), seen.component, seen.cable, seen.title, seen.measured, life.owner,
            life.first_run, life.last_run, life.passed_in, life.returns,
            describe.waived(waiver) if waiver else "", "; ".join(f"{by}: {said}" for _, by, said in life.notes),
        )  # fmt: skip


def _baseline(state: RunState) -> Rows:
    found: dict[tuple[str, str, str], list[float]] = {}
    limits: dict[tuple[str, str, str], dict[str, None]] = {}
    for o in state.outcomes:
        for m in o.measurements:
            if m.limit is not None and (value := number(m.value)) is not None:
                key = (o.check, m.name, m.unit)
                found.setdefault(key, []).append(value)
                limits.setdefault(key, {})[words.limit_words(m)] = None
    for key, values in found.items():
        yield (*key, len(values), min(values), median(values), max(values), " or ".join(limits[key]))
