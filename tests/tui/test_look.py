"""Every state has a glyph, an ASCII glyph, a tone and a word; text fits and is safe."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from bringup.tui.look import MARKS, SIGNS, Look, Mark, Tone, spaced, worst, wrapped


def test_every_mark_has_a_sign_that_is_told_apart_without_colour() -> None:
    assert set(SIGNS) == set(Mark)
    for glyphs in ([s.glyph for s in SIGNS.values()], [s.ascii for s in SIGNS.values()]):
        assert len(set(glyphs)) == len(Mark)
        assert all(cell_len(g) == 1 for g in glyphs)
    assert all(s.ascii.isascii() for s in SIGNS.values())
    assert [SIGNS[m].glyph for m in (Mark.DEFECT, Mark.CONFIG, Mark.UNKNOWN, Mark.NOT_RUN)] == [
        "X",
        "C",
        "?",
        "-",
    ]


def test_the_worst_of_several_marks_wins() -> None:
    assert worst([Mark.PASS, Mark.UNKNOWN, Mark.DEFECT, Mark.RUNNING]) is Mark.DEFECT
    assert worst([Mark.PASS, Mark.FIXED]) is Mark.FIXED
    assert worst([]) is Mark.WAITING
    assert MARKS[0] is Mark.DEFECT


@pytest.mark.parametrize(
    ("text", "width", "right", "shown"),
    [
        ("mlx5_3", 8, False, "mlx5_3  "),
        ("187", 6, True, "   187"),
        ("a long title", 6, False, "a lon…"),
        ("机架机架", 5, False, "机架…"),  # a cut inside a double-width letter
        ("x", 0, False, ""),
    ],
)
def test_text_is_fitted_to_cells(text: str, width: int, right: bool, shown: str) -> None:
    fitted = Look().fit(text, width, right=right)
    assert fitted == shown
    assert cell_len(fitted) == width


def test_ascii_mode_lets_nothing_else_out() -> None:
    look = Look(ascii=True)
    assert look.text("5 µs · 机 \x1b[31mred\x1b[0m") == "5 us . \\u673a red"
    assert look.fit("too long for it", 6) == "too l~"
    for mark in Mark:
        assert look.glyph(mark).isascii()
    assert "".join((look.dot, look.cut, look.dash, *look.bar)).isascii()


def test_text_of_others_cannot_move_the_cursor() -> None:
    assert Look().text("a\x1b]0;title\x07b\x1b[2Jc\x07d\u202ee") == "abc\\x07d\\u202ee"


def test_long_words_are_broken_and_lines_indented() -> None:
    assert wrapped("clean the optic", 12) == ["clean the", "optic"]
    assert wrapped("abcdefghijklmnop q", 12, indent="  ") == ["  abcdefghij", "  klmnop q"]
    assert wrapped("", 12) == []


def test_empty_spans_leave_no_gap() -> None:
    assert spaced([("a", Tone.BOLD), ("", Tone.PLAIN), ("b", Tone.DIM)]) == (
        ("a", Tone.BOLD),
        ("  ", Tone.PLAIN),
        ("b", Tone.DIM),
    )
