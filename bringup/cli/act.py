"""`bringup act`: prints, or with --apply does, what a finished run means for Slurm or Kubernetes."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import click

from bringup.act import kubernetes as k8s
from bringup.act import slurm as sl
from bringup.act.wish import Step, Wish, held_back, wishes
from bringup.cli import common
from bringup.cli import ledger as kept
from bringup.errors import ParseError, RunFolderError, UsageError
from bringup.model import Exit
from bringup.orchestrator import RunFolder
from bringup.report import text
from bringup.report.words import names, plural

PATIENCE_S = 60.0
T = TypeVar("T")
_APPLY = click.option("--apply", "do", is_flag=True, help="Do it. Without this it is only printed.")
_RUN = click.argument("name", metavar="RUN", default="last")


@click.group()
def act() -> None:
    """Tell a scheduler which nodes may work: prints what it would do, --apply does it."""


@act.command()
@_RUN
@_APPLY
@click.option(
    "--prefix",
    default=sl.PREFIX,
    show_default=True,
    help="The leader of our reasons; only what carries it is resumed.",
)
@common.runs_option
@common.json_option
def slurm(name: str, do: bool, prefix: str, runs: Path, as_json: bool) -> int:
    """Drain the nodes that are not ready, resume those that we had drained and that are ready now.

    A reason that somebody else set is never replaced, nodes that are down or in passing are left alone. Needs sinfo and
    scontrol on this machine; --apply needs the rights of a Slurm operator.

    \b
    bringup act slurm last
    bringup act slurm last --apply
    """
    if not prefix or not prefix.replace("-", "").replace("_", "").isalnum():
        raise UsageError(f"--prefix {text.line(prefix, 40)}: needs one word")
    run, wanted = _finished(runs, name)
    there = _read(sl.parse, sl.QUERY)
    return _carry_out(run, sl.steps(wanted, there, run, prefix), do, as_json)


@act.command()
@_RUN
@_APPLY
@common.runs_option
@common.json_option
def kubernetes(name: str, do: bool, runs: Path, as_json: bool) -> int:
    """Taint the nodes that are not ready (NoSchedule, never NoExecute), free those that are, and say why in a condition.

    Needs kubectl on this machine, with the rights to change nodes for --apply.

    \b
    bringup act kubernetes last
    bringup act kubernetes last --apply
    """
    run, wanted = _finished(runs, name)
    there = _read(k8s.parse, k8s.QUERY)
    return _carry_out(run, k8s.steps(wanted, there, run, time.time()), do, as_json)


def _finished(runs: Path, name: str) -> tuple[str, list[Wish]]:
    """What a run wants of its nodes. Raises RunFolderError for one that has not come to its end."""
    folder = RunFolder.find(runs, name)
    state = kept.load_run(folder)
    if state.ended is None or state.aborted:
        raise RunFolderError(
            f"run {folder.id} has not come to its end; finish it with bringup resume {folder.id}"
        )
    opened = kept.beside(folder)
    return folder.id, held_back(wishes(state), opened.book(state.info.name), opened.now)


def _read(parse: Callable[[str], T], argv: Sequence[str]) -> T:
    """How the nodes stand there. Raises UsageError for an answer that nobody understands: then nothing is done."""
    try:
        return parse(_answer(argv))
    except ParseError as error:
        raise UsageError(
            f"{shlex.join(argv)}: answer not understood: {text.line(error.reason, 300)}"
        ) from error


def _answer(argv: Sequence[str]) -> str:
    """What a tool of the scheduler answers. Raises UsageError where it cannot be asked."""
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=PATIENCE_S, check=False, stdin=subprocess.DEVNULL,
            errors="backslashreplace", env={**os.environ, "LC_ALL": "C"},
        )  # fmt: skip
    except FileNotFoundError:
        raise UsageError(f"{argv[0]}: not installed here; run this where the scheduler's tools are") from None
    except subprocess.TimeoutExpired:
        raise UsageError(f"{argv[0]}: no answer within {PATIENCE_S:g} s") from None
    if done.returncode != 0:
        raise UsageError(f"{shlex.join(argv)}: {text.line(done.stderr or done.stdout, 400)}")
    return done.stdout


def _carry_out(run: str, steps: list[Step], do: bool, as_json: bool) -> int:
    """Print the steps, do them if asked. The exit code is 4 if one of them failed."""
    failed: list[str] = []
    rows = []
    for step in steps:
        said = ""
        if do and step.argv:
            try:
                _answer(step.argv)
            except UsageError as error:
                said = str(error)
                failed.append(said)
        rows.append({"nodes": list(step.nodes), "what": step.what, "why": step.why, "argv": list(step.argv),
                     "done": bool(do and step.argv and not said), "failed": said})  # fmt: skip
        if not as_json:
            mark = "!" if said else ("+" if do and step.argv else " ")
            click.echo(f"{mark} {step.what:<9} {names(step.nodes, 120)}  {text.line(said or step.why, 300)}")
            if step.argv and not do:
                click.echo(f"    {text.line(shlex.join(step.argv), 600)}")
    if as_json:
        click.echo(
            json.dumps({"schema": "bringup.act/1", "run": run, "applied": do, "steps": rows}, indent=2)
        )
    elif not do and any(step.argv for step in steps):
        click.echo(
            f"nothing was done: --apply does these {plural(sum(bool(s.argv) for s in steps), 'command')}"
        )
    return Exit.INTERNAL if failed else Exit.READY
