"""`bringup rejudge`: other limits or checks on the kept outputs of a run, without the cluster."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from bringup import battery
from bringup.cli import common
from bringup.cli.ledger import load_run
from bringup.cli.output import exit_code, reader, tell
from bringup.context import Context
from bringup.model import Outcome
from bringup.orchestrator import RunFolder
from bringup.orchestrator import rejudge as judge_again
from bringup.profile import load_all
from bringup.report import jsonreport
from bringup.run import RunState


@click.command()
@click.argument("name", metavar="RUN")
@common.runs_option
@common.battery_option
@common.profiles_option
@common.json_option
def rejudge(
    name: str, runs: Path, batteries: Sequence[Path], profile_dirs: Sequence[Path], as_json: bool
) -> int:
    """Judge a run's kept outputs again, with today's checks and (with --profiles) other limits.

    Nothing is written and no node is touched. The exit code is that of the new verdict.

    \b
    bringup rejudge last
    bringup rejudge 1120-0931 --profiles ./stricter
    """
    folder = RunFolder.find(runs, name)
    state = load_run(folder)
    profiles = load_all(
        sorted({n.profile for n in state.nodes.values() if n.profile}), [*profile_dirs, folder.profiles]
    )
    ctx = Context(profiles, started=state.info.started)
    fresh = judge_again(state, battery.load(batteries), ctx, reader(folder))
    changed = changes(state, fresh)
    if as_json:
        rows = [
            {"check": o.check, "target": o.target, "before": o.verdict.value, "now": n.verdict.value}
            for o, n in changed
        ]
        click.echo(json.dumps({**jsonreport.document(fresh), "changed": rows}, indent=2))
    else:
        tell(fresh, folder)
        click.echo(f"\n{len(changed)} of {len(fresh.outcomes)} results differ from the run")
        for old, new in changed:
            click.echo(
                f"  {old.check}  {old.target}: {old.verdict.value} -> {new.verdict.value}  {new.reason}"
            )
    return exit_code(fresh)


def changes(before: RunState, now: RunState) -> list[tuple[Outcome, Outcome]]:
    """The cases whose verdict is another one now."""
    pairs = [(old, now.cases.get(key)) for key, old in before.cases.items() if old is not None]
    return [(old, new) for old, new in pairs if new is not None and new.verdict is not old.verdict]
