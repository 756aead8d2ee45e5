"""Which line of a TOML text a key stands on. The TOML reader of Python does not say, and people need it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

KeyPath = tuple[str, ...]
_MOST_KEY = 500


class Lines:
    """The first line of every table and key of a text."""

    def __init__(self, text: str) -> None:
        self._lines = dict(reversed(list(_scan(text))))

    def of(self, *path: str) -> int:
        """The line of a key, or of the nearest table around it; 1 if even that has none."""
        while path:
            if path in self._lines:
                return self._lines[path]
            path = path[:-1]
        return 1


def _scan(text: str) -> Iterator[tuple[KeyPath, int]]:
    table: KeyPath = ()
    closing = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if closing:
            closing = "" if closing in line else closing
            continue
        stripped = line.strip()
        header = _header(stripped)
        if header:
            table = header
            yield from _all(header, 0, number)
        elif "=" in stripped and not stripped.startswith("#"):
            key = _key(stripped)
            if key:
                yield from _all((*table, *key), len(table), number)
            closing = next((q for q in ('"""', "'''") if stripped.count(q) == 1), "")


def _all(path: KeyPath, known: int, number: int) -> Iterator[tuple[KeyPath, int]]:
    """A dotted key also is the first place of the tables that it makes."""
    for size in range(known + 1, len(path) + 1):
        yield path[:size], number


def _header(line: str) -> KeyPath:
    """The path of a table header, empty if the line is none."""
    if not line.startswith("[") or "]" not in line or len(line) > _MOST_KEY:
        return ()
    return _path(line.split("#")[0] if line.count("]") == 1 else line)


def _key(line: str) -> KeyPath:
    """The path of the key that a line begins with, empty if it begins with none."""
    at = line.find("=")
    while 0 <= at < _MOST_KEY:
        path = _path(f"{line[:at]}= 0")
        if path:
            return path
        at = line.find("=", at + 1)
    return ()


def _path(line: str) -> KeyPath:
    try:
        found: object = tomllib.loads(line)
    except (tomllib.TOMLDecodeError, RecursionError):
        return ()
    path: list[str] = []
    while isinstance(found, dict | list) and found:
        if isinstance(found, list):
            found = found[0]
            continue
        key = next(iter(found))
        path.append(key)
        found = found[key]
    return tuple(path)


def first_line_of(message: str) -> int | None:
    """The line that Python's TOML reader names in a message, None where it names none."""
    _, found, rest = message.partition("(at line ")
    digits = rest.split(",")[0]
    return int(digits) if found and digits.isdecimal() else None
