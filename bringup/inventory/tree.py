"""YAML text to a tree that knows its lines. Nothing is guessed: every value is text until a field says what it is.

So `serial: 0123`, `rack: 1e3` and `user: no` stay what the person wrote. It is built from the parser's events, which
bounds depth and size; an alias is the same value again and costs nothing; tags (which name code) are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from bringup.inventory.problems import Problems, quoted

MOST_BYTES = 16 << 20
_MOST_VALUES = 2_000_000
_MOST_DEPTH = 16
_MOST_KEY = 253
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C parser where PyYAML was built with it
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NOTHING = frozenset(("", "~", "null", "Null", "NULL"))


@dataclass(frozen=True, slots=True)
class Text:
    """One scalar. `plain` means that it was written without quotes."""

    text: str
    line: int
    plain: bool = True

    @property
    def nothing(self) -> bool:
        """Whether no value was given: `key:` or `key: null`."""
        return self.plain and self.text in _NOTHING


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[Value, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Table:
    """Keys and values in the order of the file; a key that came twice is here once and was reported."""

    entries: tuple[tuple[Text, Value], ...]
    line: int


Value = Text | Items | Table


class BadTree(Exception):
    """The text is no YAML that can be read further."""

    def __init__(self, line: int | None, what: str) -> None:
        super().__init__(what)
        self.line = line
        self.what = what


def read(data: bytes, problems: Problems) -> Value | None:
    """The tree of a document, or None if it is empty. Raises BadTree; keys that come twice go to `problems`."""
    if len(data) > MOST_BYTES:
        raise BadTree(None, f"is larger than {MOST_BYTES >> 20} MiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadTree(data.count(b"\n", 0, error.start) + 1, "is not UTF-8 text") from None
    odd = _CONTROL.search(text)
    if odd is not None:
        raise BadTree(text.count("\n", 0, odd.start()) + 1, f"has a control character {quoted(odd[0])}")
    try:
        return _Builder(problems).build(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        raise _syntax(error, text) from None
    except yaml.YAMLError as error:
        raise BadTree(None, f"is not valid YAML: {str(error).splitlines()[0]}") from None


def _syntax(error: yaml.MarkedYAMLError, text: str) -> BadTree:
    lines = text.splitlines()
    mark = error.problem_mark or error.context_mark
    if mark is not None and mark.line >= len(lines) and error.context_mark is not None:
        mark = error.context_mark  # something that is never closed: where it began, not the end of the file
    line = mark.line + 1 if mark is not None else None
    seen = lines[line - 1] if line is not None and line <= len(lines) else ""
    if seen[: len(seen) - len(seen.lstrip())].count("\t"):
        return BadTree(line, "a tab indents this line; YAML wants blanks")
    hint = ""
    if any(sign in seen for sign in "[{@%*&"):
        hint = '; put a value with [ ] { } or a leading @ % * & in quotes: "gpu-[001-016]"'
    return BadTree(line, f"not valid YAML here: {error.problem or error.context}{hint}")


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark is not None else 1


class _Builder:
    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._anchors: dict[str, Value] = {}
        self._values = 0

    def build(self, events: Iterator[yaml.Event]) -> Value | None:
        root: Value | None = None
        for event in events:
            if isinstance(event, yaml.StreamStartEvent | yaml.StreamEndEvent | yaml.DocumentEndEvent):
                continue
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise BadTree(
                        _line(event),
                        "a second document begins here; an inventory is one document",
                    )
                continue
            root = self._value(event, events, 0)
        return None if isinstance(root, Text) and root.nothing else root

    def _value(self, event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Value:
        line = _line(event)
        self._values += 1
        if self._values > _MOST_VALUES:
            raise BadTree(line, f"has more than {_MOST_VALUES:,} values")
        if depth > _MOST_DEPTH:
            raise BadTree(line, f"is nested deeper than {_MOST_DEPTH} levels")
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise BadTree(line, f"*{event.anchor} names no anchor above")
            return self._anchors[event.anchor]
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise BadTree(line, f"the tag {quoted(tag)} is not used here; write the plain value")
        found: Value
        if isinstance(event, yaml.ScalarEvent):
            found = Text(event.value, line, plain=event.implicit[0])
        elif isinstance(event, yaml.SequenceStartEvent):
            found = Items(tuple(self._list(events, depth)), line)
        else:
            found = Table(tuple(self._pairs(events, depth)), line)
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            self._anchors[anchor] = found
        return found

    def _list(self, events: Iterator[yaml.Event], depth: int) -> Iterator[Value]:
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                return
            yield self._value(event, events, depth + 1)

    def _pairs(self, events: Iterator[yaml.Event], depth: int) -> Iterator[tuple[Text, Value]]:
        lines: dict[str, int] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                return
            key = self._value(event, events, depth + 1)
            value = self._value(next(events), events, depth + 1)
            if not isinstance(key, Text):
                hint = 'put a pattern or range in quotes, for example "{n}"'
                self._problems.add(key.line, f"a key is a list or table; {hint}")
            elif not key.text.isprintable() or len(key.text) > _MOST_KEY:
                self._problems.add(
                    key.line, f"the key {quoted(key.text)} is too long or has a control character"
                )
            elif key.text in lines:
                self._problems.add(
                    key.line, f"{quoted(key.text)} appears twice (also line {lines[key.text]})"
                )
            else:
                lines[key.text] = key.line
                yield key, value
