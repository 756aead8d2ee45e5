"""A profile: what a healthy node of one kind is like. Every number says why it holds and where it is from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bringup.errors import NoLimit
from bringup.model import Limit

FactValue = bool | int | float | str | tuple[bool | int | float | str, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that is so by design, not measured against: how many GPUs, which device names. `where` is file:line."""

    name: str
    value: FactValue
    why: str
    source: str
    where: str


@dataclass(frozen=True, slots=True)
class Profile:
    """The limits and facts of one kind of node, its parents' included.

    `lineage` is all profiles below it, in the order in which they were laid over each other; `files` are the texts
    of theirs and its own file.
    """

    name: str
    description: str
    limits: Mapping[str, Limit]
    facts: Mapping[str, Fact]
    lineage: tuple[str, ...]
    path: Path
    files: tuple[str, ...]

    def texts(self) -> dict[str, str]:
        """The text of every file that it is made of, by profile name, to be kept with a run."""
        return dict(zip((*self.lineage, self.name), self.files, strict=True))

    def limit(self, name: str) -> Limit:
        """The limit of this name. Raises NoLimit, which says what to add."""
        try:
            return self.limits[name]
        except KeyError:
            raise NoLimit(
                f'profile {self.name} has no limit {name}; add [limits."{name}"] with op, value, unit, why and source '
                f"to {self.path.name}"
            ) from None

    def fact(self, name: str) -> object:
        """The value of a fact; a list is a fresh list. Raises NoLimit, which says what to add."""
        try:
            value = self.facts[name].value
        except KeyError:
            raise NoLimit(
                f'profile {self.name} has no fact {name}; add [facts."{name}"] with value, why and source to '
                f"{self.path.name}"
            ) from None
        return list(value) if isinstance(value, tuple) else value
