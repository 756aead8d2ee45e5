"""What will run where: every check with every target, as data, before anything is touched. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from bringup.check import AnyCheck, Check, Plan, Run, Serve, Step, Together, components
from bringup.commands import Command
from bringup.context import Context
from bringup.diagnosis.jobs import WAVES, key_of
from bringup.errors import CannotJudge, NotApplicable
from bringup.fleet import WORKERS
from bringup.model import FLEET, STAGES, Group, Node, Pair, Stage, Target, Why, port_path
from bringup.topology import matchings, place, waves
from bringup.transport.bundle import Bundle

FIRST_PORT = 18600
"""Servers of pair tests listen from here on: above perftest's own default (18515), below Linux' ephemeral ports."""
PORTS_PER_ROUND = 2000
_PORT_ROUNDS = 7
"""After so many rounds ports are used again: the tests of earlier rounds have ended."""
MOST_ROUNDS = 8
"""No check gets more rounds of pairs than this unless somebody asks for all pairs: what grows with the fleet is asked for."""
CONFIRM_ROUNDS = 2
"""So many rounds confirm the suspects of a stage, unless more are suspected than are well."""
GROUP_PORT = 18400
"""Tests of the whole fleet listen from here on; they run when no pair is tested."""
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
    """Everything of one stage: cases of single nodes, rounds of disjoint pairs, waves of jobs, cases of the whole fleet."""

    stage: Stage
    nodes: tuple[Case, ...] = ()
    rounds: tuple[tuple[Battle, ...], ...] = ()
    groups: tuple[Case, ...] = ()
    estimate_s: float = field(default=0.0)
    jobs: tuple[tuple[Case, ...], ...] = ()

    @property
    def cases(self) -> Iterator[Case]:
        yield from self.nodes
        for battles in self.rounds:
            for battle in battles:
                yield from battle.cases
        for wave in self.jobs:
            yield from wave
        yield from self.groups

    @property
    def checks(self) -> tuple[AnyCheck, ...]:
        return tuple(dict.fromkeys(case.check for case in self.cases))


def make_case(check: AnyCheck, target: Target, ctx: Context, port: int = 0) -> Case:
    """Ask the check for its plan; what it refuses is kept as the reason."""
    if port:
        ctx = dataclasses.replace(ctx, listen_port=port)
    try:
        plan = check.plan(target, ctx)  # type: ignore[arg-type]
        _sound(plan, target)
        return Case(check, target, plan, listen_port=port)
    except NotApplicable as no:
        return Case(check, target, why=Why.NOT_APPLICABLE, reason=str(no))
    except CannotJudge as cannot:
        return Case(check, target, reason=str(cannot.reason), code=str(cannot.code))
    except Exception as error:  # noqa: BLE001  the door to code of any author
        return Case(check, target, reason=f"check {check.id} failed to plan: {error!r}", code="CHECK-BUG")


def _sound(plan: object, target: Target) -> None:
    """Raises TypeError or ValueError for a plan that nobody could run: one check must not spoil a node's script."""
    if not isinstance(plan, Run | Together | Serve):
        raise TypeError(f"it returned {plan!r}, needed run(), together() or serve()"[:300])
    names = {node.name for node in target.nodes}
    for step in plan.steps:
        if step.node.name not in names:
            raise ValueError(f"it asks {step.node.name}, which is no part of {target.key}")
        _writable(step.command)


@lru_cache(maxsize=4096)
def _writable(command: Command) -> None:
    """Raises ValueError for a command that no script can hold."""
    Bundle(Node("any"), (command,)).script()


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


def first_port(number: int) -> int:
    """The first port that servers of round `number` (from 1) listen on."""
    return FIRST_PORT + (number - 1) % _PORT_ROUNDS * PORTS_PER_ROUND


def make_battle(checks: Sequence[AnyCheck], a: Node, b: Node, number: int, ctx: Context) -> Battle:
    """All pair checks of a stage between two nodes in round `number` (from 1)."""
    cases: list[Case] = []
    port = first_port(number)
    for check in checks:
        for rail in rails_of(check, a, b, ctx):  # type: ignore[arg-type]
            cases.append(make_case(check, Pair(a, b, rail, number), ctx, port))
            port += check.ports
    return Battle(a, b, tuple(cases))


@dataclass(frozen=True, slots=True)
class Budget:
    """How much a run may cost: `workers` nodes at once; with `all_pairs` everybody meets everybody, in N - 1 rounds."""

    workers: int = WORKERS
    all_pairs: bool = False


def make_plan(
    checks: Iterable[AnyCheck], nodes: Sequence[Node], ctx: Context, budget: Budget | None = None
) -> tuple[StagePlan, ...]:
    """The plan of every stage that has a check, in stage order."""
    budget = budget or Budget()
    by_stage: dict[Stage, list[AnyCheck]] = {}
    for check in checks:
        by_stage.setdefault(check.stage, []).append(check)
    return tuple(_stage(stage, by_stage[stage], nodes, ctx, budget) for stage in STAGES if stage in by_stage)


def _stage(
    stage: Stage, checks: Sequence[AnyCheck], nodes: Sequence[Node], ctx: Context, budget: Budget
) -> StagePlan:
    single = tuple(make_case(c, n, ctx) for c in checks if c.target is Node for n in nodes)
    fleet = Group(FLEET, tuple(nodes))
    groups = tuple(_groups([c for c in checks if c.target is Group and not c.jobs], fleet, ctx))
    paired = [c for c in checks if c.target is Pair]
    rounds = _rounds(paired, nodes, ctx, all_pairs=budget.all_pairs)
    lonely = tuple(_lonely(paired, nodes, rounds, ctx))
    jobs = tuple(_jobs([c for c in checks if c.jobs], nodes, ctx))
    plan = StagePlan(stage, (*single, *lonely), rounds, groups, jobs=jobs)
    return dataclasses.replace(plan, estimate_s=estimate_s(plan, budget.workers))


def _groups(checks: Sequence[AnyCheck], fleet: Group, ctx: Context) -> Iterator[Case]:
    port = GROUP_PORT
    for check in checks:
        yield make_case(check, fleet, ctx, port)
        port += check.ports


def _jobs(checks: Sequence[AnyCheck], nodes: Sequence[Node], ctx: Context) -> Iterator[tuple[Case, ...]]:
    """Waves of jobs over nodes of one profile, those of all profiles at once; where there are too few, that is said."""
    if not checks:
        return
    found: dict[str, list[Case]] = {}
    for mine in _of_profiles(nodes).values():
        for wave in waves(mine, place):
            for members in wave.jobs:
                target = Group(key_of(wave.name, [n.name for n in members]), members)
                found.setdefault(wave.name, []).extend(_groups(checks, target, ctx))
    if not found:
        reason = "a job needs three nodes of one profile"
        fleet = Group(FLEET, tuple(nodes))
        yield tuple(Case(check, fleet, why=Why.NOT_APPLICABLE, reason=reason) for check in checks)
    yield from (tuple(found[name]) for name in WAVES if name in found)


def _of_profiles(nodes: Sequence[Node]) -> dict[str, list[Node]]:
    kinds: dict[str, list[Node]] = {}
    for node in nodes:
        kinds.setdefault(node.profile, []).append(node)
    return kinds


def _rounds(
    checks: Sequence[AnyCheck], nodes: Sequence[Node], ctx: Context, *, all_pairs: bool
) -> tuple[tuple[Battle, ...], ...]:
    """Who meets whom in which round. Only nodes of one profile are paired: they share limits, rails and GPUs.

    Of an odd number one rests in each round, so a check of one round gets a second one there.
    """
    rounds: list[list[Battle]] = []
    for mine in _of_profiles(nodes).values():
        least = 1 + len(mine) % 2
        due_until = {c: len(mine) if all_pairs else max(least, min(c.rounds, MOST_ROUNDS)) for c in checks}
        where = None if all_pairs else place  # with places some pairs may never meet
        for number, pairs in enumerate(matchings(mine, max((least, *due_until.values())), where), 1):
            due = [c for c in checks if number <= due_until[c]]
            if not due:
                break
            if len(rounds) < number:
                rounds.append([])
            rounds[number - 1] += [make_battle(due, a, b, number, ctx) for a, b in pairs]
    return tuple(tuple(battles) for battles in rounds)


def _lonely(
    checks: Sequence[AnyCheck], nodes: Sequence[Node], rounds: Sequence[Sequence[Battle]], ctx: Context
) -> Iterator[Case]:
    """What can never be tested because nobody is there to test it with."""
    for check in checks:
        mine = [c for battles in rounds for b in battles for c in b.cases if c.check is check]
        named = {n.name for c in mine for n in c.target.nodes}
        met = {n.name for c in mine if c.why is Why.NONE for n in c.target.nodes}
        met |= {path for c in mine if c.why is Why.NONE for path in components(c.target, ctx)}
        for node in nodes:
            case = untested(
                check, node, met, ctx, f"no other node with profile {node.profile or '(none)'} takes part"
            )
            if case is not None and (case.why is Why.NO_PARTNER or node.name not in named):
                spared = check.alone(node, ctx) if len(nodes) == 1 else ""
                yield dataclasses.replace(case, why=Why.NOT_APPLICABLE, reason=spared) if spared else case


def untested(
    check: AnyCheck, node: Node, met: Container[str], ctx: Context, because: str, gone: Container[str] = ()
) -> Case | None:
    """The case that says that a node (or some of its rails) had no partner for a pair check; None if all had one.

    `met` holds names of nodes and paths of ports that were tested, `gone` those that left.
    """
    try:
        ports = ctx.training_ports(node)
    except CannotJudge:
        ports = ()
    paths = {port.rail: port_path(node.name, port.hca) for port in ports}
    rails: list[int | None] = [None]
    if check.per_rail and paths:
        rails = [rail for rail, path in paths.items() if path not in met and path not in gone]
    elif node.name in met or any(path in gone for path in paths.values()):
        rails = []
    asked = [make_case(check, Pair(node, node, rail), ctx, FIRST_PORT) for rail in rails]
    open_rails = [rail for rail, case in zip(rails, asked, strict=True) if case.why is not Why.NOT_APPLICABLE]
    if not asked:
        return None
    if not open_rails:
        return dataclasses.replace(asked[0], target=node)
    some = open_rails != [None] and len(open_rails) < len(paths)
    where = f"rail {', '.join(str(rail) for rail in open_rails)}: " if some else ""
    return Case(check, node, why=Why.NO_PARTNER, reason=where + because)


def commands_of(cases: Iterable[Case], node: str) -> tuple[Command, ...]:
    """The distinct commands that these cases run on one node, in order."""
    return tuple(
        dict.fromkeys(step.command for case in cases for step in case.steps if step.node.name == node)
    )


def estimate_s(plan: StagePlan, workers: int = WORKERS) -> float:
    """A guess of the stage's seconds: the slowest node, plus each round's slowest pair one client after the other.

    Where there are more nodes or pairs than `workers`, they take turns.
    """
    by_node: dict[str, list[Case]] = {}
    for case in plan.nodes:
        by_node.setdefault(case.target.key, []).append(case)
    single = max((_script_s(commands_of(cases, name)) for name, cases in by_node.items()), default=0.0)
    single *= -(-len(by_node) // workers)
    paired = sum(_round_s(battles, workers) for battles in plan.rounds)
    jobs = sum(max(map(_together_s, wave), default=0.0) for wave in plan.jobs)
    return single + paired + jobs + sum(_together_s(c) for c in plan.groups)


def confirm_s(plan: StagePlan, workers: int = WORKERS) -> float:
    """What the confirm step takes at most, if anything is suspected: every check of its pairs again."""
    return CONFIRM_ROUNDS * max((_round_s(battles, workers) for battles in plan.rounds), default=0.0)


def _round_s(battles: Sequence[Battle], workers: int) -> float:
    """All pairs of a round at once, as far as there are workers for them."""
    return max((_battle_s(b) for b in battles), default=0.0) * -(-len(battles) // workers)


def _script_s(commands: Sequence[Command]) -> float:
    alone = sum(c.estimate_s for c in commands if c.alone)
    beside = sum(c.estimate_s for c in commands if not c.alone)
    return BUNDLE_S + alone + beside / LANES if commands else 0.0


def _together_s(case: Case) -> float:
    """What nodes do at the same time lasts as long as the longest of it."""
    seconds = [step.command.estimate_s for step in case.steps]
    return max(seconds, default=0.0) if isinstance(case.plan, Together) else sum(seconds)


def _battle_s(battle: Battle) -> float:
    served = sum(c.plan.client.command.estimate_s for c in battle.cases if isinstance(c.plan, Serve))
    others = sum(_together_s(c) for c in battle.cases if not isinstance(c.plan, Serve))
    return BUNDLE_S + served + others if battle.cases else 0.0
