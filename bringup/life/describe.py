"""How a defect stands, in words and as rows: the same for the list of defects, its history and the hand-over."""

from __future__ import annotations

from collections.abc import Iterable

from bringup.defects import Waiver
from bringup.life.standing import Book, Life, Standing

WORDS = {
    Standing.OPEN: "open",
    Standing.CLAIMED: "claimed",
    Standing.FIXED: "fixed?",
    Standing.CLOSED: "closed",
    Standing.RETURNED: "returned",
    Standing.WAIVED: "waived",
}
_MOST_CHECKS = 6


def said(book: Book, life: Life, now: float) -> str:
    """`claimed by ann`, `returned, 2nd time`, `waived by Jane until 2026-12-31: spare on order`."""
    standing = book.standing(life, now)
    words = WORDS[standing]
    if standing is Standing.CLAIMED:
        words += f" by {life.owner}"
    elif standing is Standing.RETURNED:
        words += f", {_nth(life.returns + 1)} time" + (f", claimed by {life.owner}" if life.owner else "")
    elif standing is Standing.CLOSED:
        words += f": goes on as {life.became}" if life.became else f" by run {life.passed_in}"
    elif standing is Standing.FIXED:
        words += f": {_why_not_closed(life)}"
    waiver = book.waiver_of(life, now)
    if waiver is not None and standing is Standing.WAIVED:
        words += f" {waived(waiver)}"
    return words


def waived(waiver: Waiver) -> str:
    """`by Jane Doe until 2026-12-31: spare on order`."""
    signed = f", signed by {waiver.signed}" if waiver.signed else ""
    return f"by {waiver.owner} until {waiver.day}{signed}: {waiver.reason}"


def row(book: Book, life: Life, now: float) -> dict[str, object]:
    """The same for programs."""
    waiver = book.waiver_of(life, now)
    return {
        "state": WORDS[book.standing(life, now)],
        "owner": life.owner,
        "first_run": life.first_run,
        "last_run": life.last_run,
        "passed_in": life.passed_in,
        "open_checks": list(life.open_checks),
        "returns": life.returns,
        "became": life.became,
        "bad_before": list(life.seen.bad_before),
        "waiver": None if waiver is None else waiver_row(waiver),
        "notes": [{"at": at, "by": by, "text": text} for at, by, text in life.notes],
    }


def waiver_row(waiver: Waiver) -> dict[str, str]:
    """An exception for programs."""
    return {
        "what": waiver.what,
        "reason": waiver.reason,
        "owner": waiver.owner,
        "until": waiver.day,
        "by": waiver.by,
        "signed": waiver.signed,
    }


def in_work(book: Book, now: float) -> Iterable[Life]:
    """The defects that are not closed, the longest known first."""
    return (life for life in book.lives.values() if book.standing(life, now) is not Standing.CLOSED)


def _why_not_closed(life: Life) -> str:
    if life.open_checks:
        named = ", ".join(life.open_checks[:_MOST_CHECKS])
        more = (
            f" and {len(life.open_checks) - _MOST_CHECKS} more"
            if len(life.open_checks) > _MOST_CHECKS
            else ""
        )
        return f"passed in run {life.passed_in}, but not judged yet: {named}{more}"
    if life.passed_in:
        return f"passed in run {life.passed_in}, but nobody has said that it was repaired"
    return "no run has proven it yet"


def _nth(number: int) -> str:
    return {2: "2nd", 3: "3rd"}.get(number, f"{number}th")
