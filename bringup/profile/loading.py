"""Finds profiles by name, lays parents and children over each other, and tells all mistakes of all files at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bringup.errors import Problem, ProfileError
from bringup.model import Limit
from bringup.profile.source import Source, did_you_mean, is_name, read
from bringup.profile.types import Fact, Profile

STOCK = Path(__file__).parent / "stock"
_NO_FILE = "profiles"
_MOST_GENERATIONS = 50


def available(dirs: Sequence[Path] = ()) -> list[str]:
    """The names of all profiles that can be asked for: those in the folders and those that come with bringup."""
    return sorted(_files(dirs))


def load(name: str, dirs: Sequence[Path] = ()) -> Profile:
    """One profile. The folders are looked through in order, then the profiles that come with bringup.

    Raises ProfileError with all problems of it and its parents.
    """
    return load_all((name,), dirs)[name]


def load_all(names: Iterable[str], dirs: Sequence[Path] = ()) -> Mapping[str, Profile]:
    """Several profiles by name. Raises ProfileError with all problems of all their files."""
    shelf = _Shelf(_files(dirs))
    found = {name: shelf.profile(name) for name in dict.fromkeys(names)}
    if shelf.problems:
        raise ProfileError(sorted(dict.fromkeys(shelf.problems), key=lambda p: (p.file, p.line or 0)))
    return {name: profile for name, profile in found.items() if profile is not None}


def sources(names: Iterable[str], dirs: Sequence[Path] = ()) -> tuple[list[Source], list[Problem]]:
    """The files of these profiles and of all their parents, as far as they can be read, and what is wrong with them."""
    shelf = _Shelf(_files(dirs))
    for name in dict.fromkeys(names):
        shelf.profile(name)
    return shelf.read, shelf.problems


def _files(dirs: Sequence[Path]) -> dict[str, Path]:
    """Every profile's file; the first folder that has a name wins."""
    found: dict[str, Path] = {}
    for folder in (*dirs, STOCK):
        try:
            files = sorted(folder.glob("*.toml"))
        except OSError:
            files = []  # `load` then says which profile is not there
        for path in files:
            if is_name(path.stem):
                found.setdefault(path.stem, path)
    return found


class _Shelf:
    """The files that are read in one go, each once."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files
        self._sources: dict[str, Source | None] = {}
        self.problems: list[Problem] = []

    @property
    def read(self) -> list[Source]:
        """The files that could be read."""
        return [source for source in self._sources.values() if source is not None]

    def profile(self, name: str) -> Profile | None:
        if name not in self._files:
            self.problems.append(Problem(_NO_FILE, None, self._no_profile(name)))
            return None
        lineage: list[Source] = []
        self._walk(name, (), lineage)
        if not lineage or lineage[-1].name != name:
            return None
        limits: dict[str, Limit] = {}
        facts: dict[str, Fact] = {}
        for source in lineage:
            self._check_units(source, limits)
            limits |= source.limits
            facts |= source.facts
        last, parents = lineage[-1], tuple(s.name for s in lineage[:-1])
        return Profile(
            name, last.description, limits, facts, parents, last.path, tuple(s.text for s in lineage)
        )

    def _walk(self, name: str, below: tuple[str, ...], lineage: list[Source]) -> None:
        """Adds the parents of a profile, then itself; one that is there already stays where it is."""
        source = self._source(name)
        if source is None or any(s.name == name for s in lineage):
            return
        for parent in source.extends:
            if parent in (*below, name):
                circle = " -> ".join((*below, name, parent))
                self._tell(source, f"a circle: {circle}")
            elif len(below) >= _MOST_GENERATIONS:
                self._tell(source, f"more than {_MOST_GENERATIONS} generations of parents")
            elif parent not in self._files:
                self._tell(source, self._no_profile(parent))
            else:
                self._walk(parent, (*below, name), lineage)
        lineage.append(source)

    def _source(self, name: str) -> Source | None:
        if name not in self._sources:
            self._sources[name], problems = read(self._files[name])
            self.problems += problems
        return self._sources[name]

    def _check_units(self, source: Source, below: Mapping[str, Limit]) -> None:
        """A check measures in one unit: a child that names another would be compared wrongly."""
        for key, limit in source.limits.items():
            parent = below.get(key)
            if parent is not None and parent.unit != limit.unit:
                what = f'unit "{limit.unit}" differs from "{parent.unit}" in {parent.source}'
                self.problems.append(source.problem(("limits", key), what))

    def _tell(self, source: Source, what: str) -> None:
        self.problems.append(source.problem(("extends",), what))

    def _no_profile(self, name: str) -> str:
        hint = (
            did_you_mean(name, sorted(self._files))
            or f"; there are {', '.join(sorted(self._files)) or 'none'}"
        )
        return f'no profile "{name[:80]}"{hint}'
