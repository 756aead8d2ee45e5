"""What is another in a later run than in an earlier one: results, defects, parts, versions. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from bringup.defects import Defect
from bringup.diagnosis.naming import some
from bringup.life.parts import parts
from bringup.model import Outcome, Verdict
from bringup.run import RunState

MOST_LINES = 200


@dataclass(frozen=True, slots=True)
class Change:
    """One case whose verdict is another one; None where a run had no result of it."""

    check: str
    target: str
    before: Outcome | None
    after: Outcome | None

    @property
    def words(self) -> tuple[str, str]:
        """Both verdicts; `none` where there is no result."""
        return tuple(o.verdict.value if o else "none" for o in (self.before, self.after))  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class Moved:
    """One place where another part is than before. Empty text: none was read."""

    at: str
    kind: str
    before: str
    after: str
    came_from: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """A later run against an earlier one. `only_before` and `only_after` are nodes."""

    appeared: tuple[Defect, ...]
    gone: tuple[Defect, ...]
    stayed: tuple[Defect, ...]
    changes: tuple[Change, ...]
    moved: tuple[Moved, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    compared: int


def difference(before: RunState, after: RunState) -> Difference:
    """Everything that differs. A defect that is gone is not repaired by that: look whether it was judged."""
    was, now = {d.id: d for d in before.defects}, {d.id: d for d in after.defects}
    both = before.cases.keys() & after.cases.keys()
    changes = [
        Change(check, target, old, new)
        for (check, target), new in after.cases.items()
        if (check, target) in both and _verdict(old := before.cases[check, target]) != _verdict(new)
    ]
    return Difference(
        appeared=tuple(d for i, d in now.items() if i not in was),
        gone=tuple(d for i, d in was.items() if i not in now),
        stayed=tuple(d for i, d in now.items() if i in was),
        changes=tuple(changes),
        moved=tuple(_moved(before, after)),
        only_before=tuple(n for n in before.nodes if n not in after.nodes),
        only_after=tuple(n for n in after.nodes if n not in before.nodes),
        compared=len(both),
    )


def judged_again(before: RunState, after: RunState, defect: Defect) -> bool:
    """Whether the later run has judged anything of what had failed because of a defect."""
    cases = {(s.check, s.target) for s in defect.explains}
    nodes = set(defect.nodes)
    checks = {check for check, _ in cases}
    return any(
        o.check in checks and not nodes.isdisjoint(o.nodes) and o.verdict in (Verdict.PASS, Verdict.FAIL)
        for o in after.outcomes
    )


def _verdict(outcome: Outcome | None) -> Verdict | None:
    return outcome.verdict if outcome else None


def _moved(before: RunState, after: RunState) -> list[Moved]:
    was = {(p.at, p.kind): p.serial for p in parts(before)}
    now = {(p.at, p.kind): p.serial for p in parts(after)}
    places = {(kind, serial): at for (at, kind), serial in was.items()}
    return [
        Moved(at, kind, was[at, kind], serial, places.get((kind, serial), ""))
        for (at, kind), serial in now.items()
        if (at, kind) in was and was[at, kind] != serial
    ]


def lines(found: Difference, before: RunState, after: RunState) -> list[str]:
    """The difference for people."""
    said: list[str] = []
    for title, defects in (("NEW", found.appeared), ("GONE", found.gone), ("STILL THERE", found.stayed)):
        if defects:
            said.append(f"{title} ({len(defects)})")
        for d in defects[:MOST_LINES]:
            unproven = title == "GONE" and not judged_again(before, after, d)
            note = "   not judged in the later run, so nothing is proven" if unproven else ""
            said.append(f"  {d.id}  {d.code:<18}  {' '.join(filter(None, (d.place, d.title)))}{note}")
    counts = Counter((c.check, *c.words) for c in found.changes)
    if counts:
        said.append(f"RESULTS ({len(found.changes)} of {found.compared:,} that both runs have)")
    for (check, old, new), count in sorted(counts.items())[:MOST_LINES]:
        targets = [c.target for c in found.changes if (c.check, *c.words) == (check, old, new)]
        named = ", ".join(targets[:3]) + (f" and {count - 3} more" if count > 3 else "")
        said.append(f"  {check:<28} {old} -> {new}   {named}")
    if found.moved:
        said.append(f"PARTS ({len(found.moved)})")
    for m in found.moved[:MOST_LINES]:
        origin = f", which was in {some((m.came_from,))}" if m.came_from else ""
        said.append(f"  {some((m.at,))}: {m.kind} {m.before} -> {m.after}{origin}")
    for title, names in (
        ("only in the earlier run", found.only_before),
        ("only in the later run", found.only_after),
    ):
        if names:
            said.append(f"{title}: {', '.join(names[:20])}" + (" ..." if len(names) > 20 else ""))
    return said or [f"no difference in {found.compared:,} results"]
