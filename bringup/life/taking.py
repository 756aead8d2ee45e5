"""What a finished run adds to the ledger: the defects that it shows, and the repairs that it proves. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bringup.defects import Defect, Who
from bringup.life import entries as en
from bringup.life.parts import Part, bad_before, by_node, parts, parts_at, returned
from bringup.life.proof import Told, demand
from bringup.life.standing import Book, Standing, book
from bringup.run import RunState

MOST_PARTS = 40
"""So many serial numbers are kept with one defect: more say that it is no part that is bad."""


def taken(
    state: RunState, ledger: Sequence[en.AnyEntry], *, now: float, by: str, retest_of: str = ""
) -> list[en.AnyEntry]:
    """The lines to add. A run that was resumed is taken again: its defects are those at its end."""
    cluster = state.info.name
    there = by_node(parts(state))
    known = bad_before([e for e in ledger if not isinstance(e, en.Seen) or e.run != state.info.id])
    before = book(ledger, cluster)
    head = en.RunTaken(
        at=now, by=by, cluster=cluster, run=state.info.id, verdict=state.verdict.value if state.verdict else "",
        selection=state.info.selection, retest_of=retest_of, seen=[d.id for d in state.defects],
    )  # fmt: skip
    found: list[en.AnyEntry] = [head]
    found += [_seen(state, d, there, known, now, by) for d in state.defects]
    found += proven(state, before, now=now, by=by, retest=bool(retest_of))
    return found


def _seen(
    state: RunState,
    defect: Defect,
    there: Mapping[str, Sequence[Part]],
    known: dict[str, en.Seen],
    now: float,
    by: str,
) -> en.Seen:
    components = list(defect.components or (defect.component,))
    wanted = demand(state, defect)
    near = [p for name in dict.fromkeys(c.partition("/")[0] for c in components) for p in there.get(name, ())]
    mine = parts_at(near, components) if defect.who is Who.HANDS_ON else []
    again = [r.said for r in returned([p for p in near if p.name in mine], known)]
    return en.Seen(
        at=now, by=by, cluster=state.info.name, run=state.info.id, id=defect.id, code=defect.code, who=defect.who,
        component=defect.component, components=components, nodes=list(defect.nodes), title=defect.title,
        place=defect.place, cable=defect.cable, measured=defect.measured, needs=wanted.needs, follows=wanted.follows,
        parts=mine if len(mine) <= MOST_PARTS else [], bad_before=again,
    )  # fmt: skip


def proven(state: RunState, before: Book, *, now: float, by: str, retest: bool = False) -> list[en.AnyEntry]:
    """The defects that this run does not show any more although it has judged them.

    A repair is proven when the failed checks pass at the same parts; it is closed when what the defect suppressed was
    judged good as well. Until then it stays fixed?.
    """
    shown = {d.id for d in state.defects}
    codes = {(d.code, part) for d in state.defects for part in d.components or (d.component,)}
    told = Told(state)
    found: list[en.AnyEntry] = []
    for life in before.lives.values():
        if life.found is Standing.CLOSED or life.id in shown or not life.seen.needs:
            continue
        if any((life.code, part) in codes for part in life.seen.components):
            continue  # it goes on under another id
        if told.not_good(life.seen.needs):
            continue
        left = told.not_good(life.seen.follows)
        found.append(
            en.Proven(
                at=now,
                by=by,
                cluster=state.info.name,
                run=state.info.id,
                id=life.id,
                open=left,
                retest=retest,
            )
        )
    return found
