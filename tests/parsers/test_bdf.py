"""One PCI address in all the spellings that tools use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import bdf


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("00000000:53:00.0", "00000000:53:00.0"),
        ("0000:9B:00", "00000000:9b:00.0"),
        ("19:00.0", "00000000:19:00.0"),
        ("0008:00:00.0", "00000008:00:00.0"),
        ("0000000A:00:00.0", "0000000a:00:00.0"),
        (" 00:1e.0 ", "00000000:00:1e.0"),
    ],
)
def test_every_spelling_becomes_one(written: str, meant: str) -> None:
    assert bdf.normalise(written) == meant


def test_short_drops_the_zeros_of_a_four_digit_domain_only() -> None:
    assert bdf.short("00000000:9b:00.0") == "0000:9b:00.0"
    assert bdf.short("00010000:9b:00.0") == "00010000:9b:00.0"


@pytest.mark.parametrize("text", ["", "GPU0", "0000:9b", "0000:9b:00.9", "000:9b:00.0", "٠٠:٠٠.٠"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        bdf.normalise(text)


@given(st.text())
def test_any_text_gives_an_address_or_a_parse_error(text: str) -> None:
    try:
        assert bdf.normalise(bdf.normalise(text)) == bdf.normalise(text)
    except ParseError:
        pass
