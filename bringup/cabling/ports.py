"""When two names of a switch port mean the same port, and two names the same switch.

A plan says 17, 1/17, swp17, 9/1 (cage and half of it) or IB1/9/1; InfiniBand numbers the ports from 1; LLDP gives the
switch's own name of the port, its description or its address. Where the names cannot be compared nothing is known.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

_CAGE = re.compile(r"(?:IB)?(?:[0-9]{1,2}/)?(?P<cage>[0-9]{1,3})/(?P<half>[12])")
_ADDRESS = re.compile(r"[0-9a-fA-F]{2}(?:[:-][0-9a-fA-F]{2}){5}|[0-9a-fA-F]{4}(?:\.[0-9a-fA-F]{4}){2}")
_NUMBERS = re.compile(r"[0-9]{1,4}")


@lru_cache(maxsize=65536)
def ib_number(text: str) -> int | None:
    """The number of an InfiniBand port that a plan means; None where it names no number."""
    if cage := _CAGE.fullmatch(text):
        number = (int(cage["cage"]) - 1) * 2 + int(cage["half"])
        return number if number > 0 else None
    numbers = _NUMBERS.findall(text)
    return (int(numbers[-1]) or None) if numbers else None


def same_port(planned: str, names: Sequence[str]) -> bool | None:
    """Whether a planned port is the one that goes by these names; None where that cannot be told.

    A plain number is what counts within its line card; a `/1` behind it is the first lane of a port that was not split.
    """
    known = [name for name in names if name and not _ADDRESS.fullmatch(name)]
    if not planned or not known:
        return None
    if any(name.casefold() == planned.casefold() for name in known):
        return True
    own = numbers_in(planned)
    theirs = [numbers for numbers in map(numbers_in, known) if numbers]
    if not own or not theirs:
        return None
    return any(_alike(own, numbers) for numbers in theirs)


def same_ib_port(planned: str, number: int) -> bool | None:
    """The same for InfiniBand, where a port is a number."""
    meant = ib_number(planned)
    return None if meant is None else meant == number


@lru_cache(maxsize=65536)
def numbers_in(text: str) -> tuple[int, ...]:
    """All numbers in a name, in their order."""
    return tuple(int(number) for number in _NUMBERS.findall(text))


def _alike(own: tuple[int, ...], seen: tuple[int, ...]) -> bool:
    if len(own) == 1:
        return own[0] == (seen[-2] if len(seen) > 1 and seen[-1] == 1 else seen[-1])
    return seen[-len(own) :] == own or (len(seen) < len(own) and own[-len(seen) :] == seen)


def same_switch(planned: str, name: str) -> bool:
    """Whether a switch's name is the planned one, with or without a domain."""
    a, b = planned.casefold(), name.casefold()
    return a == b or a.partition(".")[0] == b.partition(".")[0]
