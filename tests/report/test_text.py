"""Node text becomes safe to show, whatever it is. All cases are invented."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import junit_xml
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.work import calls

from bringup.report import text

ANY_TEXT = st.text(st.characters(codec=None), max_size=200)
NASTY = st.lists(
    st.sampled_from(
        ["\x1b", "[", "]", "0;31m", "\x07", "\\", "\x9b", "\x9c", "P", "\n", "\r", "\x00", "a", "\ud800"]
    )
).map("".join)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[38;2;1;2;3mtrue colour\x1b[m", "true colour"),
        ("\x1b]0;a title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;never ends\nnext line", "0;never ends\nnext line"),
        ("\x1bPdevice string\x1b\\after", "after"),
        ("\x1b(Bcharset \x1b7saved", "charset saved"),
        ("\x9b1mbold\x9b0m", "bold"),
        ("\x1b\x1b[0m[31mnested", "\\x1b[31mnested"),
        ("cut \x1b", "cut \\x1b"),
        ("nul \x00 bell \x07 del \x7f", "nul \\x00 bell \\x07 del \\x7f"),
        ("tab\tand\nnewline stay", "tab\tand\nnewline stay"),
        ("dos\r\nline, lone \r here", "dos\nline, lone \\x0d here"),
        ("\u202eevil\u202c \u2066x\u2069 zero\u200bwidth \ufeff", "\\u202eevil\\u202c \\u2066x\\u2069 zero\\u200bwidth \\ufeff"),
        ("\ud800 \udfff \ufffe \uffff \U0001ffff", "\\ud800 \\udfff \\ufffe \\uffff \\U0001ffff"),
        ("ünïcödé 🖧 עברית stays", "ünïcödé 🖧 עברית stays"),
    ],
)  # fmt: skip
def test_clean_strips_sequences_and_shows_the_rest(raw: str, shown: str) -> None:
    assert text.clean(raw) == shown


@given(st.one_of(ANY_TEXT, NASTY))
def test_clean_text_is_xml_and_is_stable(raw: str) -> None:
    cleaned = text.clean(raw)
    element = ET.Element("x")
    element.text = cleaned
    assert ET.fromstring(ET.tostring(element)).text == (cleaned or None)
    assert text.visible(cleaned) == cleaned
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e]", cleaned)
    cleaned.encode("utf-8")


@given(ANY_TEXT)
def test_junit_xml_finds_nothing_left_to_drop_silently(raw: str) -> None:
    cleaned = text.clean(raw)
    assert junit_xml._clean_illegal_xml_chars(cleaned) == cleaned


@given(st.one_of(ANY_TEXT, NASTY), st.integers(1, 60))
def test_line_is_one_short_line(raw: str, most: int) -> None:
    shown = text.line(raw, most)
    assert len(shown) <= most
    assert "\n" not in shown
    assert "\t" not in shown


def test_line_keeps_the_words_of_all_lines() -> None:
    assert text.line(" first \n\n  second\tword \r\n") == "first / second word"


def test_shorten_keeps_head_and_tail() -> None:
    assert text.shorten("0123456789abcdefghij", 13) == "0123456 … hij"
    assert text.shorten("short", 5) == "short"
    assert text.shorten("short", 2) == "sh"


@given(ANY_TEXT, st.integers(0, 50))
def test_shorten_never_exceeds(raw: str, most: int) -> None:
    assert len(text.shorten(raw, most)) <= most


def test_head_and_tail_cuts_at_lines_and_counts() -> None:
    long = "".join(f"line {n:04}\n" for n in range(1000))
    cut = text.head_and_tail(long, 200)
    head, middle, tail = re.fullmatch(r"((?:line \d{4}\n)+)(… .*? …)\n((?:line \d{4}\n)+)", cut).groups()  # type: ignore[union-attr]
    assert head.startswith("line 0000\n")
    assert tail.endswith("line 0999\n")
    assert middle == f"… {10_000 - len(head) - len(tail):,} bytes left out …"
    assert len(cut.encode()) <= 200


@given(ANY_TEXT, st.integers(64, 400))
def test_head_and_tail_keeps_to_its_size(raw: str, most: int) -> None:
    long = text.clean(raw) * 5
    assert len(text.head_and_tail(long, most).encode()) <= max(most, 64) + 12
    assert text.head_and_tail(long, 10_000) == long


def test_decoded_shows_bytes_that_are_no_utf8() -> None:
    assert text.decoded(b"ok \xff\xfe \x00") == "ok \\xff\\xfe \\x00"


@given(ANY_TEXT, st.sampled_from(["ascii", "latin-1", "utf-8", "cp437", None]))
def test_for_encoding_can_always_be_printed(raw: str, encoding: str | None) -> None:
    text.for_encoding(raw, encoding).encode(encoding or "ascii")


def test_for_encoding_has_plain_glyphs() -> None:
    assert text.for_encoding("✗ a … █░", "ascii") == "x a ... #."
    assert text.for_encoding("✗ a … █░", "utf-8") == "✗ a … █░"


@pytest.mark.parametrize("piece", ["\x1b]", "\x1b[", "\x9b1;", "\x1bP", "\x1b", "\x9d", "\r", "\n\n"])
def test_cleaning_is_linear(piece: str) -> None:
    assert calls(lambda: text.line(piece * 20_000)) < 1.2 * 10 * calls(lambda: text.line(piece * 2_000)) + 100
    assert (
        len(text.line(piece * 200_000)) <= 4 * len(piece) * 200_000
    )  # what is not linear in C never comes back
