"""`bringup plan`: what would run where and how long it takes; nothing is touched."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from bringup.cli import common
from bringup.commands import Command
from bringup.inventory import folded
from bringup.model import Exit, Why
from bringup.orchestrator import Case, StagePlan, make_plan
from bringup.report.words import clock, plural


@click.command()
@common.inventory_option
@common.selection_options
@common.battery_option
@common.profiles_option
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
    batteries: Sequence[Path], profile_dirs: Sequence[Path], with_commands: bool, as_json: bool,
) -> int:  # fmt: skip
    """Show every command that would run on every node, the rounds and the estimated time. Nothing is touched.

    \b
    bringup plan -i hall-2.yaml
    bringup plan -i hall-2.yaml -n gpu-001 --stage link
    bringup plan -i hall-2.yaml --no-commands
    """
    inputs = common.read_inputs(
        inventory_path, expression=expression, stages=stages, check_patterns=check_patterns, level=level,
        batteries=batteries, profile_dirs=profile_dirs,
    )  # fmt: skip
    common.fail_if_empty(inputs.nodes)
    plans = make_plan(inputs.checks, inputs.nodes, inputs.context())
    if as_json:
        click.echo(json.dumps({"schema": "bringup.plan/1", "inventory": inputs.inventory.name, "nodes": len(inputs.nodes),
                               "estimate_s": round(sum(p.estimate_s for p in plans), 1),
                               "stages": [stage_json(p) for p in plans]}, indent=2))  # fmt: skip
        return Exit.READY
    total = sum(p.estimate_s for p in plans)
    click.echo(
        f"{inputs.inventory.name}   {plural(len(inputs.nodes), 'node')}   level {inputs.level.value}   "
        f"{plural(len(inputs.checks), 'check')}, {plural(sum(1 for p in plans for _ in p.cases), 'result')}, about {clock(total)}"
    )
    for p in plans:
        rounds = (
            f", {plural(len(p.rounds), 'round')} of {plural(max(map(len, p.rounds)), 'pair')} at once"
            if p.rounds
            else ""
        )
        click.echo(
            f"\n{p.stage.value:<11} about {clock(p.estimate_s)}   {plural(len(p.checks), 'check')}{rounds}"
        )
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


def rights(command: Command) -> str:
    """What a reader should know about how a command runs."""
    notes = [f"at most {command.timeout_s:g} s"]
    notes += ["as root (sudo -n)"] if command.root else []
    notes += ["alone on the node"] if command.alone else []
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


def stage_json(plan: StagePlan) -> dict[str, object]:
    """A stage as JSON."""

    def case_json(case: Case) -> dict[str, object]:
        why = {} if case.plan else {"not_run": case.reason, "applies": case.why is not Why.NOT_APPLICABLE}
        return {"check": case.check.id, "target": case.target.key, **why}

    return {
        "stage": plan.stage.value,
        "estimate_s": round(plan.estimate_s, 1),
        "rounds": [[[b.a.name, b.b.name] for b in battles] for battles in plan.rounds],
        "cases": [case_json(c) for c in plan.cases],
        "commands": [
            {
                "script": c.script,
                "nodes": names,
                "timeout_s": c.timeout_s,
                "root": c.root,
                "alone": c.alone,
                "needs": list(c.needs),
            }
            for c, names in commands(plan).items()
        ],
    }
