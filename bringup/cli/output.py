"""The end of a run: writes the report files and prints the result."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from bringup.journal import read
from bringup.model import Evidence, Exit
from bringup.orchestrator import INTERRUPTED, RunFolder
from bringup.report import evidence, jsonreport, junit, markdown, summary
from bringup.report import verdict as judge
from bringup.run import RunState


def exit_code(state: RunState) -> int:
    """The exit code of a run: internal error before interrupted before not ready before incomplete."""
    if state.aborted:
        return Exit.INTERRUPTED if state.aborted == INTERRUPTED else Exit.INTERNAL
    return judge.exit_code(state)


def reader(folder: RunFolder) -> evidence.ReadEvidence:
    """Reads the kept bytes of this run folder."""

    def read_evidence(kept: Evidence) -> tuple[bytes, bytes]:
        return evidence.read(folder.path, kept)

    return read_evidence


def shown(path: Path) -> str:
    """A path as short as it can be told from here."""
    relative = os.path.relpath(path)
    return relative if len(relative) < len(str(path)) else str(path)


def write_junit(state: RunState, folder: RunFolder, target: Path) -> list[Path]:
    """Write the JUnit files of a run into `target`; returns them."""
    return junit.write(
        state,
        target,
        read_evidence=reader(folder),
        attachment_prefix=f"{shown(folder.path)}/",
        flaky=judge.failed_before(read(folder.journal)),
        hostname=str(folder.settings().get("orchestrator", "")),
    )


def write_reports(state: RunState, folder: RunFolder) -> dict[str, str]:
    """Write JUnit, JSON, Markdown and plain text below `reports/`; returns label -> path."""
    code = exit_code(state)
    junit_folder = folder.reports / "junit"
    write_junit(state, folder, junit_folder)
    result = folder.reports / "report.json"
    jsonreport.write(state, result, exit_code=code)
    paths = {"junit": f"{shown(junit_folder)}/", "json": shown(result), "run": f"{shown(folder.path)}/"}
    (folder.reports / "summary.md").write_text(
        markdown.markdown(state, paths=paths, exit_code=code), encoding="utf-8"
    )
    plain = summary.Summary(state, paths, code).plain(100)
    (folder.reports / "summary.txt").write_text(plain, encoding="utf-8")
    return paths


def tell(state: RunState, folder: RunFolder, paths: dict[str, str] | None = None) -> None:
    """Print the result for people on standard output."""
    summary.write(
        summary.Summary(state, paths or {"run": f"{shown(folder.path)}/"}, exit_code(state)), sys.stdout
    )


def finish(state: RunState, folder: RunFolder, *, as_json: bool) -> None:
    """Write the reports and print the result, for people or as JSON."""
    import json

    paths = write_reports(state, folder)
    if as_json:
        click.echo(
            json.dumps({**jsonreport.document(state, exit_code=exit_code(state)), "files": paths}, indent=2)
        )
    else:
        tell(state, folder, paths)
