"""What will run where: every check with every target, as data, before anything is touched. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from bringup.check import AnyCheck, Check, Context, Plan, Serve, Step
from bringup.errors import CannotJudge, NotApplicable
from bringup.model import FLEET, STAGES, Command, Group, Node, Pair, Stage, Target, Why
from bringup.topology import matchings

FIRST_PORT = 18600
"""Servers of pair tests listen from here on: above perftest's own default (18515), below Linux' ephemeral ports."""
PORTS_PER_ROUND = 200
LANES = 4
BUNDLE_S = 0.5
"""A guess for what one script costs beside its commands; only the estimate uses it."""


@dataclass(frozen=True)
class Case:
    """One check on one target. Without a plan, `why` and `reason` say why nothing is run."""

    check: AnyCheck
    target: Target
    plan: Plan | None = None
    why: Why = Why.NONE
    reason: str = ""
    code: str = ""
    listen_port: int = 0

    @property
    def key(self) -> tuple[str, str]:
        return (self.check.id, self.target.key)

    @property
    def steps(self) -> tuple[Step, ...]:
        return self.plan.steps if self.plan else ()


@dataclass(frozen=True)
class Battle:
    """Two nodes in one round with all their cases: run by nobody else at that time."""

    a: Node
    b: Node
    cases: tuple[Case, ...]


@dataclass(frozen=True)
class StagePlan:
    """Everything of one stage: cases of single nodes, rounds of disjoint pairs, cases of the whole fleet."""

    stage: Stage
    nodes: tuple[Case, ...] = ()
    rounds: tuple[tuple[Battle, ...], ...] = ()
    groups: tuple[Case, ...] = ()
    estimate_s: float = field(default=0.0)

    @property
    def cases(self) -> Iterator[Case]:
        yield from self.nodes
        for battles in self.rounds:
            for battle in battles:
                yield from battle.cases
        yield from self.groups

    @property
    def checks(self) -> tuple[AnyCheck, ...]:
        return tuple(dict.fromkeys(case.check for case in self.cases))


def make_case(check: AnyCheck, target: Target, ctx: Context, port: int = 0) -> Case:
    """Ask the check for its plan; what it refuses is kept as the reason."""
    if port:
        ctx = dataclasses.replace(ctx, listen_port=port)
    try:
        return Case(check, target, check.plan(target, ctx), listen_port=port)  # type: ignore[arg-type]
    except NotApplicable as no:
        return Case(check, target, why=Why.NOT_APPLICABLE, reason=str(no))
    except CannotJudge as cannot:
        return Case(check, target, reason=cannot.reason, code=cannot.code)
    except Exception as error:  # noqa: BLE001  the door to code of any author
        return Case(check, target, reason=f"check {check.id} failed to plan: {error!r}", code="CHECK-BUG")


def rails_of(check: Check[Pair], a: Node, b: Node, ctx: Context) -> Sequence[int | None]:
    """The rails on which two nodes meet: those planned on both, or one test without a rail."""
    if not check.per_rail:
        return (None,)
    try:
        mine, theirs = ctx.training_ports(a), ctx.training_ports(b)
    except CannotJudge:
        return (None,)
    both = {p.rail for p in mine} & {p.rail for p in theirs}
    return sorted(both) or (None,)


def make_battle(checks: Sequence[AnyCheck], a: Node, b: Node, number: int, ctx: Context) -> Battle:
    """All pair checks of a stage between two nodes in round `number` (from 1)."""
    cases: list[Case] = []
    port = FIRST_PORT + (number - 1) * PORTS_PER_ROUND
    for check in checks:
        if check.rounds < number:
            continue
        for rail in rails_of(check, a, b, ctx):  # type: ignore[arg-type]
            cases.append(make_case(check, Pair(a, b, rail, number), ctx, port))
            port += 1
    return Battle(a, b, tuple(cases))


def make_plan(checks: Iterable[AnyCheck], nodes: Sequence[Node], ctx: Context) -> tuple[StagePlan, ...]:
    """The plan of every stage that has a check, in stage order."""
    by_stage: dict[Stage, list[AnyCheck]] = {}
    for check in checks:
        by_stage.setdefault(check.stage, []).append(check)
    return tuple(_stage(stage, by_stage[stage], nodes, ctx) for stage in STAGES if stage in by_stage)


def _stage(stage: Stage, checks: Sequence[AnyCheck], nodes: Sequence[Node], ctx: Context) -> StagePlan:
    single = tuple(make_case(c, n, ctx) for c in checks if c.target is Node for n in nodes)
    fleet = Group(FLEET, tuple(nodes))
    groups = tuple(make_case(c, fleet, ctx) for c in checks if c.target is Group)
    paired = [c for c in checks if c.target is Pair]
    rounds: tuple[tuple[Battle, ...], ...] = ()
    if paired:
        drawn = matchings(nodes, max(c.rounds for c in paired))
        rounds = tuple(
            tuple(make_battle(paired, a, b, number, ctx) for a, b in pairs)
            for number, pairs in enumerate(drawn, 1)
        )
    plan = StagePlan(stage, single, rounds, groups)
    return dataclasses.replace(plan, estimate_s=estimate_s(plan))


def commands_of(cases: Iterable[Case], node: str) -> tuple[Command, ...]:
    """The distinct commands that these cases run on one node, in order."""
    return tuple(
        dict.fromkeys(step.command for case in cases for step in case.steps if step.node.name == node)
    )


def estimate_s(plan: StagePlan) -> float:
    """A guess of the stage's seconds: the slowest node, plus each round's slowest pair one client after the other."""
    by_node: dict[str, list[Case]] = {}
    for case in plan.nodes:
        by_node.setdefault(case.target.key, []).append(case)
    single = max((_script_s(commands_of(cases, name)) for name, cases in by_node.items()), default=0.0)
    paired = sum(max((_battle_s(b) for b in battles), default=0.0) for battles in plan.rounds)
    return single + paired


def _script_s(commands: Sequence[Command]) -> float:
    alone = sum(c.estimate_s for c in commands if c.alone)
    beside = sum(c.estimate_s for c in commands if not c.alone)
    return BUNDLE_S + alone + beside / LANES if commands else 0.0


def _battle_s(battle: Battle) -> float:
    served = sum(c.plan.client.command.estimate_s for c in battle.cases if isinstance(c.plan, Serve))
    others = sum(s.command.estimate_s for c in battle.cases if not isinstance(c.plan, Serve) for s in c.steps)
    return BUNDLE_S + served + others if battle.cases else 0.0
