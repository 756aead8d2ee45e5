"""Keeps every byte that a node answered before anybody interprets it: one growing file per node and stage."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from bringup.commands import Evidence, Output
from bringup.model import Stage


class EvidenceStore:
    """Appends outputs to `evidence/<node>/<stage>.out`. Node names come from the inventory, which restricts them."""

    def __init__(self, folder: Path) -> None:
        self._ends: dict[str, _End] = {}
        self._guard = threading.Lock()
        self._root = folder
        self._mine = threading.local()

    def keep(self, stage: Stage, output: Output) -> Evidence:
        """Write the two streams one after the other; the result says where they are."""
        relative = f"evidence/{output.node}/{stage.value}.out"
        with self._guard:
            end = self._ends.setdefault(relative, _End())
        with end.lock:
            handle = self._open(relative)
            if end.at is None:
                end.at = os.lseek(handle, 0, os.SEEK_END)  # a resumed run goes on with the file
            offset, data = end.at, output.stdout + output.stderr
            if data:
                end.at = None  # not known if writing fails
                _write(handle, data)
                end.at = offset + len(data)
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
        """The file, left open for the next answer: those of a node come one by one, all in one thread."""
        mine: _Open | None = getattr(self._mine, "open", None)
        if mine is None or mine.relative != relative:
            mine = self._mine.open = _Open(relative, self._root / relative)
        return mine.handle


class _End:
    """Where a file ends; None before it was looked at. Nobody else writes into the folder of a run that goes on."""

    __slots__ = ("at", "lock")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.at: int | None = None


class _Open:
    """A file that one thread writes; closed when the thread turns to another one, or ends."""

    __slots__ = ("handle", "relative")

    def __init__(self, relative: str, path: Path) -> None:
        self.relative = relative
        path.parent.mkdir(parents=True, exist_ok=True)
        self.handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)

    def __del__(self) -> None:
        if hasattr(self, "handle"):
            os.close(self.handle)


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
