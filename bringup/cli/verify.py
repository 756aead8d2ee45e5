"""`bringup verify`: are the files of a run as they were at its end?"""

from __future__ import annotations

import json
from pathlib import Path

import click

from bringup.cli import common
from bringup.errors import RunFolderError
from bringup.model import Exit
from bringup.orchestrator import RunFolder
from bringup.report import manifest


@click.command()
@click.argument("name", metavar="RUN", default="last")
@common.runs_option
@common.json_option
def verify(name: str, runs: Path, as_json: bool) -> int:
    """Compare a run's evidence, journal and reports with the sums that were written at its end.

    Exit codes: 0 all as it was, 1 something differs, 3 it cannot be told (no manifest, unreadable files).

    \b
    bringup verify last
    (cd runs/1120-0931 && sha256sum -c --quiet manifest.sha256)     the same without bringup
    """
    folder = RunFolder.find(runs, name)
    try:
        compared = manifest.verify(folder.path)
    except RunFolderError as error:
        click.echo(str(error), err=True)
        return Exit.INCOMPLETE
    if as_json:
        rows = [{"kind": d.kind, "file": d.file, "why": d.why} for d in compared.differences]
        said = {
            "schema": "bringup.verify/1",
            "run": folder.id,
            "files": compared.files,
            "manifest_sha256": compared.sum,
        }
        click.echo(json.dumps({**said, "differences": rows}, indent=2))
    else:
        click.echo(manifest.told(folder.id, compared), nl=False)
    if compared.proven:
        return Exit.NOT_READY
    return Exit.INCOMPLETE if compared.differences else Exit.READY
