"""`bringup retest`: the smallest run that proves a repair, and what the ledger says of it afterwards."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from bringup import __version__, battery
from bringup.check import AnyCheck
from bringup.cli import common
from bringup.cli import ledger as kept
from bringup.cli.run import Start, execute
from bringup.context import Context
from bringup.errors import NothingSelected, RunFolderError, UsageError
from bringup.fleet import WORKERS
from bringup.inventory import Inventory
from bringup.inventory import load as load_inventory
from bringup.life import describe
from bringup.life.proof import Needs
from bringup.life.retest import Retest, goals_of_node, merged
from bringup.life.retest import retest as smallest
from bringup.model import Exit, Node, RunInfo
from bringup.orchestrator import RunFolder, Setting, StagePlan
from bringup.profile import load_all
from bringup.report import text
from bringup.report.words import clock, names, plural
from bringup.run import RunState
from bringup.transport import Options


@dataclass(frozen=True)
class Earlier:
    """A run that a retest starts from, with the cluster as it is written down today."""

    folder: RunFolder
    state: RunState
    inventory: Inventory
    checks: tuple[AnyCheck, ...]
    context: Context
    settings: dict[str, object]

    def planner(self, goals: Needs) -> Callable[[Sequence[Node]], Retest]:
        """From the nodes as they can be reached to the plan for these goals."""
        return lambda nodes: smallest(
            self.state, self.checks, goals, {n.name: n for n in nodes}, self.context
        )


@click.command()
@click.argument("name", metavar="RUN", default="last")
@click.option(
    "-d", "--defect", "idents", multiple=True, metavar="ID", help="Prove the repair of these defects."
)
@click.option(
    "-n", "--node", "nodes", multiple=True, help="Everything of these nodes, with known-good partners."
)
@click.option(
    "-i", "--inventory", "inventory_path", default="", type=click.Path(dir_okay=False),
    show_default="the file that the run was started with, as it is today", help="Another inventory file.",
)  # fmt: skip
@click.option("--plan", "only_plan", is_flag=True, help="Only show what would run.")
@common.runs_option
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on standard output.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, only the result.")
def retest(
    name: str, idents: Sequence[str], nodes: Sequence[str], inventory_path: str, only_plan: bool, runs: Path,
    as_json: bool, quiet: bool,
) -> int:  # fmt: skip
    """Run the least that proves a repair: the check that failed, its prerequisites, a known-good partner, and
    everything that the defect had kept from being judged.

    The limits are those of RUN. A pass closes the defect, a fail brings it back, and what could not be judged leaves it
    as it was. Without --defect and --node: every defect of RUN that is called fixed.

    \b
    bringup retest last --defect D-5BD370
    bringup retest 1120-0931 --node gpu-016
    """
    earlier = read_earlier(RunFolder.find(runs, name), inventory_path)
    goals, told = _goals(earlier, idents, nodes)
    planner = earlier.planner(goals)
    plan = planner([n for n in earlier.inventory.nodes if n.name in earlier.state.nodes])
    if not plan.plans:
        raise NothingSelected(f"nothing of {told} can be tested: its nodes or checks are not there any more")
    for line in plan.missing:
        click.echo(f"cannot be tested: {line}", err=True)
    if only_plan:
        show(plan)
        return Exit.READY
    folder, code = conduct(
        earlier, planner, plan, f"retest of {earlier.folder.id}: {told}", as_json=as_json, quiet=quiet
    )
    if not as_json:
        tell_standing(folder, idents)
    return code


def read_earlier(folder: RunFolder, inventory_path: str = "") -> Earlier:
    """The run, its checks and limits, and the inventory as it is today. Raises RunFolderError, InventoryError."""
    settings = folder.settings()
    state = kept.load_run(folder)
    today = Path(inventory_path or str(settings.get("inventory") or ""))
    frozen = not inventory_path and not today.is_file()
    inventory = (
        load_inventory(folder.inventory) if frozen else common.read_inventory(str(today), [folder.profiles])
    )
    wanted = settings.get("checks")
    extra = settings.get("batteries")
    known = battery.load([Path(str(b)) for b in extra] if isinstance(extra, list) else [])
    ran = set(wanted) if isinstance(wanted, list) else set(state.info.checks)
    checks = tuple(c for c in known if c.id in ran)
    if not checks:
        raise RunFolderError(f"run {folder.id}: none of its checks is here")
    profiles = load_all(sorted({n.profile for n in inventory.nodes if n.profile}), [folder.profiles])
    return Earlier(folder, state, inventory, checks, Context(profiles, started=time.time()), settings)


def _goals(earlier: Earlier, idents: Sequence[str], nodes: Sequence[str]) -> tuple[Needs, str]:
    """What must be judged, and what that is in words. Raises UsageError, NothingSelected."""
    state = earlier.state
    book = kept.beside(earlier.folder).book(state.info.name)
    wanted = [ident.upper() for ident in idents]
    if not wanted and not nodes:
        wanted = [x.id for x in book.lives.values() if x.found.value == "fixed?" and not x.became]
        if not wanted:
            raise NothingSelected(
                "no defect is called fixed; say which with --defect or --node (bringup defects --all)"
            )
    unknown = [ident for ident in wanted if ident not in book.lives]
    if unknown:
        raise UsageError(
            f"no defect {', '.join(unknown)} of {state.info.name} is known; see bringup defects --all"
        )
    gone = [node for node in nodes if node not in state.nodes]
    if gone:
        raise UsageError(f"run {earlier.folder.id} has no node {', '.join(map(repr, gone))}")
    parts = [book.lives[ident].seen for ident in dict.fromkeys(wanted)]
    of_nodes = [goals_of_node(state, earlier.checks, node) for node in nodes]
    goals = merged(*(p.needs for p in parts), *(p.follows for p in parts), *of_nodes)
    return goals, " ".join(dict.fromkeys([*wanted, *nodes]))


def conduct(
    earlier: Earlier, planner: Callable[[Sequence[Node]], Retest], plan: Retest, says: str, *, as_json: bool, quiet: bool,
    on_purpose: bool = False,
) -> tuple[RunFolder, int]:  # fmt: skip
    """Make a run folder for this plan and run it; see Start for `on_purpose`. Returns the folder and the exit code."""
    settings, inventory, started = earlier.settings, earlier.inventory, time.time()
    known = str(settings.get("known_hosts") or inventory.known_hosts or "")
    asked = settings.get("workers")
    workers = asked if isinstance(asked, int) else WORKERS
    frozen: dict[str, Setting] = {
        "version": __version__, "started": started, "inventory": str(settings.get("inventory") or ""),
        "name": inventory.name, "level": earlier.state.info.level.value, "checks": [c.id for c in earlier.checks],
        "batteries": [str(b) for b in _list(settings.get("batteries"))], "known_hosts": known,
        "workers": workers,
        "accept_new_host_keys": settings.get("accept_new_host_keys") is True, "orchestrator": socket.gethostname(),
        "retest_of": earlier.folder.id,
    }  # fmt: skip
    profiles = {p.stem: p.read_text(encoding="utf-8") for p in sorted(earlier.folder.profiles.glob("*.toml"))}
    folder = RunFolder.create(earlier.folder.path.resolve().parent, frozen, inventory.text, profiles)
    info = RunInfo(
        id=folder.id, name=earlier.state.info.name, level=earlier.state.info.level, version=__version__, started=started,
        stages=tuple(p.stage for p in plan.plans), checks=tuple(c.id for c in plan.checks), nodes=len(plan.nodes),
        selection=says,
    )  # fmt: skip
    options = common_options(known, settings)
    chosen = {n.name for n in plan.nodes}

    def plans(nodes: Sequence[Node]) -> Sequence[StagePlan]:
        return planner(nodes).plans

    start = Start(
        folder, info, plan.checks, tuple(n for n in inventory.nodes if n.name in chosen), earlier.context,
        inventory.simulate, inventory.nodes, options, workers, planned=plans,
        retest_of=earlier.folder.id, on_purpose=on_purpose,
    )  # fmt: skip
    return folder, execute(start, as_json=as_json, quiet=quiet)


def common_options(known_hosts: str, settings: dict[str, object]) -> Options:
    """How nodes are connected to, as in the earlier run."""
    return Options(
        known_hosts=Path(known_hosts) if known_hosts else None,
        accept_new_host_keys=settings.get("accept_new_host_keys") is True,
    )


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def show(plan: Retest) -> None:
    """The plan for people: stage by stage the checks and whom they ask."""
    total = sum(p.estimate_s for p in plan.plans)
    partners = f", known-good partners {names(plan.partners)}" if plan.partners else ""
    click.echo(f"{plural(len(plan.nodes), 'node')}{partners}, about {clock(total)}")
    for stage in plan.plans:
        for check in stage.checks:
            targets = [c.target.key for c in stage.cases if c.check is check]
            pairs = any(" ~ " in t for t in targets)
            said = ", ".join(targets[:6]) + (f" and {len(targets) - 6} more" if len(targets) > 6 else "")
            click.echo(f"  {stage.stage.value:<11} {check.id:<28} {said if pairs else names(targets)}")


def tell_standing(folder: RunFolder, idents: Sequence[str]) -> None:
    """What the ledger says of these defects now, and of those that the run has proven or brought back."""
    ledger = kept.beside(folder)
    state = kept.load_run(folder)
    book = ledger.book(state.info.name)
    changed = [x.id for x in book.lives.values() if folder.id in (x.passed_in, x.last_run)]
    for ident in dict.fromkeys([*(i.upper() for i in idents), *changed]):
        if (life := book.lives.get(ident)) is not None:
            said = text.line(describe.said(book, life, ledger.now), 400)
            click.echo(f"{life.id}  {text.line(life.seen.title, 100)}: {said}")


__all__ = ["Earlier", "conduct", "read_earlier", "retest", "show", "tell_standing"]
