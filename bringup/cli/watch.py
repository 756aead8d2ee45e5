"""`bringup watch`: the terminal UI on a run that is going on or over, played again, or beside an earlier one."""

from __future__ import annotations

from pathlib import Path

import click

from bringup.cli import common
from bringup.errors import UsageError
from bringup.model import Exit
from bringup.orchestrator import RunFolder


@click.command()
@click.argument("names", metavar="[RUN] [LATER]", nargs=-1)
@common.runs_option
@click.option(
    "--from", "start", default="", metavar="TIME", help="Play it again from 10:02, 10:02:30 or +5m."
)
@click.option(
    "--speed",
    type=click.FloatRange(0.1, 1000),
    default=None,
    show_default="as it was, if --from",
    help="Play it again so many times as fast.",
)
@click.option(
    "--step", "stepping", is_flag=True, help="Play it again with the time stopped; . goes on by one event."
)
@click.option(
    "--keys",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Other keys: a TOML file with [keys] (default: ~/.config/bringup/keys.toml, if it is there).",
)
@click.option("--read-only", is_flag=True, help="No ssh, no files, no stopping of the run from the screens.")
@click.option("--web", is_flag=True, help="Show it in a browser instead: read-only, on this machine only.")
@click.option("--host", default="127.0.0.1", show_default=True, help="With --web: the address to listen on.")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="With --web: the port."
)
@click.option("--public-url", default="", help="With --web: the address that browsers use, behind a proxy.")
@click.option("--ascii", "ascii_mode", is_flag=True, help="No characters beyond ASCII.")
@click.option("--slow-link", is_flag=True, help="Fewer repaints, no animation.")
def watch(
    names: tuple[str, ...], runs: Path, start: str, speed: float | None, stepping: bool, keys: Path | None,
    read_only: bool, web: bool, host: str, port: int, public_url: str, ascii_mode: bool, slow_link: bool,
) -> int:  # fmt: skip
    """Follow a run in the terminal UI, or look at a finished one. Closing it never stops the run.

    With two runs the later one is shown, and what is another than in the first is marked.

    \b
    bringup watch last
    bringup watch 1120-0931 --ascii
    bringup watch 1120-0931 --from 10:02 --speed 20     as it went, twenty times as fast
    bringup watch 1120-0931 1120-1402                   what has changed
    bringup watch last --web                            in a browser: http://127.0.0.1:8000
    """
    from bringup.tui import watch as open_tui
    from bringup.tui.web import serve, warning

    if len(names) > 2:
        raise UsageError("watch: needs one run, or two to compare")
    folders = [RunFolder.find(runs, name).path for name in names or ("last",)]
    if web:
        if len(folders) > 1 or start or speed is not None or stepping:
            raise UsageError("--web shows one run as it is: no second run, no --from, --speed or --step")
        if said := warning(host):
            click.echo(said, err=True)
        serve(folders[0], host, port, public_url)
        return Exit.READY
    open_tui(
        folders[-1], earlier=folders[0] if len(folders) == 2 else None, start=start, speed=speed, stepping=stepping,
        keys=keys, read_only=read_only, ascii_mode=ascii_mode, slow_link=slow_link,
    )  # fmt: skip
    return Exit.READY
