"""Plays one scenario in this process: the real engine over real SSH against the simulated cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bringup import __version__, battery
from bringup.campaign.types import Played, Scenario
from bringup.check import AnyCheck
from bringup.context import Context
from bringup.fleet import LocalFleet
from bringup.inventory import Inventory, parse
from bringup.mock import serve
from bringup.model import Level, Node, RunInfo
from bringup.orchestrator import Engine, RunFolder, make_plan, with_readers
from bringup.profile import available, load_all
from bringup.run import RunState
from bringup.transport import Cancel, Connection, Options, connect


@dataclass(frozen=True, slots=True)
class Setup:
    """What every scenario is judged with, chosen as for `bringup run`. `checks` are ids."""

    checks: tuple[str, ...]
    level: Level = Level.STANDARD
    batteries: tuple[Path, ...] = ()
    profile_dirs: tuple[Path, ...] = ()
    workers: int = 16

    def chosen(self, nodes: Sequence[Node], ctx: Context) -> tuple[AnyCheck, ...]:
        """The chosen checks, and what they compare with on these nodes."""
        wanted, known = set(self.checks), battery.load(self.batteries)
        return with_readers([c for c in known if c.id in wanted], known, nodes, ctx)


def read(scenario: Scenario, setup: Setup) -> Inventory:
    """The scenario's inventory. Raises InventoryError where it has mistakes."""
    known = set(available(list(setup.profile_dirs)))
    return parse(scenario.text.encode(), Path(f"{scenario.id}.yaml"), known_profiles=known)


def run(
    scenario: Scenario, setup: Setup, runs: Path, *, connected: Callable[[str], None] = lambda _: None
) -> tuple[RunState, RunFolder]:
    """One whole run of the scenario's cluster; its folder is made below `runs`. `connected` hears of each connection."""

    def connect_and_tell(node: Node, options: Options, cancel: Cancel | None) -> Connection:
        connected(node.name)
        return connect(node, options, cancel)

    inventory = read(scenario, setup)
    if inventory.simulate is None:
        raise ValueError(f"scenario {scenario.id}: its inventory simulates nothing")
    dirs = [*setup.profile_dirs, *inventory.profile_dirs]
    profiles = dict(load_all(sorted({n.profile for n in inventory.nodes if n.profile}), dirs))
    texts = {name: text for profile in profiles.values() for name, text in profile.texts().items()}
    started = time.time()
    context = Context(profiles, started=started)
    checks = setup.chosen(inventory.nodes, context)
    folder = RunFolder.create(
        runs,
        {
            "version": __version__, "started": started, "inventory": f"{scenario.id}.yaml", "name": inventory.name,
            "level": setup.level.value, "checks": [c.id for c in checks],
            "batteries": [str(b.resolve()) for b in setup.batteries], "workers": setup.workers,
            "known_hosts": "", "accept_new_host_keys": False, "orchestrator": "campaign",
        },
        scenario.text,
        texts,
    )  # fmt: skip
    info = RunInfo(
        id=folder.id, name=inventory.name, level=setup.level, version=__version__, started=started,
        stages=tuple(dict.fromkeys(c.stage for c in checks)), checks=tuple(c.id for c in checks),
        nodes=len(inventory.nodes),
    )  # fmt: skip
    with serve(inventory.simulate, inventory.nodes) as served:
        fleet = LocalFleet(
            Options(known_hosts=served.known_hosts), workers=setup.workers, connect=connect_and_tell
        )
        plans = make_plan(checks, served.nodes, context)
        state = Engine(info, served.nodes, plans, context, fleet, folder).run()
        errors = served.errors
    if errors:
        raise RuntimeError(f"the simulated cluster failed: {errors[0]}")
    return state, folder


def played(scenario: Scenario, state: RunState, seconds: float, broken: tuple[str, ...] = ()) -> Played:
    """What became of it, small enough to be sent to another process."""
    verdict = state.verdict.value if state.verdict is not None else ""
    return Played(scenario.id, round(seconds, 1), verdict, len(state.missing), tuple(state.defects), broken)
