"""The end of a run on a terminal: one screen that says what is ready, what is broken, and who does what.

The same lines serve a colour terminal and plain text, so that nothing is in one and not in the other.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from bringup.model import RunVerdict
from bringup.report import text, words
from bringup.report.digest import Digest, Entry, Section, digest
from bringup.run import RunState

MOST_ENTRIES = 60
LEAST_WIDTH = 60
Span = tuple[str, str]
Line = tuple[Span, ...]
_STYLES = {
    RunVerdict.READY: "bold green",
    RunVerdict.NOT_READY: "bold red",
    RunVerdict.INCOMPLETE: "bold yellow",
}


@dataclass(frozen=True)
class Summary:
    """The summary of a run as something that rich can print. `paths` are shown as `label path`."""

    state: RunState
    paths: Mapping[str, str] = field(default_factory=dict)
    exit_code: int | None = None

    def lines(self, width: int) -> list[Line]:
        """The lines at this width, as spans of text and style."""
        return list(_lines(digest(self.state, self.exit_code), max(width, LEAST_WIDTH), self.paths))

    def plain(self, width: int = 80) -> str:
        """The summary without colours; ends with a line end."""
        return "".join(f"{''.join(span for span, _ in line).rstrip()}\n" for line in self.lines(width))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in self.lines(options.max_width):
            yield Text.assemble(*line, no_wrap=True, overflow="ignore")


def write(summary: Summary, stream: TextIO, *, width: int | None = None) -> None:
    """Print the summary: colour on a terminal, plain elsewhere; never fails on one without UTF-8."""
    console = Console(file=stream, width=width, highlight=False, soft_wrap=False)
    if console.is_terminal and (console.encoding or "").lower().startswith("utf"):
        console.print(summary)
    else:
        plain = summary.plain(width or (console.width if stream.isatty() else 100))
        stream.write(text.for_encoding(plain, stream.encoding or "utf-8"))


def _lines(end: Digest, width: int, paths: Mapping[str, str]) -> Iterator[Line]:
    yield from _verdict_line(end, width)
    if end.clean:
        return
    for section in end.sections:
        yield ()
        yield from _section(section, width, end)
    if end.notes:
        yield ()
        yield ((f"NOTES ({len(end.notes)})", "bold"),)
        for note in end.notes[:10]:
            yield from _wrapped(note, width, 2, 4, "")
        if len(end.notes) > 10:
            yield ((f"  and {len(end.notes) - 10} more in the report", "dim"),)
    yield ()
    yield from _last(end, width, paths)


def _verdict_line(end: Digest, width: int) -> Iterator[Line]:
    facts = [f"{end.ready:,} of {words.plural(end.nodes, 'node')}" + ("" if end.clean else " ready")]
    if end.clean:
        facts += [words.plural(end.checks, "check"), "0 defects"]
        if end.notes:
            facts.append(f"({words.plural(len(end.notes), 'note')} in the report)")
    else:
        judged = [words.plural(end.defects, "defect")]
        if end.not_judged:
            judged.append(f"{end.not_judged:,} could not be judged")
        if end.not_run:
            judged.append(f"{words.plural(end.not_run, 'result')} not run")
        facts.append(", ".join(judged))
    facts.append(words.duration(end.seconds))
    head = end.verdict.value
    body = "   ".join(fact for fact in facts if fact)
    first, *rest = list(_wrap(body, width, len(head) + 3, len(head) + 3))
    yield ((head, _STYLES[end.verdict]), (first[len(head) :], ""))
    for line in rest:
        yield ((line, ""),)
    if end.selection:
        yield from _wrapped(f"of a selection only: {end.selection}", width, 0, 2, "yellow")
    if end.aborted:
        yield from _wrapped(f"the run ended early: {end.aborted}", width, 0, 2, "yellow")


def _section(section: Section, width: int, end: Digest) -> Iterator[Line]:
    note = f", {section.note}" if section.note else ""
    yield ((f"{section.title} ({len(section.entries):,})", "bold"), (note, ""))
    shown = section.entries[:MOST_ENTRIES]
    indent = 2 + max((min(cell_len(entry.id), 12) + 2 for entry in shown if entry.id), default=2)
    for entry in shown:
        yield from _entry(entry, width, indent)
    if len(section.entries) > len(shown):
        more = len(section.entries) - len(shown)
        yield ((f"  and {more:,} more:  bringup defects {shlex.quote(end.run)}", "bold"),)


def _entry(entry: Entry, width: int, indent: int) -> Iterator[Line]:
    where = "  ".join(item for item in (entry.place, entry.nodes) if item)
    head = "  ".join(item for item in (where, entry.part) if item)
    start = indent if entry.id else 2
    first, *rest = list(_wrap(head, width, start, indent))
    lead = f"  {text.shorten(entry.id, start - 4)}  ".ljust(start) if entry.id else "  "
    yield ((lead, "cyan"), (first[start:], "bold"))
    for line in rest:
        yield ((line, "bold"),)
    for item in entry.lines:
        yield from _wrapped(item, width, indent, indent + 2, "dim" if item.startswith("explains ") else "")


def _last(end: Digest, width: int, paths: Mapping[str, str]) -> Iterator[Line]:
    """Exit code, paths and the next command; a long path stays whole, so that it can be copied."""
    facts = [f"exit {end.exit_code}", *(f"{label} {path}" for label, path in paths.items())]
    if end.first and end.run:
        facts.append(f"look closer: {shlex.join(['bringup', 'show', end.run, end.first])}")
    if end.repair and end.run:
        facts.append(f"prove a repair: {shlex.join(['bringup', 'retest', end.run, '--defect', end.repair])}")
    row: list[str] = []
    for fact in facts:
        if row and cell_len("   ".join([*row, fact])) > width:
            yield (("   ".join(row), ""),)
            row = []
        row.append(fact)
    yield (("   ".join(row), ""),)


def _wrapped(said: str, width: int, start: int, indent: int, style: str) -> Iterator[Line]:
    for line in _wrap(said, width, start, indent):
        yield ((line, style),)


def _wrap(said: str, width: int, start: int, indent: int) -> Iterator[str]:
    """Break at spaces so that no line is wider than `width` cells; double spaces inside a line stay."""
    line, empty = " " * start, True
    for piece in _pieces(said):
        if not empty and cell_len(line) + cell_len(piece.rstrip()) > width:
            yield line.rstrip()
            line, empty, piece = " " * indent, True, piece.lstrip()
        while cell_len(line) + cell_len(piece.rstrip()) > width:
            cut = _fitting(piece, width - cell_len(line))
            yield line + piece[:cut]
            line, piece = " " * indent, piece[cut:]
        line, empty = line + piece, False
    yield line.rstrip()


def _pieces(said: str) -> Iterator[str]:
    """Words, each with the spaces that follow it."""
    at = 0
    while at < len(said):
        end = said.find(" ", at)
        if end < 0:
            yield said[at:]
            return
        while end < len(said) and said[end] == " ":
            end += 1
        yield said[at:end]
        at = end


def _fitting(piece: str, cells: int) -> int:
    """How many characters of a long word fit into so many cells; at least one."""
    count = 0
    while count < len(piece) and cell_len(piece[: count + 1]) <= cells:
        count += 1
    return max(count, 1)
