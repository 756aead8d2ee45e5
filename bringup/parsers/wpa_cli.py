"""`wpa_cli -i INTERFACE status`: whether a port has authenticated itself to its switch (802.1X)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bringup.errors import ParseError
from bringup.parsers.reading import quoted

_LINE = re.compile(r"(?P<key>[A-Za-z0-9_. ]{1,60})=(?P<value>.{0,200})")
_UNREACHED = "Failed to connect to non-global ctrl_ifname"
NOBODY = "no supplicant"
"""No wpa_supplicant looks after the interface, or it is another's own and answers nobody else."""


@dataclass(frozen=True, slots=True)
class Supplicant:
    """`pae` is the state of the conversation with the switch, `port` whether it is open. None: not told.

    Its `wpa_state` says nothing: it may be COMPLETED while the port is closed.
    """

    pae: str
    port: str | None
    eap: str | None


def parse(text: str) -> Supplicant:
    """The status of one interface. Raises ParseError for anything unknown."""
    if _UNREACHED in text:
        return Supplicant(NOBODY, None, None)
    own: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip() or line.startswith("Selected interface"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise ParseError(f"wpa_cli: {quoted(line)} is not known")
        own[match["key"]] = match["value"]
    if "wpa_state" not in own:
        raise ParseError(f"wpa_cli: no state in {quoted(text)}")
    return Supplicant(
        own.get("Supplicant PAE state", own["wpa_state"]), own.get("suppPortStatus"), own.get("EAP state")
    )
