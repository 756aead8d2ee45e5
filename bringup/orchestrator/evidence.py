"""Keeps every byte that a node answered before anybody interprets it: one growing file per node and stage."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from bringup.commands import Evidence, Output
from bringup.model import Stage

_OPEN_FILES = 128


class EvidenceStore:
    """Appends outputs to `evidence/<node>/<stage>.out`. Node names come from the inventory, which restricts them."""

    def __init__(self, folder: Path) -> None:
        self._root = folder
        self._lock = threading.Lock()
        self._handles: dict[str, int] = {}
        self._ends: dict[str, int] = {}

    def keep(self, stage: Stage, output: Output) -> Evidence:
        """Write the two streams one after the other; the result says where they are."""
        relative = f"evidence/{output.node}/{stage.value}.out"
        data = output.stdout + output.stderr
        with self._lock:
            handle = self._open(relative)
            offset = self._ends.pop(relative, None)  # not known any more if writing fails
            if offset is None:
                offset = os.lseek(handle, 0, os.SEEK_END)  # a resumed run goes on with the file
            if data:
                _write(handle, data)
            self._ends[relative] = offset + len(data)
        return Evidence(
            node=output.node,
            file=relative,
            command=output.command,
            ended=output.ended,
            status=output.status,
            seconds=output.seconds,
            at=output.at,
            offset=offset,
            stdout_bytes=len(output.stdout),
            stderr_bytes=len(output.stderr),
            truncated=output.truncated,
            as_root=output.as_root,
            detail=output.detail,
            login_s=output.login_s,
        )

    def _open(self, relative: str) -> int:
        """The file, left open for the next answers of its node; the one that was not used for longest is closed."""
        handle = self._handles.pop(relative, None)
        if handle is None:
            if len(self._handles) >= _OPEN_FILES:
                os.close(self._handles.pop(next(iter(self._handles))))
            path = self._root / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        self._handles[relative] = handle
        return handle

    def close(self) -> None:
        """Close all files."""
        with self._lock:
            while self._handles:
                os.close(self._handles.popitem()[1])


def _write(handle: int, data: bytes) -> None:
    """All of it: one call may take less than it is given."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def output_of(evidence: Evidence, stdout: bytes, stderr: bytes) -> Output:
    """The output as it was, from its kept bytes."""
    return Output(
        node=evidence.node,
        command=evidence.command,
        ended=evidence.ended,
        status=evidence.status,
        stdout=stdout,
        stderr=stderr,
        seconds=evidence.seconds,
        at=evidence.at,
        truncated=evidence.truncated,
        as_root=evidence.as_root,
        detail=evidence.detail,
        login_s=evidence.login_s,
    )
