"""`bringup checks`: the battery as a list, one check in full, and the generated handbook."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from bringup import battery
from bringup.battery.asked import asked
from bringup.cli import common
from bringup.errors import NothingSelected
from bringup.model import Exit
from bringup.report.handbook import checks_page, faults_page


@click.group()
def checks() -> None:
    """The checks of the battery."""


@checks.command("list")
@common.battery_option
@common.json_option
def checks_list(batteries: Sequence[Path], as_json: bool) -> int:
    """All checks by stage, with what is true when they pass."""
    found = battery.load(batteries)
    if as_json:
        rows = [{"id": c.id, "stage": c.stage.value, "level": c.level.value, "gate": c.gate, "says": c.says,
                 "limits": list(asked(c).limits), "faults": [f.code for f in c.faults]} for c in found]  # fmt: skip
        click.echo(json.dumps({"schema": "bringup.checks/1", "checks": rows}, indent=2))
        return Exit.READY
    stage = None
    for check in found:
        if check.stage is not stage:
            stage = check.stage
            click.echo(f"{stage.value}")
        click.echo(f"  {check.id:<28} {check.level.value:<9} {check.says}")
    return Exit.READY


def _ids(ctx: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """Shell completion: the checks that there are."""
    found = battery.load([Path(b) for b in ctx.params.get("batteries") or ()])
    return [c.id for c in found if c.id.startswith(begun)]


@checks.command("show")
@click.argument("check_id", metavar="ID", shell_complete=_ids)
@common.battery_option
def checks_show(check_id: str, batteries: Sequence[Path]) -> int:
    """One check: what it says, its gate, the defects it can report and what to do about each."""
    for check in battery.load(batteries):
        if check.id == check_id:
            doc = (check.__doc__ or "").strip()
            click.echo(f"{check.id}   stage {check.stage.value}   level {check.level.value}\n\n{doc}\n")
            gate = {
                "node": "the node leaves the run",
                "component": "the component leaves the run",
                "": "nothing leaves the run",
            }
            click.echo(f"if it fails: {gate[check.gate]}")
            asks = asked(check)
            for word, names in (("limits", asks.limits), ("facts", sorted(asks.facts))):
                if names:
                    click.echo(f"{word}: {', '.join(names)}")
            for f in check.faults:
                click.echo(f"\n{f.code}   {f.who.value}, {f.severity.value}\n  {f.title}\n  do: {f.action}")
                if f.explained_by:
                    click.echo(f"  follows from: {', '.join(f.explained_by)}")
            return Exit.READY
    raise NothingSelected(f"no check {check_id!r}; bringup checks list shows them all")


@checks.command("docs")
@click.option(
    "-o",
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("docs"),
    show_default=True,
    help="Folder in which checks.md and faults.md are written.",
)
@common.battery_option
def checks_docs(out: Path, batteries: Sequence[Path]) -> int:
    """Write the handbook of the battery: checks.md (every check) and faults.md (every code of a defect).

    \b
    bringup checks docs
    bringup checks docs --battery ./our-checks --out our-handbook
    """
    found = battery.load(batteries)
    out.mkdir(parents=True, exist_ok=True)
    for name, text in (("checks.md", checks_page(found)), ("faults.md", faults_page(found))):
        (out / name).write_text(text, encoding="utf-8")
        click.echo(str(out / name))
    return Exit.READY
