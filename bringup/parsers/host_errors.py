"""What the memory controllers (EDAC) and processors count by themselves: errors since boot, without any tool or root.

Files that are absent are told apart from a count of zero: without the EDAC driver nobody counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError
from bringup.parsers.reading import quoted, whole

COUNTS = Command(
    """if cd "$ROOT"/sys/devices/system/edac/mc 2>/dev/null; then
  grep -Hs . mc[0-9]*/mc_name mc[0-9]*/ce_count mc[0-9]*/ue_count
  grep -Hs . mc[0-9]*/dimm[0-9]*/dimm_label mc[0-9]*/dimm[0-9]*/dimm_ce_count mc[0-9]*/dimm[0-9]*/dimm_ue_count
  grep -Hs . mc[0-9]*/rank[0-9]*/dimm_label mc[0-9]*/rank[0-9]*/dimm_ce_count mc[0-9]*/rank[0-9]*/dimm_ue_count
fi
awk '$1 ~ /^(MCE|THR|DFR):$/ {
  sum = 0
  for (i = 2; i <= NF && $i ~ /^[0-9]+$/; i++) sum += $i
  printf "interrupts/%s%.0f\\n", $1, sum
}' "$ROOT"/proc/interrupts 2>/dev/null
echo end:counts
""",
    max_bytes=1 << 20,
)
"""EDAC's counters by controller and module; machine-check interrupts summed over all processors."""

_LINE = re.compile(
    r"(?P<where>[a-z0-9]{1,20}(?:/[a-z0-9]{1,20})?)/(?P<name>\w{1,30}):(?P<value>.{0,200})", re.ASCII
)
_INTERRUPT = re.compile(r"interrupts/(MCE|THR|DFR):([0-9]{1,20})")


@dataclass(frozen=True, slots=True)
class Dimm:
    """One memory module (or rank) of a controller. `label` is the maker's name of its slot, where the firmware tells."""

    place: str
    label: str
    corrected: int | None
    uncorrected: int | None


@dataclass(frozen=True, slots=True)
class Controller:
    """One memory controller; its counts include errors that no module could be named for."""

    place: str
    corrected: int
    uncorrected: int


@dataclass(frozen=True, slots=True)
class Counts:
    """`controllers` is empty where no EDAC driver runs. `interrupts`: MCE, THR, DFR; only x86 has them."""

    controllers: tuple[Controller, ...]
    dimms: tuple[Dimm, ...]
    interrupts: Mapping[str, int]


def parse(text: str) -> Counts:
    """The counts in an answer of COUNTS. Raises ParseError if it is cut off or not understood."""
    files: dict[str, dict[str, str]] = {}
    interrupts: dict[str, int] = {}
    lines = text.splitlines()
    if not lines or lines[-1] != "end:counts":
        raise ParseError(f"error counts: the answer {quoted(text)} is cut off")
    for line in lines[:-1]:
        if match := _INTERRUPT.fullmatch(line):
            interrupts[match[1]] = int(match[2])
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise ParseError(f"error counts: {quoted(line)} is not known")
        files.setdefault(match["where"], {})[match["name"]] = match["value"].strip()
    return Counts(
        controllers=tuple(
            Controller(place, _must(own, place, "ce_count"), _must(own, place, "ue_count"))
            for place, own in files.items()
            if "/" not in place
        ),
        dimms=tuple(
            Dimm(
                place,
                own.get("dimm_label", ""),
                _may(own, place, "dimm_ce_count"),
                _may(own, place, "dimm_ue_count"),
            )
            for place, own in files.items()
            if "/" in place
        ),
        interrupts=interrupts,
    )


def _must(own: Mapping[str, str], place: str, name: str) -> int:
    if name not in own:
        raise ParseError(f"EDAC {place} has no {name}")
    return whole(own[name], f"EDAC {place} {name}")


def _may(own: Mapping[str, str], place: str, name: str) -> int | None:
    return whole(own[name], f"EDAC {place} {name}") if name in own else None
