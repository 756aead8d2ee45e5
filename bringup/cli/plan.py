"""`bringup plan`: what would run where and how long it takes; nothing is touched."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from bringup.cli import common
from bringup.commands import Command, is_steady
from bringup.fleet import MOST_WORKERS, WORKERS
from bringup.inventory import folded
from bringup.model import Exit, Pair, Why
from bringup.orchestrator import Budget, Case, StagePlan, confirm_s, make_plan
from bringup.orchestrator.plan import CONFIRM_ROUNDS, MOST_ROUNDS
from bringup.report.words import clock, plural


@click.command()
@common.inventory_option
@common.selection_options
@common.runs_option
@common.battery_option
@common.profiles_option
@common.all_pairs_option
@click.option(
    "--workers",
    type=click.IntRange(1, MOST_WORKERS),
    default=WORKERS,
    show_default=True,
    help="Nodes or pairs worked on at once; others wait for their turn.",
)
@click.option(
    "--commands/--no-commands",
    "with_commands",
    default=True,
    show_default=True,
    help="Print every command with the nodes that run it.",
)
@common.json_option
def plan(
    inventory_path: str, level: str, check_patterns: Sequence[str], stages: Sequence[str], expression: str,
    runs: Path, batteries: Sequence[Path], profile_dirs: Sequence[Path], all_pairs: bool, workers: int, with_commands: bool,
    as_json: bool,
) -> int:  # fmt: skip
    """Show every command that would run on every node, the rounds and the estimated time. Nothing is touched.

    \b
    bringup plan -i hall-2.yaml
    bringup plan -i hall-2.yaml -n gpu-001 --stage link
    bringup plan -i hall-2.yaml --no-commands
    """
    inputs = common.read_inputs(
        inventory_path, expression=expression, stages=stages, check_patterns=check_patterns, level=level,
        batteries=batteries, profile_dirs=profile_dirs, runs=runs,
    )  # fmt: skip
    common.fail_if_empty(inputs.nodes)
    workers, most = (common.at_once(n, inputs.inventory.simulate) for n in (workers, MOST_WORKERS))
    plans = make_plan(inputs.checks, inputs.nodes, inputs.context(), Budget(workers, all_pairs))
    if as_json:
        click.echo(json.dumps({"schema": "bringup.plan/1", "inventory": inputs.inventory.name, "nodes": len(inputs.nodes),
                               "estimate_s": round(sum(p.estimate_s for p in plans), 1),
                               "stages": [stage_json(p, workers) for p in plans]}, indent=2))  # fmt: skip
        return Exit.READY
    total = sum(p.estimate_s for p in plans)
    click.echo(
        f"{inputs.inventory.name}   {plural(len(inputs.nodes), 'node')}   level {inputs.level.value}   "
        f"{plural(len(inputs.checks), 'check')}, {plural(sum(1 for p in plans for _ in p.cases), 'result')}, about {clock(total)}"
    )
    for line in budget_table(plans, workers, most):
        click.echo(line)
    for p in plans:
        click.echo(f"\n{p.stage.value}")
        for check in p.checks:
            click.echo(f"  {check.id:<28} {check.says}")
        for reason, names in refusals(p).items():
            click.echo(f"  not run: {reason}   ({folded(names)})")
        if with_commands:
            for command, names in commands(p).items():
                click.echo(f"  on {folded(names)}{rights(command)}")
                for line in command.script.strip().splitlines():
                    click.echo(f"    {line}")
    return Exit.READY


def budget_table(plans: Sequence[StagePlan], workers: int, most: int = MOST_WORKERS) -> Iterator[str]:
    """What each stage costs and all of them: rounds of pairs, and what a suspicion adds."""
    yield f"\n  {'stage':<11}{'checks':>7}{'results':>10}{'about':>9}   rounds"
    for p in plans:
        cases = sum(1 for _ in p.cases)
        yield f"  {p.stage.value:<11}{len(p.checks):>7,}{cases:>10,}{clock(p.estimate_s):>9}   {rounds_of(p, workers)}".rstrip()
        for check in p.checks:
            if check.target is Pair and check.rounds > MOST_ROUNDS > len(p.rounds) - 1:
                yield f"  {'':<11}{check.id} asks for {check.rounds} rounds and gets {MOST_ROUNDS}; for all pairs: --all-pairs"
    total, more = sum(p.estimate_s for p in plans), sum(confirm_s(p, workers) for p in plans)
    results = sum(1 for p in plans for _ in p.cases)
    checks = sum(len(p.checks) for p in plans)
    suspicion = f"   at most {clock(more)} more if something is suspected" if more else ""
    yield f"  {'all':<11}{checks:>7,}{results:>10,}{clock(total):>9}{suspicion}"
    busiest = max((len(battles) for p in plans for battles in p.rounds), default=0)
    if busiest > workers:
        more_with = f": more at once with --workers (at most {most:,})" if workers < most else ""
        yield f"  {busiest:,} pairs take turns, {workers:,} at once{more_with}"


def rounds_of(plan: StagePlan, workers: int) -> str:
    """How many rounds of how many pairs, and what confirms a suspicion."""
    said: list[str] = []
    if plan.rounds:
        pairs = max(map(len, plan.rounds))
        said.append(f"{plural(len(plan.rounds), 'round')} of {plural(pairs, 'pair')}")
        said.append(f"{CONFIRM_ROUNDS} more ({clock(confirm_s(plan, workers))}) if something is suspected")
    if plan.jobs:
        most = max(map(len, plan.jobs))
        said.append(f"{plural(len(plan.jobs), 'wave')} of up to {plural(most, 'job')}, more if one fails")
    return ", ".join(said)


def rights(command: Command) -> str:
    """What a reader should know about how a command runs."""
    notes = [f"at most {command.timeout_s:g} s"]
    notes += ["as root (sudo -n)"] if command.root else []
    notes += ["alone on the node"] if command.alone else []
    notes += ["asked once before the load"] if is_steady(command) else []
    notes += [f"needs {', '.join(command.needs)}"] if command.needs else []
    return f"   [{'; '.join(notes)}]"


def commands(plan: StagePlan) -> dict[Command, list[str]]:
    """Every distinct command of a stage with the nodes that run it, in order."""
    found: dict[Command, dict[str, None]] = {}
    for case in plan.cases:
        for step in case.steps:
            found.setdefault(step.command, {})[step.node.name] = None
    return {command: list(names) for command, names in found.items()}


def refusals(plan: StagePlan) -> dict[str, list[str]]:
    """Why some results will not be run or cannot be judged, with the targets."""
    found: dict[str, dict[str, None]] = {}
    for case in plan.cases:
        if case.plan is None:
            found.setdefault(f"{case.check.id}: {case.reason}", {}).update(
                dict.fromkeys(n.name for n in case.target.nodes)
            )
    return {reason: list(names) for reason, names in found.items()}


def stage_json(plan: StagePlan, workers: int) -> dict[str, object]:
    """A stage as JSON."""

    def case_json(case: Case) -> dict[str, object]:
        why = {} if case.plan else {"not_run": case.reason, "applies": case.why is not Why.NOT_APPLICABLE}
        return {"check": case.check.id, "target": case.target.key, **why}

    return {
        "stage": plan.stage.value,
        "estimate_s": round(plan.estimate_s, 1),
        "confirm_s": round(confirm_s(plan, workers), 1),
        "rounds": [[[b.a.name, b.b.name] for b in battles] for battles in plan.rounds],
        "cases": [case_json(c) for c in plan.cases],
        "commands": [
            {
                "script": c.script,
                "nodes": names,
                "timeout_s": c.timeout_s,
                "root": c.root,
                "alone": c.alone,
                "steady": is_steady(c),
                "needs": list(c.needs),
            }
            for c, names in commands(plan).items()
        ],
    }
