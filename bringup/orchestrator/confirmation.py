"""The rounds that confirm a stage's suspects, as cases to run: who is suspected meets two known-good partners, with a
control beside it. Pure.

Each test has a key of its own (`... confirmation 1`, `... control 1`), so that it stands beside the first test of the
same two, and so that a resumed run knows which of them it has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from bringup.check import AnyCheck
from bringup.context import Context
from bringup.defects import Fault
from bringup.diagnosis import to_confirm
from bringup.diagnosis.confirm import Meeting, Round, confirm_rounds, lanes
from bringup.diagnosis.naming import counted
from bringup.diagnosis.setups import Split, to_split
from bringup.diagnosis.strangers import strangers
from bringup.diagnosis.suspects import node_of, suspects
from bringup.diagnosis.trials import ends_of
from bringup.diagnosis.unsteady import unsteady
from bringup.errors import CannotJudge
from bringup.model import Node, Outcome, Pair, Stage, Verdict, port_path
from bringup.orchestrator.plan import Battle, Case, StagePlan, first_port, make_case
from bringup.orchestrator.quarantine import Left, blocking, gone


@dataclass(frozen=True)
class Confirmation:
    """Rounds of disjoint pairs, and how many ends, or ways between two, they are about. In the last ones `meet` so many
    nodes on leaves that had not met."""

    rounds: tuple[tuple[Battle, ...], ...] = ()
    suspects: int = 0
    meet: int = 0

    def __str__(self) -> str:
        said = f"{counted(self.suspects, 'suspect')} tested again with partners that are known to be good"
        met = f"{counted(self.meet, 'node')} on leaves that have not met yet"
        parts = [text for text, count in ((said, self.suspects), (met, self.meet)) if count]
        return f"{', and '.join(parts)}, in {counted(len(self.rounds), 'round')}"


def confirmation(
    plan: StagePlan, outcomes: Iterable[Outcome], declared: Mapping[str, tuple[Fault, ...]], nodes: Mapping[str, Node],
    left: Mapping[str, Left], ctx: Context, before: int,
) -> Confirmation:  # fmt: skip
    """What to test again of a stage whose rounds of pairs, `before` in number, are over. Nobody who has left takes part.

    `declared` are the faults of all checks of the run: what one of them explains needs no further test.
    """
    checks = {check.id: check for check in plan.checks if check.target is Pair}
    if not checks or plan.stage is Stage.SOAK:  # a soak takes hours; what it saw it saw for long enough
        return Confirmation()
    seen = to_confirm(outcomes, declared, nodes, plan.stage)
    lane_of, out = lanes(nodes), partial(_is_out, left)
    planned = confirm_rounds(seen, lane_of, out).rounds
    turns = [
        _battles(meetings, number, before + number, checks, nodes, ctx)
        for number, meetings in enumerate(planned, 1)
    ]
    # Nobody whom other tests speak against takes part, or its split test would count for what they say.
    accused = {node_of(end) for s in suspects(seen) if not s.beyond for end in s.ends}
    split = to_split(
        seen.setups, lambda name: name in accused or gone(name, left), lambda name: nodes[name].profile
    )
    if split:
        turns.append(_started(split, len(turns) + 1, before + len(turns) + 1, checks, nodes, ctx))
    met = strangers(seen, nodes, lane_of, out)
    for meetings in met:
        turns.append(_battles(meetings, len(turns) + 1, before + len(turns) + 1, checks, nodes, ctx))
    meet = {name for tests in met for m in tests for name in m.nodes}
    return Confirmation(tuple(turns), _suspected(planned) + len(split), len(meet))


def once_more(
    plan: StagePlan, outcomes: Sequence[Outcome], declared: Mapping[str, tuple[Fault, ...]], nodes: Mapping[str, Node],
    left: Mapping[str, Left], ctx: Context, before: int, turns: int,
) -> Confirmation:  # fmt: skip
    """After a confirmation of so many `turns`: which end of a pair fails now and then, if that alone is still open."""
    checks = {check.id: check for check in plan.checks if check.target is Pair}
    if not turns or plan.stage is Stage.SOAK:
        return Confirmation()
    seen = to_confirm(outcomes, declared, nodes, plan.stage, further=turns)
    ran = [o for o in outcomes if o.check in checks and o.verdict in (Verdict.PASS, Verdict.FAIL)]

    def tried(end: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(o.check for o in ran if end in ends_of(o.at, o.nodes)))

    again = unsteady(seen, tried)
    planned = confirm_rounds(seen, lanes(nodes), partial(_is_out, left), again).rounds
    rounds = tuple(
        _battles(meetings, number, before + number, checks, nodes, ctx)
        for number, meetings in enumerate(planned, turns + 1)
    )
    return Confirmation(rounds, _suspected(planned))


def _is_out(left: Mapping[str, Left], end: str) -> bool:
    return blocking((end,), left) is not None


def _suspected(rounds: Iterable[Round]) -> int:
    """How many suspects these rounds are about."""
    return len({m.about for tests in rounds for m in tests if m.about})


def _started(
    split: Sequence[Split], number: int, turn: int, checks: Mapping[str, AnyCheck],
    nodes: Mapping[str, Node], ctx: Context,
) -> tuple[Battle, ...]:  # fmt: skip
    """Two nodes that could not start a test, each with another one and in its role, on a rail on which they could not."""
    battles: list[Battle] = []
    for test in split:
        a, b = nodes[test.starts], nodes[test.asked]
        cases: list[Case] = []
        for check in (checks[name] for name in test.checks if name in checks):
            pair = Pair(a, b, test.rail if check.per_rail else None, turn, number)
            port = first_port(turn) + sum(case.check.ports for case in cases)
            cases.append(make_case(check, pair, ctx, port))
        battles.append(Battle(a, b, tuple(cases)))
    return tuple(battles)


def _battles(
    meetings: Sequence[Meeting], number: int, turn: int, checks: Mapping[str, AnyCheck], nodes: Mapping[str, Node], ctx: Context
) -> tuple[Battle, ...]:  # fmt: skip
    """The cases of one round. `number` counts the rounds of the confirmation, `turn` all rounds of the stage."""
    found: dict[frozenset[str], dict[tuple[str, str], Case]] = defaultdict(dict)
    for meeting in meetings:
        a, b = nodes[node_of(meeting.a)], nodes[node_of(meeting.b)]
        mine = found[meeting.nodes]
        for check in (checks[name] for name in meeting.checks if name in checks):
            rail = _rail(meeting.a, a, ctx) if check.per_rail else None
            pair = Pair(a, b, rail, turn, number, control=meeting.about is None)
            port = first_port(turn) + sum(case.check.ports for case in mine.values())
            mine.setdefault((check.id, pair.key), make_case(check, pair, ctx, port))
    return tuple(
        Battle(cases[0].target.nodes[0], cases[0].target.nodes[1], cases)
        for cases in (tuple(mine.values()) for mine in found.values() if mine)
    )


def _rail(end: str, node: Node, ctx: Context) -> int | None:
    """The rail of a planned port."""
    try:
        ports = ctx.training_ports(node)
    except CannotJudge:
        return None
    return next((p.rail for p in ports if port_path(node.name, p.hca) == end), None)
