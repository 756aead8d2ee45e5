"""What several commands share: reading the inputs, choosing nodes and checks, the context of a run."""

from __future__ import annotations

import contextlib
import fnmatch
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click

from bringup import battery
from bringup.check import AnyCheck
from bringup.cli.ledger import words_of_nodes
from bringup.cli.own_profiles import refuse_mistakes
from bringup.context import Context
from bringup.errors import InventoryError, NothingSelected, Problem, UsageError
from bringup.inventory import Inventory, Simulate, select
from bringup.inventory import load as load_inventory
from bringup.model import LEVELS, STAGES, Level, Node, Stage
from bringup.orchestrator import with_readers
from bringup.profile import Profile, available, load_all

Decorator = Callable[[Any], Any]


def examples_folder() -> Path:
    """Where the shipped inventories are: beside the package in a checkout, inside it in a wheel."""
    package = Path(__file__).resolve().parents[1]
    beside = package.parent / "inventories"
    return (
        beside
        if (package.parent / "pyproject.toml").is_file() and beside.is_dir()
        else package / "inventory" / "examples"
    )


def default_inventory() -> str:
    """The simulated cluster that ships with bringup."""
    return str(examples_folder() / "mock.yaml")


inventory_option = click.option(
    "-i", "--inventory", "inventory_path", default=default_inventory, show_default="the simulated cluster",
    type=click.Path(dir_okay=False), help="Inventory file (YAML).",
)  # fmt: skip
runs_option = click.option(
    "--runs", type=click.Path(file_okay=False, path_type=Path), default=Path("runs"), show_default=True,
    help="Folder in which run folders are made and looked up.",
)  # fmt: skip
battery_option = click.option(
    "--battery", "batteries", multiple=True, type=click.Path(file_okay=False, path_type=Path),
    help="Another folder of checks (STAGE/NAME.py); may be given several times.",
)  # fmt: skip
profiles_option = click.option(
    "--profiles", "profile_dirs", multiple=True, type=click.Path(file_okay=False, path_type=Path),
    help="Another folder of profiles (NAME.toml); found before the inventory's and the stock ones.",
)  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
all_pairs_option = click.option(
    "--all-pairs", is_flag=True,
    help="Every node meets every other one: N - 1 rounds instead of a few. Look at bringup plan first.",
)  # fmt: skip


def selection_options(command: Any) -> Any:
    """The options that choose nodes, stages, checks and the level."""
    for option in (
        click.option(
            "--level",
            type=click.Choice([v.value for v in LEVELS]),
            default=Level.STANDARD.value,
            show_default=True,
            help="How much of the battery.",
        ),
        click.option(
            "--check",
            "check_patterns",
            multiple=True,
            metavar="ID",
            help="Only these checks; * matches anything (link.*).",
        ),
        click.option(
            "--stage",
            "stages",
            multiple=True,
            type=click.Choice([s.value for s in STAGES]),
            help="Only these stages.",
        ),
        click.option(
            "-n",
            "--nodes",
            "expression",
            default="",
            metavar="NODES",
            help="Only these nodes: gpu-[001-008], rack:R05, leaf:leaf-3, tag:x, @group; by their defects: code:RDMA*, "
            "state:open; !NODES leaves out.",
        ),
    ):
        command = option(command)
    return command


@dataclass(frozen=True)
class Inputs:
    """An inventory with its profiles and the chosen nodes and checks."""

    inventory: Inventory
    nodes: tuple[Node, ...]
    checks: tuple[AnyCheck, ...]
    profiles: dict[str, Profile]
    level: Level

    def context(self, started: float | None = None) -> Context:
        """What checks may know, with the run starting now unless said otherwise."""
        return Context(self.profiles, started=time.time() if started is None else started)


def read_inventory(path: str, profile_dirs: Sequence[Path]) -> Inventory:
    """The inventory with everything checked that can be without touching a node. Raises InventoryError."""
    known = set(available(list(profile_dirs)))
    inventory = load_inventory(Path(path), known_profiles=known)
    if inventory.simulate is not None:
        problems = simulation_problems(inventory.simulate, inventory.nodes, path)
        if problems:
            raise InventoryError(problems)
    return inventory


def simulation_problems(simulate: Simulate, nodes: Sequence[Node], path: str) -> list[Problem]:
    """What is wrong with the `simulate:` and `faults:` of an inventory."""
    from bringup.mock import check_faults

    return [Problem(path, line or None, text) for line, text in check_faults(simulate, tuple(nodes))]


def read_inputs(
    inventory_path: str,
    *,
    expression: str = "",
    stages: Sequence[str] = (),
    check_patterns: Sequence[str] = (),
    level: str = Level.STANDARD.value,
    batteries: Sequence[Path] = (),
    profile_dirs: Sequence[Path] = (),
    runs: Path | None = None,
) -> Inputs:
    """Read and check everything that people wrote. Raises UsageError (all problems at once), NothingSelected.

    With `runs` the nodes may be chosen by the defects that the runs there have shown.
    """
    inventory = read_inventory(inventory_path, profile_dirs)
    of_defects = partial(words_of_nodes, runs, inventory.name) if runs else None
    nodes = select(inventory, expression, of_defects) if expression else inventory.nodes
    known = battery.load(batteries)
    checks = choose(known, Level(level), [Stage(s) for s in stages], check_patterns)
    dirs = [*profile_dirs, *inventory.profile_dirs]
    profiles = dict(load_all(sorted({n.profile for n in nodes if n.profile}), dirs))
    refuse_mistakes(profiles, dirs, known)
    checks = with_readers(checks, known, nodes, Context(profiles))
    return Inputs(inventory, tuple(nodes), checks, profiles, Level(level))


def choose(
    checks: Sequence[AnyCheck], level: Level, stages: Sequence[Stage], patterns: Sequence[str]
) -> tuple[AnyCheck, ...]:
    """The selected checks, with the ones that tell whether a node is there and what fleet checks read from.

    A check that is named is taken whatever its level. Raises NothingSelected for a pattern or a stage of which
    nothing is left: what was asked for and not run must not look like a pass.
    """
    for pattern in patterns:
        if not any(fnmatch.fnmatchcase(c.id, pattern) for c in checks):
            raise NothingSelected(f"--check {pattern}: no such check; bringup checks list shows them all")
    of_level = battery.at_level(checks, level)
    named = [c for c in checks if any(fnmatch.fnmatchcase(c.id, p) for p in patterns)]
    chosen = [c for c in (named if patterns else of_level) if not stages or c.stage in stages]
    for stage in stages:
        if not any(c.stage is stage for c in chosen):
            level_at = f"level {level.value}; try --level full" if not patterns else "these --check"
            raise NothingSelected(f"no check is left of stage {stage.value} at {level_at}")
    for pattern in patterns:
        if not any(fnmatch.fnmatchcase(c.id, pattern) for c in chosen):
            raise NothingSelected(f"--check {pattern}: no such check in stage {', '.join(stages)}")
    if not chosen:
        raise NothingSelected(f"no check is left at level {level.value}; try --level full")
    deepest: dict[Stage, int] = {}  # of the fleet checks of a stage: what takes longer they do without
    for check in (c for c in chosen if c.target.__name__ == "Group"):
        deepest[check.stage] = max(deepest.get(check.stage, 0), LEVELS.index(check.level))
    needed = [
        c
        for c in checks
        if c.judges_loss or (c.collects and LEVELS.index(c.level) <= deepest.get(c.stage, -1))
    ]
    return tuple(c for c in checks if c in chosen or c in needed)


@contextlib.contextmanager
def served(
    simulate: Simulate | None, nodes: tuple[Node, ...]
) -> Iterator[tuple[tuple[Node, ...], Path | None]]:
    """The nodes ready to be reached: as they are, or served by the simulated cluster while the block runs."""
    if simulate is None:
        yield nodes, None
        return
    from bringup.mock import serve

    with serve(simulate, nodes) as cluster:
        yield cluster.nodes, cluster.known_hosts
        for error in dict.fromkeys(e.strip().splitlines()[-1] for e in cluster.errors):
            click.echo(f"the simulated cluster has a bug, and its nodes may look lost: {error}", err=True)


SIMULATED_AT_ONCE = 16
"""Simulated nodes share the processors of this machine: more of them for each are slower than their commands may be."""


def at_once(workers: int, simulate: Simulate | None) -> int:
    """How many nodes are really worked on at once."""
    most = SIMULATED_AT_ONCE * max(2, os.cpu_count() or 1)
    return workers if simulate is None else min(workers, most)


def frozen_profiles(profiles: dict[str, Profile]) -> dict[str, str]:
    """The texts of all profiles in use, with those that they extend."""
    return {name: text for profile in profiles.values() for name, text in profile.texts().items()}


def fail_if_empty(nodes: Sequence[Node]) -> None:
    """Raises NothingSelected where no node is left."""
    if not nodes:
        raise NothingSelected("no node is selected")


__all__ = [
    "Inputs", "UsageError", "all_pairs_option", "at_once", "battery_option",
    "choose", "default_inventory", "examples_folder", "fail_if_empty",
    "frozen_profiles", "inventory_option", "json_option", "profiles_option", "read_inputs", "read_inventory",
    "runs_option", "selection_options", "served",
]  # fmt: skip
