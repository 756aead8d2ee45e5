"""The raw bytes behind a result: read from the run folder without trusting what the journal says about files.

A run folder may come from anywhere. So a path is walked part by part without following links, only plain
files are read, and sizes are capped.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from bringup.commands import Evidence
from bringup.errors import RunFolderError

MOST_BYTES = 8 << 20
_MOST_SAID = 200

ReadEvidence = Callable[[Evidence], tuple[bytes, bytes]]


def read_kept(folder: Path, evidence: Evidence) -> tuple[bytes, bytes]:
    """Standard output and standard error of a command; shorter than recorded if the file was cut.

    Raises RunFolderError if the file is missing, is no plain file of the run folder, or the slices make no
    sense.
    """
    name = "".join(c if c.isprintable() else "?" for c in evidence.file[:_MOST_SAID])
    where = f"{folder.name}/{name}"
    if evidence.offset < 0 or evidence.stdout_bytes < 0 or evidence.stderr_bytes < 0:
        raise RunFolderError(f"{where}: the journal gives a negative position or size")
    out_bytes = min(evidence.stdout_bytes, MOST_BYTES)
    err_bytes = min(evidence.stderr_bytes, MOST_BYTES)
    try:
        handle = _open(folder, evidence.file)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise RunFolderError(f"{where}: not a plain file")
            file.seek(evidence.offset)
            stdout = file.read(out_bytes)
            file.seek(evidence.offset + evidence.stdout_bytes)
            stderr = file.read(err_bytes)
    except (OSError, ValueError, OverflowError) as error:
        raise RunFolderError(f"{where}: cannot be read ({error})") from error
    return stdout, stderr


def _open(folder: Path, name: str) -> int:
    """Open a file below the folder; any `..`, absolute path or symbolic link on the way is refused."""
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or name.startswith("/"):
        raise ValueError("the path leaves the run folder")
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts[:-1]:
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            os.close(at)
            at = below
        # Non-blocking, because opening a named pipe would wait for its other end.
        return os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=at)
    finally:
        os.close(at)
