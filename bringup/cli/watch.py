"""`bringup watch`: the terminal UI on a run that is going on or over."""

from __future__ import annotations

from pathlib import Path

import click

from bringup.cli import common
from bringup.model import Exit
from bringup.orchestrator import RunFolder


@click.command()
@click.argument("name", metavar="RUN", default="last")
@common.runs_option
@click.option("--ascii", "ascii_mode", is_flag=True, help="No characters beyond ASCII.")
@click.option("--slow-link", is_flag=True, help="Fewer repaints, no animation.")
def watch(name: str, runs: Path, ascii_mode: bool, slow_link: bool) -> int:
    """Follow a run in the terminal UI, or look at a finished one. Closing it never stops the run.

    \b
    bringup watch last
    bringup watch 1120-0931 --ascii
    """
    from bringup.tui import watch as open_tui

    open_tui(RunFolder.find(runs, name).path, ascii_mode=ascii_mode, slow_link=slow_link)
    return Exit.READY
