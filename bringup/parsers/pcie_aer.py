"""PCIe errors (AER) in a kernel log.

One error makes several records: the root port says that an error was received and from whom, then each end
of the link may print the details. Together they are one event. Kernels differ in wording (Corrected or
Correctable), in the `AER:` prefix, and may print the details without the root port's record.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from bringup.parsers import bdf
from bringup.parsers.kernel_records import Record


class Severity(StrEnum):
    """Corrected errors cost time; non-fatal ones lose a transaction; fatal ones make the link unreliable."""

    CORRECTED = "corrected"
    NONFATAL = "non-fatal"
    FATAL = "fatal"


@dataclass(frozen=True, slots=True)
class AerEvent:
    """One event. `address` is the device that is named as its source, `port` the root port if it is named.

    `multiple`: the hardware saw more of the same before the kernel read it, so the count is a lower bound.
    """

    address: str
    port: str | None
    severity: Severity
    layer: str
    errors: tuple[str, ...]
    multiple: bool
    age_s: float | None


_SEVERITY = r"(?:Correct(?:ed|able)|Uncorrect(?:ed|able) \((?:Non-)?Fatal\))"
_RECEIVED = re.compile(
    rf"({bdf.PATTERN}): AER: (Multiple )?({_SEVERITY}) error (?:message )?received"
    rf"(?:: | from )(?:({bdf.PATTERN})|id=)",
    re.IGNORECASE,
)
_DETAIL = re.compile(
    rf"({bdf.PATTERN}): (?:AER: )?PCIe Bus Error: severity=({_SEVERITY})(?:, type=([^,]{{1,40}}))?",
    re.IGNORECASE,
)
SENTENCES = (_RECEIVED, _DETAIL)
TELLTALE = (": aer: ", "pcie bus error: ")
"""Each sentence above holds one of these, in lower case."""
_NAME = re.compile(rf"({bdf.PATTERN}):\s+(?:AER:\s+)?\[ ?[0-9]{{1,2}}\] (\w{{2,30}})")


@dataclass(slots=True)
class _Open:
    """An event whose records are still coming."""

    source: str | None
    port: str | None
    severity: Severity
    multiple: bool
    age_s: float | None
    layer: str = ""
    told: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def takes(self, device: str, severity: Severity) -> bool:
        """Whether details of this device belong to the event: it is an end of it and has not told yet."""
        mine = self.source is None or device in (self.source, self.port)
        return severity is self.severity and mine and self.port is not None and device not in self.told

    def closed(self) -> AerEvent | None:
        source = self.source or next(iter(self.told), None) or self.port
        if source is None:
            return None
        return AerEvent(
            address=source,
            port=self.port,
            severity=self.severity,
            layer=self.layer,
            errors=tuple(dict.fromkeys(self.errors)),
            multiple=self.multiple,
            age_s=self.age_s,
        )


def aer_events(
    records: tuple[Record, ...], now: float | None, uptime_s: float | None
) -> tuple[AerEvent, ...]:
    """The events in the records of a log, in their order."""
    events: list[_Open] = []
    for record in records:
        words = record.text
        if not _may_tell(words) and not (events and events[-1].told and "[" in words):
            continue
        if match := _RECEIVED.search(words):
            source = bdf.normalise(match[4]) if match[4] else None
            events.append(
                _Open(
                    source,
                    bdf.normalise(match[1]),
                    _severity(match[3]),
                    bool(match[2]),
                    record.age_s(now, uptime_s),
                )
            )
        if match := _DETAIL.search(words):
            device, severity = bdf.normalise(match[1]), _severity(match[2])
            if not events or not events[-1].takes(device, severity):
                events.append(_Open(device, None, severity, False, record.age_s(now, uptime_s)))
            events[-1].told.append(device)
            events[-1].layer = events[-1].layer or (match[3] or "").strip()
        for match in _NAME.finditer(words):
            if events and events[-1].told:
                events[-1].errors.append(match[2])
    return tuple(event for opened in events if (event := opened.closed()) is not None)


@lru_cache(maxsize=4096)
def _may_tell(words: str) -> bool:
    """Remembered, because nodes of a kind write the same while they boot."""
    lowered = words.lower()
    return any(part in lowered for part in TELLTALE)


def _severity(words: str) -> Severity:
    low = words.lower()
    if low.startswith("correct"):
        return Severity.CORRECTED
    return Severity.NONFATAL if "non-fatal" in low else Severity.FATAL
