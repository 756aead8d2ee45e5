"""A run in every format that a report can have, as it is or with pseudonyms (`bringup report --format`)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bringup.cli.ledger import load_run
from bringup.defects import Waiver
from bringup.errors import RunFolderError
from bringup.events import AnyEvent
from bringup.journal import read
from bringup.model import Exit
from bringup.orchestrator import INTERRUPTED, ReadEvidence, RunFolder, read_kept
from bringup.report import html, jsonreport, junit, markdown, ocptv, prometheus, sanitise, summary, table
from bringup.report import verdict as judge
from bringup.report.proof import Proofs
from bringup.run import RunState, fold


def exit_code(state: RunState) -> int:
    """The exit code of a run: internal error before interrupted before not ready before incomplete."""
    if state.aborted:
        return Exit.INTERRUPTED if state.aborted == INTERRUPTED else Exit.INTERNAL
    return judge.exit_code(state)


def reader(folder: RunFolder) -> ReadEvidence:
    """Reads the kept bytes of this run folder."""
    return partial(read_kept, folder.path)


def shown(path: Path) -> str:
    """A path as short as it can be told from here."""
    relative = os.path.relpath(path)
    return relative if len(relative) < len(str(path)) else str(path)


@dataclass(frozen=True, slots=True)
class View:
    """A run as a report shows it. `events` are read when they are needed; `prefix` leads to the files of the run folder."""

    state: RunState
    code: int
    events: Callable[[], Iterable[AnyEvent]]
    read_evidence: ReadEvidence | None
    prefix: str
    hostname: str
    paths: Mapping[str, str]
    proofs: Proofs


def as_it_is(folder: RunFolder, state: RunState) -> View:
    """The run with all its names. Raises RunFolderError."""
    where = f"{shown(folder.path)}/"
    host = str(folder.settings().get("orchestrator", ""))
    return View(
        state, exit_code(state), lambda: read(folder.journal), reader(folder), where, host, {"run": where},
        Proofs(state, reader(folder)),
    )  # fmt: skip


def with_pseudonyms(folder: RunFolder, *, quotes: bool) -> View:
    """The run with pseudonyms; `quotes` if the format quotes outputs. Raises RunFolderError."""
    before = list(read(folder.journal))
    events, read_evidence = sanitise.sanitised(before, reader(folder) if quotes else None)
    state = fold(events)
    if not state.info.id:
        raise RunFolderError(f"{folder.path}: the journal does not say which run it is; it is damaged")
    told = load_run(folder)
    state.waivers = tuple(unnamed(w, told.nodes, state.nodes) for w in told.waivers)
    code = exit_code(told)
    return View(
        state, code, lambda: events, read_evidence, "", "orchestrator", {}, Proofs(state, read_evidence)
    )


def unnamed(waiver: Waiver, names: Iterable[str], pseudonyms: Iterable[str]) -> Waiver:
    """An exception without the names of people and nodes. Nodes stand in the same order with both kinds of names."""
    what = dict(zip(names, pseudonyms, strict=True)).get(waiver.what, waiver.what)
    signed = "(not shown)" if waiver.signed else ""
    return replace(waiver, what=what, owner="(not shown)", reason="(not shown)", by="", signed=signed)


def write_junit(view: View, target: Path) -> list[Path]:
    """Write the JUnit files of a run into `target`; returns them."""
    return junit.write(
        view.state,
        target,
        read_evidence=view.read_evidence,
        attachment_prefix=view.prefix,
        flaky=judge.failed_before(view.events() if any(o.attempt > 1 for o in view.state.outcomes) else ()),
        hostname=view.hostname,
    )


def as_json(view: View, *, full: bool) -> str:
    """The JSON report of a run."""
    told = jsonreport.document(view.state, full=full, exit_code=view.code, proofs=view.proofs)
    return json.dumps(told, indent=2) + "\n"


TEXTS: Mapping[str, Callable[[View], str]] = {
    "summary": lambda v: summary.Summary(v.state, v.paths, v.code).plain(100),
    "html": lambda v: html.page(v.state, exit_code=v.code, proofs=v.proofs),
    "markdown": lambda v: markdown.markdown(v.state, paths=v.paths, exit_code=v.code),
    "json": lambda v: as_json(v, full=False),
    "full-json": lambda v: as_json(v, full=True),
    "defects-csv": lambda v: table.defects_csv(v.state),
    "measurements-csv": lambda v: table.measurements_csv(v.state),
    "links-csv": lambda v: table.links_csv(v.state),
    "prometheus": lambda v: prometheus.textfile(v.state, exit_code=v.code),
}
"""Format -> how it is written."""
FOLDERS: Mapping[str, Callable[[View, Path], list[Path]]] = {
    "junit": write_junit,
    "ocp-diag": lambda v, target: ocptv.write(v.state, target),
}
"""Formats of several files."""
FORMATS = (*TEXTS, *FOLDERS)


def write_text(path: Path, said: str) -> None:
    """Write a report; the file appears complete or not at all, so that no reader meets half of one."""
    if path.exists() and not path.is_file():  # a device or a pipe
        path.write_text(said, encoding="utf-8")
        return
    draft = path.with_name(f".{path.name}.tmp")
    draft.write_text(said, encoding="utf-8", newline="")
    draft.replace(path)
