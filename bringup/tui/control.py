"""The one thing that the screens may do to a run: ask its process to end, after a person has said so twice.

The process is found by the lock that it holds on the journal, so no number that was written down earlier can name a
stranger's process.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

LOCKS = Path("/proc/locks")
_PROGRAM = b"bringup"


def writer_of(journal: Path, locks: Path = LOCKS, processes: Path = Path("/proc")) -> int | None:
    """The process that writes this journal, if it runs on this machine and can be known."""
    try:
        about = journal.stat()
        lines = locks.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    place = f"{os.major(about.st_dev):02x}:{os.minor(about.st_dev):02x}:{about.st_ino}"
    for line in lines:
        words = line.split()
        if len(words) >= 6 and words[1] == "FLOCK" and words[3] == "WRITE" and words[5] == place:
            return _ours(words[4], processes)
    return None


def _ours(word: str, processes: Path) -> int | None:
    """The process number, if that process is a bringup."""
    if not word.isdecimal() or int(word) <= 1:
        return None
    try:
        command = (processes / word / "cmdline").read_bytes()
    except OSError:
        return None
    return int(word) if _PROGRAM in command else None


def stop(journal: Path, *, now: bool = False) -> str:
    """Ask the run to end: it stops the commands on the nodes and writes its reports. With `now` it is killed at once.

    Returns what to tell the person.
    """
    pid = writer_of(journal)
    if pid is None:
        return "no process of this machine writes the run any more, or it cannot be known which"
    try:
        os.kill(pid, signal.SIGKILL if now else signal.SIGINT)
    except OSError as error:
        return f"process {pid} could not be stopped: {error.strerror}"
    if now:
        return f"process {pid} was ended at once; the nodes clean up by themselves: bringup resume goes on"
    return f"process {pid} was asked to stop: it ends the commands on the nodes and writes its reports"
