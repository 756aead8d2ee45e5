"""`bringup run` and `bringup resume`: from inputs to verdict, reports and exit code."""

from __future__ import annotations

import dataclasses
import gc
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from bringup import __version__
from bringup.check import AnyCheck
from bringup.cli import common
from bringup.cli.output import exit_code, finish, tell
from bringup.context import Context
from bringup.errors import RunFolderError
from bringup.fleet import MOST_WORKERS, WORKERS, LocalFleet
from bringup.inventory import Simulate
from bringup.inventory import load as load_inventory
from bringup.model import Exit, Node, RunInfo
from bringup.orchestrator import Budget, Engine, EngineOptions, RunFolder, Setting, StagePlan, make_plan
from bringup.report.live import Live
from bringup.run import RunState, load
from bringup.transport import Options


@dataclass(frozen=True)
class Start:
    """Everything that a run needs once its inputs are read. `simulated` is all nodes of a cluster to be simulated.

    `planned` makes the plan of a run that is no whole battery (a retest of `retest_of`) from the reachable nodes.
    `on_purpose`: something is known to be in the wrong place, so the ledger of defects is told nothing.
    """

    folder: RunFolder
    info: RunInfo
    checks: tuple[AnyCheck, ...]
    nodes: tuple[Node, ...]
    context: Context
    simulate: Simulate | None
    simulated: tuple[Node, ...]
    options: Options
    workers: int
    before: RunState | None = None
    planned: Callable[[Sequence[Node]], Sequence[StagePlan]] | None = None
    retest_of: str = ""
    on_purpose: bool = False
    all_pairs: bool = False


@click.command()
@common.inventory_option
@common.selection_options
@common.runs_option
@common.battery_option
@common.profiles_option
@click.option(
    "--known-hosts",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Host keys file (default: the inventory's, else ~/.ssh/known_hosts).",
)
@click.option(
    "--accept-new-host-keys",
    is_flag=True,
    help="Add keys of hosts never seen before; a changed key is always refused.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, MOST_WORKERS),
    default=WORKERS,
    show_default=True,
    help="Nodes or pairs worked on at once (simulated ones: at most 16 for each processor here); fewer draw less power."
    " 32 log in at once.",
)
@common.all_pairs_option
@click.option(
    "--tui", is_flag=True, help="Follow the run in the terminal UI; closing it leaves the run running."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on standard output.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, only the result.")
@click.option("--announce", type=click.Path(dir_okay=False, path_type=Path), hidden=True)
def run(
    inventory_path: str, level: str, check_patterns: Sequence[str], stages: Sequence[str], expression: str,
    runs: Path, batteries: Sequence[Path], profile_dirs: Sequence[Path], known_hosts: Path | None,
    accept_new_host_keys: bool, workers: int, all_pairs: bool, tui: bool, as_json: bool, quiet: bool, announce: Path | None,
) -> int:  # fmt: skip
    """Run the battery on an inventory and say whether the cluster is ready.

    \b
    bringup run                                      the simulated cluster that ships with bringup
    bringup run -i hall-2.yaml --accept-new-host-keys
    bringup run -i hall-2.yaml -n rack:R05 --stage link --stage rdma
    bringup run -i hall-2.yaml --level full --tui
    """
    if tui:
        return _in_background(runs)
    inputs = common.read_inputs(
        inventory_path, expression=expression, stages=stages, check_patterns=check_patterns, level=level,
        batteries=batteries, profile_dirs=profile_dirs, runs=runs,
    )  # fmt: skip
    common.fail_if_empty(inputs.nodes)
    inventory = inputs.inventory
    started = time.time()
    hosts_file = known_hosts or inventory.known_hosts
    settings: dict[str, Setting] = {
        "version": __version__, "started": started, "inventory": str(Path(inventory_path).resolve()),
        "name": inventory.name, "level": level, "checks": [c.id for c in inputs.checks],
        "batteries": [str(b.resolve()) for b in batteries], "workers": workers, "all_pairs": all_pairs,
        "known_hosts": str(hosts_file.resolve()) if hosts_file else "",
        "accept_new_host_keys": accept_new_host_keys, "orchestrator": socket.gethostname(),
    }  # fmt: skip
    folder = RunFolder.create(runs, settings, inventory.text, common.frozen_profiles(inputs.profiles))
    if announce:
        announce.write_text(str(folder.path.resolve()))
    info = RunInfo(
        id=folder.id, name=inventory.name, level=inputs.level, version=__version__, started=started,
        stages=tuple(dict.fromkeys(c.stage for c in inputs.checks)), checks=tuple(c.id for c in inputs.checks),
        nodes=len(inputs.nodes), selection=selection(expression, stages, check_patterns),
        ready=inventory.ready,
    )  # fmt: skip
    options = Options(known_hosts=hosts_file, accept_new_host_keys=accept_new_host_keys)
    start = Start(
        folder,
        info,
        inputs.checks,
        inputs.nodes,
        inputs.context(started),
        inventory.simulate,
        inventory.nodes,
        options,
        workers,
        all_pairs=all_pairs,
    )
    return execute(start, as_json=as_json, quiet=quiet)


def selection(expression: str, stages: Sequence[str], check_patterns: Sequence[str]) -> str:
    """What was chosen on the command line, as it was written there; empty if nothing was left out."""
    chosen = [f"-n {expression}"] if expression else []
    chosen += [f"--stage {stage}" for stage in stages]
    chosen += [f"--check {pattern}" for pattern in check_patterns]
    return " ".join(chosen)


@click.command()
@click.argument("name", metavar="RUN")
@common.runs_option
@click.option(
    "--workers",
    type=click.IntRange(1, MOST_WORKERS),
    default=None,
    show_default="as before",
    help="Nodes worked on at once.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on standard output.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, only the result.")
def resume(name: str, runs: Path, workers: int | None, as_json: bool, quiet: bool) -> int:
    """Take up a run that was interrupted or killed; what has passed or failed is not repeated.

    What could not be judged, was not run or is missing is tried again, with the run's own frozen inputs.
    """
    from bringup import battery
    from bringup.profile import load_all

    folder = RunFolder.find(runs, name)
    settings = folder.settings()
    if settings.get("retest_of"):
        raise RunFolderError(f"run {folder.id} is a retest; make it again with bringup retest")
    state = load(folder.path)
    nodes = tuple(state.nodes.values())
    if len(nodes) < max(1, state.info.nodes):
        raise RunFolderError(
            f"run {folder.id} was ended while it began: its journal lists {len(nodes)} of {state.info.nodes} nodes;"
            " start it again with bringup run"
        )
    wanted = _texts(settings, "checks")
    known_checks = {c.id: c for c in battery.load([Path(b) for b in _texts(settings, "batteries")])}
    gone = [check for check in wanted if check not in known_checks]
    if gone:
        raise RunFolderError(
            f"run {folder.id} was begun by bringup {settings.get('version')} with checks that are not here:"
            f" {', '.join(gone)}; resume it with that version, or start it again with bringup run"
        )
    checks = tuple(c for c in known_checks.values() if c.id in wanted)
    profiles = load_all(sorted({n.profile for n in nodes if n.profile}), [folder.profiles])
    inventory = load_inventory(folder.inventory)
    known = str(settings.get("known_hosts") or "")
    options = Options(
        known_hosts=Path(known) if known else None,
        accept_new_host_keys=settings.get("accept_new_host_keys") is True,
    )
    threads = workers or settings.get("workers")
    start = Start(
        folder, state.info, checks, nodes, Context(profiles, started=state.info.started), inventory.simulate,
        inventory.nodes, options, threads if isinstance(threads, int) else WORKERS, before=state,
        all_pairs=settings.get("all_pairs") is True,
    )  # fmt: skip
    return execute(start, as_json=as_json, quiet=quiet)


def _texts(settings: dict[str, object], name: str) -> list[str]:
    value = settings.get(name)
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise RunFolderError(f"run.toml: {name} is {value!r}, needed a list of texts")
    return value


def execute(start: Start, *, as_json: bool, quiet: bool) -> int:
    """Run the engine with its displays, write the reports, print the result."""
    _calm_collector()
    there = start.simulated if start.simulate else start.nodes
    with common.served(start.simulate, there) as (reachable, known_hosts):
        chosen = {node.name for node in start.nodes}
        nodes = tuple(node for node in reachable if node.name in chosen)
        options = start.options
        if known_hosts is not None:
            options = Options(known_hosts=known_hosts)
        workers = common.at_once(start.workers, start.simulate)
        budget = Budget(workers, start.all_pairs)
        plans = (
            start.planned(nodes) if start.planned else make_plan(start.checks, nodes, start.context, budget)
        )
        info = start.info if start.before else _with_estimate(start.info, plans)
        fleet = LocalFleet(options, workers=workers)
        live = Live(quiet=quiet, before=start.before)
        engine = Engine(
            info,
            nodes,
            plans,
            start.context,
            fleet,
            start.folder,
            before=start.before,
            listeners=[] if quiet else [live.on_event],
            options=EngineOptions(whole=start.planned is None),
        )
        previous = {s: signal.signal(s, lambda *_: engine.stop()) for s in (signal.SIGINT, signal.SIGTERM)}
        try:
            with live:
                state = engine.run()
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
    finish(state, start.folder, as_json=as_json, retest_of=start.retest_of, kept=not start.on_purpose)
    return exit_code(state)


def _calm_collector() -> None:
    """Let Python look for garbage less often: everything that nodes say is kept to the end of the run and lies in no
    cycle, so that walking through it after every few hundred new objects took a sixth of the run's time."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _with_estimate(info: RunInfo, plans: Sequence[StagePlan]) -> RunInfo:
    return dataclasses.replace(info, estimate_s=sum(p.estimate_s for p in plans))


def _in_background(runs: Path) -> int:
    """The same command without --tui as a process of its own, and the terminal UI on its journal."""
    from bringup.tui import watch

    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch) / "folder"
        arguments = [a for a in sys.argv[1:] if a != "--tui"]
        log = Path(scratch) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "bringup", *arguments, "--quiet", "--announce", str(place)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
                env={**{k: v for k, v in os.environ.items() if k != "BRINGUP_RUN_TUI"}, "PYTHONUNBUFFERED": "1"},
            )  # fmt: skip
        while process.poll() is None and not (place.is_file() and place.read_text()):
            time.sleep(0.05)
        if not place.is_file():
            click.echo(log.read_text(errors="replace"), err=True, nl=False)
            return process.wait()
        folder = RunFolder(Path(place.read_text()))
        watch(folder.path)
        code = process.poll()
        if code is None:
            click.echo(f"the run goes on in the background; come back with: bringup watch {folder.path}")
            return Exit.INCOMPLETE  # nothing is known yet, and 0 would say that all is well
        if code == Exit.INTERNAL:
            click.echo(log.read_text(errors="replace"), err=True, nl=False)
    state = load(folder.path)
    tell(state, folder)
    return code if code > 0 else exit_code(state)
