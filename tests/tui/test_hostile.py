"""A journal full of nonsense and malice, and a person who presses anything: nothing raises, nothing reaches the terminal.

Everything here is invented.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tui.nonsense import nonsense

from bringup.tui.actions import ACTIONS
from bringup.tui.app import BringupApp
from bringup.tui.defect_rows import DEFECT_COLUMNS, ORDERS, defect_page, defect_rows, ticket, top_lines
from bringup.tui.feed import RunView
from bringup.tui.header import header_lines
from bringup.tui.heat import place, racks
from bringup.tui.kept import EVIDENCE_COLUMNS, evidence_lines, evidence_rows
from bringup.tui.look import Line, Look, line_text
from bringup.tui.node_facts import node_facts
from bringup.tui.node_rows import NODE_COLUMNS, identity_lines, node_rows
from bringup.tui.screens.text import log_lines
from bringup.tui.stage_rows import RESULT_COLUMNS, STAGE_COLUMNS, result_rows, stage_lines, stage_rows
from bringup.tui.summary import node_lines, result_card
from bringup.tui.table import layout

SEEDS = range(4)


def every_line(view: RunView, look: Look) -> Iterator[Line]:
    """All that any screen could show of a run."""
    yield from header_lines(view, 1e9, look)
    yield from log_lines(view.log, look, 80)
    yield from top_lines(view, look, 5, 80)
    yield from (layout(STAGE_COLUMNS, row, 130, look) for row in stage_rows(view, 1e9, look))
    for stage in view.state.stages:
        yield from stage_lines(view, stage, look, 80)
        for query in ("", "x !y code:* rack:*"):
            rows = result_rows(view, stage, look, query, trouble_only=False)
            yield from (layout(RESULT_COLUMNS, rows.make(k), 80, look) for k in range(len(rows)))
        for outcome in view.results(stage):
            yield from result_card(view, outcome, look, 80)
            yield from (
                layout(EVIDENCE_COLUMNS, row, 80, look) for row in evidence_rows(list(outcome.evidence), look)
            )
            for evidence in outcome.evidence[:1]:
                yield from evidence_lines(view.folder, evidence, look)
    for order in ORDERS:
        yield from (layout(DEFECT_COLUMNS, row, 150, look) for row in defect_rows(view, look, "", order))
    for defect in view.state.defects:
        yield from defect_page(view, defect, look, 80)
        assert ticket(view, defect, look).replace("\n", "").isprintable()
    for name in view.state.nodes:
        yield from (*node_lines(view, name, look, 80), *identity_lines(view, name, look, 80))
        for row in node_rows(view, name, look):
            yield layout(NODE_COLUMNS, row.row, 130, look)
            assert isinstance(row.evidence(), list)
        assert name in node_facts(view, name).names


@pytest.mark.parametrize("seed", range(6))
def test_whatever_a_journal_says_becomes_plain_lines(seed: int, tmp_path: Path) -> None:
    nonsense(random.Random(seed), tmp_path)
    view = RunView(tmp_path)
    while view.drain(1.0):
        pass
    assert view.version >= 300 and view.state.nodes
    shown = [line_text(line) for line in every_line(view, Look(ascii=seed % 2 == 1))]
    assert len(shown) > 500
    assert [text for text in shown if not text.isprintable() or (seed % 2 == 1 and not text.isascii())] == []
    assert set(place(racks(view.state.nodes.values()), 80).cells) == set(view.state.nodes)


def visible_only(app: BringupApp) -> None:
    for strip in app.screen._compositor.render_strips():
        for segment in strip:
            assert all(c.isprintable() for c in segment.text), repr(segment.text)
            assert segment.style is None or not segment.style.meta.get("@click")


@pytest.mark.parametrize("seed", SEEDS)
async def test_no_word_of_a_journal_can_raise_or_reach_the_terminal(seed: int, tmp_path: Path) -> None:
    nonsense(random.Random(seed), tmp_path)
    app = BringupApp(tmp_path, ascii_mode=seed % 2 == 1, clock=lambda: 1e9)
    async with app.run_test(size=(80, 24)) as pilot:
        for _ in range(100):
            if app.desk.view.version >= 321:
                break
            await pilot.pause(0.05)
        for keys in (
            ["1", "n"], ["z"], ["z", "end", "enter"], ["n", "e"], ["enter", "end"], ["2"], ["end", "enter", "z"], ["e"],
            ["3"], ["end"], ["enter"], ["end"], ["y", "L"], ["end"], ["colon"],
        ):  # fmt: skip
            await pilot.press(*keys)
            await pilot.pause()
            visible_only(app)
        if app._exception is not None:
            raise app._exception
    assert app.return_code in (0, None)


@pytest.mark.parametrize("seed", SEEDS)
async def test_two_hundred_random_keys_change_nothing_and_break_nothing(seed: int, running: Any) -> None:
    chance = random.Random(seed)
    keys = sorted({key for action in ACTIONS for key in action.keys} - {"q", "ctrl+q"})
    keys += [
        *"abcXYZ0!*:[]",
        "space",
        "tab",
        "shift+tab",
        "backspace",
        "delete",
        "f1",
        "ctrl+c",
        "ctrl+home",
        "insert",
    ]
    before = (running.folder / "journal.jsonl").read_bytes()
    app = BringupApp(running.folder, clock=lambda: running.clock.now)
    async with app.run_test(size=(80, 24)) as pilot:
        for _ in range(50):
            await pilot.press(chance.choice(keys))
        visible_only(app)
        assert app.is_running
    assert app.return_code in (0, None)
    assert (running.folder / "journal.jsonl").read_bytes() == before
