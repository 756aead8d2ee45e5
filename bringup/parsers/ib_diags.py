"""What the InfiniBand diagnostic tools print besides their result: warnings, and queries that nobody answered.

A tool that could not ask a part of the fabric still exits with 0 and simply leaves that part out. So whoever
judges a whole fabric must look for unanswered queries in the error stream first.
"""

from __future__ import annotations

import re

_WARNING = re.compile(r"ibwarn: .*|\S{1,80}\.c:[0-9]{1,6}; .*", re.ASCII)
_UNANSWERED = re.compile(r"bad status 110\b|_do_madrpc failed|Connection timed out")


def is_warning(line: str) -> bool:
    """Whether a line is a warning of the libraries and not part of the result."""
    return _WARNING.fullmatch(line.strip()) is not None


def unanswered(text: str) -> int:
    """How many queries to the fabric were not answered; then parts of it are missing from the result."""
    return sum(1 for line in text.splitlines() if is_warning(line) and _UNANSWERED.search(line))
