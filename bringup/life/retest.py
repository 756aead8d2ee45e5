"""The smallest plan that can prove a repair: what failed, what was suppressed by it, and what both need to be judged.

What is needed besides: the gates of earlier stages on every node that takes part, a known-good partner for a test
between two nodes, known-good nodes of the same profile for a comparison, and for checks of stage `after` the same
commands before a load. Pure: from an earlier run and the battery to the plan of a new run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bringup.check import AnyCheck
from bringup.commands import Command
from bringup.context import Context
from bringup.diagnosis.jobs import key_of
from bringup.life.partners import partner, roles
from bringup.life.proof import Needs
from bringup.model import FLEET, STAGES, Group, Node, Pair, Stage, Verdict
from bringup.orchestrator.plan import (
    GROUP_PORT,
    Battle,
    Case,
    StagePlan,
    estimate_s,
    make_battle,
    make_case,
)
from bringup.run import RunState

COMPARED_WITH = 7
"""So many known-good nodes stand for the fleet in a comparison: enough for a majority and for an outlier's middle."""


@dataclass(frozen=True, slots=True)
class Retest:
    """The plan, the nodes that take part, and what could not be planned, in words for people."""

    plans: tuple[StagePlan, ...]
    nodes: tuple[Node, ...]
    partners: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def checks(self) -> tuple[AnyCheck, ...]:
        """The checks in the order in which they come."""
        return tuple(dict.fromkeys(check for plan in self.plans for check in plan.checks))


@dataclass(slots=True)
class _Wanted:
    """One test between a node and a partner: which rails of which checks, and whether the node is the one that sends."""

    node: str
    sends: bool
    other: str = ""
    rails: dict[str, set[int | None]] = field(default_factory=dict)


def retest(
    before: RunState, checks: Sequence[AnyCheck], goals: Needs, nodes: Mapping[str, Node], ctx: Context
) -> Retest:
    """The plan for these goals (check -> parts). `before` is the run that found the trouble, `nodes` are as they are now."""
    return _Planner(before, checks, goals, nodes, ctx).plan()


class _Planner:
    """Collects node by node what is needed, then lays it out by stage."""

    def __init__(
        self,
        before: RunState,
        checks: Sequence[AnyCheck],
        goals: Needs,
        nodes: Mapping[str, Node],
        ctx: Context,
    ) -> None:
        self._before, self._nodes, self._ctx = before, nodes, ctx
        self._checks = {c.id: c for c in checks}
        self._goals = {
            c: [p for p in parts if self._here(p)] for c, parts in goals.items() if c in self._checks
        }
        self._goals = {check: parts for check, parts in self._goals.items() if parts}
        self._sick = {name for d in before.defects for name in d.nodes}
        self._sick |= {name for parts in self._goals.values() for p in parts for name in self._names(p)}
        self._single: dict[str, dict[str, None]] = {}
        self._pairs: dict[tuple[str, bool, str], _Wanted] = {}
        self._fleet: dict[str, dict[str, None]] = {}
        self._missing: list[str] = []

    def plan(self) -> Retest:
        for check_id, parts in self._goals.items():
            check = self._checks[check_id]
            if check.target is Node:
                self._ask(check_id, (name for part in parts for name in self._names(part)))
            elif check.target is Pair:
                for part in parts:
                    self._meet(check, part)
            else:
                self._compare(check, parts)
        battles = list(self._battles())
        for check in [self._checks[c] for c in self._goals if self._checks[c].compares]:
            self._ask_before(check)
        taking_part = {n for names in self._single.values() for n in names}
        taking_part |= {n for names in self._fleet.values() for n in names}
        taking_part |= {name for a, b, _ in battles for name in (a, b)}
        self._prerequisites(taking_part)
        plans = tuple(self._stages(battles))
        here = tuple(node for name, node in self._nodes.items() if name in taking_part)
        partners = sorted({w.other for _, _, w in battles if w.other not in self._targets()})
        return Retest(plans, here, tuple(partners), tuple(self._missing))

    def _here(self, part: str) -> bool:
        """Whether all nodes of a part are there now."""
        return all(name in self._nodes for name in self._names(part))

    def _names(self, part: str) -> list[str]:
        return list(dict.fromkeys(end.partition("/")[0] for end in part.split(" ~ ")))

    def _targets(self) -> set[str]:
        return {name for parts in self._goals.values() for part in parts for name in self._names(part)}

    def _ask(self, check: str, names: Iterable[str]) -> None:
        self._single.setdefault(check, {}).update(dict.fromkeys(names))

    # ---------------------------------------------------------------------------------------- two nodes

    def _meet(self, check: AnyCheck, part: str) -> None:
        """A part with a known-good partner, in the role in which it failed; two ends that belong together, as they are."""
        ends = part.split(" ~ ")
        if len(ends) == 2 and len(self._names(part)) == 2:
            a, b = (end.partition("/")[0] for end in ends)
            self._want(a, True, b).rails.setdefault(check.id, set()).add(self._rail(check, ends[0]))
            return
        for end in ends:
            node = end.partition("/")[0]
            for sends in roles(self._before, check.id, end):
                wanted = self._want(node, sends, "").rails.setdefault(check.id, set())
                wanted.add(self._rail(check, end))

    def _want(self, node: str, sends: bool, other: str) -> _Wanted:
        return self._pairs.setdefault((node, sends, other), _Wanted(node, sends, other))

    def _rail(self, check: AnyCheck, end: str) -> int | None:
        """The rail of a port; None stands for all of them, or for a check without rails."""
        pieces = end.split("/")
        if not getattr(check, "per_rail", False) or len(pieces) < 3:
            return None
        return next((p.rail for p in self._nodes[pieces[0]].ports if p.hca == pieces[2]), None)

    def _battles(self) -> Iterator[tuple[str, str, _Wanted]]:
        """Who meets whom (the first sends). A partner is good on all the rails, or good at least on one."""
        for wanted in self._pairs.values():
            if not wanted.other:
                used = {w.other for w in self._pairs.values() if w.other}
                wanted.other = partner(self._before, self._nodes, wanted.node, wanted.rails, self._sick, used)
            if not wanted.other:
                named = ", ".join(wanted.rails)
                self._missing.append(
                    f"{wanted.node}: no node of its profile is left as a partner for {named}"
                )
                continue
            yield (wanted.node, wanted.other, wanted) if wanted.sends else (wanted.other, wanted.node, wanted)

    # ---------------------------------------------------------------------------------------- the fleet

    def _compare(self, check: AnyCheck, parts: Sequence[str]) -> None:
        """A comparison of the fleet with some known-good nodes, of cables with every node that answered.

        It compares what checks of its own stage have read.
        """
        targets = list(dict.fromkeys(name for part in parts for name in self._names(part)))
        kinds = {self._nodes[name].profile for name in targets}
        well = [n for n in self._nodes.values() if n.name not in targets and self._answered(n.name)]
        if check.stage is not Stage.CABLING:
            well = [n for n in well if n.profile in kinds and n.name not in self._sick]
            well = [
                n for kind in sorted(kinds) for n in [w for w in well if w.profile == kind][:COMPARED_WITH]
            ]
        members = {*targets, *(n.name for n in well)}
        self._fleet.setdefault(check.id, {}).update((n, None) for n in self._nodes if n in members)
        if check.jobs:
            return
        for reading in self._checks.values():
            if reading.collects and reading.target is Node and reading.stage is check.stage:
                self._ask(reading.id, self._fleet[check.id])

    def _answered(self, name: str) -> bool:
        return any(o.verdict is Verdict.PASS for o in self._before.by_node.get(name, ()))

    # ---------------------------------------------------------------------------------------- what else is needed

    def _ask_before(self, check: AnyCheck) -> None:
        """For a check that compares: the same commands at the beginning, and a load in between."""
        names = list(self._single.get(check.id, ()))
        for other in self._checks.values():
            if other.target is not Node or STAGES.index(other.stage) >= STAGES.index(check.stage):
                continue
            asks = any(self._commands(other, n) & self._commands(check, n) for n in names)
            if asks or other.stage is Stage.PERF:
                self._ask(other.id, names)

    def _commands(self, check: AnyCheck, name: str) -> set[Command]:
        return {step.command for step in make_case(check, self._nodes[name], self._ctx).steps}

    def _prerequisites(self, names: set[str]) -> None:
        """The gates of the stages before the last one, on every node that takes part."""
        stages = [self._checks[c].stage for c in (*self._goals, *self._single)]
        last = max((STAGES.index(s) for s in stages), default=0)
        ordered = [name for name in self._nodes if name in names]
        for check in self._checks.values():
            gate = check.judges_loss or check.gate == "node"
            if check.target is Node and gate and (STAGES.index(check.stage) < last or check.judges_loss):
                self._ask(check.id, ordered)

    # ---------------------------------------------------------------------------------------- the plan

    def _stages(self, battles: Sequence[tuple[str, str, _Wanted]]) -> Iterator[StagePlan]:
        for stage in STAGES:
            mine = [c for c in self._checks.values() if c.stage is stage]
            single = tuple(
                make_case(c, self._nodes[name], self._ctx)
                for c in mine
                for name in self._single.get(c.id, ())
            )
            groups = tuple(self._groups([c for c in mine if c.id in self._fleet and not c.jobs]))
            jobs = tuple(self._groups([c for c in mine if c.id in self._fleet and c.jobs]))
            rounds = tuple(self._rounds([c for c in mine if c.target is Pair], battles))
            if single or groups or rounds or jobs:
                plan = StagePlan(stage, single, rounds, groups, jobs=(jobs,) if jobs else ())
                yield dataclasses.replace(plan, estimate_s=estimate_s(plan))

    def _groups(self, checks: Sequence[AnyCheck]) -> Iterator[Case]:
        """Comparisons of the fleet, and jobs of many nodes: both with those who were chosen for them."""
        port = GROUP_PORT
        for check in checks:
            members = tuple(self._nodes[name] for name in self._fleet[check.id])
            name = key_of("all", [n.name for n in members]) if check.jobs else FLEET
            yield make_case(check, Group(name, members), self._ctx, port)
            port += check.ports

    def _rounds(
        self, checks: Sequence[AnyCheck], battles: Sequence[tuple[str, str, _Wanted]]
    ) -> Iterator[tuple[Battle, ...]]:
        """Disjoint pairs at once; the same two never meet twice in one round."""
        ids = {c.id for c in checks}
        left = [(a, b, w) for a, b, w in battles if ids & w.rails.keys()]
        number = 0
        done: set[tuple[str, str]] = set()
        while left:
            number += 1
            busy: set[str] = set()
            now: list[Battle] = []
            later: list[tuple[str, str, _Wanted]] = []
            for a, b, wanted in left:
                if {a, b} & busy:
                    later.append((a, b, wanted))
                    continue
                busy |= {a, b}
                cases = self._cases(checks, a, b, number, wanted)
                cases = [c for c in cases if c.key not in done]
                done |= {c.key for c in cases}
                if cases:
                    now.append(Battle(self._nodes[a], self._nodes[b], tuple(cases)))
            left = later
            if now:
                yield tuple(now)

    def _cases(self, checks: Sequence[AnyCheck], a: str, b: str, number: int, wanted: _Wanted) -> list[Case]:
        mine = [c for c in checks if c.id in wanted.rails]
        battle = make_battle(mine, self._nodes[a], self._nodes[b], number, self._ctx)
        return [c for c in battle.cases if _fits(c, wanted.rails[c.check.id])]


def _fits(case: Case, rails: set[int | None]) -> bool:
    rail = case.target.rail if isinstance(case.target, Pair) else None
    return None in rails or rail is None or rail in rails


def goals_of_node(before: RunState, checks: Sequence[AnyCheck], name: str) -> Needs:
    """Everything that the run has planned for a node."""
    ran = {check for check, _ in before.cases}
    return {c.id: [name] for c in checks if c.id in ran}


def merged(*all_needs: Mapping[str, Sequence[str]]) -> Needs:
    """Several demands as one."""
    made: Needs = {}
    for needs in all_needs:
        for check, parts in needs.items():
            mine = made.setdefault(check, [])
            mine += [part for part in parts if part not in mine]
    return made


__all__ = ["Retest", "goals_of_node", "merged", "retest"]
