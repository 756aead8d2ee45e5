"""The work list as plain text: to take along on paper, or to paste into tickets."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bringup.defects import Defect
from bringup.report import digest, words
from bringup.report.filtering import WHO_WORDS
from bringup.tui.defect_rows import measured_words, place_of, ticket
from bringup.tui.feed import RunView
from bringup.tui.header import verdict_word
from bringup.tui.look import Line, Look, Tone, wrapped

WIDTH = 78
BETWEEN = "-" * WIDTH


def defects_on(view: RunView, nodes: Collection[str]) -> list[Defect]:
    """The defects of these nodes, each once."""
    return [d for d in view.state.defects if any(name in nodes for name in d.nodes)]


def tickets(view: RunView, defects: Sequence[Defect], look: Look) -> str:
    """One ticket text for each defect."""
    return f"{BETWEEN}\n".join(ticket(view, defect, look) for defect in defects)


def paper_lines(view: RunView, defects: Sequence[Defect], look: Look) -> list[Line]:
    """A list to walk with: a box to tick, the place, what was found, what to do."""
    info = view.state.info
    jobs = words.plural(len(defects), "job")
    head = f"{look.text(info.name, 30)}  run {look.text(info.id, 30)}  {verdict_word(view)[0]}  {jobs}"
    lines: list[Line] = [((look.fit(head, WIDTH).rstrip(), Tone.BOLD),), ((look.dash * WIDTH, Tone.DIM),)]
    for defect in defects:
        place = look.text(place_of(view, defect), 30)
        names = look.folded(words.names(defect.nodes or (words.node_of(defect.component),), 60))
        title = f"[ ] {place or 'no place'}  {names}  {look.text(digest.parts(defect), 200)}".rstrip()
        parts = wrapped(title, WIDTH)
        lines += [((part if k == 0 else f"    {part}", Tone.BOLD),) for k, part in enumerate(parts)]
        lines.append(
            (
                (
                    f"    {look.text(defect.id, 20)}  {WHO_WORDS[defect.who]}  {look.text(defect.code, 40)}",
                    Tone.DIM,
                ),
            )
        )
        for label, said in (("found", measured_words(defect)), ("do", defect.action)):
            for k, part in enumerate(wrapped(look.text(said, 600), WIDTH - 11)):
                lines.append(((f"    {label if k == 0 else '':<6} {part}", Tone.PLAIN),))
        lines.append(())
    if not defects:
        lines.append((("nothing is to be done", Tone.DIM),))
    return lines
