"""One table of actions: bindings, footer, help, palette and the manual say the same, and every key does something."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from textual.binding import Binding

from bringup.tui.actions import (
    ACTIONS,
    SCREENS,
    Action,
    Place,
    actions_of,
    commands,
    foot,
    full,
    keys_text,
    manual,
)
from bringup.tui.app import BringupApp
from bringup.tui.help_lines import help_lines
from bringup.tui.look import SIGNS, Look, Mark, line_text
from bringup.tui.screens.cables import CablesPage
from bringup.tui.screens.defects import DefectPage, DefectsPage
from bringup.tui.screens.evidence import EvidencePage, FilesPage
from bringup.tui.screens.floor import FloorPage
from bringup.tui.screens.leaving import QuitPage
from bringup.tui.screens.node import NodePage
from bringup.tui.screens.page import Page
from bringup.tui.screens.repair import RepairPage
from bringup.tui.screens.stages import ResultsPage, StagesPage
from bringup.tui.screens.text import ChangesPage, HelpPage, LogPage
from bringup.tui.screens.worklist import ListPage
from bringup.tui.widgets.bar import footer_line

DOCS = Path(__file__).parents[2] / "docs" / "tui.md"
PAGES: list[type[Page]] = [
    FloorPage, StagesPage, ResultsPage, DefectsPage, DefectPage, NodePage, CablesPage, RepairPage, FilesPage, EvidencePage,
    LogPage, HelpPage, ListPage, ChangesPage, QuitPage,
]  # fmt: skip


def keys_of(bindings: object) -> dict[str, str]:
    found: dict[str, str] = {}
    for binding in bindings:  # type: ignore[attr-defined]
        assert isinstance(binding, Binding)
        assert binding.id and binding.tooltip
        found |= dict.fromkeys(binding.key.split(","), binding.action)
    return found


def test_every_screen_of_the_table_is_built_and_binds_what_the_table_says() -> None:
    assert [page.place for page in PAGES] == list(SCREENS)
    for page in PAGES:
        wanted = {key: a.do for a in ACTIONS if page.place in a.places for key in a.keys}
        assert keys_of(page.BINDINGS) == wanted
    everywhere = {key: a.do for a in ACTIONS if Place.EVERYWHERE in a.places for key in a.keys}
    assert keys_of(BringupApp.BINDINGS) == everywhere


def test_every_action_has_its_method() -> None:
    for action in ACTIONS:
        owner, _, call = full(action).partition(".")
        owners = [BringupApp] if owner == "app" else [p for p in PAGES if p.place in action.places]
        assert owners
        for cls in owners:
            assert callable(getattr(cls, "action_" + call.partition("(")[0], None)), (action.id, cls)


@pytest.mark.parametrize("place", SCREENS)
def test_no_key_does_two_things_on_one_screen(place: Place) -> None:
    counted = Counter(key for action in actions_of(place) for key in action.keys)
    assert [key for key, count in counted.items() if count > 1] == []


def test_ids_are_unique_and_words_are_there() -> None:
    assert max(Counter(a.id for a in ACTIONS).values()) == 1
    assert all(a.label and a.says and a.keys and a.places for a in ACTIONS)
    assert not {"ctrl+s", "ctrl+z", "ctrl+c"} & {key for a in ACTIONS for key in a.keys}


@pytest.mark.parametrize("place", SCREENS)
def test_help_tells_every_key_and_every_glyph(place: Place) -> None:
    shown = "\n".join(line_text(line) for line in help_lines(place, Look(), live=True))
    for action in actions_of(place):
        assert f"   {keys_text(action):<15} {action.says}" in shown
    for mark in Mark:
        assert mark.value in shown and SIGNS[mark].says in shown
    assert "The run goes on when you quit" in shown
    assert "The run goes on" not in "\n".join(
        line_text(line) for line in help_lines(place, Look(), live=False)
    )
    assert all(len(line) <= 80 for line in shown.split("\n"))


@pytest.mark.parametrize("place", SCREENS)
@pytest.mark.parametrize("width", [10, 40, 80, 160])
def test_the_footer_keeps_help_and_quit_and_is_not_cut(place: Place, width: int) -> None:
    line, spots = footer_line(place, width, live=True)
    shown = line_text(line)
    assert "q detach" in shown and shown.endswith("? help")
    assert len(shown) <= max(width, 20)
    for start, end, action in spots:
        assert shown[start:end].startswith(keys_text(action).split()[0])
    if width == 160:
        assert [a for _, _, a in spots] == foot(place)


@pytest.mark.parametrize("place", SCREENS)
def test_the_palette_offers_every_action_that_does_not_only_move(place: Place) -> None:
    offered: list[Action] = commands(place)
    assert {full(a) for a in offered} == {full(a) for a in actions_of(place) if not a.moves}
    assert max(Counter(full(a) for a in offered).values()) == 1


def test_the_manual_has_the_same_keys_and_glyphs() -> None:
    written = DOCS.read_text(encoding="utf-8")
    assert manual() in written
    for mark in Mark:
        glyph, plain = (f"`{g}`" if g.strip() else "(space)" for g in (SIGNS[mark].glyph, SIGNS[mark].ascii))
        assert f"| {glyph} | {plain} | {mark.value} | {SIGNS[mark].says} |" in written
