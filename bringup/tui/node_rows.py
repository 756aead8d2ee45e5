"""The node's page as lines and rows: who it is, what is wrong, and the component tree with its measurements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bringup.model import Defect, Evidence, Node, Verdict
from bringup.report import words
from bringup.tui.defect_rows import measured_words, parts_short
from bringup.tui.feed import RunView
from bringup.tui.gauge import gauge
from bringup.tui.look import SIGNS, TROUBLE, Line, Look, Mark, Span, Tone, spaced, wrapped
from bringup.tui.marks import defect_mark, speaks_of
from bringup.tui.node_tree import Component, Entry, files, tree, unique
from bringup.tui.table import Column, Row

GAUGE_WIDTH = 14
NODE_COLUMNS = (
    Column("component / reading", 31),
    Column("value", 12, right=True),
    Column("limit", 18),
    Column("", GAUGE_WIDTH),
    Column("why this limit", 40, from_width=125),
)
MOST_DEFECTS = 3


@dataclass(frozen=True, slots=True)
class NodeRow:
    """One row of the tree and what lies behind it."""

    row: Row
    mark: Mark
    path: str
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
    """The tree as rows. Parts where something is not in order are open, the others closed; `toggled` are exceptions."""
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
    is_open = any(e.mark in TROUBLE for e in part.entries) != (part.path in toggled)
    entries = [e for e in part.entries if not trouble_only or e.mark in TROUBLE]
    rows.append(_component_row(view, part, label, mark, depth, look, is_open=is_open))
    if is_open:
        rows += [_entry_row(view, e, part.path, name, k, depth + 1, look) for k, e in enumerate(entries)]
    for child in part.children:
        if is_open or depth == 0 or child.mark in TROUBLE:
            _add(view, child, name, depth + 1, look, toggled, trouble_only, rows)


def _merged(part: Component, name: str) -> tuple[str, Component]:
    """The label of a part; a container that holds nothing but one part is shown as one line with it."""
    while part.path != name and not part.entries and not part.own and len(part.children) == 1:
        part = part.children[0]
    return (words.part(part.path).removeprefix("port ") if part.path != name else name), part


def _component_row(
    view: RunView, part: Component, label: str, mark: Mark, depth: int, look: Look, *, is_open: bool
) -> NodeRow:
    fold = "+" if part.every() and not is_open else " "
    head = f"{'  ' * depth}{look.glyph(mark)} {fold} {look.text(label, 40)}"
    total, bad = len(part.every()), part.troubles
    said = [
        f"{bad} of {total} not in order"
        if bad
        else words.plural(total, "reading")
        if total
        else "nothing read"
    ]
    said += [_cabling(view, part.path)] if "/hca/" in part.path else []
    said += [part.blocked] if part.blocked else []
    tone = SIGNS[mark].tone if mark in TROUBLE else Tone.PLAIN
    cells = ((head, tone), (look.fit(look.text(", ".join(filter(None, said))), 200).rstrip(), Tone.DIM))
    return NodeRow(Row(part.path, cells), mark, part.path, lambda: files(part), component=True)


def _cabling(view: RunView, path: str) -> str:
    """Where the planned cable of a port leads."""
    pieces = path.split("/")
    node = view.state.nodes.get(pieces[0])
    port = next((p for p in node.ports if p.hca == pieces[2]), None) if node and len(pieces) > 2 else None
    if port is None or not port.leaf:
        return ""
    return f"to {port.leaf} port {port.leaf_port}" + (f", cable {port.cable}" if port.cable else "")


def _entry_row(
    view: RunView, entry: Entry, path: str, name: str, number: int, depth: int, look: Look
) -> NodeRow:
    outcome = entry.outcome
    tone = SIGNS[entry.mark].tone if entry.mark in TROUBLE else Tone.PLAIN
    lead = f"{'  ' * depth}{look.glyph(entry.mark)} "
    partner = " ".join(n for n in outcome.nodes if n != name) if len(outcome.nodes) == 2 else ""
    cause = view.explained.get((outcome.check, outcome.target))
    if cause is not None and name not in cause.nodes:
        partner = f"{partner} ({cause.id})".strip()
    if entry.measurement is not None:
        m = entry.measurement
        title = " ".join(
            filter(None, (outcome.check, "" if _same(m.name, outcome.check) else m.name, partner))
        )
        limit = words.limit_words(m)
        cells: tuple[Span, ...] = (
            (lead + look.text(title, 60), tone),
            (look.folded(words.value(m)), tone),
            (look.folded(limit) if m.limit else "no limit", Tone.PLAIN if m.limit else Tone.DIM),
            (gauge(m, GAUGE_WIDTH, look) if words.holds(m) or m.limit else "", tone),
            (look.text(m.limit.why) if m.limit else "", Tone.DIM),
        )
    else:
        title = outcome.check + (f" {partner}" if partner else "")
        said = entry.finding.message or entry.finding.code if entry.finding else _said(entry, name)
        cells = ((lead + look.text(title, 60), tone), (look.text(said), tone))
    key = f"{path}\n{outcome.check}\n{outcome.target}\n{number}"
    return NodeRow(Row(key, cells), entry.mark, path, lambda: unique(list(outcome.evidence)))


def _same(measurement: str, check: str) -> bool:
    """Whether the check's name says already what was measured: `write_bw` in `rdma.write-bw`."""
    return measurement.replace("_", "-") in check.replace("_", "-")


def _said(entry: Entry, name: str) -> str:
    """What a result says where it brought neither a reading nor a finding for this node."""
    if entry.outcome.verdict is Verdict.FAIL and not speaks_of(entry.outcome, name):
        return "nothing against this node"
    return words.describe(entry.outcome)
