"""chronyc tracking in both forms, and the kernel's own word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bringup.errors import ParseError
from bringup.parsers import chrony
from bringup.parsers.chrony import Tracking

# real values of a public report, in the text that chronyc prints
TEXT = """Reference ID    : A29FC801 (time.cloudflare.com)
Stratum         : 4
Ref time (UTC)  : Sun Jun 15 03:49:54 2025
System time     : 0.000010589 seconds slow of NTP time
Last offset     : +0.003550051 seconds
RMS offset      : 0.003550051 seconds
Frequency       : 3.696 ppm fast
Residual freq   : +468.760 ppm
Skew            : 1000000.000 ppm
Root delay      : 0.009203561 seconds
Root dispersion : 47.988433838 seconds
Update interval : 1.2 seconds
Leap status     : Normal
"""
# invented: the same values in the field order of chronyc -c
CSV = (
    "A29FC801,time.cloudflare.com,4,1749959394.000000000,0.000010589,0.003550051,0.003550051,-3.696,468.760,"
    "1000000.000,0.009203561,47.988433838,1.2,Normal\n"
)
LOST = "00000000,,0,0.000000000,0.000000000,0.000000000,0.000000000,0.0,0.0,0.0,1.0,1.0,0.0,Not synchronised\n"  # invented


@pytest.mark.parametrize(
    ("text", "source"), [(TEXT, "A29FC801 (time.cloudflare.com)"), (CSV, "time.cloudflare.com")]
)
def test_both_forms(text: str, source: str) -> None:
    tracking = chrony.parse(text)
    assert tracking == Tracking(source, 4, 0.000010589, 47.988433838, "Normal")
    assert tracking.synchronised


def test_fast_is_negative() -> None:
    assert chrony.parse(TEXT.replace(" slow ", " fast ")).offset_s == -0.000010589


@pytest.mark.parametrize(
    "text", [LOST, CSV.replace("Normal", "Not synchronised"), CSV.replace(",4,", ",16,")]
)
def test_not_synchronised(text: str) -> None:
    assert not chrony.parse(text).synchronised


def test_no_daemon() -> None:
    assert chrony.no_daemon("506 Cannot talk to daemon\n")
    assert not chrony.no_daemon(TEXT)


@pytest.mark.parametrize(
    ("text", "wanted"), [("NTPSynchronized=yes\n", True), ("NTPSynchronized=no\n", False)]
)
def test_kernel_clock(text: str, wanted: bool) -> None:
    assert chrony.parse_kernel_clock(text) is wanted


@pytest.mark.parametrize(
    "text", ["", "506 Cannot talk to daemon\n", "a,b,c\n", CSV.replace("Normal", "Fine"), "NTP=x\n"]
)
def test_unknown(text: str) -> None:
    with pytest.raises(ParseError):
        chrony.parse(text)
    with pytest.raises(ParseError):
        chrony.parse_kernel_clock(text)


@pytest.mark.parametrize("text", [TEXT, CSV])
def test_cut_off_at_any_place_is_never_an_answer(text: str) -> None:
    for end in range(len(text) - len("Normal\n")):
        with pytest.raises(ParseError):
            chrony.parse(text[:end])


@given(st.text())
def test_any_text_gives_an_answer_or_a_parse_error(text: str) -> None:
    try:
        assert isinstance(chrony.parse(text), Tracking)
    except ParseError:
        return


@given(st.lists(st.text(alphabet="0123456789.-+aN ", max_size=8), min_size=14, max_size=14))
def test_any_fields_give_an_answer_or_a_parse_error(fields: list[str]) -> None:
    try:
        assert isinstance(chrony.parse(",".join([*fields[:13], "Normal"])), Tracking)
    except ParseError:
        return
