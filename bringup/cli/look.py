"""Commands that look at a run: its report in any format, its defects, the evidence of one result."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from bringup.cli import common
from bringup.cli.formats import (
    FORMATS,
    TEXTS,
    as_it_is,
    reader,
    shown,
    with_pseudonyms,
    write_junit,
    write_text,
)
from bringup.defects import WHO, Who
from bringup.errors import UsageError
from bringup.inventory import select_names
from bringup.model import Exit
from bringup.orchestrator import RunFolder
from bringup.report import defects as defect_list
from bringup.report import evidence, summary
from bringup.run import load


@click.command()
@click.argument("name", metavar="RUN", default="last")
@click.option(
    "-f",
    "--format",
    "kind",
    type=click.Choice(FORMATS),
    default="summary",
    show_default=True,
    help="junit writes a folder, the others one text.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="File (for junit: folder) to write instead of standard output.",
)
@click.option(
    "--sanitise",
    is_flag=True,
    help="Pseudonyms for node names, serial numbers and addresses, to be shown outside.",
)
@common.runs_option
def report(name: str, kind: str, output: Path | None, sanitise: bool, runs: Path) -> int:
    """Write a run's result again in any format.

    \b
    bringup report last -f html -o hall-2.html
    bringup report last -f markdown >> "$GITHUB_STEP_SUMMARY"
    bringup report last -f prometheus -o /var/lib/node_exporter/textfile/bringup.prom
    bringup report 1120-0931 -f junit -o junit/
    bringup report 1120-0931 -f full-json --sanitise -o for-the-vendor.json
    """
    folder = RunFolder.find(runs, name)
    if kind == "junit" and sanitise and output is None:
        raise UsageError("--sanitise -f junit: needs a folder to write into: -o FOLDER")
    view = (
        with_pseudonyms(folder, quotes=kind == "junit") if sanitise else as_it_is(folder, load(folder.path))
    )
    if kind == "junit":
        for path in write_junit(view, output or folder.reports / "junit"):
            click.echo(shown(path))
    elif kind == "summary" and output is None:
        summary.write(summary.Summary(view.state, view.paths, view.code), sys.stdout)
    elif output is None:
        click.echo(TEXTS[kind](view), nl=False)
    else:
        try:
            write_text(output, TEXTS[kind](view))
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError) as error:
            raise UsageError(f"{output}: cannot be written: {error.strerror}") from error
    return Exit.READY


@click.command()
@click.argument("name", metavar="RUN", default="last")
@click.option(
    "--who", multiple=True, type=click.Choice([w.value for w in WHO]), help="Only what these people must do."
)
@click.option("--code", default="", metavar="CODE", help="Only this fault code; * matches anything (RDMA-*).")
@click.option(
    "-n",
    "--nodes",
    "expression",
    default="",
    metavar="NODES",
    help="Only these nodes: gpu-[001-008], rack:R05.",
)
@common.runs_option
@common.json_option
def defects(name: str, who: Sequence[str], code: str, expression: str, runs: Path, as_json: bool) -> int:
    """List a run's defects in working order: who must act, and where.

    \b
    bringup defects last --who hands-on
    bringup defects last -n rack:R05 --json
    """
    state = load(RunFolder.find(runs, name).path)
    nodes = select_names(tuple(state.nodes.values()), expression) if expression else ()
    found = defect_list.select(state, who=[Who(w) for w in who], nodes=nodes, code=code)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 100
    click.echo(
        defect_list.as_json(state, found) if as_json else defect_list.table(state, found, width=width),
        nl=False,
    )
    return Exit.READY


@click.command()
@click.argument("name", metavar="RUN")
@click.argument("target")
@click.argument("check", default="")
@common.runs_option
def show(name: str, target: str, check: str, runs: Path) -> int:
    """Show what is known about a node or pair: results, limits, and with a check what the commands answered.

    \b
    bringup show last gpu-003
    bringup show last gpu-003 gpu.count
    """
    folder = RunFolder.find(runs, name)
    click.echo(evidence.show(load(folder.path), target, check, read_evidence=reader(folder)), nl=False)
    return Exit.READY


__all__ = ["defects", "report", "show"]
