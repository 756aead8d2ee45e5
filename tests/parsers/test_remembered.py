"""Each text is parsed once; what is remembered is bounded by the size of the texts."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import kernel_log, kernel_trouble, nvidia_smi_xml, pcie_aer, remembered


def test_a_text_is_parsed_once_and_another_one_again() -> None:
    seen: list[str] = []

    @remembered.remembered
    def parse(text: str) -> tuple[str, ...]:
        seen.append(text)
        return tuple(text.split())

    first = parse("a b")
    assert parse("".join(["a", " b"])) is first
    assert parse("c") == ("c",)
    assert seen == ["a b", "c"]


def test_a_text_that_nobody_understands_is_not_remembered() -> None:
    seen: list[str] = []

    @remembered.remembered
    def parse(text: str) -> tuple[str, ...]:
        seen.append(text)
        raise ParseError("no")

    for _ in range(2):
        with pytest.raises(ParseError):
            parse("a")
    assert seen == ["a", "a"]


def test_the_oldest_texts_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "MOST_CHARS", 3000)
    seen: list[str] = []

    @remembered.remembered
    def parse(text: str) -> tuple[str, ...]:
        seen.append(text[:1])
        return (text,)

    for letter in "ababc":  # two of these fit, three do not
        parse(letter * 1000)
    parse("b" * 1000)  # asked for after a, so a made room
    parse("a" * 1000)
    parse("d" * 5000)  # larger than everything that may be held: given, not remembered
    parse("d" * 5000)
    assert "".join(seen) == "abcadd"


PATTERNS = [(pattern, kernel_log.TELLTALE, True) for pattern in kernel_log.SENTENCES]
PATTERNS += [(pattern, pcie_aer.TELLTALE, True) for pattern in pcie_aer.SENTENCES]
PATTERNS += [(pattern, kernel_trouble.TELLTALE, False) for pattern in kernel_trouble.PATTERNS.values()]


@pytest.mark.parametrize(("pattern", "telltale", "lower"), PATTERNS)
@settings(max_examples=60)
@given(data=st.data())
def test_no_sentence_of_the_kernel_is_passed_over_at_a_glance(
    pattern: re.Pattern[str], telltale: tuple[str, ...], lower: bool, data: st.DataObject
) -> None:
    ascii_only = st.characters(min_codepoint=1, max_codepoint=127)
    text = data.draw(st.from_regex(pattern, alphabet=ascii_only))
    assert any(part in (text.lower() if lower else text) for part in telltale)


DOCUMENT = """<?xml version="1.0" ?>
<nvidia_smi_log><attached_gpus>2</attached_gpus>
<gpu id="00000000:01:00.0"><minor_number>0</minor_number>{table}</gpu>
<gpu id="00000000:02:00.0"><minor_number>1</minor_number><supported_clocks>N/A</supported_clocks></gpu>
</nvidia_smi_log>"""  # invented
TABLE = (
    "<supported_clocks><supported_mem_clock><value>2619 MHz</value></supported_mem_clock></supported_clocks>"
)


def test_tables_of_clocks_change_nothing() -> None:
    whole, without = (
        nvidia_smi_xml.parse(DOCUMENT.format(table=TABLE)),
        nvidia_smi_xml.parse(DOCUMENT.format(table="")),
    )
    assert whole == without
    assert [gpu.minor for gpu in whole.gpus] == [0, 1]


@pytest.mark.parametrize("table", ["<supported_clocks>", TABLE.replace("</supported_clocks>", "")])
def test_a_table_without_an_end_is_a_broken_document(table: str) -> None:
    with pytest.raises(ParseError):
        nvidia_smi_xml.parse(DOCUMENT.format(table=table))
