"""What two profiles do not have in common, their parents' limits and facts included."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bringup.model import Limit
from bringup.profile.types import Fact, Profile


class Kind(StrEnum):
    """How one name differs. REWORDED judges the same for another reason."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    REWORDED = "reworded"


@dataclass(frozen=True, slots=True)
class Side:
    """A limit or fact as one of the two profiles has it. `value` is ready to read, `where` is file:line."""

    value: str
    why: str
    where: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One limit or fact that is not the same. A side is None where the profile does not have it."""

    table: str
    name: str
    kind: Kind
    before: Side | None
    after: Side | None


def differences(before: Profile, after: Profile) -> list[Difference]:
    """All that is not the same, facts first, by name. Where it is written makes no difference."""
    facts = ({k: _fact(f) for k, f in p.facts.items()} for p in (before, after))
    limits = ({k: _limit(x) for k, x in p.limits.items()} for p in (before, after))
    return [*_compare("fact", *facts), *_compare("limit", *limits)]


def _compare(table: str, old: dict[str, Side], new: dict[str, Side]) -> list[Difference]:
    found = []
    for name in sorted(old.keys() | new.keys()):
        a, b = old.get(name), new.get(name)
        if a is None or b is None:
            kind = Kind.ADDED if a is None else Kind.REMOVED
        elif a.value != b.value:
            kind = Kind.CHANGED
        elif a.why != b.why:
            kind = Kind.REWORDED
        else:
            continue
        found.append(Difference(table, name, kind, a, b))
    return found


def _limit(limit: Limit) -> Side:
    value = limit.value
    told = (
        f'"{value}"'
        if isinstance(value, str)
        else str(value).lower()
        if isinstance(value, bool)
        else f"{value:g}"
    )
    return Side(f"{limit.op} {told} {limit.unit}".rstrip(), limit.why, limit.source)


def _fact(fact: Fact) -> Side:
    value = fact.value
    parts = value if isinstance(value, tuple) else (value,)
    said = [str(part).lower() if isinstance(part, bool) else f"{part}" for part in parts]
    return Side(
        f"[{', '.join(said)}]" if isinstance(value, tuple) else said[0],
        f"{fact.why} [{fact.source}]",
        fact.where,
    )
