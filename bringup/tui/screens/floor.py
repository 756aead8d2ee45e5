"""Screen 1: the floor. One cell per node, rack by rack, and what is wrong with the selected one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.widget import Widget

from bringup.tui.actions import Place
from bringup.tui.defect_rows import top_lines
from bringup.tui.heat import Floor, following, place, racks
from bringup.tui.look import TROUBLE, Line, Mark
from bringup.tui.query import query
from bringup.tui.screens.page import Desk, Page, bindings
from bringup.tui.summary import node_facts, node_lines
from bringup.tui.widgets.heatmap import HeatMap
from bringup.tui.widgets.lines import Block

FRAME_LINES = 3 + 2 + 1
"""Header, status and footer."""
LEAST_BELOW = 4
"""Free lines below the map from which on the first defects are listed there."""


class FloorPage(Page):
    """The heat map."""

    place = Place.FLOOR
    tab = "floor"
    BINDINGS = bindings(Place.FLOOR)

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.faults_only = False
        self._placed_for: object = None
        self._floor = Floor()
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
        wanted = (heat.size.width, len(view.state.nodes), names)
        if wanted != self._placed_for:
            chosen = set(names)
            nodes = [node for node in view.state.nodes.values() if node.name in chosen]
            self._floor = place(racks(nodes), heat.size.width or self.size.width)
            self._placed_for = wanted
        heat.empty = self._why_empty()
        if self.desk.node and self.desk.node != heat.node and self.desk.node in self._floor.cells:
            heat.node = self.desk.node
        heat.show(self._floor, view.marks)
        self.desk.node = heat.node
        self._share_room()

    def _names(self) -> tuple[str, ...]:
        """The nodes that faults-only and the filter let through."""
        view = self.desk.view
        names = list(view.state.nodes)
        if self.faults_only:
            names = [name for name in names if view.marks.get(name) in TROUBLE]
        if self.filter:
            test = query(self.filter)
            names = [name for name in names if test(node_facts(view, name))]
        return tuple(names)

    def _why_empty(self) -> str:
        if not self.desk.view.state.nodes:
            return "no node is listed yet"
        return "no node matches the filter" if self.filter else "no node has a fault"

    def _share_room(self) -> None:
        """The map gets the lines that it needs; what is left below it shows the first defects."""
        room = max(2, self.size.height - FRAME_LINES - self.filter_line.display)
        high = min(room, self._floor.height or 2)
        self.mover.styles.height = high
        self._rest.display = room > high
        free = room - high
        lines: list[Line] = []
        if free >= LEAST_BELOW:
            lines = top_lines(self.desk.view, self.desk.look, free - 2, self.size.width)
        self._below.show([(), *lines] if lines else [])

    def status(self) -> Sequence[Line]:
        return node_lines(self.desk.view, self.desk.node, self.desk.look, self.size.width)

    def says(self) -> str:
        parts = [self.mover.says]
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
