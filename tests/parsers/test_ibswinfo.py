"""ibswinfo: a switch with a fan fault, one that reports little, one that reports nonsense."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import ibswinfo
from bringup.parsers.ibswinfo import PowerSupply, Switch

Read = Callable[[str], str]

SUPPLIES = (
    PowerSupply(0, "OK", "MTEF-PSF-AC-A", "MT1944X10558", "OK", "OK", 72.0),
    PowerSupply(1, "OK", "MTEF-PSF-AC-A", "MT1944X10555", "OK", "OK", 71.0),
)
FANS = (8493.0, 7349.0, 8441.0, 7270.0, 8337.0, 7156.0, 8441.0, 7232.0)
SWITCH = Switch(
    model="SwitchIB Mellanox Technologies",
    part="MSB7790-ES2F",
    serial="MT1943X00498",
    ports=36,
    psid="MT_1880110032",
    guid="0x1c34da0300010540",
    firmware="11.2008.2102",
    uptime_s=160 * 86400 + 10 * 3600 + 38 * 60 + 53,
    temperature_c=45.0,
    max_temperature_c=57.0,
    fan_status="ERROR",
    fans_rpm=tuple(enumerate(FANS, start=1)),
    supplies=SUPPLIES,
)
FILES: dict[str, Switch | None] = {
    "01-psu-ok-fan-error.txt": SWITCH,
    "02-missing-fields.txt": replace(
        SWITCH,
        temperature_c=None,
        max_temperature_c=None,
        fan_status=None,
        fans_rpm=((1, None), *SWITCH.fans_rpm[1:]),
        supplies=(
            PowerSupply(0, "OK", "MTEF-PSF-AC-A", "MT1944X10558", None, None, None),
            replace(SUPPLIES[1], status=None),
        ),
    ),
    "03-garbage-power.txt": None,
}


def test_every_captured_file_has_an_expectation(captured: Callable[[str], dict[str, str]]) -> None:
    assert set(captured("ibswinfo")) <= set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_captured(read: Read, name: str) -> None:
    expected = FILES[name]
    if expected is None:
        with pytest.raises(ParseError, match="power"):
            ibswinfo.parse(read(f"ibswinfo/{name}"))
    else:
        assert ibswinfo.parse(read(f"ibswinfo/{name}")) == expected


def test_cut_off_inside_a_line_is_no_answer(read: Read) -> None:
    text = read("ibswinfo/01-psu-ok-fan-error.txt").rstrip()
    for end in range(len(text)):
        if text[:end].rstrip().endswith("\n" + "-" * 49):
            continue  # a rule between two parts looks like the last one
        with pytest.raises(ParseError):
            ibswinfo.parse(text[:end])


@pytest.mark.parametrize(
    "text",
    ["", "=" * 49 + "\nX\n" + "=" * 49 + "\nports | 36\n" + "-" * 49, "ERROR: no MST device found\n"],
)
def test_unknown(text: str) -> None:
    with pytest.raises(ParseError):
        ibswinfo.parse(text)


@given(st.text())
def test_any_text_gives_a_switch_or_a_parse_error(text: str) -> None:
    bar, rule = "=" * 49, "-" * 49
    for tried in (
        text,
        f"{bar}\nX\n{bar}\nGUID | 0x1\nuptime (d-h:m:s) | {text}\nPSU0 status | {text}\n{rule}",
    ):
        try:
            assert isinstance(ibswinfo.parse(tried), Switch)
        except ParseError:
            pass
