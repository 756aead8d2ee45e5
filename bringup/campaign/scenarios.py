"""Draws the scenarios of a campaign: the same wish gives the same ones, to the last serial number."""

from __future__ import annotations

import fnmatch
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bringup.campaign.layout import Plan, inventory_text
from bringup.campaign.planting import plant
from bringup.campaign.stacking import Rules, grouped
from bringup.campaign.types import Planted, Scenario
from bringup.inventory import FaultSpec, parse
from bringup.mock.faults.expected import Scope
from bringup.mock.faults.registry import Kind
from bringup.model import Node

CLEAN_SHARE = 4
"""One node in so many of a packed cluster stays clean: partners that are known to be good, and a trap for false alarms."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What to play.

    `shapes` are in order of preference: a kind is played on the first that it fits or, with `every_shape`, on each.
    `sizes` are those of packed clusters, `alone` that of a cluster with a single fault (0: the same). `combine` is how
    many faults meet in one cluster of the `combinations` for each seed (0: none), `per_node` how many of them on one
    node. Without `later` no kind is played that no check can see yet.
    """

    kinds: tuple[str, ...] = ("*",)
    seeds: tuple[int, ...] = (1,)
    sizes: tuple[int, ...] = (32,)
    alone: int = 0
    shapes: tuple[str, ...] = ("hgx-h100",)
    every_shape: bool = False
    pack: bool = True
    singles: bool = True
    later: bool = True
    combine: int = 0
    combinations: int = 4
    per_node: int = 1
    clean: int = 0
    clean_shapes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Drawn:
    """The scenarios, and the kinds for which there is none, with the reason."""

    scenarios: tuple[Scenario, ...]
    unplayed: Mapping[str, str] = field(default_factory=dict)


def draw(
    wish: Wish, kinds: Mapping[str, Kind], plans: Mapping[str, Plan], rules: Rules | None = None
) -> Drawn:
    """Every scenario of the wish. `rules` say which kinds may share a node."""
    chosen = [
        k
        for k in kinds.values()
        if any(fnmatch.fnmatchcase(k.id, pattern) for pattern in wish.kinds) and (wish.later or not k.closes)
    ]
    found: list[Scenario] = []
    played: set[str] = set()
    if wish.singles:
        for size in wish.sizes:
            for seed in wish.seeds:
                found += _singles(wish, plans, size, seed, chosen)
        played = {p.kind for s in found for p in s.planted}
    if wish.combine:
        for size in wish.sizes:
            for seed in wish.seeds:
                found += _combined(wish, _Stage(plans, size, seed), chosen, rules or Rules())
    found += _clean(wish, plans)
    missed = {k.id: "fits no chosen shape" for k in chosen if wish.singles and k.id not in played}
    return Drawn(tuple(found), missed)


class _Stage:
    """Clusters of one size and seed to play on."""

    def __init__(self, plans: Mapping[str, Plan], size: int, seed: int) -> None:
        self.size, self.seed = size, seed
        self._plans = plans
        self._nodes: dict[str, tuple[Node, ...]] = {}

    def nodes(self, shape: str) -> tuple[Node, ...]:
        """The planned nodes of a cluster of this shape."""
        if shape not in self._nodes:
            text = inventory_text(self._plans[shape], shape, self.size, self.seed, name="plan")
            self._nodes[shape] = parse(text.encode(), Path("plan.yaml")).nodes
        return self._nodes[shape]

    def scenario(
        self, name: str, family: str, shape: str, faults: Iterable[tuple[Kind, FaultSpec]]
    ) -> Scenario:
        """The scenario with these faults; a fault against a profile of its own brings that profile along."""
        pairs = list(faults)
        own = next((kind.profile for kind, _ in pairs if kind.profile), "")
        plan = replace(self._plans[shape], profile=own) if own else self._plans[shape]
        nodes = self.nodes(shape)
        id_ = f"{name}-{shape}-n{self.size}-s{self.seed}"
        text = inventory_text(
            plan, shape, self.size, self.seed, [spec for _, spec in pairs], name=id_,
            note=f"scenario {id_} of bringup campaign",
        )  # fmt: skip
        planted = tuple(plant(kind, spec, nodes, shape) for kind, spec in pairs)
        return Scenario(id_, family, shape, self.seed, self.size, text, planted=planted)

    def random(self, *what: str) -> random.Random:
        return random.Random("/".join((*what, str(self.size), str(self.seed))))


def _shapes_of(kind: Kind, wish: Wish, stage: _Stage) -> tuple[str, ...]:
    fitting = [s for s in wish.shapes if any(kind.fits(n, s) for n in stage.nodes(s)[:1])]
    return tuple(fitting if wish.every_shape else fitting[:1])


def _singles(
    wish: Wish, plans: Mapping[str, Plan], size: int, seed: int, kinds: Sequence[Kind]
) -> Iterator[Scenario]:
    """Each kind once: those of single nodes packed, everything wider in a cluster of its own."""
    stage, small = _Stage(plans, size, seed), _Stage(plans, wish.alone or size, seed)
    by_shape: dict[str, list[Kind]] = {}
    for kind in kinds:
        for shape in _shapes_of(kind, wish, stage):
            by_shape.setdefault(shape, []).append(kind)
    for shape, mine in by_shape.items():
        packs: dict[str, list[Kind]] = {"pack": [], "oddities": [], "later": []}
        alone: list[Kind] = []
        for kind in mine:
            name = "oddities" if kind.oddity else "later" if kind.closes else "pack"
            (packs[name] if kind.scope is Scope.NODE and wish.pack else alone).append(kind)
        for name, packed in packs.items():
            yield from _packed(stage, shape, name, packed)
        for kind in alone:
            yield from _alone(small, shape, kind)


def _alone(stage: _Stage, shape: str, kind: Kind) -> Iterator[Scenario]:
    specs = kind.draw(stage.random("alone", shape, kind.id), stage.nodes(shape), shape)
    if specs:
        family = "oddity" if kind.oddity else "single"
        yield stage.scenario(kind.id, family, shape, ((kind, spec) for spec in specs))


def _packed(stage: _Stage, shape: str, name: str, kinds: Sequence[Kind]) -> Iterator[Scenario]:
    """As many clusters as it takes, one fault on a node, some nodes clean."""
    room = max(1, stage.size - max(1, stage.size // CLEAN_SHARE))
    for number, low in enumerate(range(0, len(kinds), room), 1):
        rng = stage.random(name, shape, str(number))
        where = rng.sample(stage.nodes(shape), min(room, len(kinds) - low))
        drawn = [
            (kind, spec)
            for kind, node in zip(kinds[low : low + room], where, strict=True)
            for spec in kind.draw(rng, [node], shape)
        ]
        yield stage.scenario(
            f"{name}-{number:02}", "oddity" if name == "oddities" else "single", shape, drawn
        )


def _combined(wish: Wish, stage: _Stage, kinds: Sequence[Kind], rules: Rules) -> Iterator[Scenario]:
    """Several faults at once, so many to a node; every second cluster has one that is wider than a node."""
    shape = wish.shapes[0]
    due = [k for k in kinds if not k.closes and not k.oddity and shape in _shapes_of(k, wish, stage)]
    narrow = [k for k in due if k.scope is Scope.NODE]
    wide = [k for k in due if k.scope in (Scope.LEAF, Scope.PAIR)]
    for number in range(1, wish.combinations + 1):
        rng = stage.random("combined", str(wish.combine), shape, str(number))
        nodes = list(stage.nodes(shape))
        drawn: list[tuple[Kind, FaultSpec]] = []
        if wide and number % 2 == 0:
            kind = rng.choice(wide)
            drawn += [(kind, spec) for spec in kind.draw(rng, nodes, shape)]
        taken = {name for _, spec in drawn for name in spec.nodes}
        free = [n for n in nodes if n.name not in taken]
        count = min(wish.combine - len(drawn), len(narrow), len(free))
        groups = grouped(rng.sample(narrow, count), wish.per_node, rules)
        for group, node in zip(groups, rng.sample(free, len(groups)), strict=True):
            drawn += [(kind, spec) for kind in group for spec in kind.draw(rng, [node], shape)]
        if drawn:
            many = f"x{wish.per_node}" if wish.per_node > 1 else ""
            yield stage.scenario(f"combined{wish.combine}{many}-{number:02}", "combined", shape, drawn)


def _clean(wish: Wish, plans: Mapping[str, Plan]) -> Iterator[Scenario]:
    """Clusters without any fault, of all shapes in turn, of even and odd sizes."""
    shapes = wish.clean_shapes or wish.shapes
    for number in range(wish.clean):
        turn = number // len(shapes)
        size = max(2, wish.sizes[turn % len(wish.sizes)] - turn % 2)
        stage = _Stage(plans, size, turn + 1)
        yield stage.scenario("clean", "clean", shapes[number % len(shapes)], ())


def pick(scenarios: Iterable[Scenario], name: str) -> Scenario | None:
    """The scenario of this id."""
    return next((s for s in scenarios if s.id == name), None)


def planted_kinds(scenarios: Iterable[Scenario]) -> Iterator[tuple[Scenario, Planted]]:
    """Every seeded fault with its scenario."""
    for scenario in scenarios:
        for planted in scenario.planted:
            yield scenario, planted
