"""`bringup doctor`: is this machine fit to run bringup from?"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from bringup import battery
from bringup.cli import common
from bringup.errors import UsageError
from bringup.model import Exit

FILES_PER_NODE = 4
"""A connection holds one socket; a script on it opens the evidence file for a moment. Twice that is ample."""


@dataclass(frozen=True)
class Finding:
    """One line of the doctor: ok, or what to do."""

    what: str
    ok: bool
    seen: str
    do: str = ""


@click.command()
@common.runs_option
@common.json_option
def doctor(runs: Path, as_json: bool) -> int:
    """Check the orchestrator's own machine: Python, packages, SSH keys, limits, the runs folder, the battery."""
    findings = list(examine(runs))
    if as_json:
        click.echo(
            json.dumps({"schema": "bringup.doctor/1", "findings": [asdict(f) for f in findings]}, indent=2)
        )
    else:
        for f in findings:
            click.echo(
                f"{'ok  ' if f.ok else 'LOOK'}  {f.what:<22} {f.seen}"
                + (f"\n      {f.do}" if f.do and not f.ok else "")
            )
    return Exit.READY if all(f.ok for f in findings) else Exit.NOT_READY


def examine(runs: Path) -> Iterator[Finding]:
    """Everything that is looked at."""
    yield Finding(
        "Python", sys.version_info >= (3, 11), sys.version.split()[0], "install Python 3.11 or newer"
    )
    for package in ("paramiko", "textual", "junit-xml", "ClusterShell"):
        try:
            yield Finding(package, True, version(package))
        except PackageNotFoundError:
            yield Finding(package, False, "not installed", f"pip install {package}")
    agent = os.environ.get("SSH_AUTH_SOCK", "")
    keys = sorted(p.name for p in (Path.home() / ".ssh").glob("id_*") if p.suffix != ".pub")
    seen = (
        ", ".join(keys) + (" and an agent" if agent else "")
        if keys or agent
        else "no key in ~/.ssh and no agent"
    )
    yield Finding(
        "SSH keys", bool(keys or agent), seen, "make one with ssh-keygen, or name one in the inventory (key:)"
    )
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield Finding(
        "open files",
        soft >= 1024,
        f"{soft}, enough for about {soft // FILES_PER_NODE} nodes",
        "ulimit -n 65536",
    )
    free = shutil.disk_usage(runs if runs.exists() else Path()).free
    yield Finding(
        "disk", free > 1 << 30, f"{free / 2**30:.1f} GiB free for {runs}", "choose another place with --runs"
    )
    yield Finding("cores", True, str(os.cpu_count()))
    try:
        yield Finding("battery", True, f"{len(battery.load())} checks")
    except UsageError as error:
        yield Finding("battery", False, str(error), "mend the files named above")
