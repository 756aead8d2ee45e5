"""Which trays of an NVLink domain are to blame for what all of them say of each other over IMEX. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bringup.parsers.nvidia_imex import READY
from bringup.parsers.siblings import blamed, lonely

Views = Mapping[str, Mapping[str, str]]
"""What each tray says: its name -> address of the tray it means -> what is wrong there."""


@dataclass(frozen=True, slots=True)
class Blame:
    """One tray that others speak of, or that speaks of all others: who said it, and of which addresses what."""

    at: str
    tellers: tuple[str, ...]
    words: str


def of_absent(views: Views, owner: Mapping[str, str], away: Collection[str]) -> dict[str, str]:
    """The addresses in what is said that belong to trays that are `away`: address -> tray, or empty if nobody knows which.

    Who is away has not told its addresses. So addresses of nobody that are not ready are theirs, if there are not more
    of them.
    """
    said = {address: word for view in views.values() for address, word in view.items()}
    theirs = {address: owner[address] for address in said if owner.get(address, "") in away}
    strange = [a for a, word in said.items() if a not in owner and not word.startswith(READY)]
    unknown = sorted(set(away) - set(theirs.values()))
    if len(strange) <= len(unknown):
        theirs |= dict.fromkeys(strange, unknown[0] if len(unknown) == 1 else "")
    return theirs


def without(views: Views, addresses: Collection[str]) -> Views:
    """The views without these addresses."""
    rest = {who: {a: w for a, w in view.items() if a not in addresses} for who, view in views.items()}
    return {who: view for who, view in rest.items() if view}


def blames(views: Views, owner: Mapping[str, str]) -> tuple[Blame, ...]:
    """The fewest trays that have part in all that is said, and of two that speak of nobody else, both. A tray whose name
    nobody knows is called by its address."""
    pairs = {(who, owner.get(address, address)) for who, view in views.items() for address in view}
    names = sorted({name for pair in pairs for name in pair})
    number = {name: n for n, name in enumerate(names)}
    told = {(number[a], number[b]) for a, b in pairs}
    known = {*owner.values(), *views}
    alike = {n for pair in lonely(told) for n in pair if all(names[end] in known for end in pair)}
    found: list[Blame] = []
    for at in (names[n] for n in sorted(blamed(told) | alike)):
        tellers = tuple(sorted(a for a, b in pairs if b == at and a != at)) or (at,)
        said = [
            f"{address} {word}"
            for who in sorted(tellers)
            for address, word in views.get(who, {}).items()
            if at in (who, owner.get(address, address))
        ]
        found.append(Blame(at, tellers, ", ".join(dict.fromkeys(said))))
    return tuple(found)
