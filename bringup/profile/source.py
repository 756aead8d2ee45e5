"""Reads one profile file as it stands, without its parents. Every mistake is collected with its line."""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from bringup.errors import Problem
from bringup.model import Limit
from bringup.profile.lines import Lines, first_line_of
from bringup.profile.types import Fact, FactValue

_MOST_BYTES = 1 << 20
_MOST_LISTED = 1024
_TOP = ("name", "description", "extends", "facts", "limits")
_LIMIT = ("op", "value", "unit", "why", "source")
_FACT = ("value", "why", "source")
_ORDERS = (">=", "<=", ">", "<")
_OPS = (*_ORDERS, "==", "!=")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
Tell = Callable[[int | None, str], None]


@dataclass(frozen=True, slots=True)
class Source:
    """What one file says by itself. `lines` tells where."""

    name: str
    path: Path
    text: str
    description: str
    extends: tuple[str, ...]
    limits: Mapping[str, Limit]
    facts: Mapping[str, Fact]
    lines: Lines

    def problem(self, at: tuple[str, ...], what: str) -> Problem:
        """A mistake at a key, `("limits", "link.rate", "unit")`; the text begins with the table that it is in."""
        where = f'{at[0]}."{at[1]}": ' if len(at) > 1 else f"{at[0]}: "
        return Problem(str(self.path), self.lines.of(*at), where + what)


def is_name(text: str) -> bool:
    """Whether a text can be a profile's name; it becomes a file name."""
    return _NAME.fullmatch(text) is not None


def read(path: Path) -> tuple[Source | None, list[Problem]]:
    """The file's own part, or None if it cannot be read at all, and its problems."""
    problems: list[Problem] = []

    def tell(line: int | None, what: str) -> None:
        safe = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in what)
        problems.append(Problem(str(path), line, safe))

    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            tell(None, f"is larger than {_MOST_BYTES >> 20} MiB")
            return None, problems
        text = data.decode("utf-8-sig")
        root: dict[str, object] = tomllib.loads(text)
    except OSError as error:
        tell(None, f"cannot be read: {(error.strerror or str(error)).lower()}")
    except UnicodeDecodeError as error:
        tell(data.count(b"\n", 0, error.start) + 1, "is not UTF-8 text")
    except tomllib.TOMLDecodeError as error:
        said = str(error).split(" (at ")[0]
        end = max(len(text.splitlines()), 1) if "(at end of document)" in str(error) else None
        tell(first_line_of(str(error)) or end, f"is not valid TOML: {said}")
    except (ValueError, RecursionError):  # a number of thousands of digits, brackets nested a thousand deep
        tell(None, "is not valid TOML: a value is too long or too deep")
    else:
        return _Reading(path, text, root, tell).source(), problems
    return None, problems


class _Reading:
    """One file on its way to a Source."""

    def __init__(self, path: Path, text: str, root: dict[str, object], tell: Tell) -> None:
        self._path, self._whole, self._root, self._tell = path, text, root, tell
        self._lines = Lines(text)

    def source(self) -> Source:
        self._unknown(self._root, _TOP, (), "")
        name = self._text(self._root, "name", (), "")
        if name and name != self._path.stem:
            self._tell(
                self._lines.of("name"), f'name: "{name}" must be the name of the file, "{self._path.stem}"'
            )
        limits = {key: self._limit(key, entry) for key, entry in self._entries("limits", _LIMIT)}
        facts = {key: self._fact(key, entry) for key, entry in self._entries("facts", _FACT)}
        return Source(
            name=self._path.stem,
            path=self._path,
            text=self._whole,
            description=self._text(self._root, "description", (), ""),
            extends=self._extends(),
            limits={k: v for k, v in limits.items() if v is not None},
            facts={k: v for k, v in facts.items() if v is not None},
            lines=self._lines,
        )

    def _extends(self) -> tuple[str, ...]:
        value = self._root.get("extends", [])
        line = self._lines.of("extends")
        if not isinstance(value, list) or not all(isinstance(v, str) and is_name(v) for v in value):
            self._tell(
                line, f'extends: needs a list of profile names, for example ["linux"], got {_seen(value)}'
            )
            return ()
        if len(set(value)) != len(value):
            self._tell(line, "extends: a profile appears twice")
        return tuple(dict.fromkeys(value))

    def _entries(self, kind: str, keys: Collection[str]) -> list[tuple[str, dict[str, object]]]:
        """The tables below [limits] or [facts]."""
        whole = self._root.get(kind, {})
        if not isinstance(whole, dict):
            self._tell(self._lines.of(kind), f'{kind}: needs tables such as [{kind}."gpu.count"]')
            return []
        found: list[tuple[str, dict[str, object]]] = []
        for key, entry in whole.items():
            where = self._lines.of(kind, key)
            if not isinstance(entry, dict):
                self._tell(where, f"{kind}.{key}: needs {', '.join(keys)}, got {_seen(entry)}")
            elif not is_name(key):
                self._tell(
                    where, f'{kind}: "{key[:80]}" is no name; use letters, digits, dot, underscore and dash'
                )
            elif entry and not set(entry) & set(keys) and all(isinstance(v, dict) for v in entry.values()):
                inner = next(iter(entry))
                self._tell(where, f'{kind}: put the whole name in quotes: [{kind}."{key}.{inner}"]')
            else:
                self._unknown(entry, keys, (kind, key), f'{kind}."{key}": ')
                found.append((key, entry))
        return found

    def _limit(self, name: str, entry: dict[str, object]) -> Limit | None:
        at, where = ("limits", name), f'limits."{name}": '
        op = self._text(entry, "op", at, where)
        if op and op not in _OPS:
            self._tell(
                self._lines.of(*at, "op"), f'{where}op "{op[:20]}" is unknown; known are {" ".join(_OPS)}'
            )
        value = entry.get("value")
        line = self._lines.of(*at, "value")
        fine = False
        if "value" not in entry:
            self._tell(line, f"{where}value is missing")
        elif not isinstance(value, bool | int | float | str) or not _sound(value):
            self._tell(line, f"{where}value needs a number, text, true or false, got {_seen(value)}")
        elif op in _ORDERS and isinstance(value, bool | str):
            self._tell(line, f"{where}{op} needs a number, got {_seen(value)}")
        else:
            fine = True
        unit = self._text(entry, "unit", at, where, empty=True)
        why, public = self._text(entry, "why", at, where), self._text(entry, "source", at, where)
        if not fine or op not in _OPS or not isinstance(value, bool | int | float | str):
            return None
        return Limit(name, op, value, unit, f"{why} [{public}]", f"{self._path.name}:{self._lines.of(*at)}")

    def _fact(self, name: str, entry: dict[str, object]) -> Fact | None:
        at, where = ("facts", name), f'facts."{name}": '
        value = _fact_value(entry.get("value"))
        if "value" not in entry:
            self._tell(self._lines.of(*at), f"{where}value is missing")
        elif value is None:
            needs = f"a number, text, true, false or a list of them, got {_seen(entry['value'])}"
            self._tell(self._lines.of(*at, "value"), f"{where}value needs {needs}")
        why, public = self._text(entry, "why", at, where), self._text(entry, "source", at, where)
        if value is None:
            return None
        return Fact(name, value, why, public, f"{self._path.name}:{self._lines.of(*at)}")

    def _text(
        self, table: Mapping[str, object], key: str, at: tuple[str, ...], where: str, *, empty: bool = False
    ) -> str:
        value = table.get(key)
        line = self._lines.of(*at, key)
        if key not in table:
            self._tell(line, f"{where}{key} is missing")
        elif not isinstance(value, str) or len(value) > 2000:
            self._tell(line, f"{where}{key} needs text, got {_seen(value)}")
        elif not " ".join(value.split()).isprintable():
            self._tell(line, f"{where}{key} has a control character")
        elif not empty and not value.strip():
            self._tell(line, f"{where}{key} is empty")
        else:
            return " ".join(value.split())
        return ""

    def _unknown(
        self, table: Mapping[str, object], known: Collection[str], at: tuple[str, ...], where: str
    ) -> None:
        for key in table:
            if key not in known:
                hint = did_you_mean(key, known) or f"; known are {', '.join(known)}"
                self._tell(self._lines.of(*at, key), f'{where}unknown key "{key[:80]}"{hint}')


def _fact_value(value: object) -> FactValue | None:
    if isinstance(value, list):
        if len(value) > _MOST_LISTED or not all(
            isinstance(v, bool | int | float | str) and _sound(v) for v in value
        ):
            return None
        return tuple(value)
    return value if isinstance(value, bool | int | float | str) and _sound(value) else None


def _sound(value: float | str) -> bool:
    """Whether a value can be compared: no NaN, no infinity, no number beyond what a float holds, no odd text."""
    if isinstance(value, str):
        return len(value) <= 2000 and value.isprintable()
    return isinstance(value, bool) or (
        math.isfinite(value) if isinstance(value, float) else abs(value) < 2**53
    )


def _seen(value: object) -> str:
    if isinstance(value, dict):
        return "a table"
    shown = (
        f'"{value}"'
        if isinstance(value, str)
        else str(value).lower()
        if isinstance(value, bool)
        else str(value)
    )
    return shown if len(shown) <= 60 else shown[:60] + "..."


def did_you_mean(word: str, known: Collection[str]) -> str:
    """`; did you mean X?` for the nearest known word, or nothing."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""
