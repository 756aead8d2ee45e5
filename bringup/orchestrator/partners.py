"""Who had no partner, since others have left the run: one more round inside the NVLink domains, and who is untested."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from bringup.check import AnyCheck
from bringup.context import Context
from bringup.model import Node, Outcome, Pair, Verdict, Why
from bringup.orchestrator.plan import Battle, Case, make_battle, untested
from bringup.orchestrator.quarantine import Left, gone
from bringup.topology import homecoming, place

_UNTESTED = "NVLink between nodes was not tested"
_NOBODY = f"no other node of its NVLink domain is left: {_UNTESTED}"
_NOBODY_FREE = f"the other nodes of its NVLink domain met each other: {_UNTESTED}"


def home_round(
    checks: Iterable[AnyCheck],
    outcomes: Sequence[Outcome],
    nodes: Sequence[Node],
    left: Mapping[str, Left],
    ctx: Context,
    number: int,
) -> tuple[list[Battle], list[Case]]:
    """The pairs of round `number`, and a case for each node that has nobody to meet any more.

    A test that could not be judged tells nothing of the domain, so another one takes its place, unless none could be
    judged anywhere. Who is the only one of its domain by plan has neither: nothing was promised.
    """
    pairs: dict[tuple[str, str], list[AnyCheck]] = defaultdict(list)
    alone: list[Case] = []
    here = {node.name: node for node in nodes}
    for check in (check for check in checks if check.target is Pair):
        home = {n.name: _home(n) for n in nodes if check.at_home(n, ctx)}
        members = Counter(home.values())
        out = left if check.per_rail else {name for name in home if gone(name, left)}
        mine = [name for name in home if name not in out and members[home[name]] > 1]
        said = [o for o in outcomes if o.check == check.id]
        tested = {frozenset(o.nodes) for o in said if o.verdict in (Verdict.PASS, Verdict.FAIL)}
        tried = {frozenset(o.nodes) for o in said if o.verdict is Verdict.ERROR}
        if tried and not tested:
            continue
        found, lonely = homecoming(mine, home.__getitem__, tested, tried)
        for pair in found:
            pairs[pair].append(check)
        left_over = Counter(home[name] for name in mine)
        for name in lonely:
            why = _NOBODY if left_over[home[name]] == 1 else _NOBODY_FREE
            alone.append(Case(check, here[name], why=Why.NO_PARTNER, reason=why))
    return [make_battle(mine, here[a], here[b], number, ctx) for (a, b), mine in pairs.items()], alone


def untested_cases(
    checks: Iterable[AnyCheck],
    outcomes: Sequence[Outcome],
    here: Sequence[Node],
    left: Container[str],
    ctx: Context,
) -> Iterator[Case]:
    """Of the nodes that are still `here`, those that a check of pairs was to test and that met nobody."""
    for check in checks:
        met = _met(o for o in outcomes if o.check == check.id)
        for node in here:
            case = untested(check, node, met, ctx, "every partner has left the run", left)
            if case is not None and case.why is Why.NO_PARTNER:
                yield case


def _home(node: Node) -> str:
    """The node's domain, of nodes of its profile: only such are paired. Empty where the plan does not say."""
    domain = place(node).domain
    return f"{node.profile}\0{domain}" if domain else ""


def _met(outcomes: Iterable[Outcome]) -> set[str]:
    """The nodes and ports that had a partner, or need none: their tests did not apply, and none was lost."""
    of: dict[bool | None, set[str]] = {True: set(), None: set(), False: set()}
    for o in outcomes:
        told = o.verdict is not Verdict.NOT_RUN or (None if o.why is Why.NOT_APPLICABLE else False)
        of[told].update((*o.nodes, *o.at))
    return of[True] | (of[None] - of[False])
