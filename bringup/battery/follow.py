"""Follows a check's code from `plan` and `judge` to every place where a limit or fact is asked for by name.

Only the text is read, nothing of the check is run. A name may be written at the place, or come from a constant, a loop
over one, an argument or a result of a function; where it comes from elsewhere, that is said.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from types import FunctionType

from bringup.battery import values as v
from bringup.battery.scope import Comprehension, Scope, collect, hints, merged, target_of, text_of
from bringup.battery.values import NOT_TOLD, UNKNOWN, Box, Limited, Row, Typed, Values
from bringup.context import Context, Rules
from bringup.model import Measurement

_DEEPEST = 12
_SUPER = object()
"""What `super()` gives."""
_SAME_ITEMS = ("tuple", "list", "set", "frozenset", "sorted", "reversed", "iter")


class Follow:
    """One check on the way to its names. `unclear` says where a name could not be read."""

    def __init__(self) -> None:
        self.limits: dict[str, set[str]] = {}
        self.facts: set[str] = set()
        self.numbers: set[str] = set()
        self.unclear: list[str] = []
        self._done: dict[tuple[object, ...], Values] = {}

    # ---------------------------------------------------------------------------------------- functions

    def call(self, function: object, bound: dict[str, Values], cls: type | None, depth: int) -> Values:
        """Read a function with these arguments; what it can give back."""
        node = text_of(function) if isinstance(function, FunctionType) else None
        if node is None or not isinstance(function, FunctionType):
            return NOT_TOLD
        key = (function, tuple(sorted((k, repr(value)) for k, value in bound.items())))
        if key in self._done:
            return self._done[key]
        self._done[key] = ()
        scope = Scope(function.__globals__, function.__qualname__, cls, depth, dict(bound))
        for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
            if scope.bound.get(argument.arg, NOT_TOLD) == NOT_TOLD:
                scope.bound[argument.arg] = self._annotated(argument.annotation, scope)
        collect(node, scope.given)
        results = self._body(node, scope)
        told = v.union(results) if results else NOT_TOLD
        self._done[key] = told if told != NOT_TOLD else self._annotated(node.returns, scope)
        return self._done[key]

    def _body(self, node: ast.AST, scope: Scope) -> list[Values]:
        """Every call of a function is read once; gives what it returns or yields."""
        results: list[Values] = []
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Comprehension):
                self._eval(child, scope)
                continue
            if isinstance(child, ast.Call):
                self._eval(child, scope)
            if isinstance(child, ast.Return) and child.value is not None:
                results.append(self._eval(child.value, scope))
            elif isinstance(child, ast.Yield) and child.value is not None:
                results.append((Box(self._eval(child.value, scope)),))
            elif isinstance(child, ast.YieldFrom):
                results.append((Box(v.elements(self._eval(child.value, scope))),))
            results += self._body(child, scope)
        return results

    def _annotated(self, annotation: ast.expr | None, scope: Scope) -> Values:
        """Some object of the annotated class, if it is one that can be found."""
        if isinstance(annotation, ast.BinOp):
            return v.union(
                (self._annotated(annotation.left, scope), self._annotated(annotation.right, scope))
            )
        if isinstance(annotation, ast.Name | ast.Attribute):
            found = [value for value in self._eval(annotation, scope) if isinstance(value, type)]
            return tuple(Typed(cls) for cls in found) or NOT_TOLD
        return NOT_TOLD

    # -------------------------------------------------------------------------------------- expressions

    def _name(self, name: str, scope: Scope) -> Values:
        at: Scope | None = scope
        while at is not None:
            if name in at.bound or name in at.given:
                return self._local(name, at)
            at = at.outer
        builtins = scope.module.get("__builtins__", {})
        usual = builtins if isinstance(builtins, dict) else vars(builtins)
        return (scope.module.get(name, usual.get(name, UNKNOWN)),)

    def _local(self, name: str, scope: Scope) -> Values:
        if name in scope.busy:
            return ()
        scope.busy.add(name)
        try:
            found = [scope.bound[name]] if name in scope.bound else []
            for how, expression in scope.given.get(name, []):
                value = self._eval(expression, scope)
                if how.startswith("each"):
                    value = v.elements(value)
                if how[-1].isdecimal():
                    value = v.place(value, int(how.rpartition(" ")[2]))
                found.append((Box(value, mapping=True),) if how == "into" else value)
            return merged(v.union(found))
        finally:
            scope.busy.discard(name)

    def _eval(self, node: ast.expr, scope: Scope) -> Values:
        if node in scope.told:
            return scope.told[node]
        found = self._value(node, scope)
        if scope.quiet:
            scope.told[node] = found
        return found

    def _value(self, node: ast.expr, scope: Scope) -> Values:
        match node:
            case ast.Constant(value=value):
                return (value,)
            case ast.Name(id=name):
                return self._name(name, scope)
            case ast.Attribute(value=base, attr=name):
                return self._attribute(self._eval(base, scope), name)
            case ast.Call():
                return self._call(node, scope)
            case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
                if any(isinstance(part, ast.Starred) for part in parts):
                    return (Box(v.union(self._spread(part, scope) for part in parts)),)
                return (Row(tuple(self._eval(part, scope) for part in parts)),)
            case ast.Dict(keys=keys, values=items):
                own = v.union(self._eval(key, scope) for key in keys if key is not None)
                return (Box(v.union(self._eval(item, scope) for item in items), own, mapping=True),)
            case ast.JoinedStr(values=parts):
                inner = [p.value if isinstance(p, ast.FormattedValue) else p for p in parts]
                return v.texts([self._eval(part, scope) for part in inner])
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return v.texts([self._eval(left, scope), self._eval(right, scope)])
            case ast.IfExp(body=left, orelse=right):
                return v.union((self._eval(left, scope), self._eval(right, scope)))
            case ast.BoolOp(values=parts):
                return v.union(self._eval(part, scope) for part in parts)
            case ast.NamedExpr(value=value) | ast.Await(value=value):
                return self._eval(value, scope)
            case ast.Subscript(value=base, slice=key):
                return v.item(self._eval(base, scope), self._eval(key, scope))
            case ast.DictComp() | ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                return self._comprehension(node, scope)
        return NOT_TOLD

    def _spread(self, part: ast.expr, scope: Scope) -> Values:
        if isinstance(part, ast.Starred):
            return v.elements(self._eval(part.value, scope))
        return self._eval(part, scope)

    def _comprehension(
        self, node: ast.DictComp | ast.ListComp | ast.SetComp | ast.GeneratorExp, scope: Scope
    ) -> Values:
        inner = Scope(scope.module, scope.where, scope.cls, scope.depth, outer=scope)
        for part in node.generators:
            target_of(part.target, "each", part.iter, inner.given)
        self._body(node, inner)
        if isinstance(node, ast.DictComp):
            return (Box(self._eval(node.value, inner), self._eval(node.key, inner), mapping=True),)
        return (Box(self._eval(node.elt, inner)),)

    def _attribute(self, base: Values, name: str) -> Values:
        found: list[Values] = []
        for value in base:
            if not isinstance(value, Typed):
                found.append(v.attribute((value,), name))
                continue
            found.append(self._of_class(value.cls, name))
        return v.union(found)

    def _of_class(self, cls: type, name: str) -> Values:
        """What an object of a class has under a name: a method, or something of the annotated class."""
        own = inspect.getattr_static(cls, name, None)
        if isinstance(own, property) and isinstance(own.fget, FunctionType):
            return self._annotated_result(own.fget)
        if callable(getattr(cls, name, None)):
            return (getattr(cls, name),)
        hint = hints(cls).get(name)
        return (Typed(hint),) if isinstance(hint, type) else NOT_TOLD

    # --------------------------------------------------------------------------------------------- calls

    def _call(self, node: ast.Call, scope: Scope) -> Values:
        if isinstance(node.func, ast.Attribute):
            return self._method(node.func, node, scope)
        called = self._eval(node.func, scope)
        if isinstance(node.func, ast.Name) and node.args:
            if node.func.id in _SAME_ITEMS:
                return (Box(v.elements(self._eval(node.args[0], scope))),)
            if node.func.id == "next":
                return v.elements(self._eval(node.args[0], scope))
        if Measurement in called:
            self._measured(node, scope)
        return v.union(self._enter(value, node, scope) for value in called)

    def _method(self, func: ast.Attribute, node: ast.Call, scope: Scope) -> Values:
        base, name = self._eval(func.value, scope), func.attr
        if name in ("items", "keys", "values") and not node.args:
            return v.view(base, name)
        if name == "get" and node.args and any(isinstance(value, Box | Mapping) for value in base):
            return v.item(base, self._eval(node.args[0], scope))
        owners = [value.cls for value in base if isinstance(value, Typed)]
        asks = any(cls in (Context, Rules) for cls in owners) or UNKNOWN in base
        if asks and name in ("limit", "fact", "number"):
            return self._ask(name, node, scope)
        found = []
        for value in base:
            if isinstance(value, Typed):
                method = inspect.getattr_static(value.cls, name, None)
                static = isinstance(method, staticmethod)
                function = method.__func__ if isinstance(method, staticmethod | classmethod) else method
                found.append(self._enter(function, node, scope, value.cls, bound=not static))
            elif value is _SUPER:
                above = next((c for c in (scope.cls or object).__mro__[1:] if name in vars(c)), None)
                found.append(
                    self._enter(vars(above)[name] if above else None, node, scope, above, bound=True)
                )
            else:
                found.append(self._enter(v.attribute((value,), name)[0], node, scope))
        return v.union(found)

    def _enter(
        self, function: object, node: ast.Call, scope: Scope, cls: type | None = None, *, bound: bool = False
    ) -> Values:
        """Follow a call into the function of any module. Only what is given a Context, or has one, can ask."""
        arguments = [self._spread(a, scope) for a in node.args]
        keywords = {k.arg: self._eval(k.value, scope) for k in node.keywords if k.arg}
        told = [value for values in (*arguments, *keywords.values()) for value in values]
        handed = any(isinstance(value, Typed) and value.cls is Context for value in told)
        if function is super:
            return (_SUPER,)
        if isinstance(function, type):
            if handed and Context not in hints(function).values():
                self._lost(node, scope)
            return (Typed(function),)
        holds = cls is not None and (cls is scope.cls or cls is Context or Context in hints(cls).values())
        if not isinstance(function, FunctionType) or not text_of(function):
            if handed:
                self._lost(node, scope)
            return NOT_TOLD
        if not handed and not holds and not any(isinstance(value, Limited) for value in told):
            return self._annotated_result(function)
        if scope.depth >= _DEEPEST:
            self._lost(node, scope)
            return NOT_TOLD
        names = list(inspect.signature(function).parameters)
        placed = [(Typed(cls),), *arguments] if bound and cls is not None else arguments
        return self.call(function, dict(zip(names, placed, strict=False)) | keywords, cls, scope.depth + 1)

    def _lost(self, node: ast.Call, scope: Scope) -> None:
        self.unclear.append(
            f"{scope.where}, line {node.lineno}: what is asked with this context cannot be read"
        )

    def _annotated_result(self, function: FunctionType) -> Values:
        """Of a function that is not followed only its annotation tells what comes back."""
        node = text_of(function)
        return self._annotated(node.returns, Scope(function.__globals__, "", None, 0)) if node else NOT_TOLD

    def _ask(self, how: str, node: ast.Call, scope: Scope) -> Values:
        """One `ctx.limit`, `ctx.fact` or `ctx.number`: its last argument is the name."""
        names = self._eval(node.args[-1], scope) if node.args else NOT_TOLD
        known = [name for name in names if isinstance(name, str)]
        if not known or len(known) < len(names):
            self.unclear.append(f"{scope.where}, line {node.lineno}: the name of a {how} cannot be read")
        if how == "limit":
            for name in known:
                self.limits.setdefault(name, set())
            return tuple(Limited(name) for name in known)
        self.facts.update(known)
        if how == "number":
            self.numbers.update(known)
        return NOT_TOLD

    def _measured(self, node: ast.Call, scope: Scope) -> None:
        """A Measurement(name, value, unit, at, limit, ...): in which unit the limit is compared."""
        given = dict(zip(("name", "value", "unit", "at", "limit"), node.args, strict=False))
        given |= {k.arg: k.value for k in node.keywords if k.arg}
        if "limit" not in given or "unit" not in given:
            return
        units = [unit for unit in self._eval(given["unit"], scope) if isinstance(unit, str)]
        for limit in self._eval(given["limit"], scope):
            if isinstance(limit, Limited):
                self.limits.setdefault(limit.name, set()).update(units)
