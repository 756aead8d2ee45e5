"""The work list: defects in walking order as table rows, and one defect with everything that it explains."""

from __future__ import annotations

from collections.abc import Callable

from rich.cells import cell_len

from bringup.defects import WHO, Defect, Severity
from bringup.inventory.query import query
from bringup.model import STAGES
from bringup.report import digest, filtering, serials, words
from bringup.report.filtering import WHO_WORDS, defect_facts
from bringup.tui.feed import RunView
from bringup.tui.look import SIGNS, Line, Look, Mark, Tone, wrapped
from bringup.tui.marks import defect_mark
from bringup.tui.table import Column, Row

SEVERITY_WORDS = {
    Severity.MONITOR: "may be used; watch it",
    Severity.RESET: "needs a reset before use",
    Severity.REBOOT: "needs a reboot before use",
    Severity.ISOLATE: "keep it away from users",
}

DEFECT_COLUMNS = (
    Column("", 1),
    Column("who", 9),
    Column("where", 8),
    Column("node", 15),
    Column("part", 10),
    Column("what is wrong", 36),
    Column("state", 8, from_width=120),
    Column("expected", 24, from_width=120),
    Column("do", 30, from_width=120),
)

Order = Callable[[RunView, Defect], tuple[object, ...]]


def walking(view: RunView, defect: Defect) -> tuple[object, ...]:
    """Hands-on first, then rack by rack."""
    return (WHO.index(defect.who), *digest.walking_key(view.state, defect))


ORDERS: dict[str, Order] = {
    "walking order": walking,
    "by code": lambda view, d: (d.code, *walking(view, d)),
    "by stage": lambda view, d: (STAGES.index(d.stage), *walking(view, d)),
}


def listed(view: RunView, written: str = "", order: str = "walking order") -> list[Defect]:
    """The defects that the filter lets through, in the order of the work list."""
    test = query(written)
    key = ORDERS[order]
    return sorted(
        (d for d in view.state.defects if test(defect_facts(view.state, d, view.standing(d)))),
        key=lambda d: key(view, d),
    )


def place_of(view: RunView, defect: Defect) -> str:
    """Rack and height unit of a defect at one place."""
    return filtering.place_of(view.state, defect)


def defect_rows(
    view: RunView,
    look: Look,
    written: str = "",
    order: str = "walking order",
    is_new: Callable[[Defect], bool] | None = None,
) -> list[Row]:
    """The work list as rows. `is_new` tells of a defect whether an earlier run did not have it."""
    return [_row(view, d, look, new=is_new is not None and is_new(d)) for d in listed(view, written, order)]


def _row(view: RunView, defect: Defect, look: Look, *, new: bool) -> Row:
    mark = defect_mark(defect)
    return Row(
        defect.id,
        (
            look.sign(mark),
            (f"+{WHO_WORDS[defect.who]}", Tone.CHANGED) if new else (WHO_WORDS[defect.who], SIGNS[mark].tone),
            (look.text(place_of(view, defect), 40), Tone.PLAIN),
            (look.folded(words.names(defect.nodes or (words.node_of(defect.component),), 60)), Tone.PLAIN),
            (look.text(parts_short(defect), 60), Tone.PLAIN),
            (look.text(what_short(defect)), Tone.PLAIN),
            (view.standing(defect), Tone.DIM),
            (look.text(defect.expected), Tone.PLAIN),
            (look.text(defect.action, 600), Tone.PLAIN),
        ),
    )


def parts_short(defect: Defect) -> str:
    """The part in as few words as the column has: `mlx5_3`, `GPU 5`."""
    parts = list(dict.fromkeys(filter(None, map(words.part, defect.components or (defect.component,)))))
    return ", ".join(part.removeprefix("port ") for part in parts)


def what_short(defect: Defect) -> str:
    """What was measured if that says it all, else the title."""
    return defect.measured or defect.title or defect.code


def measured_words(defect: Defect) -> str:
    """`187 Gb/s, needs at least 370 Gb/s`."""
    return what_short(defect) + (f", needs {defect.expected}" if defect.expected else "")


def find(view: RunView, key: str) -> Defect | None:
    """The defect with this id, if it still exists."""
    return next((d for d in view.state.defects if d.id == key), None)


def defect_lines(view: RunView, defect: Defect, look: Look, width: int) -> list[Line]:
    """The card of a defect: who walks where and does what, and why."""
    mark = defect_mark(defect)
    names = look.folded(words.names(defect.nodes or (words.node_of(defect.component),)))
    place = look.text(place_of(view, defect), 60)
    head: Line = (
        (" ", Tone.PLAIN), look.sign(mark), (" ", Tone.PLAIN), (look.text(defect.id, 20), Tone.BOLD), ("  ", Tone.PLAIN),
        (WHO_WORDS[defect.who], SIGNS[mark].tone), ("  ", Tone.PLAIN), (look.text(defect.code, 40), Tone.PLAIN),
        (f"   {place}" if place else "", Tone.BOLD),
    )  # fmt: skip
    lines: list[Line] = [head]
    for label, said, tone in (
        ("node", names, Tone.BOLD),
        ("part", look.folded(digest.parts(defect)), Tone.PLAIN),
        ("found", look.text(defect.title), Tone.PLAIN),
        ("measured", look.text(defect.measured), SIGNS[mark].tone),
        ("expected", look.text(defect.expected), Tone.PLAIN),
        ("do", look.text(defect.action, 600), Tone.BOLD),
        (
            "stands",
            look.text(view.ledger.said(defect)) if view.standing(defect) != "open" else "",
            Tone.FIXED,
        ),
    ):
        lines += _labelled(label, said, tone, width)
    return lines


def defect_page(view: RunView, defect: Defect, look: Look, width: int) -> list[Line]:
    """The whole page of a defect: the card, then what was ruled out and every result that it explains."""
    lines = defect_lines(view, defect, look, width)
    lines += _labelled("until then", SEVERITY_WORDS[defect.severity], Tone.PLAIN, width)
    lines += _labelled("known by", look.folded(serials.said(view.state, defect)), Tone.PLAIN, width)
    lines += _labelled(
        "ruled out", look.folded("; ".join(look.text(r) for r in defect.ruled_out)), Tone.PLAIN, width
    )
    if len(defect.components) > 1:
        lines += _labelled(
            "all parts", look.text(", ".join(defect.components[:400]), 4000), Tone.PLAIN, width
        )
    lines.append(())
    lines.append(((f" explains {words.plural(len(defect.explains), 'result')}", Tone.TITLE),))
    for symptom in defect.explains:
        title = f"   {look.text(symptom.check, 40)}  {look.text(symptom.target, 80)}"
        lines.append(((look.fit(title, width - 1).rstrip(), Tone.PLAIN),))
        lines += [
            ((text, Tone.DIM),) for text in wrapped(look.text(symptom.text, 600), width - 2, indent="      ")
        ]
    return lines


def _labelled(label: str, said: str, tone: Tone, width: int) -> list[Line]:
    """`   measured  187 Gb/s` with the following lines below the text; nothing if there is nothing to say."""
    lines: list[Line] = []
    for k, part in enumerate(wrapped(said, min(width, 100) - 14)):
        lines.append(((f"   {label if k == 0 else '':<10} ", Tone.DIM), (part, tone)))
    return lines


def ticket(view: RunView, defect: Defect, look: Look) -> str:
    """A defect as plain text for a ticket."""
    lines = [f"run {look.text(view.state.info.id)}"]
    lines += ["".join(text for text, _ in line).rstrip() for line in defect_page(view, defect, look, 100)]
    return "\n".join(lines) + "\n"


def top_lines(view: RunView, look: Look, most: int, width: int) -> list[Line]:
    """The first defects of the work list, one line each, for the space below the floor."""
    defects = listed(view)
    if not defects or most < 2:
        return []
    shown = defects[: most if len(defects) <= most else most - 1]
    places = [" ".join(_where(view, d, look)).rstrip() for d in shown]
    size = min(38, max(map(cell_len, places)))
    lines: list[Line] = []
    for defect, where in zip(shown, places, strict=True):
        mark = defect_mark(defect)
        said = f"{look.fit(where, size)}  {look.text(measured_words(defect))}"
        tone = Tone.DIM if mark is Mark.UNKNOWN else Tone.PLAIN
        lines.append(
            ((" ", Tone.PLAIN), look.sign(mark), (" ", Tone.PLAIN), (look.fit(said, width - 4), tone))
        )
    if len(defects) > len(shown):
        lines.append(((f"   and {len(defects) - len(shown):,} more, see 3", Tone.DIM),))
    return lines


def _where(view: RunView, defect: Defect, look: Look) -> tuple[str, str, str]:
    place = look.text(place_of(view, defect), 30)
    return f"{place:<8} ", look.folded(words.names(defect.nodes, 24)), look.text(parts_short(defect), 40)
