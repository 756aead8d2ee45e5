"""Kept output as rows and lines: what a command was, how it ended, and every byte that it printed, made safe."""

from __future__ import annotations

from pathlib import Path

from bringup.commands import Ended, Evidence
from bringup.errors import RunFolderError
from bringup.orchestrator import read_kept
from bringup.report import text as safe
from bringup.report import words
from bringup.tui.look import SIGNS, Line, Look, Mark, Span, Tone
from bringup.tui.table import Column, Row

STDOUT = "stdout"
"""The title of what a command printed."""
MOST_LINES = 200_000
MOST_IN_LINE = 4_000


EVIDENCE_COLUMNS = (
    Column("node", 14),
    Column("ended", 10),
    Column("time", 8, right=True),
    Column("bytes", 9, right=True),
    Column("command", 30),
)


def ended_words(evidence: Evidence) -> Span:
    """How the command ended, in one word or with its status."""
    if evidence.ended is Ended.EXITED:
        return (f"status {evidence.status}", Tone.PLAIN if evidence.status == 0 else Tone.UNKNOWN)
    return (evidence.ended.value, SIGNS[Mark.UNKNOWN].tone)


def evidence_rows(kept: list[Evidence], look: Look) -> list[Row]:
    """The outputs behind a result."""
    return [
        Row(
            f"{e.file}\n{e.offset}\n{k}",
            (
                (look.text(e.node, 40), Tone.PLAIN),
                ended_words(e),
                (f"{e.seconds:.1f} s" if abs(e.seconds) < 1e6 else "?", Tone.PLAIN),
                (f"{e.stdout_bytes + e.stderr_bytes:,}", Tone.PLAIN),
                (look.text(first_line(e), 200), Tone.PLAIN),
            ),
        )
        for k, e in enumerate(kept)
    ]


def first_line(evidence: Evidence) -> str:
    """What of a script names it best: its first line that is no comment."""
    lines = [line.strip() for line in evidence.command.script.split("\n")]
    return next((line for line in lines if line and not line.startswith("#")), "(empty command)")


def evidence_lines(folder: Path, evidence: Evidence, look: Look) -> list[Line]:
    """The viewer's text: the command and how it ended, then its standard output, then its errors."""
    ended, tone = ended_words(evidence)
    facts = [look.text(evidence.node, 60), ended, f"{evidence.seconds:.3g} s"]
    facts += ["as root"] if evidence.as_root else []
    facts += ["cut off at its limit"] if evidence.truncated else []
    facts += [look.text(evidence.detail, 120)] if evidence.detail else []
    lines: list[Line] = [
        ((" " + look.dot.join(facts), tone),),
        ((f" {look.text(evidence.file, 200)} at byte {evidence.offset:,}", Tone.DIM),),
        *_block("command", safe.clean(evidence.command.script), look, Tone.BOLD),
    ]
    try:
        stdout, stderr = read_kept(folder, evidence)
    except RunFolderError as error:
        return [*lines, (), ((f" {look.text(str(error))}", Tone.UNKNOWN),)]
    for title, raw, size in (
        (STDOUT, stdout, evidence.stdout_bytes),
        ("stderr", stderr, evidence.stderr_bytes),
    ):
        if size or title == STDOUT:
            there = words.plural(size, "byte")
            cut = "" if len(raw) == size else f", only {len(raw):,} of them can be shown"
            lines += _block(f"{title}, {there}{cut}", safe.decoded(raw), look, Tone.PLAIN)
    return lines


def _block(title: str, text: str, look: Look, tone: Tone) -> list[Line]:
    head = f" {look.dash * 2} {title} "
    lines: list[Line] = [((head + look.dash * max(0, 78 - len(head)), Tone.TITLE),)]
    parts = text.removesuffix("\n").split("\n") if text else ["(nothing)"]
    for part in parts[:MOST_LINES]:
        shown = part.expandtabs(8)[:MOST_IN_LINE]
        lines.append(((f" {look.folded(shown)}", tone if text else Tone.DIM),))
    if len(parts) > MOST_LINES:
        lines.append(((f" {len(parts) - MOST_LINES:,} more lines are in the file", Tone.UNKNOWN),))
    return lines
