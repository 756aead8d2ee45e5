"""Commands that look over several runs: what has changed between two, and how a node or a port was run after run."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path

import click

from bringup.cli import common
from bringup.cli import ledger as kept
from bringup.errors import UsageError
from bringup.life import describe
from bringup.life.difference import difference, lines
from bringup.life.index import Index, Listed, Row
from bringup.model import Exit
from bringup.orchestrator import RunFolder
from bringup.report import text
from bringup.report import verdict as judge
from bringup.report.verdict import utc

_PORT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*):([A-Za-z0-9._-]+)")


@click.command("diff")
@click.argument("earlier", metavar="RUN1")
@click.argument("later", metavar="RUN2", default="last")
@common.runs_option
@common.json_option
def compare(earlier: str, later: str, runs: Path, as_json: bool) -> int:
    """Show what is another in the later run: defects, results, parts that are elsewhere or new.

    \b
    bringup diff 1120-0931 last
    """
    first, second = (RunFolder.find(runs, name) for name in (earlier, later))
    before, after = kept.load_run(first), kept.load_run(second)
    found = difference(before, after)
    if as_json:
        document = {
            "schema": "bringup.diff/1",
            "before": first.id,
            "after": second.id,
            "new": [d.id for d in found.appeared],
            "gone": [d.id for d in found.gone],
            "still": [d.id for d in found.stayed],
            "results": [
                {"check": c.check, "target": c.target, "before": c.words[0], "after": c.words[1]}
                for c in found.changes
            ],
            "parts": [asdict(m) for m in found.moved],
            "compared": found.compared,
        }
        click.echo(json.dumps(document, indent=2))
        return Exit.READY
    click.echo(f"{first.id} ({judge.verdict(before).value}) -> {second.id} ({judge.verdict(after).value})")
    for line in lines(found, before, after):
        click.echo(text.line(line, 400) if not line.startswith(" ") else "  " + text.line(line, 400))
    return Exit.READY


@click.command()
@click.argument("part", metavar="PORT|NODE|SERIAL")
@click.option(
    "--most",
    type=click.IntRange(1, 1000),
    default=10,
    show_default=True,
    help="So many runs, the latest first.",
)
@common.runs_option
@common.json_option
def history(part: str, most: int, runs: Path, as_json: bool) -> int:
    """Show how a node, a port or a part with a serial number was, run after run.

    A port is written as gpu-009:mlx5_4, any other part by its path: gpu-003/gpu/5. The index of the runs is built when
    it is asked for and may be deleted at any time.

    \b
    bringup history gpu-009
    bringup history gpu-009:mlx5_4
    bringup history MT2343FT46785
    """
    if not runs.is_dir():
        raise UsageError(f"{runs}: there are no runs")
    match = _PORT.fullmatch(part)
    path = f"{match[1]}/hca/{match[2]}" if match else part
    node = path.partition("/")[0]
    with Index(runs) as index:
        for trouble in index.refresh():
            click.echo(f"left out: {text.line(trouble, 300)}", err=True)
        listed = index.runs(node)[:most]
        rows = {run.id: index.of(run.id, path) for run in listed}
        places = [] if listed else index.places(part)
    ledger = kept.opened(runs)
    if not listed and not places:
        raise UsageError(f"no run in {runs} knows {text.line(part, 80)}")
    if as_json:
        found = [{**asdict(run), "rows": [asdict(r) for r in rows[run.id]]} for run in listed]
        seats = [{"run": name, "at": seat, "kind": kind} for name, seat, kind in places]
        click.echo(
            json.dumps(
                {"schema": "bringup.history/1", "part": part, "runs": found, "places": seats}, indent=2
            )
        )
        return Exit.READY
    for name, seat, kind in places:
        click.echo(f"{name:<14} {kind} in {text.line(seat, 80)}")
    for run in listed:
        _tell(run, rows[run.id])
    for cluster in dict.fromkeys(run.cluster for run in listed):
        book = ledger.book(cluster)
        mine = [x for x in book.lives.values() if node in x.seen.nodes and _of(x.seen.components, path)]
        for life in mine:
            click.echo(f"{life.id}  {life.code}  {text.line(describe.said(book, life, ledger.now), 300)}")
            for when, by, said in life.notes:
                click.echo(f"    {utc(when, ' ')}  {text.line(by, 40)}: {text.line(said, 300)}")
        for swap in book.swaps:
            if swap.says and path.replace("/hca/", ":") in (swap.a, swap.b):
                click.echo(f"swap {swap.a} {swap.b}: {text.line(swap.says, 300)}")
    return Exit.READY


def _of(components: list[str], path: str) -> bool:
    return any(c == path or c.startswith(path + "/") or path.startswith(c + "/") for c in components)


def _tell(run: Listed, rows: list[Row]) -> None:
    only = f"   of a selection only: {text.line(run.selection, 120)}" if run.selection else ""
    click.echo(f"{run.id}  {utc(run.started, ' ')}  {run.verdict or 'no end'}{only}")
    marks = {True: " ", False: "X", None: " "}
    for row in rows:
        at = "" if row.what == "result" else f" at {text.line(row.at, 60)}"
        click.echo(f"  {marks[row.ok]} {text.line(row.name, 60)}{at}: {text.line(row.value, 200)}")
    if not rows:
        click.echo("    everything that was judged passed")
