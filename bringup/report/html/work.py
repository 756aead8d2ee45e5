"""The part of the report that people act on: the punch list by who and where, and what is not known."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence

from bringup.defects import WHO, Defect, Who
from bringup.model import Outcome, Verdict, Why
from bringup.report import serials, text, words
from bringup.report.digest import EXCEPTIONS, Digest, by_check, causes, parts, walking_key, what
from bringup.report.html.markup import Markup, joined, tag
from bringup.report.proof import Proof, Proofs
from bringup.run import RunState

MOST_ENTRIES = 400
_MOST_PROOFS = 6
_TITLES = {
    Who.HANDS_ON: ("Hands on", "In walking order. Somebody must go there."),
    Who.CONFIGURATION: ("Configuration", "From the desk: settings, images, firmware."),
    Who.SOFTWARE: ("Software", "From the desk: services and programs."),
    Who.PLAN: ("Plan", "The inventory or a profile says something else than the floor."),
}


def ordered(state: RunState) -> list[Defect]:
    """The proven defects as the punch list has them: by who must act, each in walking order."""
    proven = [d for d in state.defects if d.who is not Who.COULD_NOT_JUDGE and state.waiver_of(d) is None]
    return sorted(proven, key=lambda d: (WHO.index(d.who), *walking_key(state, d)))


def punch_list(state: RunState, defects: Sequence[Defect], run: str, proofs: Proofs | None = None) -> Markup:
    """What must be done, by whom, where. Nothing to do is one sentence."""
    if not defects:
        said = "No defect was proven." + (" What could not be judged is below." if state.defects else "")
        return tag("section", tag("h2", "Punch list"), tag("p", said), id="work")
    blocks: list[Markup] = [tag("h2", "Punch list")]
    numbers = {id(defect): number for number, defect in enumerate(defects, start=1)}
    for who, (title, how) in _TITLES.items():
        mine = [d for d in defects if d.who is who]
        if not mine:
            continue
        count = tag("span", f" {words.plural(len(mine), 'item')}", class_="count")
        blocks += [tag("h3", title, count), tag("p", how, class_="how")]
        blocks += _list(state, mine[:MOST_ENTRIES], numbers, run, proofs or Proofs(state))
        if len(mine) > MOST_ENTRIES:
            blocks.append(
                tag("p", f"and {len(mine) - MOST_ENTRIES:,} more: bringup defects {run}", class_="dim")
            )
    return tag("section", *blocks, id="work")


def _list(
    state: RunState, defects: Sequence[Defect], numbers: dict[int, int], run: str, proofs: Proofs
) -> list[Markup]:
    """Items; those of one rack stand below its name, because one walks there once."""
    blocks: list[Markup] = []
    group: list[Markup] = []
    here = ""
    for defect in defects:
        rack = _rack(state, defect) if defect.who is Who.HANDS_ON else ""
        if rack != here and group:
            blocks.append(tag("ul", *group, class_="todo"))
            group = []
        if rack and rack != here:
            blocks.append(tag("p", f"Rack {rack}", class_="rackhead"))
        here = rack
        group.append(_item(state, defect, numbers[id(defect)], run, proofs.of(defect)))
    return [*blocks, tag("ul", *group, class_="todo")]


def _rack(state: RunState, defect: Defect) -> str:
    return next((text.line(state.nodes[n].rack, 40) for n in defect.nodes if n in state.nodes), "")


def _item(state: RunState, defect: Defect, number: int, run: str, decided: Proof | None) -> Markup:
    place = defect.place
    if not place and len(defect.nodes) == 1 and defect.nodes[0] in state.nodes:
        place = state.nodes[defect.nodes[0]].place
    nodes = words.names(defect.nodes or (words.node_of(defect.component),))
    where = tag("div", text.line(place, 40) or nodes, tag("small", nodes) if place else None, class_="place")
    part = parts(defect)
    head = tag(
        "div", part, tag("span", f": {what(defect)}" if part else what(defect), class_="part"), class_="head"
    )
    body = [head, tag("p", text.line(defect.action, 600), class_="act") if defect.action else None]
    if numbers := serials.said(state, defect):
        body.append(tag("p", numbers, class_="dim said"))
    if decided is not None:
        where_kept = f"{text.line(decided.file, 120)}, line {decided.line:,} of: {decided.command}"
        body.append(tag("p", tag("code", decided.said), tag("br"), where_kept, class_="dim said"))
    if defect.ruled_out:
        body.append(
            tag(
                "p", "Ruled out: " + "; ".join(text.line(r, 200) for r in defect.ruled_out), class_="dim said"
            )
        )
    facts = f"{text.line(defect.id, 20)}  {text.line(defect.code, 60)}"
    proof = shlex.join(["bringup", "retest", run, "--defect", text.line(defect.id, 20)])
    body.append(tag("p", tag("code", facts), " proven repaired by ", tag("code", proof), class_="dim said"))
    body.append(_proof(state, defect, run))
    box = tag("div", "", class_="box")
    return tag("li", box, where, tag("div", *body, class_="what"), class_=defect.who.value, id=f"d{number}")


def _proof(state: RunState, defect: Defect, run: str) -> Markup | None:
    """The results below the defect, with the command that shows each one's raw output and the file that holds it."""
    if not defect.explains:
        return None
    checks = by_check(Counter(s.check for s in defect.explains))
    rows = []
    for symptom in defect.explains[:_MOST_PROOFS]:
        outcome = state.cases.get((symptom.check, symptom.target))
        files = dict.fromkeys(text.line(e.file, 120) for e in outcome.evidence) if outcome else {}
        show = shlex.join(["bringup", "show", run, symptom.target, symptom.check])
        rows.append(
            tag("li", text.line(symptom.text, 300) or symptom.check, tag("br"), tag("code", text.line(show, 300)),
                tag("br") if files else None, tag("code", ", ".join(files)) if files else None)
        )  # fmt: skip
    if len(defect.explains) > _MOST_PROOFS:
        rows.append(tag("li", f"and {len(defect.explains) - _MOST_PROOFS:,} more"))
    summary = f"Evidence: {words.plural(len(defect.explains), 'result')}, {checks}"
    return tag("details", tag("summary", summary), tag("ul", *rows))


def open_questions(state: RunState, end: Digest) -> Markup:
    """What was not judged and why, what failed without a diagnosis, what does not apply, and the run's notes."""
    blocks: list[Markup] = [tag("h2", "Not judged, and exceptions")]
    for section in end.sections:
        if section.title not in (
            "COULD NOT JUDGE",
            "FAILED, NOT DIAGNOSED",
            "PASSED AFTER A FAIL",
            EXCEPTIONS,
        ):
            continue
        items = [
            tag("li", tag("div", "", class_="box"),
                tag("div", entry.place or entry.nodes, tag("small", entry.nodes) if entry.place else None, class_="place"),
                tag("div", tag("div", entry.part or entry.id, class_="head"),
                    *(tag("p", line, class_="said") for line in entry.lines), class_="what"), class_="could-not-judge")
            for entry in section.entries[:MOST_ENTRIES]
        ]  # fmt: skip
        count = tag("span", f" {words.plural(len(section.entries), 'item')}", class_="count")
        blocks += [tag("h3", section.title.capitalize(), count), tag("ul", *items, class_="todo")]
    if len(blocks) == 1:
        blocks.append(tag("p", "Everything that was planned was judged."))
    blocks += _not_applicable(state.outcomes)
    if end.selection:
        blocks += [
            tag("h3", "Selection"),
            tag("p", f"Of a selection only: {end.selection}. The rest was not looked at."),
        ]
    if end.notes:
        blocks += [tag("h3", "Notes of the run"), tag("ul", *(tag("li", note) for note in end.notes[:60]))]
    return tag("section", *blocks, id="open")


def _not_applicable(outcomes: Iterable[Outcome]) -> list[Markup]:
    """What the profile or the plan left out: accepted, but a reader should know it."""
    left_out = [o for o in outcomes if o.verdict is Verdict.NOT_RUN and o.why is Why.NOT_APPLICABLE]
    if not left_out:
        return []
    rows = [
        tag(
            "tr",
            tag("td", cause.reason),
            tag("td", by_check(cause.checks, 8)),
            tag("td", words.names(cause.nodes, 120)),
        )
        for cause in sorted(causes(left_out), key=lambda c: -c.checks.total())[:80]
    ]
    head = tag("tr", *(tag("th", name) for name in ("Reason", "Checks", "Nodes")))
    table = tag("table", tag("thead", head), tag("tbody", *rows))
    count = words.plural(len(left_out), "result")
    return [
        tag("h3", "Does not apply here ", tag("span", count, class_="count")),
        tag("div", joined([table]), class_="wide"),
    ]
