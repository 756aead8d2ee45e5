"""The terminal UI: follows a run's journal and shows it. It only reads; closing it stops nothing."""

from __future__ import annotations

import gc
import shlex
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.app import App, SuspendNotSupported, SystemCommand
from textual.command import CommandPalette, Hit, Hits, Provider
from textual.screen import Screen

from bringup.tui.actions import Action, Place, commands, full
from bringup.tui.compared import Earlier
from bringup.tui.feed import RunView
from bringup.tui.keymap import Keymap
from bringup.tui.look import Look
from bringup.tui.replay import Replay
from bringup.tui.screens.cables import CablesPage
from bringup.tui.screens.defects import DefectsPage
from bringup.tui.screens.floor import FloorPage
from bringup.tui.screens.leaving import QuitPage
from bringup.tui.screens.node import NodePage
from bringup.tui.screens.page import Desk, Page, bindings
from bringup.tui.screens.repair import RepairPage
from bringup.tui.screens.stages import StagesPage
from bringup.tui.screens.text import ChangesPage, HelpPage, LogPage
from bringup.tui.screens.worklist import write
from bringup.tui.ssh_command import known_hosts_of, run_in_terminal, ssh_command

TICK_S = 0.1
SLOW_TICK_S = 1.0
BUDGET_S = 0.04
"""At most so long is the journal read before keys are looked at again."""
HURRY_S = 0.005
THEMES = ("ansi-dark", "ansi-light", "textual-dark", "textual-light")
MOST_HITS = 20


class NodeSearch(Provider):
    """The palette's second half: nodes by name."""

    async def search(self, query: str) -> Hits:
        """Nodes whose name fits the query."""
        app = self.app
        if not isinstance(app, BringupApp):
            return
        matcher = self.matcher(query)
        scored = [(matcher.match(name), name) for name in app.desk.view.state.nodes]
        for score, name in sorted(scored, key=lambda hit: (-hit[0], hit[1]))[:MOST_HITS]:
            if score > 0:
                shown = app.desk.look.text(name, 60)
                yield Hit(
                    score, f"node {shown}", partial(app.open_node, name), text=shown, help="open its page"
                )


class MeasureSearch(Provider):
    """Shades of one measurement on the floor, by the measurement's name."""

    async def search(self, query: str) -> Hits:
        """Measurements whose name fits the query."""
        page = self.screen
        if not isinstance(page, FloorPage):
            return
        matcher = self.matcher(query)
        for measure in page.known_measures():
            score = matcher.match(str(measure))
            if score > 0:
                shown = page.desk.look.text(f"cells: {measure}", 70)
                yield Hit(
                    score, shown, partial(page.show_measure, measure), text=shown, help="shades on the floor"
                )


class BringupApp(App[str]):
    """Shows the run in a folder, live or finished. Its result is what to tell the person who has left."""

    TITLE = "bringup"
    CSS = """
    Screen { layout: vertical; overflow: hidden; }
    #rest { height: 1fr; }
    CommandPalette > Vertical { margin-top: 1; }
    CommandPalette #--input { border: none; }
    CommandPalette SearchIcon { display: none; }
    CommandPalette CommandList { border: none; scrollbar-size-vertical: 0; }
    """
    BINDINGS = bindings(Place.EVERYWHERE)
    COMMANDS: ClassVar = App.COMMANDS | {NodeSearch, MeasureSearch}
    COMMAND_PALETTE_BINDING = "ctrl+p"
    ALLOW_SELECT = False
    ENABLE_COMMAND_PALETTE = True

    def __init__(
        self,
        folder: Path,
        *,
        ascii_mode: bool = False,
        slow_link: bool = False,
        clock: Callable[[], float] = time.time,
        replay: Replay | None = None,
        earlier: Earlier | None = None,
        read_only: bool = False,
        keymap: Keymap | None = None,
    ) -> None:
        super().__init__()
        self.desk = Desk(
            RunView(folder, replay),
            Look(ascii=ascii_mode),
            replay.now if replay else clock,
            read_only=read_only,
            earlier=earlier,
            keymap=keymap or Keymap(),
        )
        self.slow_link = slow_link
        self.animation_level = "none"
        self.theme = THEMES[0]
        self._visited: list[str] = []
        self._hurrying = False
        self.add_mode("floor", lambda: FloorPage(self.desk))
        self.add_mode("stages", lambda: StagesPage(self.desk))
        self.add_mode("defects", lambda: DefectsPage(self.desk))
        self.add_mode("node", lambda: NodePage(self.desk))
        self.add_mode("cables", lambda: CablesPage(self.desk))
        self.add_mode("repair", lambda: RepairPage(self.desk))

    async def on_mount(self) -> None:
        self.set_keymap(self.desk.keymap.bindings())
        self.desk.view.follow()
        await self.switch_mode("floor")
        self.set_interval(SLOW_TICK_S if self.slow_link else TICK_S, self.tick)

    def on_unmount(self) -> None:
        self.desk.view.leave()

    # ------------------------------------------------------------------------------------------------ following

    def tick(self) -> None:
        """Take in what the journal has new and draw it; if there is a lot, come back soon."""
        if self.desk.view.drain(BUDGET_S) and not self._hurrying:
            gc.freeze()  # results are never freed; looking through all of them again and again would delay keys
            self._hurrying = True
            self.set_timer(HURRY_S, self._hurry)
        page = self.page
        if page is not None:
            page.tick()

    def _hurry(self) -> None:
        self._hurrying = False
        self.tick()

    @property
    def page(self) -> Page | None:
        """The screen on top, below a palette that may lie over it."""
        return next((s for s in reversed(self.screen_stack) if isinstance(s, Page)), None)

    # ------------------------------------------------------------------------------------------------ going around

    async def action_go(self, mode: str) -> None:
        """To one of the screens; if it is here already, back to its first page."""
        if mode == self.current_mode:
            while len(self.screen_stack) > 1:
                await self.pop_screen()
            return
        while len(self.screen_stack) > 1 and isinstance(self.screen, HelpPage | LogPage | ChangesPage):
            await self.pop_screen()
        self._visited = [*self._visited[-20:], self.current_mode]
        await self.switch_mode(mode)

    async def action_last(self) -> None:
        """Back to the screen before this one; again brings one here."""
        if self._visited:
            before = self._visited.pop()
            self._visited.append(self.current_mode)
            await self.switch_mode(before)

    async def action_back(self) -> None:
        """Close the filter, else the page, else go to the screen before."""
        page = self.page
        if page is not None and page.close_filter():
            return
        if len(self.screen_stack) > 1:
            await self.pop_screen()
        elif self._visited:
            await self.switch_mode(self._visited.pop())

    async def on_page_node_wanted(self, message: Page.NodeWanted) -> None:
        await self.open_node(message.node)

    async def open_node(self, name: str) -> None:
        """The page of a node."""
        self.desk.node = name
        if self.current_mode != "node":
            await self.action_go("node")
        elif self.page is not None:
            self.page.update()

    async def action_log_book(self) -> None:
        """The log, unless it is open."""
        if not isinstance(self.screen, LogPage):
            await self.push_screen(LogPage(self.desk))

    async def action_changes(self) -> None:
        """What differs from the earlier run."""
        if not isinstance(self.screen, ChangesPage):
            await self.push_screen(ChangesPage(self.desk))

    # ------------------------------------------------------------------------------------------------ replay

    @property
    def replay(self) -> Replay | None:
        """The replay, if this is one; else it is said that it is none."""
        found = self.desk.view.replay
        if found is None and self.page is not None:
            self.page.tell("this is no replay: bringup watch RUN --from 10:02 --speed 20")
        return found

    def action_play(self) -> None:
        if (replay := self.replay) is not None:
            replay.toggle()
            self.tick()

    def action_step(self) -> None:
        if (replay := self.replay) is not None:
            replay.step()
            self.tick()

    def action_speed(self, step: int) -> None:
        if (replay := self.replay) is not None:
            replay.faster(step)
            self.tick()

    def action_rewind(self, seconds: int) -> None:
        if (replay := self.replay) is not None:
            self.desk.view.rewind(replay.now() - seconds)
            self.tick()

    def action_stage(self, step: int) -> None:
        """To the beginning of the next stage, or of the one before."""
        if (replay := self.replay) is None:
            return
        if step > 0:
            replay.next_stage()
        else:
            begun = [s.started for s in self.desk.view.state.stages.values() if s.started is not None]
            before = [at for at in begun if at < replay.now() - 1]
            self.desk.view.rewind(max(before, default=self.desk.view.state.info.started))
        self.tick()

    async def action_help(self) -> None:
        """The keys of the present screen."""
        page = self.page
        if page is not None and not isinstance(page, HelpPage):
            await self.push_screen(HelpPage(self.desk, page.place))

    def action_theme(self) -> None:
        """The next set of colours."""
        self.theme = THEMES[(THEMES.index(self.theme) + 1) % len(THEMES)]
        if self.page is not None:
            self.page.tell(f"colours: {self.theme}")

    async def action_quit(self) -> None:
        """Leave. While a run goes on a person is asked first; asked again, it is left alone."""
        asked = any(isinstance(screen, QuitPage) for screen in self.screen_stack)
        if self._nothing_goes_on or asked:
            self.action_leave()
        else:
            await self.push_screen(QuitPage(self.desk))

    @property
    def _nothing_goes_on(self) -> bool:
        """Whether there is no running run that a person could be asked about."""
        view = self.desk.view
        return view.over or not view.state.info.id or self.desk.read_only or view.replay is not None

    def action_leave(self) -> None:
        """Leave. The run does not notice."""
        if self._nothing_goes_on:
            self.exit()
        else:
            place = self.desk.look.text(str(self.desk.view.folder), 4000)
            self.exit(result=f"The run goes on. To see it again: bringup watch {place}")

    def action_picture(self) -> None:
        """This screen as SVG, for tickets and manuals."""
        page = self.page
        if page is not None:
            write(page, "screen", ".svg", self.export_screenshot(simplify=True))

    def action_ssh(self) -> None:
        """A shell on the selected node; the screens come back when it ends."""
        page, node = self.page, self.desk.view.state.nodes.get(self.desk.node)
        if page is None or node is None:
            return
        if self.desk.read_only:
            page.tell("this view only reads: no ssh from here")
            return
        words = ssh_command(node, known_hosts_of(self.desk.view.folder))
        if not words:
            page.tell(f"{self.desk.look.text(node.name, 60)} is this machine: no ssh is needed")
            return
        shown = self.desk.look.text(shlex.join(words), 2000)
        try:
            with self.suspend():
                run_in_terminal(words, shown)
        except (SuspendNotSupported, OSError) as error:
            why = f": {error.strerror}" if isinstance(error, OSError) else ""
            page.tell(f"not from here{why}; type: {shown}")
            return
        page.tell(f"back from: {shown}")

    # ------------------------------------------------------------------------------------------------ palette

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The actions of the present screen by name."""
        page = self.page
        if page is not None:
            for action in commands(page.place):
                if action.do != "command_palette":
                    yield SystemCommand(
                        action.says[:1].upper() + action.says[1:],
                        f"key {self.desk.keymap.text(action)}",
                        partial(self._do, action),
                    )

    def action_command_palette(self) -> None:
        """Commands and nodes by name."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder="a command or a node", id="--command-palette"))

    async def _do(self, action: Action) -> None:
        await self.run_action(full(action))
