"""The commands with which a repair is claimed, told, proven, or a cable told from its port; rows of the screen for it.

The screens run the same commands that a person would type, so that what they do can be read and repeated.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from bringup.defects import Defect
from bringup.report import words
from bringup.tui.defect_rows import measured_words, parts_short, place_of
from bringup.tui.feed import RunView
from bringup.tui.look import SIGNS, Look, Tone
from bringup.tui.marks import defect_mark
from bringup.tui.table import Column, Row

COMMAND = (sys.executable, "-m", "bringup")
REPAIR_COLUMNS = (
    Column("", 1),
    Column("defect", 9),
    Column("where", 8),
    Column("node", 12),
    Column("part", 8),
    Column("before", 20),
    Column("stands", 30),
)


def repair_rows(view: RunView, defects: Sequence[Defect], look: Look) -> list[Row]:
    """Each defect with what was measured when it was found, and how far it is."""
    return [
        Row(
            d.id,
            (
                look.sign(defect_mark(d)),
                (look.text(d.id, 20), Tone.BOLD),
                (look.text(place_of(view, d), 40), Tone.PLAIN),
                (look.folded(words.names(d.nodes or (words.node_of(d.component),), 40)), Tone.PLAIN),
                (look.text(parts_short(d), 40), Tone.PLAIN),
                (look.text(measured_words(d)), SIGNS[defect_mark(d)].tone),
                (look.text(view.ledger.said(d)), Tone.PLAIN),
            ),
        )
        for d in defects
    ]


def _on(folder: Path) -> list[str]:
    return ["--runs", str(folder.resolve().parent)]


def retest_command(folder: Path, idents: Sequence[str], *, only_plan: bool = False) -> list[str]:
    """The least that proves these repairs."""
    chosen = [word for ident in idents for word in ("--defect", ident)]
    return [
        *COMMAND,
        "retest",
        str(folder.resolve()),
        *_on(folder),
        *chosen,
        *(["--plan"] if only_plan else []),
    ]


def claim_command(folder: Path, idents: Sequence[str]) -> list[str]:
    """Say that one takes care of these."""
    return [*COMMAND, "claim", *_on(folder), "--", *idents]


def fixed_command(folder: Path, idents: Sequence[str]) -> list[str]:
    """Say that these are repaired."""
    return [*COMMAND, "fixed", *_on(folder), "--", *idents]


def swap_command(view: RunView, defect: Defect) -> list[str]:
    """The swap test of a bad port with a port of the same node that no defect is about; empty if there is none."""
    name, _, rest = (defect.components or (defect.component,))[0].partition("/hca/")
    hca = rest.partition("/")[0]
    node = view.state.nodes.get(name)
    if node is None or not hca or len(defect.components) > 1:
        return []
    other = next((p.hca for p in node.ports if p.hca != hca and not _troubled(view, name, p.hca)), "")
    if not other:
        return []
    ends = (f"{name}:{hca}", f"{name}:{other}")
    return [*COMMAND, "swap", *_on(view.folder), "--run", str(view.folder.resolve()), "--", *ends]


def _troubled(view: RunView, node: str, hca: str) -> bool:
    path = f"{node}/hca/{hca}"
    return any(
        _inside(at, path) for d in view.defects_of.get(node, []) for at in (*d.components, d.component)
    )


def _inside(at: str, path: str) -> bool:
    return any(end == path or end.startswith(path + "/") for end in at.split(" ~ "))


def typed(command: Collection[str]) -> list[str]:
    """The command as a person types it."""
    return ["bringup", *list(command)[len(COMMAND) :]]
