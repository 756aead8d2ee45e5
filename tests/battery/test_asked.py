"""Which limits and facts a check asks for is read from its text, by every way in which a check can say a name."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from bringup import battery
from bringup.battery.asked import Asked, asked, together
from bringup.check import AnyCheck

HEAD = '''
"""Invented."""
from __future__ import annotations
from collections.abc import Iterator
from dataclasses import dataclass
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault
from bringup.model import Finding, Limit, Measurement, Node, Stage

KINDS = {"a": "host.first", "b": "host.second"}
NAMES = ("host.third", "host.fourth")


class Site(Check[Node]):
    """All is well."""

    id = "host.site"
    stage = Stage.HOST
    faults = (Fault("SITE", "t", "a"),)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target)

'''
JUDGE = "    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:\n"


def read(tmp_path: Path, body: str, after: str = "") -> Asked:
    lines = "".join(f"        {line}\n" for line in body.strip().split("\n"))
    (tmp_path / "site.py").write_text(HEAD + JUDGE + lines + after)
    (check,) = (c for c in battery.load([tmp_path]) if c.id == "host.site")
    return asked(check)


WAYS: list[tuple[str, str, dict[str, set[str]]]] = [
    ("at the place", 'yield Measurement("m", 1, "W", "n", ctx.limit(target, "host.x"))', {"host.x": {"W"}}),
    (
        "by a name of its own",
        'first, second = ctx.limit(target, "host.x"), ctx.limit_or_none(target, "host.y")\n'
        'yield Measurement("m", 1, "W", "n", first)\nyield Measurement("m", 1, "V", "n", limit=second)',
        {"host.x": {"W"}, "host.y": {"V"}},
    ),
    (
        "from a constant",
        "limits = {key: ctx.limit(target, name) for key, name in KINDS.items()}\n"
        'for key, limit in limits.items():\n    yield Measurement(key, 1, "errors", "n", limit)',
        {"host.first": {"errors"}, "host.second": {"errors"}},
    ),
    (
        "filled later",
        "limits = {}\nfor name in NAMES:\n    if (limit := ctx.limit_or_none(target, name)) is not None:\n"
        '        limits[name] = limit\nyield Measurement("m", 1, "GiB", "n", limits["host.third"])',
        {"host.third": {"GiB"}, "host.fourth": {"GiB"}},
    ),
    (
        "put together",
        'for part in ("in", "out"):\n    yield Measurement(part, 1, "", "n", ctx.limit(target, f"host.{part}.speed"))',
        {"host.in.speed": {""}, "host.out.speed": {""}},
    ),
    ("by a choice", 'ctx.limit(target, "host.x" if out else "host.y")', {"host.x": set(), "host.y": set()}),
    ("by a helper", 'yield from judged(target, ctx, "host.x")', {"host.x": {"C"}}),
    (
        "by the result of a helper",
        'yield Measurement("m", 1, "s", "n", wanted(target, ctx))',
        {"host.w": {"s"}},
    ),
    ("by a method", 'yield Measurement("m", 1, "h", "n", self.own(target, ctx))', {"host.own": {"h"}}),
    ("by a holder", "Holder(target, ctx).look()", {"host.held": set()}),
    ("from a table of a class", "ctx.limit(target, Table.NAME)", {"host.table": set()}),
    ("not at all", 'yield Measurement("m", 1, "W", "n", Limit("host.rule", "==", 1))', {}),
]
HELPERS = """
    def own(self, node: Node, ctx: Context) -> Limit:
        return ctx.limit(node, "host.own")


class Table:
    NAME = "host.table"


@dataclass
class Holder:
    node: Node
    ctx: Context

    def look(self) -> Limit:
        return self.ctx.limit(self.node, "host.held")


def judged(node: Node, ctx: Context, name: str) -> Iterator[Measurement]:
    yield from measured(ctx.limit(node, name))


def measured(limit: Limit) -> Iterator[Measurement]:
    yield Measurement("m", 1, "C", "n", limit)


def wanted(node: Node, ctx: Context) -> Limit | None:
    return ctx.limit_or_none(node, "host.w")
"""


@pytest.mark.parametrize(("body", "limits"), [w[1:] for w in WAYS], ids=[w[0] for w in WAYS])
def test_a_limit_is_found_however_it_is_asked_for(
    tmp_path: Path, body: str, limits: dict[str, set[str]]
) -> None:
    found = read(tmp_path, body, HELPERS)
    assert ({name: set(units) for name, units in found.limits.items()}, found.unclear) == (limits, ())


def test_facts_are_found_also_those_that_the_context_asks_for(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        'ctx.need_gpus(target, "nvidia")\nctx.training_ports(target)\nctx.fact_if_any(target, "host.f")\n'
        'ctx.number(target, "host.n")\nout.optional(target, None, ctx)\nyield Finding("SITE", "m", "n")',
    )
    assert found.facts == {"gpu.count", "gpu.vendor", "fabric.hcas", "host.f", "host.n", "tools.required"}
    assert found.numbers == {"gpu.count", "host.n"}
    assert (found.limits, found.unclear) == ({}, ())


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("ctx.limit(target, target.name)", "the name of a limit cannot be read"),
        ("ctx.fact(target, open('/etc/hostname').read())", "the name of a fact cannot be read"),
        ("map(print, [ctx])\nprint(ctx)", "what is asked with this context cannot be read"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(tmp_path: Path, body: str, said: str) -> None:
    found = read(tmp_path, body + '\nyield Finding("SITE", "m", "n")')
    line = (HEAD + JUDGE).count("\n") + (2 if "map" in body else 1)
    assert found.unclear == (f"Site.judge, line {line}: {said}",)


def test_several_checks_together() -> None:
    one = Asked({"a": frozenset({"W"})}, frozenset({"f"}), frozenset(), ("x",))
    two = Asked({"a": frozenset({"V"}), "b": frozenset()}, frozenset({"g"}), frozenset({"g"}))
    whole = together([one, two])
    assert (whole.limits, whole.facts, whole.numbers, whole.unclear) == (
        {"a": {"W", "V"}, "b": set()},
        {"f", "g"},
        {"g"},
        ("x",),
    )


STOCK = battery.load()


@pytest.mark.parametrize("check", STOCK, ids=[c.id for c in STOCK])
def test_every_name_of_the_stock_battery_can_be_read(check: AnyCheck) -> None:
    """Read by a second, simpler way: what is written at the place is among what was found."""
    found = asked(check)
    assert found.unclear == ()
    text = Path(sys.modules[type(check).__module__].__file__ or "").read_text()
    for kind, name in re.findall(
        r'ctx\.(limit|limit_or_none|fact|fact_if_any|number)\(\s*[\w.]+, "([^"]+)"', text
    ):
        assert name in (found.limits if kind.startswith("limit") else found.facts), name
