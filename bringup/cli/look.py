"""Commands that look at a run: its report in any format, its defects, the evidence of one result."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from bringup.cli import common
from bringup.cli import ledger as kept
from bringup.cli.formats import (
    FOLDERS,
    FORMATS,
    TEXTS,
    as_it_is,
    reader,
    shown,
    with_pseudonyms,
    write_text,
)
from bringup.defects import WHO, Who
from bringup.errors import UsageError
from bringup.inventory import select_names
from bringup.inventory.query import query
from bringup.life import describe
from bringup.life.standing import Book, Life, Standing
from bringup.model import Exit
from bringup.orchestrator import RunFolder
from bringup.report import defects as defect_list
from bringup.report import evidence, summary, text
from bringup.report.filtering import defect_facts
from bringup.report.proof import Proofs
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
    help="junit and ocp-diag write a folder, the others one text.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="File (for junit and ocp-diag: folder) to write instead of standard output.",
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
    if kind in FOLDERS and sanitise and output is None:
        raise UsageError(f"--sanitise -f {kind}: needs a folder to write into: -o FOLDER")
    view = (
        with_pseudonyms(folder, quotes=kind == "junit")
        if sanitise
        else as_it_is(folder, kept.load_run(folder))
    )
    if kind in FOLDERS:
        for path in FOLDERS[kind](view, output or folder.reports / kind):
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
@click.option(
    "--select",
    "written",
    default="",
    metavar="FILTER",
    help="The filter of the screens: words, rack:R05, leaf:3, code:RDMA*, state:open, gpu-[080-095], ! for not.",
)
@click.option(
    "--state",
    "standing",
    multiple=True,
    type=click.Choice([s.value for s in Standing]),
    help="Only these states.",
)
@click.option(
    "--all",
    "every",
    is_flag=True,
    help="Every defect that any run of this cluster has shown, closed ones too.",
)
@common.runs_option
@common.json_option
def defects(
    name: str, who: Sequence[str], code: str, expression: str, written: str, standing: Sequence[str], every: bool,
    runs: Path, as_json: bool,
) -> int:  # fmt: skip
    """List a run's defects in working order: who must act, where, and how far that is.

    \b
    bringup defects last --who hands-on
    bringup defects last -n rack:R05 --json
    bringup defects last --select "code:RDMA* state:open !rack:R05"
    bringup defects --all                      the ledger: every defect over all runs
    """
    folder = RunFolder.find(runs, name)
    state = kept.load_run(folder)
    if every:
        click.echo(lives(kept.beside(folder), state.info.name, as_json=as_json), nl=False)
        return Exit.READY
    nodes = select_names(tuple(state.nodes.values()), expression) if expression else ()
    found = defect_list.select(state, who=[Who(w) for w in who], nodes=nodes, code=code)
    ledger = kept.beside(folder)
    book = ledger.book(state.info.name)
    stands = {d.id: (book, book.lives[d.id], ledger.now) for d in found if d.id in book.lives}
    found = [d for d in found if not standing or _stands(stands, d.id) in standing]
    chosen = query(written)
    found = [d for d in found if chosen(defect_facts(state, d, _stands(stands, d.id)))]
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 100
    click.echo(
        defect_list.as_json(
            state,
            found,
            {i: describe.row(*its) for i, its in stands.items()},
            Proofs(state, reader(folder)),
        )
        if as_json
        else defect_list.table(
            state, found, {i: describe.said(*its) for i, its in stands.items()}, width=width
        ),
        nl=False,
    )
    return Exit.READY


def _stands(stands: Mapping[str, tuple[Book, Life, float]], ident: str) -> str:
    """The state of a defect; one that the ledger does not know is open."""
    if ident not in stands:
        return Standing.OPEN.value
    book, life, now = stands[ident]
    return book.standing(life, now).value


def lives(ledger: kept.Opened, cluster: str, *, as_json: bool) -> str:
    """Every defect of the ledger with its state, for people or programs."""
    book = ledger.book(cluster)
    found = sorted(book.lives.values(), key=lambda life: (life.found is Standing.CLOSED, life.seen.at))
    if as_json:
        rows = [
            {"id": x.id, "code": x.code, "who": x.who.value, "component": x.seen.component, "nodes": x.seen.nodes,
             "place": x.seen.place, "title": x.seen.title, **describe.row(book, x, ledger.now)}
            for x in found
        ]  # fmt: skip
        waivers = [describe.waiver_row(w) for w in book.in_force(ledger.now)]
        document = {"schema": "bringup.ledger/1", "cluster": cluster, "defects": rows, "exceptions": waivers}
        return json.dumps(document, indent=2) + "\n"
    lines = []
    for life in found:
        where = " ".join(filter(None, (life.seen.place, text.line(life.seen.title, 120))))
        lines.append(f"{life.id}  {life.code:<20}  {where}")
        lines.append(f"    {text.line(describe.said(book, life, ledger.now), 400)}")
        lines += [f"    {text.line(said, 300)}" for said in life.seen.bad_before]
        lines += [f"    {text.line(by, 40)}: {text.line(said, 300)}" for _, by, said in life.notes]
    return "\n".join(lines or ["no defects"]) + "\n"


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
