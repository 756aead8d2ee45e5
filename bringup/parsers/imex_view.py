"""Which trays of an NVLink domain are to blame for what all of them say of each other over IMEX. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bringup.parsers.siblings import blamed

Views = Mapping[str, Mapping[str, str]]
"""What each tray says: its name -> address of the tray it means -> what is wrong there."""


@dataclass(frozen=True, slots=True)
class Blame:
    """One tray that others speak of, or that speaks of all others: who said it, and of which addresses what."""

    at: str
    tellers: tuple[str, ...]
    words: str


def split(views: Views, owner: Mapping[str, str], away: Sequence[str]) -> tuple[Views, tuple[str, ...]]:
    """The views without the addresses that belong to the trays that are away, and those addresses with their words.

    Who is away has not told its addresses. So addresses of nobody are theirs, if there are not more of them.
    """
    said = {address: word for view in views.values() for address, word in view.items()}
    theirs = {a: word for a, word in said.items() if a not in owner or owner[a] in away}
    if len(theirs) > len(away):
        return views, ()
    rest = {who: {a: word for a, word in view.items() if a not in theirs} for who, view in views.items()}
    return {who: view for who, view in rest.items() if view}, tuple(f"{a} {w}" for a, w in theirs.items())


def blames(views: Views, owner: Mapping[str, str]) -> tuple[Blame, ...]:
    """The fewest trays that have part in all that is said. A tray whose name nobody knows is called by its address."""
    pairs = {(who, owner.get(address, address)) for who, view in views.items() for address in view}
    names = sorted({name for pair in pairs for name in pair})
    number = {name: n for n, name in enumerate(names)}
    found: list[Blame] = []
    for at in (names[n] for n in sorted(blamed((number[a], number[b]) for a, b in pairs))):
        tellers = tuple(sorted(a for a, b in pairs if b == at and a != at)) or (at,)
        said = [
            f"{address} {word}"
            for who in sorted(tellers)
            for address, word in views.get(who, {}).items()
            if at in (who, owner.get(address, address))
        ]
        found.append(Blame(at, tellers, ", ".join(dict.fromkeys(said))))
    return tuple(found)
