"""The end of a run as Markdown, for a CI job's summary page or a ticket."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from bringup.report import words
from bringup.report.digest import Digest, Entry, Section, digest
from bringup.run import RunState

MOST_ENTRIES = 200
MOST_BYTES = 900_000  # a GitHub job summary holds 1 MiB
_SPECIAL = re.compile(r"[\\`*_\[\]<~&$@#]|\A[-+>=]|\A[0-9]+(?=[.)])|:(?=//)|(?<=www)\.", re.IGNORECASE)


def markdown(state: RunState, *, paths: Mapping[str, str] | None = None, exit_code: int | None = None) -> str:
    """The same content as the terminal's summary; below 1 MiB."""
    end = digest(state, exit_code)
    blocks = [_head(end)]
    if end.aborted:
        blocks.append(f"The run ended early: {escaped(end.aborted)}")
    for section in end.sections:
        block = _section(section, end)
        if sum(len(done.encode()) for done in blocks) + len(block.encode()) > MOST_BYTES:
            blocks.append(
                f"## {section.title} ({len(section.entries):,})\n\nToo long for this page: `bringup defects`"
            )
        else:
            blocks.append(block)
    if end.notes:
        blocks.append("## NOTES\n\n" + "\n".join(f"- {escaped(note)}" for note in end.notes[:50]))
    facts = [
        f"exit {end.exit_code}",
        *(f"{escaped(label)} {escaped(path)}" for label, path in (paths or {}).items()),
    ]
    if end.first and end.run:
        facts.append(f"look closer: {escaped(shlex.join(['bringup', 'show', end.run, end.first]))}")
    if end.repair and end.run:
        command = shlex.join(["bringup", "retest", end.run, "--defect", end.repair])
        facts.append(f"prove a repair: {escaped(command)}")
    blocks.append("  \n".join(facts))
    return "\n\n".join(blocks) + "\n"


def escaped(said: str) -> str:
    """Text without meaning for Markdown or HTML; a node cannot make links, tags or mentions."""
    return _SPECIAL.sub(
        lambda found: f"\\{found.group()}" if not found.group().isdigit() else f"{found.group()}\\", said
    )


def _head(end: Digest) -> str:
    facts = [
        f"{end.ready:,} of {words.plural(end.nodes, 'node')} ready",
        words.plural(end.checks, "check"),
        words.plural(end.defects, "defect"),
    ]
    if end.not_judged:
        facts.append(f"{end.not_judged:,} could not be judged")
    if end.not_run:
        facts.append(f"{words.plural(end.not_run, 'result')} not run")
    facts.append(words.duration(end.seconds))
    title = escaped(end.name or end.run)
    only = f"\n\nOf a selection only: {escaped(end.selection)}" if end.selection else ""
    return f"# {end.verdict.value}: {title}\n\n" + ", ".join(fact for fact in facts if fact) + only


def _section(section: Section, end: Digest) -> str:
    note = f", {section.note}" if section.note else ""
    lines = [f"## {section.title} ({len(section.entries):,}){note}", ""]
    for entry in section.entries[:MOST_ENTRIES]:
        lines += _entry(entry)
    if len(section.entries) > MOST_ENTRIES:
        more = len(section.entries) - MOST_ENTRIES
        lines.append(f"- and {more:,} more: {escaped(f'bringup defects {shlex.quote(end.run)}')}")
    return "\n".join(lines)


def _entry(entry: Entry) -> list[str]:
    ident = f"**{escaped(entry.id)}** " if entry.id else ""
    where = " ".join(escaped(item) for item in (entry.place, entry.nodes) if item)
    head = f"- {ident}{where}" + (f": {escaped(entry.part)}" if entry.part else "")
    return [head, *(f"  - {escaped(item)}" for item in entry.lines)]
