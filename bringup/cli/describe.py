"""Commands that describe: the battery, inventories, profiles, the version."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from bringup import __version__, battery
from bringup.cli import common
from bringup.errors import NothingSelected
from bringup.inventory import folded, select
from bringup.model import Exit
from bringup.profile import available, load
from bringup.report.words import plural


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
                 "faults": [f.code for f in c.faults]} for c in found]  # fmt: skip
        click.echo(json.dumps({"schema": "bringup.checks/1", "checks": rows}, indent=2))
        return Exit.READY
    stage = None
    for check in found:
        if check.stage is not stage:
            stage = check.stage
            click.echo(f"{stage.value}")
        click.echo(f"  {check.id:<28} {check.level.value:<9} {check.says}")
    return Exit.READY


@checks.command("show")
@click.argument("check_id", metavar="ID")
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
            for f in check.faults:
                click.echo(f"\n{f.code}   {f.who.value}, {f.severity.value}\n  {f.title}\n  do: {f.action}")
                if f.explained_by:
                    click.echo(f"  follows from: {', '.join(f.explained_by)}")
            return Exit.READY
    raise NothingSelected(f"no check {check_id!r}; bringup checks list shows them all")


@click.group()
def inventory() -> None:
    """Inventories: check one, or see what it expands to."""


@inventory.command("check")
@click.argument("path", type=click.Path(dir_okay=False))
@common.profiles_option
def inventory_check(path: str, profile_dirs: Sequence[Path]) -> int:
    """Report every mistake of an inventory at once, with its line."""
    found = common.read_inventory(path, profile_dirs)
    click.echo(
        f"{path}: ok   {plural(len(found.nodes), 'node')}, {plural(len(found.cables), 'cable')}, "
        f"{plural(len(found.groups), 'group')}"
    )
    return Exit.READY


@inventory.command("expand")
@click.argument("path", type=click.Path(dir_okay=False))
@click.option("-n", "--nodes", "expression", default="", metavar="NODES", help="Only these nodes.")
@common.profiles_option
@common.json_option
def inventory_expand(path: str, expression: str, profile_dirs: Sequence[Path], as_json: bool) -> int:
    """Print every node with everything that defaults, groups and ranges give it."""
    found = common.read_inventory(path, profile_dirs)
    nodes = select(found, expression) if expression else found.nodes
    if as_json:
        import msgspec

        click.echo(
            json.dumps(
                {"schema": "bringup.inventory/1", "name": found.name, "nodes": msgspec.to_builtins(nodes)},
                indent=2,
            )
        )
        return Exit.READY
    for n in nodes:
        where = (
            "this machine"
            if n.connection == "local"
            else f"{n.user + '@' if n.user else ''}{n.address}:{n.port}"
        )
        jump = " through " + ", ".join(j.host for j in n.jump) if n.jump else ""
        click.echo(f"{n.name:<16} {n.place:<9} {n.profile:<12} {where}{jump}")
        for p in n.ports:
            far = f" -> {p.leaf} port {p.leaf_port}" if p.leaf else ""
            click.echo(f"    rail {p.rail}  {p.hca}{far}" + (f"  cable {p.cable}" if p.cable else ""))
    click.echo(f"{plural(len(nodes), 'node')}: {folded(n.name for n in nodes)}", err=True)
    return Exit.READY


@click.group()
def profile() -> None:
    """Profiles: the limits and facts that nodes are judged by."""


@profile.command("show")
@click.argument("name", required=False)
@common.profiles_option
@common.json_option
def profile_show(name: str | None, profile_dirs: Sequence[Path], as_json: bool) -> int:
    """All profiles, or one with every limit, its reason and where it is written."""
    if name is None:
        names = available(list(profile_dirs))
        listing = json.dumps({"schema": "bringup.profiles/1", "profiles": names}, indent=2)
        click.echo(listing if as_json else "\n".join(names))
        return Exit.READY
    found = load(name, list(profile_dirs))
    if as_json:
        limits = {
            k: {"op": v.op, "value": v.value, "unit": v.unit, "why": v.why, "source": v.source}
            for k, v in found.limits.items()
        }
        facts = {k: {"value": v.value, "why": v.why, "source": v.source} for k, v in found.facts.items()}
        click.echo(
            json.dumps(
                {"schema": "bringup.profile/1", "name": found.name, "facts": facts, "limits": limits},
                indent=2,
            )
        )
        return Exit.READY
    click.echo(f"{found.name}   {found.description}\nextends: {', '.join(found.lineage) or 'nothing'}\n")
    for key, fact in found.facts.items():
        click.echo(f"{key} = {fact.value}\n    {fact.why}   {fact.where}")
    for key, limit in found.limits.items():
        click.echo(f"{key}: {limit}\n    {limit.why}   {limit.source}")
    return Exit.READY


@click.command()
def version() -> int:
    """Print the version."""
    click.echo(f"bringup {__version__}")
    return Exit.READY
