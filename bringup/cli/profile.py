"""`bringup profile`: look at profiles, find what is wrong with one, compare two, learn one from a run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from bringup import battery
from bringup.battery.asked import Asked, asked, together
from bringup.cli import common
from bringup.cli.profile_learn import learn
from bringup.errors import Problem, ProfileError
from bringup.model import Exit
from bringup.profile import Profile, available, load
from bringup.profile.checking import check, tidy
from bringup.profile.difference import Difference, Kind, Side, differences
from bringup.report.words import plural

_MARK = {Kind.ADDED: "+", Kind.REMOVED: "-", Kind.CHANGED: "~", Kind.REWORDED: "="}


@click.group()
def profile() -> None:
    """Profiles: the limits and facts that nodes are judged by."""


profile.add_command(learn)


def _names(ctx: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """Shell completion: the profiles that can be asked for."""
    dirs = ctx.params.get("profile_dirs") or ()
    return [name for name in available([Path(d) for d in dirs]) if name.startswith(begun)]


@profile.command("show")
@click.argument("name", required=False, shell_complete=_names)
@common.profiles_option
@common.json_option
def profile_show(name: str | None, profile_dirs: Sequence[Path], as_json: bool) -> int:
    """All profiles, or one with every limit, its reason and where it is written."""
    if name is None:
        names = available(list(profile_dirs))
        listing = json.dumps({"schema": "bringup.profiles/1", "profiles": names}, indent=2)
        click.echo(listing if as_json else "\n".join(names))
        return Exit.READY
    found = _load(name, profile_dirs)
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


@profile.command("check")
@click.argument("names", nargs=-1, metavar="[FILE|NAME]...", shell_complete=_names)
@common.profiles_option
@common.battery_option
@common.json_option
def profile_check(
    names: Sequence[str], profile_dirs: Sequence[Path], batteries: Sequence[Path], as_json: bool
) -> int:
    """Report everything that is wrong with profiles at once: FILE:LINE, what is written, what is needed.

    Beside what cannot be read: names that no check asks for (a misspelt limit leaves its parent's in force), units that
    no check measures, limits that judge nothing, numbers that no machine has. Without a name: all profiles.

    \b
    bringup profile check profiles/hall-2.toml
    bringup profile check --battery ./our-checks hall-2 --profiles ./profiles
    """
    asks = together(asked(c) for c in battery.load(batteries))
    targets = names or available(list(profile_dirs))
    problems = tidy(p for name in targets for p in check(_target(name), list(profile_dirs), asks))
    if as_json:
        rows = [{"file": p.file, "line": p.line, "problem": p.what} for p in problems]
        document = {"schema": "bringup.profile-check/1", "profiles": list(targets), "problems": rows}
        click.echo(json.dumps(document, indent=2))
    else:
        _tell(problems, len(targets), asks)
    return Exit.USAGE if problems else Exit.READY


def _tell(problems: Sequence[Problem], looked_at: int, asks: Asked) -> None:
    for p in problems:
        click.echo(f"{p.file}:{p.line}: {p.what}" if p.line else f"{p.file}: {p.what}")
    files = len({p.file for p in problems})
    summary = f"{plural(len(problems), 'problem')} in {plural(files, 'file')}" if problems else "ok"
    click.echo(
        f"{plural(looked_at, 'profile')}: {summary}   compared with {len(asks.limits)} limits and {len(asks.facts)} facts "
        "that the checks ask for",
        err=True,
    )
    for where in asks.unclear:
        click.echo(f"not every name could be read from the checks: {where}", err=True)


@profile.command("diff")
@click.argument("before", metavar="A", shell_complete=_names)
@click.argument("after", metavar="B", shell_complete=_names)
@common.profiles_option
@common.json_option
def profile_diff(before: str, after: str, profile_dirs: Sequence[Path], as_json: bool) -> int:
    """What B has more, less or otherwise than A, parents included. A and B are names or files.

    Exit code 0: no difference; 1: there are some. "=" marks what judges the same for another reason.

    \b
    bringup profile diff hgx-h100 hgx-h200
    bringup profile diff hgx-h100 profiles/hall-2.toml
    """
    found = differences(_load(before, profile_dirs), _load(after, profile_dirs))
    if as_json:
        document = {
            "schema": "bringup.profile-diff/1",
            "a": before,
            "b": after,
            "differences": [_row(d) for d in found],
        }
        click.echo(json.dumps(document, indent=2))
    else:
        for d in found:
            values = " -> ".join(side.value for side in (d.before, d.after) if side is not None)
            click.echo(
                f"{_MARK[d.kind]} {d.table} {d.name}: {values if d.kind is not Kind.REWORDED else d.kind}"
            )
            for label, side in (("A", d.before), ("B", d.after)):
                if side is not None:
                    click.echo(f"    {label} {side.where}   {side.why}")
        click.echo(plural(len(found), "difference"), err=True)
    return 1 if found else Exit.READY


def _row(d: Difference) -> dict[str, object]:
    def side(one: Side | None) -> dict[str, str] | None:
        return None if one is None else {"value": one.value, "why": one.why, "where": one.where}

    return {"table": d.table, "name": d.name, "kind": d.kind.value, "a": side(d.before), "b": side(d.after)}


def _target(text: str) -> str | Path:
    """A file where it looks like one, else a name."""
    return Path(text) if "/" in text or text.endswith(".toml") else text


def _load(text: str, dirs: Sequence[Path]) -> Profile:
    target = _target(text)
    if isinstance(target, str):
        return load(target, list(dirs))
    if not target.is_file():
        raise ProfileError([Problem(text, None, "no such file")])
    return load(target.stem, [target.parent, *dirs])
