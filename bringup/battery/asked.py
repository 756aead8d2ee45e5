"""Which limits and facts of a profile a check asks for, and in which unit it measures them.

Checks ask for them by name where they need them (`ctx.limit(target, "link.rate")`) and declare no list. So the names are
read from the checks' own text: from `plan` and `judge` through everything that they hand their Context to. Profiles are
checked against these names, and docs/checks.md lists them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bringup.battery.follow import Follow
from bringup.battery.values import Typed
from bringup.check import AnyCheck


@dataclass(frozen=True, slots=True)
class Asked:
    """The names that a check asks for. `limits` gives the units in which it measures, none where that is not told;
    `numbers` are the facts that must be whole numbers; `unclear` says where a name could not be read."""

    limits: Mapping[str, frozenset[str]]
    facts: frozenset[str]
    numbers: frozenset[str]
    unclear: tuple[str, ...] = ()


def asked(check: AnyCheck) -> Asked:
    """What one check asks its Context for."""
    reading = Follow()
    for name in ("plan", "judge"):
        method = getattr(type(check), name)
        reading.call(method, {"self": (Typed(type(check)),)}, type(check), 0)
    return Asked(
        {name: frozenset(units) for name, units in sorted(reading.limits.items())},
        frozenset(reading.facts),
        frozenset(reading.numbers),
        tuple(dict.fromkeys(reading.unclear)),
    )


def together(several: Iterable[Asked]) -> Asked:
    """What any of several checks asks for."""
    limits: dict[str, frozenset[str]] = {}
    facts: set[str] = set()
    numbers: set[str] = set()
    unclear: list[str] = []
    for one in several:
        for name, units in one.limits.items():
            limits[name] = limits.get(name, frozenset()) | units
        facts |= one.facts
        numbers |= one.numbers
        unclear += one.unclear
    return Asked(limits, frozenset(facts), frozenset(numbers), tuple(unclear))
