"""How every defect of a cluster stands: a fold of the ledger. Pure.

open -> claimed -> fixed? -> closed; a defect that a run shows again after it was closed or called fixed has returned.
A waiver covers any of them until its day is over. Only a run closes a defect, never a word; and a run that just happens
to pass does not close what nobody has repaired: that is fixed?, until somebody says so or a retest is made.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from bringup.defects import Waiver, Who
from bringup.life import entries as en


class Standing(StrEnum):
    """Where a defect is in its life."""

    OPEN = "open"
    CLAIMED = "claimed"
    FIXED = "fixed?"
    CLOSED = "closed"
    RETURNED = "returned"
    WAIVED = "waived"


@dataclass(slots=True)
class Life:
    """One defect over all runs. `found` is what runs have shown and people have said, without claims and waivers."""

    id: str
    code: str
    who: Who
    found: Standing
    seen: en.Seen
    first_run: str
    last_run: str
    since: float
    owner: str = ""
    repaired: bool = False
    passed_in: str = ""
    returns: int = 0
    became: str = ""
    open_checks: tuple[str, ...] = ()
    notes: list[tuple[float, str, str]] = field(default_factory=list)

    def standing(self, waived: bool = False) -> Standing:
        """The state, given whether an exception covers it."""
        if self.found is Standing.CLOSED:
            return Standing.CLOSED
        if waived:
            return Standing.WAIVED
        if self.found is Standing.OPEN and self.owner:
            return Standing.CLAIMED
        return self.found


@dataclass(slots=True)
class Book:
    """Everything known about the defects of one cluster."""

    lives: dict[str, Life] = field(default_factory=dict)
    waivers: dict[str, Waiver] = field(default_factory=dict)
    swaps: list[en.Swapped] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)

    def in_force(self, now: float) -> tuple[Waiver, ...]:
        """The exceptions whose day is not over."""
        return tuple(w for w in self.waivers.values() if w.until > now)

    def expired(self, now: float) -> tuple[Waiver, ...]:
        """The exceptions whose day is over and that nobody has taken back."""
        return tuple(w for w in self.waivers.values() if w.until <= now)

    def waiver_of(self, life: Life, now: float) -> Waiver | None:
        """The exception that covers a defect: for itself, or for all of its nodes."""
        waivers = {w.what: w for w in self.in_force(now)}
        if life.id in waivers:
            return waivers[life.id]
        covered = [waivers[name] for name in life.seen.nodes if name in waivers]
        return covered[0] if covered and len(covered) == len(life.seen.nodes) else None

    def standing(self, life: Life, now: float) -> Standing:
        """The state of a defect now."""
        return life.standing(self.waiver_of(life, now) is not None)


def book(entries: Iterable[en.AnyEntry], cluster: str) -> Book:
    """The fold of all entries about one cluster."""
    made = Book()
    seen: frozenset[str] = frozenset()
    for entry in entries:
        if entry.cluster == cluster:
            if isinstance(entry, en.RunTaken):
                seen = frozenset(entry.seen)
            _apply(made, entry, seen)
    return made


def clusters(entries: Iterable[en.AnyEntry]) -> tuple[str, ...]:
    """The names of all clusters, the one written about last first."""
    return tuple(dict.fromkeys(reversed([entry.cluster for entry in entries])))


def end_of_day(day: str) -> float | None:
    """The last moment of a day as Unix seconds; None for what is no day."""
    try:
        after = date.fromisoformat(day) + timedelta(days=1)
        return datetime.combine(after, time(), UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def _apply(made: Book, entry: en.AnyEntry, seen_now: frozenset[str]) -> None:
    match entry:
        case en.RunTaken(run=run):
            made.taken.add(run)
        case en.Seen():
            _seen(made, entry, seen_now)
        case en.Proven(id=ident, open=left, retest=asked):
            if (life := made.lives.get(ident)) is not None and life.found is not Standing.CLOSED:
                proof = (asked or life.repaired) and not left
                life.found = Standing.CLOSED if proof else Standing.FIXED
                life.open_checks = tuple(left)
                life.passed_in, life.since = entry.run, entry.at
        case en.Claimed(id=ident, owner=owner):
            if (life := made.lives.get(ident)) is not None:
                life.owner = owner
        case en.Repaired(id=ident, text=text):
            if (life := made.lives.get(ident)) is not None and life.found is not Standing.CLOSED:
                life.found, life.since, life.repaired = Standing.FIXED, entry.at, True
                life.notes.append((entry.at, entry.by, f"repaired: {text}" if text else "repaired"))
        case en.Noted(id=ident, text=text):
            if (life := made.lives.get(ident)) is not None:
                life.notes.append((entry.at, entry.by, text))
        case en.Waived(what=what):
            until = end_of_day(entry.until)
            made.waivers[what] = Waiver(
                what, entry.reason, entry.owner, entry.until, until or 0.0, by=entry.by, at=entry.at
            )
        case en.WaiverEnded(what=what):
            made.waivers.pop(what, None)
        case en.Signed(what=what, name=name):
            if (waiver := made.waivers.get(what)) is not None:
                made.waivers[what] = waiver.signed_by(name)
        case en.Swapped():
            made.swaps.append(entry)


def _seen(made: Book, entry: en.Seen, seen_now: frozenset[str]) -> None:
    """A run shows a defect: for the first time, still, or again."""
    life = made.lives.get(entry.id)
    if life is None:
        life = Life(entry.id, entry.code, entry.who, Standing.OPEN, entry, entry.run, entry.run, entry.at)
        made.lives[entry.id] = life
    elif entry.run != life.last_run and life.found in (Standing.CLOSED, Standing.FIXED):
        life.found, life.since = Standing.RETURNED, entry.at
        life.returns += 1
        life.owner, life.became, life.open_checks = "", "", ()
        life.repaired, life.passed_in = False, ""
    life.seen, life.last_run, life.who = entry, entry.run, entry.who
    for old in list(made.lives.values()):
        if old.found is not Standing.CLOSED and old.id not in seen_now and _same_kind(old, entry):
            _continue(made, old, life)


def _same_kind(old: Life, entry: en.Seen) -> bool:
    """Whether a defect of several parts goes on under another id, because it has lost or won some of them."""
    return (
        old.id != entry.id
        and old.code == entry.code
        and not set(old.seen.components).isdisjoint(entry.components)
    )


def _continue(made: Book, old: Life, new: Life) -> None:
    old.found, old.became, old.since = Standing.CLOSED, new.id, new.seen.at
    new.owner = new.owner or old.owner
    new.first_run = old.first_run
    waiver = made.waivers.get(old.id)
    if waiver is not None and set(new.seen.components) <= set(old.seen.components):
        made.waivers.setdefault(new.id, waiver.moved_to(new.id))
