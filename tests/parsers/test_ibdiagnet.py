"""ibdiagnet: clean and with warnings; runs that did not finish."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import ibdiagnet
from bringup.parsers.ibdiagnet import Stage, Summary

Read = Callable[[str], str]

FILES: dict[str, Summary] = {
    "01-summary-clean.txt": Summary((Stage("Discovery", 0, 0, ""), Stage("Routing", 0, 0, "")), {}),
    "02-summary-warnings.txt": Summary(
        (Stage("Discovery", 3, 0, ""), Stage("Virtualization", 0, 0, ""), Stage("Routing", 0, 0, "")),
        {
            "Total Nodes": 15,
            "IB Switches": 3,
            "IB Channel Adapters": 9,
            "IB Aggregation Nodes": 3,
            "IB Routers": 0,
        },
    ),
}
HEAD = "-I- Stage                     Warnings   Errors     Comment\n"


def test_every_captured_file_has_an_expectation(captured: Callable[[str], dict[str, str]]) -> None:
    assert set(captured("ibdiagnet")) <= set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_captured(read: Read, name: str) -> None:
    assert ibdiagnet.parse(read(f"ibdiagnet/{name}")) == FILES[name]


def test_a_crash_is_no_summary(sessions: Path, session: Callable[[str], tuple[str, int | None, str]]) -> None:
    files = sorted((sessions / "ibsim-outputs").glob("*/ibdiagnet.txt"))
    assert len(files) == 13
    for file in files:
        with pytest.raises(ParseError, match="did not finish"):
            ibdiagnet.parse(session(str(file.relative_to(sessions)))[0])


def test_comments_blanks_in_names_and_stages_not_run() -> None:
    # invented values in the tool's layout
    text = (
        f"{HEAD}-I- Discovery                 0          0\n-I- Subnet Manager            0          2  two masters\n"
        "-I- Partition Keys            NA         NA\n\n-I- You can find detailed errors/warnings in: /var/tmp\n"
    )
    assert ibdiagnet.parse(text).stages == (
        Stage("Discovery", 0, 0, ""),
        Stage("Subnet Manager", 0, 2, "two masters"),
        Stage("Partition Keys", None, None, ""),
    )


@pytest.mark.parametrize(
    "text",
    ["", HEAD, f"{HEAD}-I- Discovery                 0\n", "-I- Discovering ... 3 nodes discovered.\n"],
)
def test_cut_or_unknown(text: str) -> None:
    with pytest.raises(ParseError):
        ibdiagnet.parse(text)


@given(st.text())
def test_any_text_gives_a_summary_or_a_parse_error(text: str) -> None:
    for tried in (text, HEAD + text, f"{HEAD}-I- Discovery   0   0\n{text}"):
        try:
            assert ibdiagnet.parse(tried).stages
        except ParseError:
            pass
