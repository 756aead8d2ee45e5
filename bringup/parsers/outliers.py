"""Which readings of a fleet stand out, by median and median absolute deviation (MAD). Pure, for checks of a fleet.

The mean and the standard deviation are pulled by the very outliers that are looked for. A floor under the deviation
keeps a fleet whose nodes are almost equal from raising alarms over nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

LEAST = 4
"""With fewer readings one bad one moves the middle too much."""
MADS = 6.0
"""How many deviations from the median a reading must lie to stand out."""
_NORMAL = 1.4826
"""Makes the MAD of normally spread readings their standard deviation."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle of the readings, the edge above which a reading stands out, and those that do, the worst first."""

    middle: float
    edge: float
    high: tuple[str, ...]


def high(readings: Mapping[str, float], *, floor: float) -> Spread:
    """The places whose reading lies above median + MADS deviations, the deviation being at least `floor`.

    Raises ValueError without any reading.
    """
    if not readings:
        raise ValueError("a spread needs at least one reading")
    middle = median(readings.values())
    deviation = max(floor, _NORMAL * median(abs(value - middle) for value in readings.values()))
    edge = middle + MADS * deviation
    found = sorted((p for p, v in readings.items() if v > edge), key=lambda p: (-readings[p], p))
    return Spread(middle, edge, tuple(found))


@dataclass(frozen=True, slots=True)
class Fall:
    """The middle of the readings, the edge below which a reading stands out, and those that do, the worst first."""

    middle: float
    edge: float
    low: tuple[str, ...]


def low(readings: Mapping[str, float], *, floor: float) -> Fall:
    """The same as `high` for readings that lie below the others."""
    mirrored = high({place: -value for place, value in readings.items()}, floor=floor)
    return Fall(-mirrored.middle, -mirrored.edge, mirrored.high)
