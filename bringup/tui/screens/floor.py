"""Screen 1: the floor. One cell per node, rack by rack, and what is wrong with the selected one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from textual.widget import Widget

from bringup.inventory.query import Facts, query
from bringup.model import Stage
from bringup.tui.actions import Place
from bringup.tui.defect_rows import listed, top_lines
from bringup.tui.heat import GROUPINGS, Floor, following, grouped, place
from bringup.tui.look import TROUBLE, Line, Mark, Tone
from bringup.tui.measures import Measure, Shading, broken, legend, measures, shading
from bringup.tui.node_facts import node_facts
from bringup.tui.once import Once
from bringup.tui.screens.page import Desk, Page, bindings
from bringup.tui.screens.worklist import ListPage, copy_tickets
from bringup.tui.summary import node_lines
from bringup.tui.widgets.heatmap import Cell, HeatMap
from bringup.tui.widgets.lines import Block
from bringup.tui.worklist import defects_on

FRAME_LINES = 3 + 2 + 1
"""Header, status and footer."""
LEAST_BELOW = 4
"""Free lines below the map from which on the first defects are listed there."""
SAMPLE = 16
"""So many nodes are looked at to learn which measurements there are."""
GROUP_WORDS = {"unit": "height unit", "leaf": "the leaf of their first rail"}


class FloorPage(Page):
    """The heat map."""

    place = Place.FLOOR
    tab = "floor"
    BINDINGS = bindings(Place.FLOOR)

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.faults_only = False
        self.group = next(iter(GROUPINGS))
        self.lens: Stage | Measure | None = None
        self._measure: Measure | None = None
        self._placed_for: object = None
        self._floor = Floor()
        self._facts: Once[dict[str, Facts]] = Once()
        self._shading: Once[Shading] = Once()
        self._main, self._below, self._rest = HeatMap(desk.look), Block(), Block(id="rest")

    def body(self) -> Iterable[Widget]:
        yield self._main
        yield self._below
        yield self._rest

    @property
    def mover(self) -> HeatMap:
        return self._main

    def draw(self) -> None:
        heat, view = self.mover, self.desk.view
        names = self._names()
        wanted = (heat.size.width, len(view.state.nodes), names, self.group)
        if wanted != self._placed_for:
            chosen = set(names)
            nodes = [node for node in view.walk() if node.name in chosen]
            self._floor = place(grouped(nodes, self.group), heat.size.width or self.size.width)
            self._placed_for = wanted
        heat.empty = self._why_empty()
        if self.desk.node and self.desk.node != heat.node and self.desk.node in self._floor.cells:
            heat.node = self.desk.node
        earlier = self.desk.earlier
        changed = earlier.changed(view) if earlier and self.lens is None else frozenset()
        heat.show(self._floor, self._cells(), self.desk.nodes.keys, changed)
        self.desk.node = heat.node
        self._share_room()

    def _cells(self) -> Mapping[str, Cell]:
        """What each cell shows."""
        view = self.desk.view
        if isinstance(self.lens, Measure):
            if view.watched != self.lens:
                view.watch(self.lens)
            return self._shaded().shades
        if self.lens is not None:
            return {name: view.mark_in(name, self.lens) for name in self._floor.order}
        return view.marks

    def _shaded(self) -> Shading:
        view = self.desk.view
        return self._shading.of((view.version, self.lens), lambda: shading(view.values))

    def _names(self) -> tuple[str, ...]:
        """The nodes that faults-only and the filter let through."""
        view = self.desk.view
        names = list(view.state.nodes)
        if self.faults_only:
            names = [name for name in names if view.marks.get(name) in TROUBLE]
        if self.filter:
            test, facts = query(self.filter), self._facts.of(view.version, self._all_facts)
            names = [name for name in names if test(facts[name])]
        return tuple(names)

    def _all_facts(self) -> dict[str, Facts]:
        view = self.desk.view
        return {name: node_facts(view, name, self._change(name)) for name in view.state.nodes}

    def _change(self, name: str) -> str:
        """Whether a node is worse or better than in the earlier run, if there is one."""
        return self.desk.earlier.word(self.desk.view, name) if self.desk.earlier else ""

    def _why_empty(self) -> str:
        if not self.desk.view.state.nodes:
            return "no node is listed yet"
        return "no node matches the filter" if self.filter else "no node has a fault"

    def _share_room(self) -> None:
        """The map gets the lines that it needs; what is left below it shows the first defects."""
        room = max(2, self.size.height - FRAME_LINES - self.filter_line.display - (self.lens is not None))
        high = min(room, self._floor.height or 2)
        self.mover.styles.height = high
        self._rest.display = room > high
        free = room - high
        lines: list[Line] = []
        if free >= LEAST_BELOW:
            lines = top_lines(self.desk.view, self.desk.look, free - 2, self.size.width)
        self._below.show([(), *lines] if lines else [])

    def status(self) -> Sequence[Line]:
        lines = node_lines(self.desk.view, self.desk.node, self.desk.look, self.size.width)
        if self.desk.earlier is not None:
            was = self.desk.earlier.said(self.desk.view, self.desk.node)
            told = (f"  {self.desk.look.text(was)}" if was else "", Tone.CHANGED)
            lines = ((*lines[0][:1], told, *lines[0][1:]), lines[1])
        return lines if self.lens is None else (self._legend(), *lines)

    def _legend(self) -> Line:
        """What the cells show, if it is not the state."""
        view, look = self.desk.view, self.desk.look
        if isinstance(self.lens, Stage):
            return ((f" cells: stage {self.lens} only", Tone.BOLD), ("   < > other stages", Tone.DIM))
        if self.lens is None:
            return ()
        return legend(self.lens, self._shaded().scale, view.values.get(self.desk.node), look, self.size.width)

    def says(self) -> str:
        parts = [f"by {self.group}" if self.group != "rack" else "", self.mover.says]
        if self.desk.nodes.keys:
            parts.append(f"{len(self.desk.nodes.keys):,} marked")
        if self.faults_only:
            parts.append("faults only")
        if self.filter:
            parts.append(f"/{self.filter}")
        return "  ".join(filter(None, parts))

    def on_heat_map_moved(self) -> None:
        self.desk.node = self.mover.node
        self.draw_frame()

    def on_heat_map_chosen(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        if self.desk.node:
            self.post_message(self.NodeWanted(self.desk.node))

    def action_faults(self) -> None:
        self.faults_only = not self.faults_only
        self.update()

    def action_next(self, step: int) -> None:
        view, heat = self.desk.view, self.mover
        bad = [name for name, mark in view.marks.items() if mark in TROUBLE - {Mark.NOT_RUN}]
        goal = following(self._floor.order, heat.node, bad, step)
        if goal == heat.node and goal not in bad:
            self.tell("no node has a defect")
            return
        heat.select(goal)
        self.desk.node = heat.node
        self.draw_frame()

    # ------------------------------------------------------------------------------------- groups and meanings

    def action_group(self) -> None:
        names = list(GROUPINGS)
        self.group = names[(names.index(self.group) + 1) % len(names)]
        self.update()
        self.tell(f"nodes by {GROUP_WORDS.get(self.group, self.group)}")

    def action_meaning(self, step: int) -> None:
        """State, one stage, one measurement, and state again."""
        view = self.desk.view
        if self.lens is None and view.stage is not None:
            self.lens = view.stage
        elif not isinstance(self.lens, Measure) and (known := self.known_measures()):
            self.lens = self._measure or self._telling(known)
        else:
            self.lens = None
        self.update()
        if self.lens is None:
            self.tell("cells show the state of the nodes")

    def known_measures(self) -> list[Measure]:
        """What was measured on some nodes; every node of a profile is measured alike."""
        view, names = self.desk.view, list(self.desk.view.state.nodes)
        some = dict.fromkeys([self.desk.node, *names[:: max(1, len(names) // SAMPLE)]])
        return measures(o for name in some for o in view.state.by_node.get(name, []))

    def _telling(self, known: Sequence[Measure]) -> Measure:
        """What to begin with: the first measurement that made a defect, else the first of all."""
        cases = self.desk.view.state.cases
        told = (cases.get((s.check, s.target)) for d in listed(self.desk.view) for s in d.explains)
        return next((measure for o in told if o is not None and (measure := broken(o))), known[0])

    def show_measure(self, measure: Measure) -> None:
        """Cells are shades of this measurement."""
        self.lens = self._measure = measure
        self.update()

    def action_lens(self, step: int) -> None:
        """The next stage or measurement of the kind that is shown."""
        known: list[Stage] | list[Measure]
        if isinstance(self.lens, Measure):
            known = self.known_measures()
            here = known.index(self.lens) if self.lens in known else 0
            self.lens = self._measure = known[(here + step) % len(known)] if known else None
        else:
            known = [s for s, state in self.desk.view.state.stages.items() if state.cases]
            here = known.index(self.lens) if self.lens in known else -1 if step > 0 else 0
            self.lens = known[(here + step) % len(known)] if known else None
        self.update()

    # ------------------------------------------------------------------------------------- marks

    def action_tick(self) -> None:
        self.desk.nodes.toggle(self.desk.node)
        self.update()

    def action_tick_range(self) -> None:
        self.desk.nodes.span(self.desk.node, self._floor.order)
        self.update()

    def action_untick(self) -> None:
        self.desk.nodes.clear()
        self.update()

    async def action_paper(self) -> None:
        view, marked = self.desk.view, self.desk.nodes.keys
        chosen = [d for d in listed(view) if not marked or marked.intersection(d.nodes)]
        await self.app.push_screen(ListPage(self.desk, chosen))

    def action_copy(self) -> None:
        copy_tickets(self, defects_on(self.desk.view, self.desk.nodes.keys or {self.desk.node}))
