"""A measurement against its limit as a bar with the limit marked."""

from __future__ import annotations

import math

from bringup.model import Measurement
from bringup.tui.look import Look


def gauge(measurement: Measurement, width: int, look: Look) -> str:
    """The bar, `width` cells with its brackets; empty if there is no number or no number as limit.

    The scale begins at 0 and ends a quarter beyond the larger of value and limit. The limit's mark stands where a
    value that just keeps it would end, so that the bar reaches the mark exactly when a minimum is kept.
    """
    limit = measurement.limit
    value = measurement.value
    if limit is None or isinstance(value, str) or isinstance(limit.value, str | bool):
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
    keeps = limit.holds(value)
    if limit.op in (">=", ">", "=="):
        at = max(at - 1, 0)
        filled = max(filled, at + 1) if keeps else min(filled, at)
    else:
        filled = min(filled, at) if keeps else max(filled, at + 2)
    cells = [full if k < filled else empty for k in range(room)]
    cells[min(at, room - 1)] = mark
    return "[" + "".join(cells) + "]"
