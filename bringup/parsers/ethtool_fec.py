"""`ethtool --show-fec DEVICE`: the error correction that a port uses now."""

from __future__ import annotations

import re

from bringup.errors import ParseError
from bringup.parsers.reading import quoted

_ACTIVE = re.compile(r"Active FEC encodings?: *(?P<words>[A-Za-z0-9 _-]{1,60})")


def parse(text: str) -> str:
    """The active encoding (RS, BaseR, LLRS, Off, None), words joined by a blank where there are several."""
    found = [match for line in text.splitlines() if (match := _ACTIVE.fullmatch(line.strip()))]
    if len(found) != 1:
        raise ParseError(f"ethtool --show-fec: no active encoding in {quoted(text)}")
    return " ".join(found[0]["words"].split())
