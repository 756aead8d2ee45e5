"""The end of a run as data: what the terminal summary and the Markdown summary say, before any layout.

Every failed, unjudged or missing result is in exactly one entry: below the defect that explains it, or in a
group of results that no defect explains.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from bringup.defects import WHO, Defect, Who
from bringup.inventory.names import natural_key
from bringup.model import Outcome, RunVerdict, Verdict, Why
from bringup.report import serials, text, words
from bringup.report import verdict as judge
from bringup.run import RunState

_TITLES = {
    Who.HANDS_ON: "HANDS ON",
    Who.CONFIGURATION: "CONFIGURATION",
    Who.SOFTWARE: "SOFTWARE",
    Who.PLAN: "PLAN",
}

EXCEPTIONS = "EXCEPTIONS"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to read: a defect, or results that no defect explains. `lines` follow below the head."""

    id: str
    place: str
    nodes: str
    part: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """Entries for the same person."""

    title: str
    entries: tuple[Entry, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Digest:
    """The end of a run. `not_run` counts results without a judgement that should have one.

    `first` is the node to look at first and `repair` the defect to repair first, empty if there is none.
    """

    run: str
    name: str
    verdict: RunVerdict
    exit_code: int
    ready: int
    nodes: int
    checks: int
    defects: int
    not_judged: int
    not_run: int
    seconds: float | None
    aborted: str
    selection: str
    sections: tuple[Section, ...]
    notes: tuple[str, ...]
    first: str
    repair: str = ""

    @property
    def clean(self) -> bool:
        """Whether there is nothing to tell beyond one line."""
        return self.verdict is RunVerdict.READY and not self.sections


def digest(state: RunState, exit_code: int | None = None) -> Digest:
    """The end of a run. Give the exit code if the command knows better (interrupted, internal error)."""
    every = sorted(state.defects, key=lambda d: walking_key(state, d))
    defects = [d for d in every if state.waiver_of(d) is None]
    sections = [
        Section(
            title,
            tuple(entry(state, d) for d in defects if d.who is who),
            "in walking order" if who is Who.HANDS_ON else "",
        )
        for who, title in _TITLES.items()
    ]
    left = list(judge.unexplained(state))
    sections.append(
        Section(
            "FAILED, NOT DIAGNOSED",
            tuple(_group(c) for c in causes(o for o in left if o.verdict is Verdict.FAIL)),
            "no defect explains these yet",
        )
    )
    sections.append(Section("PASSED AFTER A FAIL", _unsteady(state), "nobody knows why: repair and retest"))
    unknown = [entry(state, d) for d in defects if d.who is Who.COULD_NOT_JUDGE]
    unknown += [_group(c) for c in causes(o for o in left if o.verdict is Verdict.ERROR)]
    unknown += [_group(c) for c in causes(o for o in left if o.verdict is Verdict.NOT_RUN)]
    unknown += _holes(state)
    unknown += [Entry("", "", "", text.line(said, 300), ()) for said in state.short_of()]
    sections.append(Section("COULD NOT JUDGE", tuple(unknown)))
    sections.append(
        Section(EXCEPTIONS, tuple(_exceptions(state, every)), "accepted as they are, each until its day")
    )
    return Digest(
        run=text.line(state.info.id, 80),
        name=text.line(state.info.name, 80),
        verdict=judge.verdict(state),
        exit_code=judge.exit_code(state) if exit_code is None else exit_code,
        ready=len(judge.ready_nodes(state)),
        nodes=len(state.nodes),
        checks=len({check for check, _ in state.cases}),
        defects=len(judge.real_defects(state)),
        not_judged=len(unknown),
        not_run=len(state.missing) + sum(1 for o in state.outcomes if _blocked(o)),
        seconds=seconds(state),
        aborted=text.line(state.aborted, 200),
        selection=text.line(state.info.selection, 200),
        sections=tuple(section for section in sections if section.entries),
        notes=tuple(text.line(note, 300) for _, note in state.notes),
        first=_first(state, defects),
        repair=text.line(min(defects, key=lambda d: WHO.index(d.who)).id, 20) if defects else "",
    )


def _exceptions(state: RunState, defects: Iterable[Defect]) -> list[Entry]:
    """Every exception that is in force, with what it covers in this run."""
    entries = []
    counted = {w.what for w in state.counted_waivers}
    by_id = {d.id: d for d in defects}
    for waiver in state.waivers:
        defect = by_id.get(waiver.what)
        if defect is None and waiver.what not in state.nodes:
            continue  # this run does not show what it is about
        lines = (
            [what(defect)] if defect is not None else ["left out as a whole: it is not handed over for use"]
        )
        signed = f", signed by {waiver.signed}" if waiver.signed else ", not signed"
        lines.append(
            text.line(f"accepted by {waiver.owner} until {waiver.day}{signed}: {waiver.reason}", 600)
        )
        if waiver.what not in counted:
            lines.append("does not count: the inventory's rule for READY does not allow it")
        head = entry(state, defect) if defect is not None else None
        place = head.place if head else state.nodes[waiver.what].place
        nodes = head.nodes if head else text.line(waiver.what, 60)
        entries.append(
            Entry(defect.id if defect else "", place, nodes, head.part if head else "", tuple(lines))
        )
    return entries


def _unsteady(state: RunState) -> tuple[Entry, ...]:
    """What failed and then passed within this run, one entry a check."""
    by_name: dict[str, list[str]] = {}
    for check, target in sorted(state.unsteady - state.excused().keys()):
        by_name.setdefault(check, []).append(target)
    return tuple(
        Entry(
            "",
            "",
            "",
            text.line(f"{check}: {', '.join(targets[:8])}", 300),
            (words.plural(len(targets), "result"),),
        )
        for check, targets in by_name.items()
    )


def _first(state: RunState, defects: list[Defect]) -> str:
    ordered = sorted(defects, key=lambda d: WHO.index(d.who))
    return next((name for d in ordered for name in d.nodes if name in state.nodes), "")


def seconds(state: RunState) -> float | None:
    """How long the run took, or has taken so far; None if unknown."""
    end = state.ended if state.ended is not None else state.at
    return end - state.info.started if state.info.started and end >= state.info.started else None


def walking_key(state: RunState, defect: Defect) -> tuple[object, ...]:
    """Rack, unit, node: the order in which one walks. Unknown places come last."""
    node = next((state.nodes[name] for name in defect.nodes if name in state.nodes), None)
    rack, unit = (node.rack, node.unit) if node else ("", "")
    first = defect.nodes[0] if defect.nodes else words.node_of(defect.component)
    return (
        not rack and not defect.place,
        natural_key(rack or defect.place),
        natural_key(unit),
        natural_key(first),
        defect.component,
        defect.id,
    )


def entry(state: RunState, defect: Defect) -> Entry:
    """A defect as the summary shows it."""
    place = defect.place
    if not place and len(defect.nodes) == 1 and defect.nodes[0] in state.nodes:
        place = state.nodes[defect.nodes[0]].place
    lines = [what(defect), text.line(defect.action, 600)]
    if defect.who is Who.HANDS_ON:
        lines.append(serials.said(state, defect))
    if defect.ruled_out:
        lines.append("ruled out: " + "; ".join(text.line(item, 200) for item in defect.ruled_out))
    if defect.explains:
        counts = Counter(symptom.check for symptom in defect.explains)
        lines.append(f"explains {words.plural(len(defect.explains), 'result')}: {by_check(counts)}")
    return Entry(
        id=text.line(defect.id, 20),
        place=text.line(place, 40),
        nodes=words.names(defect.nodes or (words.node_of(defect.component),)),
        part=parts(defect),
        lines=tuple(item for item in lines if item),
    )


def what(defect: Defect) -> str:
    """What is wrong: title, what was measured, what was expected."""
    said = text.line(defect.title, 300) or text.line(defect.code, 60)
    if defect.measured:
        said += f": {text.line(defect.measured, 300)}"
    if defect.expected:
        said += f", needs {text.line(defect.expected, 200)}"
    return said


def parts(defect: Defect) -> str:
    """Component, cable and far end: `port mlx5_4, cable L03-09 to leaf-03 port 9`."""
    paths = list(dict.fromkeys(defect.components or (defect.component,)))
    every = list(dict.fromkeys(filter(None, map(words.part, paths))))
    if len(every) > 1 and len(defect.nodes) > 1 and len(paths) <= 4:
        every = [f"{text.line(words.node_of(path), 60)} {words.part(path)}".rstrip() for path in paths]
    said = ", ".join(every[:6]) + (f" and {len(every) - 6} more" if len(every) > 6 else "")
    if defect.cable:
        said += f"{', ' if said else ''}cable {text.line(defect.cable, 80)}"
    if defect.far_end:
        said += f"{' ' if said else ''}to {text.line(defect.far_end, 80)}"
    return said


def by_check(counts: Counter[str], most: int = 12) -> str:
    """`rdma.write-bw (6), link.rate (1)`, most frequent first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    said = ", ".join(f"{text.line(check, 60)} ({count:,})" for check, count in ordered[:most])
    return said + (f" and {len(ordered) - most} more checks" if len(ordered) > most else "")


@dataclass(frozen=True, slots=True)
class Cause:
    """Results with the same reason, their code and nodes, and how many of which check."""

    reason: str
    code: str
    nodes: tuple[str, ...]
    checks: Counter[str]


def causes(outcomes: Iterable[Outcome]) -> list[Cause]:
    """Results grouped by reason; the names of the nodes concerned do not make two reasons different.

    Failures differ in their numbers, so they are grouped by check and code, and the first one is quoted.
    """
    found: dict[tuple[str, str], list[tuple[Outcome, str]]] = {}
    for outcome in outcomes:
        said = words.describe(outcome).removeprefix("could not judge: ")
        same = outcome.check if outcome.verdict is Verdict.FAIL else _without_names(said, outcome.nodes)
        found.setdefault((same, words.code_of(outcome)), []).append((outcome, said))
    result = []
    for (same, code), members in found.items():
        first, said = members[0]
        if any(other != said for _, other in members):
            said = f"{said} (first of {len(members):,})" if first.verdict is Verdict.FAIL else same
        nodes = {name for outcome, _ in members for name in outcome.nodes}
        ordered = tuple(sorted(nodes, key=natural_key))
        result.append(Cause(said, code, ordered, Counter(outcome.check for outcome, _ in members)))
    return result


def _without_names(said: str, nodes: tuple[str, ...]) -> str:
    if len(nodes) > 2:
        return said
    for name in nodes:
        whole = rf"(?<![\w-]){re.escape(name)}(?![\w-])"
        said = re.sub(rf" on {whole}|{whole}: ", "", said)
        said = re.sub(whole, "the node", said)
    return said


def _group(cause: Cause) -> Entry:
    code = f"{cause.code}: " if cause.code else ""
    count = words.plural(cause.checks.total(), "result")
    return Entry(
        "", "", words.names(cause.nodes), f"{code}{cause.reason}", (f"{count}: {by_check(cause.checks)}",)
    )


def _holes(state: RunState) -> list[Entry]:
    """What was planned and has no result, and what was never planned because the run ended before."""
    entries = []
    reason = text.line(judge.hole_reason(state), 300)
    if state.missing:
        counts = Counter(check for check, _ in state.missing)
        nodes = sorted(judge.open_nodes(state), key=natural_key)
        count = f"{words.plural(len(state.missing), 'result')}: {by_check(counts)}"
        entries.append(Entry("", "", words.names(nodes), f"not run: {reason}", (count,)))
    if unreached := judge.not_reached(state):
        checks = text.line(", ".join(unreached), 600)
        count = f"{words.plural(len(unreached), 'check')} not reached: {checks}"
        entries.append(Entry("", "", words.names(list(state.nodes)), f"not run: {reason}", (count,)))
    if not state.cases and not entries:
        entries.append(Entry("", "", words.names(list(state.nodes)) or "no node", "nothing was planned", ()))
    return entries


def _blocked(outcome: Outcome) -> bool:
    return outcome.verdict is Verdict.NOT_RUN and outcome.why is not Why.NOT_APPLICABLE
