"""The run folder's one truth: an append-only file of events, one JSON line each.

One writer appends and flushes line by line, so that whatever kills the process leaves at most one cut line, which
readers skip. Readers never write; any number may follow a live journal.
"""

from __future__ import annotations

import fcntl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import msgspec

from bringup.errors import RunFolderError
from bringup.events import AnyEvent, Event, Note

_DECODER: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)
_ENCODER = msgspec.json.Encoder()
_DAMAGED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What a decoder raises on bytes that are no event: no JSON, no UTF-8, nested without end."""
_LAST_TIME = 1e12


def decode(line: bytes) -> AnyEvent | None:
    """One event, or None for a line that is cut off. An event of a newer version becomes a Note."""
    try:
        return _DECODER.decode(line)
    except _DAMAGED:
        try:
            raw = msgspec.json.decode(line)
        except _DAMAGED:
            return None
    known = raw if isinstance(raw, dict) else {}
    seq, at = known.get("seq"), known.get("at")
    return Note(
        seq=seq if isinstance(seq, int) else 0,
        at=float(at) if isinstance(at, int | float) and abs(at) < _LAST_TIME else 0.0,
        text=f"an event of kind {known.get('type')!r} was written by another version and is not shown",
    )


def encode(event: AnyEvent) -> bytes:
    """One line of the journal. Lone surrogates (JSON of a node may hold them) become visible text."""
    try:
        return _ENCODER.encode(event)
    except UnicodeEncodeError:
        return _ENCODER.encode(_visible(msgspec.to_builtins(event)))


def _visible(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {key: _visible(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_visible(inner) for inner in value]
    return value


class Journal:
    """The one writer, which the operating system guards: the lock ends with the process, however that ends.

    Safe to call from any thread. Raises RunFolderError while another process writes the same journal.
    """

    def __init__(self, path: Path, *, clock: Any = time.time) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._seq = 0
        self._file: IO[bytes] = path.open("ab")
        if not _locked(self._file):
            self._file.close()
            raise RunFolderError(f"{path}: is still being written; wait for that bringup, or end it")
        self._mend()

    def _mend(self) -> None:
        """Drop a last line that a kill has cut, and continue the numbering."""
        data = self._path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole != len(data):
            self._file.truncate(whole)
        for event in read(self._path):
            self._seq = max(self._seq, event.seq)

    def write(self, event: AnyEvent) -> AnyEvent:
        """Append one event with the next number and the time; returns the event as written."""
        with self._lock:
            self._seq += 1
            stamped: AnyEvent = msgspec.structs.replace(event, seq=self._seq, at=self._clock())
            self._file.write(encode(stamped) + b"\n")
            self._file.flush()
        return stamped

    def close(self) -> None:
        """Close the file; further writes fail."""
        with self._lock:
            self._file.close()


def _locked(file: IO[bytes]) -> bool:
    """Whether the file is ours to write. A file system without locks guards nothing, and is no reason not to run."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def read(path: Path) -> Iterator[AnyEvent]:
    """All events of a journal in order; a cut last line is skipped. Raises RunFolderError if there is none."""
    try:
        with path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n") and (event := decode(line)) is not None:
                    yield event
    except OSError as error:
        raise RunFolderError(
            f"{path}: no journal here ({error.strerror}); give a run folder or a run's id"
        ) from error


class Tail:
    """A reader that follows a journal which may still be growing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._rest = b""

    def new(self, most: int = 1 << 22) -> list[AnyEvent]:
        """The events that came since the last call (at most about `most` bytes of them); never blocks."""
        try:
            with self._path.open("rb") as file:
                file.seek(0, 2)
                if file.tell() < self._offset:  # truncated or replaced: begin again
                    self._offset, self._rest = 0, b""
                file.seek(self._offset)
                data = file.read(most)
        except OSError:
            return []
        self._offset += len(data)
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        return [event for line in lines if line and (event := decode(line)) is not None]


__all__ = ["Event", "Journal", "Tail", "decode", "read"]
