"""One node in two lines: where it stands, its state, and the worst that is known about it."""

from __future__ import annotations

from bringup.model import Outcome
from bringup.report import words
from bringup.run import settled
from bringup.tui.defect_rows import measured_words, parts_short
from bringup.tui.feed import RunView
from bringup.tui.look import MARKS, SIGNS, Line, Look, Mark, Span, Tone, spaced, wrapped
from bringup.tui.marks import defect_mark, result_mark, speaks_of


def node_lines(view: RunView, name: str, look: Look, width: int) -> tuple[Line, Line]:
    """Place and state, then the worst finding."""
    node = view.state.nodes.get(name)
    if node is None:
        return (), ()
    mark = view.marks.get(name, Mark.WAITING)
    head: list[Span] = [
        (" " + look.text(name, 40), Tone.BOLD),
        (look.text(node.place, 30), Tone.BOLD),
        look.named(mark),
        (_in_order(view, name), Tone.DIM),
        (look.text(node.profile, 24), Tone.DIM),
    ]
    said, tone = worst_finding(view, name, look)
    return spaced(head, "  "), ((look.fit(f" {said}", width - 1).rstrip(), tone),)


def _in_order(view: RunView, name: str) -> str:
    results = view.state.by_node.get(name, [])
    good = sum(1 for o in results if settled(o) or not speaks_of(o, name))
    return f"{good:,} of {len(results):,} results in order" if results else "no results yet"


def worst_finding(view: RunView, name: str, look: Look) -> Span:
    """The worst thing known about a node, in one line."""
    defects = sorted(view.defects_of.get(name, []), key=lambda d: MARKS.index(defect_mark(d)))
    if defects:
        worst = defects[0]
        mark = defect_mark(worst)
        part = f" {parts_short(worst)}" if len(worst.nodes) == 1 and parts_short(worst) else ""
        more = f"   (+{len(defects) - 1} more)" if len(defects) > 1 else ""
        cable = f"; to {worst.far_end}" if worst.far_end else ""
        return (
            f"{look.glyph(mark)} {look.text(f'{worst.code}{part}: {measured_words(worst)}{cable}{more}')}",
            SIGNS[mark].tone,
        )
    if name in view.blocked:
        event = view.blocked[name]
        return f"left out since {event.stage}: {look.text(event.reason)}", Tone.UNKNOWN
    open_results = [o for o in view.state.by_node.get(name, []) if not settled(o) and speaks_of(o, name)]
    if open_results:
        outcome = min(open_results, key=lambda o: MARKS.index(view.mark_of(o, name)))
        mark = view.mark_of(outcome, name)
        return f"{look.glyph(mark)} {look.text(result_words(view, outcome, name))}", SIGNS[mark].tone
    if name in view.state.working:
        return (f"works on stage {view.stage}" if view.stage else "works"), Tone.RUNNING
    if view.over:
        return (
            "nothing is wrong" if view.marks.get(name) is not Mark.UNKNOWN else "not all was judged"
        ), Tone.DIM
    return ("nothing is wrong so far" if view.state.by_node.get(name) else "waits for its turn"), Tone.DIM


def _mark(view: RunView, outcome: Outcome) -> Mark:
    return result_mark(outcome, view.explained.get((outcome.check, outcome.target)))


def said_short(outcome: Outcome) -> str:
    """What a result says, without the target that stands beside it."""
    broken = words.broken(outcome)
    if broken and not words.failures(outcome):
        return words.reading(broken[0]) + (f" (and {len(broken) - 1} more)" if len(broken) > 1 else "")
    return words.describe(outcome)


def result_words(view: RunView, outcome: Outcome, name: str) -> str:
    """A result of a node in words, with its partner and the defect that explains it."""
    blamed = view.explained.get((outcome.check, outcome.target))
    partner = "".join(f" with {n}" for n in outcome.nodes if n != name) if len(outcome.nodes) == 2 else ""
    said = f"{outcome.check}{partner}: {said_short(outcome)}"
    return f"{said} (explained by {blamed.id} on {words.names(blamed.nodes, 40)})" if blamed else said


def result_card(view: RunView, outcome: Outcome, look: Look, width: int) -> list[Line]:
    """A result below the list of results: all that it says."""
    mark = _mark(view, outcome)
    head: Line = (
        (" ", Tone.PLAIN), look.sign(mark), (f" {look.text(outcome.check, 60)}", Tone.BOLD),
        (f"  {look.text(outcome.target, 100)}", Tone.PLAIN),
        (f"  attempt {outcome.attempt}" if outcome.attempt > 1 else "", Tone.FIXED),
    )  # fmt: skip
    said = wrapped(look.text(words.describe(outcome), 400), width - 4, indent="   ")
    lines: list[Line] = [head, *((((part, SIGNS[mark].tone),)) for part in said[:3])]
    blamed = view.explained.get((outcome.check, outcome.target))
    if blamed:
        cause = f"   explained by {look.text(blamed.id, 20)} on {look.folded(words.names(blamed.nodes, 40))}"
        lines.append(((look.fit(cause, width - 1).rstrip(), Tone.PLAIN),))
    return lines
