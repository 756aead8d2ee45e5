"""`timedatectl timesync-status` in its layouts."""

from __future__ import annotations

import pytest

from bringup.errors import ParseError
from bringup.parsers.timesyncd import parse

# invented values in systemd's layout
STATUS = """       Server: 185.125.190.56 (ntp.ubuntu.com)
Poll interval: 34min 8s (min: 32s; max 34min 8s)
         Leap: normal
      Version: 4
      Stratum: 2
    Reference: 4FF33C0E
    Precision: 1us (-25)
Root distance: 709us (max: 5s)
       Offset: -1.104ms
        Delay: 22.953ms
       Jitter: 1.284ms
 Packet count: 96
    Frequency: +14.139ppm
"""


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("-1.104ms", -0.001104), ("+83us", 83e-6), ("0", 0.0), ("2.5s", 2.5), ("-1min 3.250s", -63.25)],
)
def test_an_offset(text: str, seconds: float) -> None:
    status = parse(STATUS.replace("-1.104ms", text))
    assert status.offset_s == pytest.approx(seconds)
    assert (status.server, status.synchronised) == ("185.125.190.56 (ntp.ubuntu.com)", True)


def test_a_server_that_has_not_answered_yet() -> None:
    text = (
        "       Server: n/a (ntp.ubuntu.com)\nPoll interval: 0 (min: 32s; max 34min 8s)\n Packet count: 0\n"
    )
    assert (parse(text).offset_s, parse(text).synchronised) == (None, False)
    assert not parse(STATUS.replace("Leap: normal", "Leap: unsynchronized")).synchronised


@pytest.mark.parametrize("text", ["", "nonsense", STATUS.replace("-1.104ms", "soon"), "Offset: 1ms\n"])
def test_cut_off_or_unknown(text: str) -> None:
    with pytest.raises(ParseError):
        parse(text)
