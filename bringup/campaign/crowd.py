"""A cluster of a thousand nodes: served by one process and connected to by another, as at a site, and what that takes.

The run's process is watched from outside (Linux only): how many sockets and files it has open, and how many it may.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bringup.campaign.play import Setup, played
from bringup.campaign.types import Played, Scenario
from bringup.events import RunStarted, Working
from bringup.journal import read as read_journal
from bringup.parsers.host import parse_limits
from bringup.run import load

_PATIENCE_S = 600.0
_LOOK_EVERY_S = 0.1
_FIRST_ROW_S = 1.0
_SPARE_SOCKETS = 8
"""Beside one for each node: what the process itself needs."""
_COMMAND = [sys.executable, "-m", "bringup"]


@dataclass(frozen=True, slots=True)
class Use:
    """What a process had open at most, and what its limit of open files was."""

    sockets: int
    files: int
    allowed: int | None


def many_nodes(scenario: Scenario, setup: Setup, folder: Path) -> Played:
    """Connects to every node: one socket for each, within the limit, and the first node at work within a second."""
    begun = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "inventory.yaml").write_text(scenario.text, encoding="utf-8")
    with _served(folder):
        with (folder / "run.log").open("wb") as log:
            process = subprocess.Popen(
                [*_COMMAND, "run", "-q", "-i", "served.yaml", "--check", "reach.connect"],
                cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
            try:
                use = watch(process)
            finally:
                process.kill()
                process.wait()
        (journal,) = (folder / "runs").glob("*/journal.jsonl")
        state = load(journal.parent)
    broken = list(_complaints(use, scenario.nodes, first_row_s(journal)))
    return played(scenario, state, time.monotonic() - begun, tuple(broken))


def _complaints(use: Use, nodes: int, first_s: float | None) -> Iterator[str]:
    if use.sockets > nodes + _SPARE_SOCKETS:
        yield f"{use.sockets} sockets were open at once for {nodes} nodes"
    if use.allowed is not None and use.files > use.allowed:
        yield f"{use.files} files were open at once, {use.allowed} are allowed"
    if first_s is None or first_s > _FIRST_ROW_S:
        said = "never" if first_s is None else f"only after {first_s:.1f} s"
        yield f"the first node was at work {said}"


def first_row_s(journal: Path) -> float | None:
    """Seconds from the start of the run to the first node at work; None if there was none."""
    started = None
    for event in read_journal(journal):
        if isinstance(event, RunStarted):
            started = event.at
        elif isinstance(event, Working) and started is not None:
            return event.at - started
    return None


@contextlib.contextmanager
def _served(folder: Path) -> Iterator[None]:
    """The inventory of the folder, served by a process of its own while the block runs; `served.yaml` reaches it."""
    process = subprocess.Popen(
        [*_COMMAND, "mock", "up", "-i", "inventory.yaml", "--write-inventory", "served.yaml", "--ssh-config", "ssh"],
        cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = process.stdout.readline().decode("utf-8", "replace")
        if "are up" not in said:
            raise RuntimeError(f"the simulated cluster did not come up: {said.strip()[:200]}")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=_PATIENCE_S)


def watch(process: subprocess.Popen[bytes]) -> Use:
    """What the process has open at most until it ends. Raises TimeoutError if it does not end."""
    deadline = time.monotonic() + _PATIENCE_S
    place = Path("/proc") / str(process.pid)
    sockets, files, allowed = 0, 0, None
    while process.poll() is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the run was not over within {_PATIENCE_S:.0f} s")
        with contextlib.suppress(OSError):  # it ended meanwhile
            limits = parse_limits((place / "limits").read_text(encoding="ascii"))
            allowed = next(limit.soft for limit in limits if limit.name == "open files")
            targets = [_target(entry) for entry in (place / "fd").iterdir()]
            sockets = max(sockets, sum(target.startswith("socket:") for target in targets))
            files = max(files, len(targets))
        time.sleep(_LOOK_EVERY_S)
    if not files:
        raise RuntimeError(f"nothing is known of the process: {place} cannot be read")
    return Use(sockets, files, allowed)


def _target(entry: Path) -> str:
    try:
        return str(entry.readlink())
    except OSError:
        return ""  # closed meanwhile
