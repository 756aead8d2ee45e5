"""The list of defects for people (a table) and programs (rows), filtered by who acts, node and code."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Collection, Mapping, Sequence

from rich.cells import cell_len

from bringup.defects import WHO, Defect, Who
from bringup.report import text, words
from bringup.report.digest import parts, walking_key, what
from bringup.report.jsonreport import defect_row
from bringup.report.proof import Proofs
from bringup.run import RunState

SCHEMA = "bringup.defects/1"


def select(
    state: RunState, *, who: Collection[Who] = (), nodes: Collection[str] = (), code: str = ""
) -> list[Defect]:
    """The defects that match, those to walk to first, in walking order. Nothing given: all.

    `code` may hold `*` and `?`; capitals do not matter.
    """
    wanted = set(nodes)
    found = [
        defect
        for defect in state.defects
        if (not who or defect.who in who)
        and (not wanted or not wanted.isdisjoint(defect.nodes))
        and (not code or fnmatch.fnmatchcase(defect.code.upper(), code.upper()))
    ]
    return sorted(found, key=lambda d: (WHO.index(d.who), *walking_key(state, d)))


def table(
    state: RunState, defects: Sequence[Defect], stands: Mapping[str, str] | None = None, *, width: int = 80
) -> str:
    """One row per defect, and its action below it, wrapped at `width`; `stands` says by id how far it is."""
    if not defects:
        return "no defects\n" if not state.defects else "no defect matches\n"
    heads = ("ID", "WHO", "PLACE", "NODES", "CODE")
    rows = [(d.id, d.who.value, _place(state, d), words.names(d.nodes, 40), d.code) for d in defects]
    cells = [heads, *(tuple(text.line(cell, 44) for cell in row) for row in rows)]
    widths = [max(cell_len(row[column]) for row in cells) for column in range(len(heads) - 1)]
    lines = [_joined(cells[0], widths)]
    for defect, row in zip(defects, cells[1:], strict=True):
        lines.append(_joined(row, widths))
        for said in (
            f"{parts(defect)}: {what(defect)}".removeprefix(": "),
            text.line(defect.action, 600),
            _stands(defect, stands),
        ):
            lines += _indented(said, width)
    return "\n".join(lines) + "\n"


def _stands(defect: Defect, stands: Mapping[str, str] | None) -> str:
    """How far it is, where that is more than open."""
    said = text.line((stands or {}).get(defect.id, ""), 300)
    return f"[{said}]" if said and said != "open" else ""


def as_json(
    state: RunState,
    defects: Sequence[Defect],
    life: Mapping[str, Mapping[str, object]] | None = None,
    proofs: Proofs | None = None,
) -> str:
    """The same rows for programs; the schema's version comes first. `life` is what the ledger says, by id, `proofs`
    which line of output decided."""
    proofs = proofs or Proofs(state)
    rows = [
        {
            **defect_row(state, defect, proofs.of(defect)),
            **({"life": life[defect.id]} if life and defect.id in life else {}),
        }
        for defect in defects
    ]
    return (
        json.dumps({"schema": SCHEMA, "run": text.line(state.info.id, 200), "defects": rows}, indent=2) + "\n"
    )


def _place(state: RunState, defect: Defect) -> str:
    if defect.place or len(defect.nodes) != 1 or defect.nodes[0] not in state.nodes:
        return defect.place
    return state.nodes[defect.nodes[0]].place


def _joined(row: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell + " " * (size - cell_len(cell)) for cell, size in zip(row, widths, strict=False)]
    return "  ".join([*padded, row[-1]]).rstrip()


def _indented(said: str, width: int) -> list[str]:
    lines, line = [], ""
    for word in said.split():
        if line and 4 + cell_len(line) + 1 + cell_len(word) > width:
            lines.append(f"    {line}")
            line = word
        else:
            line = f"{line} {word}".strip()
    return [*lines, f"    {line}"] if line else lines
