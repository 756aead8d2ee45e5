"""The names of a function: where each gets its value. What `follow.py` looks names up in."""

from __future__ import annotations

import ast
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import FunctionType

from bringup.battery.values import Box, Values, union

Function = ast.FunctionDef | ast.AsyncFunctionDef
Comprehension = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
Given = dict[str, list[tuple[str, ast.expr]]]
"""Where names get their values: how (`is`, `each` of, `into` a mapping; a number for a place in a tuple) and from what."""


@cache
def _defined(file: str) -> dict[str, Function]:
    """The functions of a file by their qualified name."""
    found: dict[str, Function] = {}
    for node in ast.parse(Path(file).read_text(encoding="utf-8")).body:
        if isinstance(node, Function):
            found[node.name] = node
        elif isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{f.name}": f for f in node.body if isinstance(f, Function)}
    return found


@dataclass
class Scope:
    """The names of one function, or of one comprehension within it (`outer` is then the function).

    `busy` are the names that are being looked up, `told` what was found for expressions while none was.
    """

    module: Mapping[str, object]
    where: str
    cls: type | None
    depth: int
    bound: dict[str, Values] = field(default_factory=dict)
    given: Given = field(default_factory=dict)
    outer: Scope | None = None
    busy: set[str] = field(default_factory=set)
    told: dict[ast.AST, Values] = field(default_factory=dict)

    @property
    def quiet(self) -> bool:
        """Whether nothing is being looked up, so that what is found now is whole."""
        return not self.busy and (self.outer is None or self.outer.quiet)


def merged(found: Values) -> Values:
    """A name that is first an empty mapping and then filled is one mapping."""
    boxes = [value for value in found if isinstance(value, Box) and value.mapping]
    if len(boxes) < 2:
        return found
    whole = Box(union(b.items for b in boxes), union(b.keys for b in boxes), mapping=True)
    return (whole, *(value for value in found if value not in boxes))


def collect(node: ast.AST, given: Given) -> None:
    """Where the names of a function get their values, its comprehensions left out: they have their own names."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Assign):
            for target in child.targets:
                target_of(target, "", child.value, given)
        elif isinstance(child, ast.AnnAssign | ast.NamedExpr) and child.value is not None:
            target_of(child.target, "", child.value, given)
        elif isinstance(child, ast.For):
            target_of(child.target, "each", child.iter, given)
        if not isinstance(child, Comprehension):
            collect(child, given)


def target_of(target: ast.expr, how: str, value: ast.expr, given: Given) -> None:
    """Note what a name, a tuple of names, or a place in a mapping is given."""
    if isinstance(target, ast.Name):
        given.setdefault(target.id, []).append((how or "is", value))
    elif isinstance(target, ast.Tuple):
        for index, part in enumerate(target.elts):
            if isinstance(part, ast.Name):
                given.setdefault(part.id, []).append((f"{how or 'is'} {index}", value))
    elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) and not how:
        given.setdefault(target.value.id, []).append(("into", value))


def text_of(function: FunctionType) -> Function | None:
    """The text of a function; None of one that has no file, or stands inside another function."""
    try:
        return _defined(function.__code__.co_filename).get(function.__qualname__)
    except (OSError, SyntaxError, UnicodeDecodeError):
        return None


@cache
def hints(cls: type) -> Mapping[str, object]:
    """The annotated attributes of a class, as far as they can be read."""
    try:
        return typing.get_type_hints(cls)
    except (NameError, TypeError, AttributeError):
        return {}
