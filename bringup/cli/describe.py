"""Commands that describe: inventories, the version."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from bringup import __version__, battery
from bringup.cli import common
from bringup.cli.own_profiles import refuse_mistakes
from bringup.inventory import folded, select
from bringup.model import Exit
from bringup.profile import load_all
from bringup.report.words import plural


@click.group()
def inventory() -> None:
    """Inventories: check one, or see what it expands to."""


@inventory.command("check")
@click.argument("path", type=click.Path(dir_okay=False))
@common.profiles_option
@common.battery_option
def inventory_check(path: str, profile_dirs: Sequence[Path], batteries: Sequence[Path]) -> int:
    """Report every mistake of an inventory at once, with its line; then those of the profiles that it uses."""
    found = common.read_inventory(path, profile_dirs)
    used = sorted({n.profile for n in found.nodes if n.profile})
    dirs = [*profile_dirs, *found.profile_dirs]
    load_all(used, dirs)
    refuse_mistakes(used, dirs, battery.load(batteries))
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


@click.command()
def version() -> int:
    """Print the version."""
    click.echo(f"bringup {__version__}")
    return Exit.READY
