"""How much Python a call takes: counted, not timed, so that a busy machine changes nothing.

What a benchmark measures in seconds a test can only ask by growth: is ten times the input about ten times the work?
"""

from __future__ import annotations

import sys
from collections.abc import Callable


def calls(do: Callable[[], object]) -> int:
    """How many functions, of Python and of C, were called while this ran in this thread."""
    count = 0

    def seen(_frame: object, event: str, _arg: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        do()
    finally:
        sys.setprofile(before)
    return count
