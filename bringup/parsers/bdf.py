"""PCI addresses in one spelling, because tools write the same device in several.

Domains come with 4 or 8 digits, in either case, or not at all (lspci); the driver's kernel messages leave
out the function. Everything here becomes `00000000:9b:00.0`: 8-digit domain, lower case, with function.
"""

from __future__ import annotations

import re
from functools import lru_cache

from bringup.errors import ParseError

PATTERN = r"(?:[0-9a-fA-F]{4,8}:)?[0-9a-fA-F]{2}:[0-9a-fA-F]{2}(?:\.[0-7])?"
"""Matches a PCI address in any of these spellings inside a larger pattern."""

_PARTS = re.compile(r"(?:([0-9a-fA-F]{4,8}):)?([0-9a-fA-F]{2}):([0-9a-fA-F]{2})(?:\.([0-7]))?")


@lru_cache(maxsize=4096)
def normalise(text: str) -> str:
    """A PCI address in the one spelling. Raises ParseError if the text is none."""
    match = _PARTS.fullmatch(text.strip())
    if match is None:
        raise ParseError(f"{text.strip()[:40]!r} is no PCI address")
    domain, bus, device, function = match.groups()
    return f"{int(domain or '0', 16):08x}:{bus}:{device}.{function or '0'}".lower()


def short(address: str) -> str:
    """A normalised address as people and sysfs write it: 4-digit domain if that is enough."""
    return address[4:] if address.startswith("0000") else address
