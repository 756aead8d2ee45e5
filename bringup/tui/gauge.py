"""A measurement against its limit as a bar with the limit marked."""

from __future__ import annotations

import math

from bringup.model import Measurement
from bringup.tui.look import Look

DRAWN = (">=", ">", "<=", "<", "==")


def gauge(measurement: Measurement, width: int, look: Look) -> str:
    """The bar, `width` cells with its brackets; empty if there is no number or no number as limit.

    The scale begins at 0 and ends a quarter beyond the larger of value and limit. The limit's mark stands where a
    value that just keeps it would end: a minimum that is broken leaves a gap before the mark, a maximum that is
    broken shows beyond it, however little it was missed by.
    """
    limit = measurement.limit
    value = measurement.value
    if (
        limit is None
        or isinstance(value, str)
        or isinstance(limit.value, str | bool)
        or limit.op not in DRAWN
    ):
        return ""
    bound = float(limit.value)
    if width < 6 or not math.isfinite(value) or not math.isfinite(bound) or value < 0 or bound < 0:
        return ""
    full, empty, mark = look.bar
    room = width - 2
    top = max(value, bound) * 1.25
    if not math.isfinite(top):
        return ""
    filled = 0 if top == 0 else round(value / top * room)
    at = 0 if top == 0 else round(bound / top * room)
    if limit.op in ("<=", "<"):
        filled = min(filled, at) if limit.holds(value) else max(filled, at + 2)
    else:
        at = max(at - 1, 0)
        if limit.holds(value):
            filled = at + 1 if limit.op == "==" else max(filled, at + 1)
        else:
            filled = min(filled, at - 1) if value <= bound else max(filled, at + 2)
    cells = [full if k < filled else empty for k in range(room)]
    cells[min(at, room - 1)] = mark
    return "[" + "".join(cells) + "]"
