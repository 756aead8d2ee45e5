"""The ledger's file: JSON lines beside the runs, only ever added to, safe against two writers.

A writer holds the file's lock while it adds its lines in one write, and ends a line first that a kill has cut. Readers
take no lock: a line without its end is not there yet. What another version wrote, or what is no entry, is counted and
never lost, because nothing is ever written anew.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bringup.errors import RunFolderError
from bringup.life.entries import AnyEntry

NAME = "defects.jsonl"
MOST_BYTES = 256 << 20
MOST_LINE = 4 << 20
_DECODER: msgspec.json.Decoder[AnyEntry] = msgspec.json.Decoder(AnyEntry)
_ENCODER = msgspec.json.Encoder()
_DAMAGED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Ledger:
    """All entries in their order; `unread` counts the lines that are no entry of this version."""

    entries: tuple[AnyEntry, ...] = ()
    unread: int = 0


def path_of(runs: Path) -> Path:
    """Where the ledger of these runs is."""
    return runs / NAME


def read(path: Path) -> Ledger:
    """Everything in the ledger; an absent file is an empty one. Raises RunFolderError if it cannot be read."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise RunFolderError(f"{path}: larger than {MOST_BYTES >> 20} MiB; this is no ledger of defects")
        data = path.read_bytes()
    except FileNotFoundError:
        return Ledger()
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be read: {error.strerror}") from error
    found: list[AnyEntry] = []
    unread = 0
    for line in data.split(b"\n")[:-1]:  # what follows the last line end is still being written
        entry = decode(line)
        if entry is not None:
            found.append(entry)
        elif line.strip():
            unread += 1
    return Ledger(tuple(found), unread)


def decode(line: bytes) -> AnyEntry | None:
    """One entry, or None for what is none."""
    if len(line) > MOST_LINE:
        return None
    try:
        return _DECODER.decode(line)
    except _DAMAGED:
        return None


def append(path: Path, entries: Sequence[AnyEntry]) -> None:
    """Add entries, all of them together. Raises RunFolderError if they cannot be written."""
    if not entries:
        return
    said = b"".join(_ENCODER.encode(entry) + b"\n" for entry in entries)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        with os.fdopen(handle, "rb+", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            size = file.seek(0, os.SEEK_END)
            if size and os.pread(handle, 1, size - 1) != b"\n":
                said = b"\n" + said
            while said:
                said = said[file.write(said) or 0 :]
            os.fsync(handle)
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be written: {error.strerror}") from error
