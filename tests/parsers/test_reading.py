"""The strict number readers: ASCII only, finite only, of sane length."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import reading


@pytest.mark.parametrize("text", ["", "-1", "1.0", "٣", "²", "9" * 21, "1_000", " 1", "0x10"])
def test_no_whole_number(text: str) -> None:
    with pytest.raises(ParseError):
        reading.whole(text, "x")


@pytest.mark.parametrize("text", ["", "nan", "inf", "1e999", "1,5", "٣.٥", "0x10", "1_0", "--1", "1" * 30])
def test_no_number(text: str) -> None:
    assert not reading.is_number(text)
    with pytest.raises(ParseError):
        reading.number(text, "x")


def test_numbers() -> None:
    assert (
        reading.whole("007", "x"),
        reading.whole_or_hex("0x33bf", "x"),
        reading.whole_or_hex("12", "x"),
    ) == (
        7,
        0x33BF,
        12,
    )
    assert (reading.number("-0.5", "x"), reading.number("5e-07", "x")) == (-0.5, 5e-07)


@pytest.mark.parametrize(
    ("text", "word"), [("4: ACTIVE", "ACTIVE"), ("2: Disabled", "Disabled"), ("ACTIVE", "ACTIVE"), ("", "")]
)
def test_numbered_word(text: str, word: str) -> None:
    assert reading.numbered_word(text) == word


def test_quotes_are_short_and_printable() -> None:
    said = reading.quoted("\x1b[31m" + "x" * 500)
    assert len(said) < 100 and said.isprintable()


@given(st.text())
def test_any_text(text: str) -> None:
    for read in (reading.whole, reading.whole_or_hex, reading.number):
        try:
            assert math.isfinite(read(text, "x"))
        except ParseError:
            continue
