"""The report's pictures with their legends: the floor, the stages, bandwidth by port and leaf, distributions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bringup.defects import Defect, Who
from bringup.inventory.names import natural_key
from bringup.model import Node, Verdict, Why
from bringup.report import text, words
from bringup.report import verdict as judge
from bringup.report.html import svg
from bringup.report.html.markup import Markup, tag
from bringup.report.html.svg import Cell
from bringup.report.readings import Distribution, Speed, Speeds, racks
from bringup.run import RunState

_MOST_LEAVES = 512
_MOST_NAMED = 64
_PER_LINE = 32
_SMALL_FLEET = 64
"""Up to so many nodes the pictures are drawn larger."""
_WHO_CELL = {
    Who.HANDS_ON: ("s-hands", "X", "hands on"),
    Who.CONFIGURATION: ("s-conf", "C", "configuration"),
    Who.SOFTWARE: ("s-conf", "S", "software"),
    Who.PLAN: ("s-other", "P", "plan"),
}
_SHADES = (
    ("bad0", "under half of the limit"), ("bad1", "under 85 %"), ("bad2", "under the limit"),
    ("ok0", "at the limit"), ("ok1", ""), ("ok2", ""), ("ok3", "best of this run"), ("none", "not measured"),
)  # fmt: skip


def floor(state: RunState, defects: Sequence[Defect]) -> Markup:
    """Every node at its place in its rack, marked with who must act; a mark leads to its entry in the punch list."""
    first: dict[str, tuple[int, Defect]] = {}
    for number, defect in enumerate(defects, start=1):
        for name in defect.nodes:
            first.setdefault(name, (number, defect))
    ready = judge.ready_nodes(state)
    failed = {n for o in state.outcomes if o.verdict is Verdict.FAIL for n in o.nodes if len(o.nodes) == 1}
    drawn = []
    for rack, members in racks(state.nodes.values()).items():
        rows = [
            (f"U{text.line(n.unit, 4)}" if n.unit else "", text.shorten(text.line(n.name), 20),
             _node_cell(n, ready, failed, first.get(n.name)))
            for n in members
        ]  # fmt: skip
        units = max(len(unit) for unit, _, _ in rows)
        title = text.line(rack, 20) or "no rack given"
        label = f"rack {title}: {words.plural(len(members), 'node')}"
        drawn.append(svg.column(title, rows, label=label, units=units, scale=_scale(state)))
    marks = [
        ("s-ready", "", "ready"), ("s-hands", "X", "hands on"), ("s-conf", "C", "configuration"),
        ("s-conf", "S", "software"), ("s-other", "P", "plan"), ("s-other", "!", "failed, not diagnosed"),
        ("s-unknown", "?", "could not be judged"),
    ]  # fmt: skip
    how = "Each rack as one stands before it, the highest unit on top. A marked node leads to its entry in the punch list."
    return tag(
        "section", tag("h2", "Floor"), tag("p", how, class_="how"), _legend(marks), tag("div", *drawn, class_="flow"),
        id="floor",
    )  # fmt: skip


def _scale(state: RunState) -> float:
    return 1.5 if len(state.nodes) <= _SMALL_FLEET else 1.0


def _node_cell(node: Node, ready: set[str], failed: set[str], found: tuple[int, Defect] | None) -> Cell:
    name = text.line(node.name, 80)
    if found is not None:
        number, defect = found
        kind, glyph, who = _WHO_CELL[defect.who]
        return Cell(kind, f"{name}: {who}: {text.line(defect.title, 120)}", glyph, f"#d{number}")
    if node.name in ready:
        return Cell("s-ready", f"{name}: ready")
    if node.name in failed:
        return Cell("s-other", f"{name}: failed, not diagnosed", "!", "#open")
    return Cell("s-unknown", f"{name}: could not be judged", "?", "#open")


def _legend(marks: Sequence[tuple[str, str, str]]) -> Markup:
    items = [tag("li", svg.swatch(kind, glyph), said) for kind, glyph, said in marks]
    return tag("ul", *items, class_="legend")


def stages(state: RunState) -> Markup:
    """How many nodes each stage still had, and what became of its results."""
    waived: dict[str, int] = {}
    judged: dict[str, set[str]] = {}
    for outcome in state.outcomes:
        if outcome.verdict is Verdict.NOT_RUN:
            waived[outcome.stage.value] = waived.get(outcome.stage.value, 0) + (
                outcome.why is Why.NOT_APPLICABLE
            )
        elif outcome.verdict is not Verdict.ERROR and len(outcome.nodes) <= 2:
            judged.setdefault(outcome.stage.value, set()).update(outcome.nodes)
    rows = []
    for stage, its in state.stages.items():
        if not its.cases:
            continue
        skipped = waived.get(stage.value, 0)
        counts = {v.value: its.counts.get(v, 0) for v in Verdict}
        counts["not-run"] -= skipped
        counts["not-applicable"], counts["missing"] = skipped, max(0, its.cases - its.done)
        took = its.ended - its.started if its.ended is not None and its.started is not None else None
        bar = svg.bar(list(counts.items()), label=f"stage {stage.value}: {words.plural(its.cases, 'result')}")
        numbers = [len(judged.get(stage.value, ())), *counts.values()]
        cells = [tag("td", f"{n:,}" if n else "\u00b7", class_="n") for n in numbers]
        rows.append(
            tag(
                "tr",
                tag("td", stage.value),
                tag("td", bar, class_="bar"),
                *cells,
                tag("td", words.clock(took), class_="n"),
            )
        )
    names = ("nodes judged", "passed", "failed", "no verdict", "not run", "does not apply", "missing", "time")
    head = tag("tr", tag("th", "stage"), tag("th", ""), *(tag("th", name, class_="n") for name in names))
    how = "A node that a gate sent away is not judged by later stages: the number of nodes judged is what is left of the fleet."
    table = tag("div", tag("table", tag("thead", head), tag("tbody", *rows)), class_="wide")
    return tag("section", tag("h2", "Stages"), tag("p", how, class_="how"), table, id="stages")


def bandwidth(state: RunState, measured: Speeds) -> Markup | None:
    """Rail by node in every rack, and leaf by leaf. Nothing if no pair was measured."""
    if not measured.ports:
        return None
    best = [max(s.values) for s in measured.ports.values()]
    low, high = min(best), max(best)
    unit = next((s.unit for s in measured.ports.values()), "")
    total = sum(len(n.ports) for n in state.nodes.values())
    titled = svg.few_enough(total)
    rails = sorted({p.rail for n in state.nodes.values() for p in n.ports})
    panels = [
        _rack_panel(
            rack, [n for n in members if n.ports], rails, measured, (low, high), titled, _scale(state)
        )
        for rack, members in racks(state.nodes.values()).items()
        if any(n.ports for n in members)
    ]
    how = (
        f"Best write bandwidth of each port with any of its partners ({low:.0f} to {high:.0f} {unit}); a column is a rail. "
        "A port that was good with one partner is good: where it was not, the other end or the path is to blame."
    )
    legend = _legend([(shade, "", said) for shade, said in _SHADES])
    blocks = [tag("h2", "Bandwidth"), tag("h3", "Rail by node"), tag("p", how, class_="how"), legend]
    blocks.append(tag("div", *panels, class_="flow"))
    if measured.leaves:
        blocks += _leaf_panel(measured.leaves, titled)
    return tag("section", *blocks, id="bandwidth")


def _rack_panel(
    rack: str,
    members: Sequence[Node],
    rails: Sequence[int],
    measured: Speeds,
    span: tuple[float, float],
    titled: bool,
    scale: float,
) -> Markup:
    cells: dict[tuple[int, int], Cell] = {}
    for row, node in enumerate(members):
        for port in node.ports:
            speed = measured.ports.get((node.name, port.hca))
            where = f"{text.line(node.name, 60)} {text.line(port.hca, 30)} rail {port.rail}"
            cells[row, rails.index(port.rail)] = _speed_cell(where, speed, max, "best", span)
    title = text.line(rack, 20) or "no rack given"
    names = [text.shorten(text.line(node.name), 20) for node in members]
    picture = svg.grid(
        names, [str(r) for r in rails], cells, label=f"bandwidth of rack {title}", titled=titled, scale=scale
    )
    return tag("div", tag("b", title), tag("br"), picture)


def _speed_cell(where: str, speed: Speed | None, pick: object, word: str, span: tuple[float, float]) -> Cell:
    if speed is None or not speed.values:
        return Cell("none", f"{where}: not measured")
    value = max(speed.values) if pick is max else sorted(speed.values)[len(speed.values) // 2]
    needs = f", needs {speed.limit:g}" if speed.limit is not None else ""
    count = words.plural(len(speed.values), "pair")
    under = f", {speed.broken:,} under the limit" if speed.broken else ""
    return Cell(
        svg.shade(value, speed.limit, *span),
        f"{where}: {word} {value:.4g} {speed.unit} of {count}{under}{needs}",
    )


def _leaf_panel(leaves: Mapping[tuple[str, str], Speed], titled: bool) -> list[Markup]:
    names = sorted({name for pair in leaves for name in pair}, key=natural_key)
    if len(names) > _MOST_LEAVES:
        return [tag("h3", "Leaf by leaf"), tag("p", f"{len(names):,} leaves are too many for one picture.")]
    middles = [sorted(s.values)[len(s.values) // 2] for s in leaves.values()]
    span = (min(middles), max(middles))
    many = len(names) > _MOST_NAMED
    if many and all(a == b for a, b in leaves):
        return _leaf_strip(names, leaves, span)
    at = {name: index for index, name in enumerate(names)}
    cells: dict[tuple[int, int], Cell] = {}
    for (a, b), speed in leaves.items():
        where = f"{text.line(a, 60)} and {text.line(b, 60)}" if a != b else f"within {text.line(a, 60)}"
        cells[at[a], at[b]] = cells[at[b], at[a]] = _speed_cell(where, speed, None, "median", span)
    how = (
        "The median of all pairs between ports of two leaves. An empty place: no pair of this run went there."
    )
    shown = [] if many else [text.shorten(text.line(name), 18) for name in names]
    size = 4 if many else svg.CELL
    picture = svg.grid(
        shown, shown, cells, label="bandwidth by leaf", cell=size, titled=titled and not many, upright=False
    )
    return [tag("h3", "Leaf by leaf"), tag("p", how, class_="how"), tag("div", picture, class_="wide")]


def _leaf_strip(
    names: Sequence[str], leaves: Mapping[tuple[str, str], Speed], span: tuple[float, float]
) -> list[Markup]:
    """Where no pair crosses leaves, a square of them would hold nothing but its diagonal."""
    cells = {
        divmod(index, _PER_LINE): _speed_cell(
            f"within {text.line(name, 60)}", leaves[name, name], None, "median", span
        )
        for index, name in enumerate(names)
        if (name, name) in leaves
    }
    rows = [text.shorten(text.line(name), 18) for name in names[::_PER_LINE]]
    picture = svg.grid(rows, (), cells, label="bandwidth by leaf")
    how = "The median of all pairs within each leaf; no pair went from one leaf to another. Named: the first of a row."
    return [tag("h3", "By leaf"), tag("p", how, class_="how"), tag("div", picture, class_="wide")]


def charts(found: Sequence[Distribution]) -> Markup | None:
    """One histogram for each measurement that has a limit and was not the same everywhere."""
    if not found:
        return None
    how = (
        "Measurements with a limit that were not the same everywhere; the dashed line is the limit (no line: it is far away). "
        "Lowest, median and highest value."
    )
    drawn = [_chart(one) for one in found]
    return tag(
        "section",
        tag("h2", "Distributions"),
        tag("p", how, class_="how"),
        tag("div", *drawn, class_="charts"),
        id="charts",
    )


def _chart(one: Distribution) -> Markup:
    name, unit = text.line(one.name, 60), f" {text.line(one.unit, 20)}".rstrip()
    low, middle, high = min(one.values), one.middle, max(one.values)
    bounds = " or ".join(_bounds(one.limits))
    facts = f"{len(one.values):,} values: {low:.5g}, {middle:.5g}, {high:.5g}{unit}; limit {bounds}"
    blocks: list[Markup] = [
        tag("b", f"{name}"),
        tag("p", tag("code", text.line(one.check, 60)), tag("br"), facts),
    ]
    blocks.append(svg.histogram(one.values, one.limits, label=f"{name}: {facts}"))
    if one.broken:
        more = f" and {one.broken - len(one.worst):,} more" if one.broken > len(one.worst) else ""
        blocks.append(tag("p", f"out of the limit: {', '.join(map(_at, one.worst))}{more}"))
    return tag("div", *blocks, class_="chart")


def _bounds(limits: Sequence[tuple[str, float]]) -> list[str]:
    """`>= 380`; of limits that differ from place to place the range: `>= 706.9 to 708.1`."""
    said = []
    for op in dict.fromkeys(op for op, _ in limits):
        mine = sorted(value for its, value in limits if its == op)
        said.append(
            f"{op} {mine[0]:.5g}" + (f" to {mine[-1]:.5g}" if f"{mine[-1]:.5g}" != f"{mine[0]:.5g}" else "")
        )
    return said


def _at(path: str) -> str:
    """A place of a measurement as people say it: `gpu-003 port mlx5_1 ~ gpu-004 port mlx5_1`."""
    ends = [f"{words.node_of(end)} {words.part(end)}".strip() for end in path.split(" ~ ")]
    return text.line(" ~ ".join(ends), 80)
