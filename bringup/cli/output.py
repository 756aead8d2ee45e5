"""The end of a run: writes the report files and prints the result."""

from __future__ import annotations

import dataclasses
import sys

import click

from bringup.cli import formats
from bringup.cli.formats import exit_code, reader, shown
from bringup.cli.ledger import take_in
from bringup.orchestrator import RunFolder
from bringup.report import html, jsonreport, manifest, summary, text
from bringup.run import RunState

_ALSO = {
    "summary.md": "markdown",
    "summary.txt": "summary",
    "defects.csv": "defects-csv",
    "bringup.prom": "prometheus",
}
"""Small files that are cheap to write; every other format is written when it is asked for."""


def write_reports(state: RunState, folder: RunFolder) -> dict[str, str]:
    """Write the reports below `reports/`, then the sums of everything in the folder; returns label -> path."""
    view = formats.as_it_is(folder, state)
    junit_folder, page, result = (folder.reports / name for name in ("junit", "report.html", "report.json"))
    formats.write_junit(view, junit_folder)
    html.write(state, page, exit_code=view.code, proofs=view.proofs)
    jsonreport.write(state, result, exit_code=view.code, proofs=view.proofs)
    paths = {
        "report": shown(page),
        "junit": f"{shown(junit_folder)}/",
        "json": shown(result),
        "run": f"{shown(folder.path)}/",
    }
    view = dataclasses.replace(view, paths=paths)
    for name, kind in _ALSO.items():
        formats.write_text(folder.reports / name, formats.TEXTS[kind](view))
    manifest.write(folder.path)
    return paths


def tell(state: RunState, folder: RunFolder, paths: dict[str, str] | None = None) -> None:
    """Print the result for people on standard output."""
    summary.write(
        summary.Summary(state, paths or {"run": f"{shown(folder.path)}/"}, exit_code(state)), sys.stdout
    )


def finish(
    state: RunState, folder: RunFolder, *, as_json: bool, retest_of: str = "", kept: bool = True
) -> None:
    """Take the run into the ledger (if it is to be kept there), write the reports and print the result, for people or as JSON."""
    import json

    again = take_in(state, folder, retest_of) if kept else []
    paths = write_reports(state, folder)
    if as_json:
        click.echo(
            json.dumps({**jsonreport.document(state, exit_code=exit_code(state)), "files": paths}, indent=2)
        )
    else:
        tell(state, folder, paths)
        if again:
            click.echo("\nPARTS THAT RETURN: seen bad at another place before")
            for said in again:
                click.echo(f"  {text.line(said, 300)}")


__all__ = ["exit_code", "finish", "reader", "shown", "tell", "write_reports"]
