"""The node's page as lines and rows: who it is, what is wrong, and the component tree with its measurements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bringup.commands import Evidence
from bringup.defects import Defect
from bringup.model import Measurement, Node, Verdict
from bringup.report import words
from bringup.run import settled
from bringup.tui.defect_rows import measured_words, parts_short
from bringup.tui.feed import RunView
from bringup.tui.gauge import gauge
from bringup.tui.look import SIGNS, TROUBLE, Line, Look, Mark, Span, Tone, spaced, wrapped
from bringup.tui.marks import defect_mark, speaks_of
from bringup.tui.node_tree import Component, Entry, files, tree, unique
from bringup.tui.table import Column, Row

GAUGE_WIDTH = 14
NODE_COLUMNS = (
    Column("component / reading", 30),
    Column("value", 12, right=True),
    Column("limit", 19),
    Column("", GAUGE_WIDTH),
    Column("why this limit", 40, from_width=125),
)
MOST_DEFECTS = 3


@dataclass(frozen=True, slots=True)
class NodeRow:
    """One row of the tree, all of its words (the row may cut them), and what lies behind it."""

    row: Row
    mark: Mark
    path: str
    says: str
    evidence: Callable[[], list[Evidence]]
    component: bool = False


def identity_lines(view: RunView, name: str, look: Look, width: int) -> list[Line]:
    """The node's name, place and numbers, then its defects and why it was left out."""
    node = view.state.nodes.get(name)
    if node is None:
        return [((f" no node {look.text(name, 60)} in this run", Tone.UNKNOWN),)]
    mark = view.marks.get(name, Mark.WAITING)
    head: list[Span] = [
        (" " + look.text(name, 40), Tone.BOLD),
        (look.text(node.place, 30), Tone.BOLD),
        look.named(mark),
        *((said, Tone.PLAIN) for said in _numbers(node, look)),
    ]
    lines: list[Line] = [spaced(head, "   ")]
    if name in view.blocked:
        event = view.blocked[name]
        said = f" left out since {event.stage}: {look.text(event.reason)} ({look.text(event.check, 40)})"
        lines.append(((look.fit(said, width - 1).rstrip(), Tone.UNKNOWN),))
    defects = view.defects_of.get(name, [])
    for defect in defects[:MOST_DEFECTS]:
        lines += _defect_lines(defect, look, width, most=1 if len(defects) > 1 else 3)
    if len(defects) > MOST_DEFECTS:
        lines.append(((f"   and {len(defects) - MOST_DEFECTS} more defects, see 3", Tone.DIM),))
    return lines


def _defect_lines(defect: Defect, look: Look, width: int, *, most: int) -> list[Line]:
    """What is wrong and what to do, in at most so many lines each."""
    sign = defect_mark(defect)
    part = parts_short(defect) if len(defect.nodes) == 1 else ""
    said = " ".join(
        filter(None, (defect.id, defect.code, part + "  " if part else "", measured_words(defect)))
    )
    lines: list[Line] = []
    for lead, text, tone in (
        (f" {look.glyph(sign)} ", said, SIGNS[sign].tone),
        ("   do: ", defect.action, Tone.PLAIN),
    ):
        parts = wrapped(look.text(text, 600), width - len(lead) - 1)
        if len(parts) > most:
            parts = [*parts[: most - 1], look.fit(" ".join(parts[most - 1 :]), width - len(lead) - 1)]
        for k, piece in enumerate(parts):
            lines.append(((lead if k == 0 else " " * len(lead), tone), (piece, tone)))
    return lines


def _numbers(node: Node, look: Look) -> list[str]:
    said = [node.address if node.address != node.name else "", node.profile]
    said += [f"serial {node.serial}" if node.serial else "", " ".join(node.tags)]
    return [look.text(item, 40) for item in said if item]


def node_rows(
    view: RunView, name: str, look: Look, toggled: frozenset[str] = frozenset(), *, trouble_only: bool = False
) -> list[NodeRow]:
    """The tree as rows: of each part what is not in order, and everything of those in `toggled`."""
    rows: list[NodeRow] = []
    _add(view, tree(view, name), name, 0, look, toggled, trouble_only, rows)
    return rows


def _add(
    view: RunView,
    part: Component,
    name: str,
    depth: int,
    look: Look,
    toggled: frozenset[str],
    trouble_only: bool,
    rows: list[NodeRow],
) -> None:
    mark = part.mark
    if trouble_only and mark not in TROUBLE and depth:
        return
    label, part = _merged(part, name)
    everything = part.path in toggled
    quiet = depth > 0 and mark is Mark.NOT_RUN and not everything  # the node's own row says why
    shown = [
        e
        for e in part.entries
        if (everything and not trouble_only) or (e.mark in TROUBLE and not quiet and not settled(e.outcome))
    ]
    groups = [[e] for e in shown] if everything else _grouped(shown)
    hidden = len(shown) < len(part.entries) or len(groups) < len(shown)
    rows.append(_component_row(view, part, label, mark, depth, look, hidden=hidden))
    rows += [_entry_row(view, group, part.path, name, k, depth + 1, look) for k, group in enumerate(groups)]
    for child in part.children:
        _add(view, child, name, depth + 1, look, toggled, trouble_only, rows)


def _grouped(entries: list[Entry]) -> list[list[Entry]]:
    """What was not run for the same reason as one group; anything else alone."""
    groups: dict[object, list[Entry]] = {}
    for k, entry in enumerate(entries):
        key: object = entry.outcome.reason if entry.mark is Mark.NOT_RUN else k
        groups.setdefault(key, []).append(entry)
    return list(groups.values())


def _merged(part: Component, name: str) -> tuple[str, Component]:
    """The label of a part; a container that holds nothing but one part is shown as one line with it."""
    while part.path != name and not part.entries and not part.own and len(part.children) == 1:
        part = part.children[0]
    return (words.part(part.path).removeprefix("port ") if part.path != name else name), part


def _component_row(
    view: RunView, part: Component, label: str, mark: Mark, depth: int, look: Look, *, hidden: bool
) -> NodeRow:
    fold = "+" if hidden else " "
    head = f"{'  ' * depth}{look.glyph(mark)} {fold} {look.text(label, 40)}"
    total, blocked = len(part.every()), part.count(Mark.NOT_RUN)
    bad = part.count(*TROUBLE - {Mark.NOT_RUN})
    said = [f"{bad} of {total} not in order"] if bad else []
    said += [f"{blocked} not run"] if blocked else []
    said = said or [words.plural(total, "reading") if total else "nothing read"]
    said += [_cabling(view, part.path)] if "/hca/" in part.path else []
    said += [part.blocked] if part.blocked and "/" in part.path else []
    tone = SIGNS[mark].tone if mark in TROUBLE else Tone.PLAIN
    what = ", ".join(filter(None, said))
    row = Row(part.path, ((head, tone), (look.text(what), Tone.DIM)))
    return NodeRow(row, mark, part.path, f"{label}: {what}", lambda: files(part), component=True)


def _cabling(view: RunView, path: str) -> str:
    """Where the planned cable of a port leads."""
    pieces = path.split("/")
    node = view.state.nodes.get(pieces[0])
    port = next((p for p in node.ports if p.hca == pieces[2]), None) if node and len(pieces) > 2 else None
    if port is None or not port.leaf:
        return ""
    return f"to {port.leaf} port {port.leaf_port}" + (f", cable {port.cable}" if port.cable else "")


def _entry_row(
    view: RunView, group: list[Entry], path: str, name: str, number: int, depth: int, look: Look
) -> NodeRow:
    entry = group[0]
    outcome = entry.outcome
    tone = SIGNS[entry.mark].tone if entry.mark in TROUBLE else Tone.PLAIN
    title = _title(view, entry, name) if len(group) == 1 else words.plural(len(group), "result")
    head: Span = (f"{'  ' * depth}{look.glyph(entry.mark)} {look.text(title, 60)}", tone)
    if entry.measurement is not None:
        cells = (head, *_reading(entry.measurement, tone, look))
    else:
        said = entry.finding.message or entry.finding.code if entry.finding else _said(entry, name)
        cells = (head, (look.text(said), tone))
    key = f"{path}\n{outcome.check}\n{outcome.target}\n{number}"
    kept = [e for one in group for e in one.outcome.evidence]
    return NodeRow(Row(key, cells), entry.mark, path, _in_full(group, title, name), lambda: unique(kept))


def _title(view: RunView, entry: Entry, name: str) -> str:
    """Check, what was measured if the check's name does not say it, partner, and the defect elsewhere that is to blame."""
    outcome = entry.outcome
    title = [outcome.check]
    if entry.measurement is not None and not _same(entry.measurement.name, outcome.check):
        measured = entry.measurement.name
        title = [measured] if measured.startswith(f"{outcome.stage}.") else [outcome.check, measured]
    if len(outcome.nodes) == 2:
        title += [n for n in outcome.nodes if n != name]
    cause = view.explained.get((outcome.check, outcome.target))
    if cause is not None and name not in cause.nodes:
        title.append(f"({cause.id})")
    return " ".join(title)


def _reading(m: Measurement, tone: Tone, look: Look) -> tuple[Span, ...]:
    """Value, limit, bar and reason; without a limit the value has the room of all."""
    value = look.folded(words.value(m))
    if m.limit is None:
        return ((f"{value}   (no limit)", tone),)
    return (
        (value, tone),
        (look.folded(words.limit_words(m)), Tone.PLAIN),
        (gauge(m, GAUGE_WIDTH, look), tone),
        (look.text(m.limit.why), Tone.DIM),
    )


def _same(measurement: str, check: str) -> bool:
    """Whether the check's name says already what was measured: `write_bw` in `rdma.write-bw`."""
    return measurement.replace("_", "-") in (check, check.partition(".")[2])


def _said(entry: Entry, name: str) -> str:
    """What a result says where it brought neither a reading nor a finding for this node."""
    if entry.outcome.verdict is Verdict.FAIL and not speaks_of(entry.outcome, name):
        return "nothing against this node"
    return words.describe(entry.outcome)


def _in_full(group: list[Entry], title: str, name: str) -> str:
    """All words of a row: also where its limit comes from, and which checks were not run."""
    entry, m = group[0], group[0].measurement
    if len(group) > 1:
        return f"{_said(entry, name)}: {', '.join(dict.fromkeys(e.outcome.check for e in group))}"
    if m is None:
        return (
            f"{title}: {entry.finding.message or entry.finding.code if entry.finding else _said(entry, name)}"
        )
    if m.limit is None:
        return f"{title}: {words.value(m)}; informative, no limit"
    source = "; ".join(filter(None, (m.limit.why, m.limit.source)))
    return f"{title}: {words.value(m)}, needs {words.limit_words(m)}" + (f" ({source})" if source else "")
