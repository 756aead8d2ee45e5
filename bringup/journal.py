"""The run folder's one truth: an append-only file of events, one JSON line each.

One writer appends whole lines and flushes them, so that whatever kills the process leaves at most one cut line, which
readers skip. Readers never write; any number may follow a live journal.

The same few commands stand behind the results of every node, and some are programs of many kilobytes. So a command
that comes again is written once more, beside the event as `"commands": {"@NAME": {...}}`, and from that line on its name
stands in its place: `"command": "@NAME"`. The name is made from the command's own text. A line and what it defines live
or die together, a name only ever stands behind its definition, and readers put the text back before they decode, so
nobody else knows of it. Journals without names are read as they are.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import msgspec

from bringup.commands import Command, Evidence
from bringup.errors import RunFolderError
from bringup.events import AnyEvent, Event, Judged, Note

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


class _Defined(msgspec.Struct):
    """What a line defines beside its event: commands by name."""

    commands: dict[str, msgspec.Raw]


_DEFINED: msgspec.json.Decoder[_Defined] = msgspec.json.Decoder(_Defined)
_DEFINES = b',"commands":{"@'
_FIELD = b'"command":'
_NAMED = re.compile(rb'"command":"(@[0-9a-f]{16})"')
"""In JSON no text can look like these: the quotes within it are escaped."""
_MOST_BYTES = 64 << 20
"""A line with its commands put back is no longer than this: names in a forged journal must not fill the memory."""


class _Names:
    """Commands by name, as far as a journal has been read or written."""

    def __init__(self) -> None:
        self.known: dict[bytes, bytes] = {}
        self._gone = _encoded(Command("# the journal does not hold this command any more"))

    def whole(self, line: bytes) -> bytes:
        """The line with every command in its place. What it defines is remembered."""
        at = line.rfind(_DEFINES)
        if at >= 0:
            try:
                found = _DEFINED.decode(line).commands
            except _DAMAGED:
                found = {}
            for name, text in found.items():
                if _name(bytes(text)) == name.encode():
                    self.known[_name(bytes(text))] = bytes(text)
            line = line[:at] + b"}"
        if b'"command":"@' not in line:
            return line
        size = len(line) + sum(len(self.known.get(m[1], b"")) for m in _NAMED.finditer(line))
        if size > _MOST_BYTES:
            return b"{}"
        return _NAMED.sub(lambda m: _FIELD + self.known.get(m[1], self._gone), line)


class _Shortener:
    """Puts names for commands into the lines of one writer."""

    def __init__(self, names: _Names) -> None:
        self._known = names.known
        self._once: set[int] = set()
        self._forms: dict[Command, tuple[bytes, bytes, msgspec.Raw]] = {}

    def line(self, event: AnyEvent) -> bytes:
        """One line, with names for the commands that came before. One that comes for the first time stands as it is:
        those of a pair of nodes never come again."""
        if not isinstance(event, Judged) or not event.outcome.evidence:
            return encode(event)
        fresh: dict[bytes, bytes] = {}
        evidence = tuple(self._named(e, fresh) for e in event.outcome.evidence)
        outcome = msgspec.structs.replace(event.outcome, evidence=evidence)
        try:
            line = _ENCODER.encode(msgspec.structs.replace(event, outcome=outcome))
        except UnicodeEncodeError:
            return encode(event)
        self._known |= fresh
        definitions = b",".join(b'"' + name + b'":' + text for name, text in fresh.items())
        return line[:-1] + b',"commands":{' + definitions + b"}}" if fresh else line

    def _named(self, evidence: Evidence, fresh: dict[bytes, bytes]) -> Evidence:
        """The evidence with its command's name in the place of the command. Defined with the line if it must be."""
        command = evidence.command
        form = self._forms.get(command)
        if form is None:
            key = hash(command)
            if key not in self._once:
                self._once.add(key)
                return evidence
            text = _encoded(command)
            name = _name(text)
            form = self._forms[command] = (name, text, msgspec.Raw(b'"' + name + b'"'))
        name, text, raw = form
        if name not in self._known:
            fresh[name] = text
        return msgspec.structs.replace(evidence, command=raw)


def _name(text: bytes) -> bytes:
    return b"@" + hashlib.sha256(text).hexdigest()[:16].encode()


def _encoded(command: Command) -> bytes:
    """A command as it stands in a line."""
    try:
        return _ENCODER.encode(command)
    except UnicodeEncodeError:
        return _ENCODER.encode(_visible(msgspec.to_builtins(command)))


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
        self._lines: list[bytes] = []
        self._held = 0
        self._file: IO[bytes] = path.open("ab")
        if not _locked(self._file):
            self._file.close()
            raise RunFolderError(f"{path}: is still being written; wait for that bringup, or end it")
        names = _Names()
        self._mend(names)
        self._shortener = _Shortener(names)

    def _mend(self, names: _Names) -> None:
        """Drop a last line that a kill has cut, and continue the numbering."""
        data = self._path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole != len(data):
            self._file.truncate(whole)
        for event in _read(self._path, names):
            self._seq = max(self._seq, event.seq)

    def write(self, event: AnyEvent) -> AnyEvent:
        """Append one event with the next number and the time; returns the event as written."""
        with self._lock:
            self._seq += 1
            stamped: AnyEvent = msgspec.structs.replace(event, seq=self._seq, at=self._clock())
            self._lines.append(self._shortener.line(stamped))
            if not self._held:
                self._flush()
        return stamped

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is written meanwhile, by any thread, goes to the file at the end and in one piece."""
        with self._lock:
            self._held += 1
        try:
            yield
        finally:
            with self._lock:
                self._held -= 1
                if not self._held:
                    self._flush()

    def _flush(self) -> None:
        lines, self._lines = self._lines, []
        if lines:
            self._file.write(b"\n".join(lines) + b"\n")
            self._file.flush()

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
    return _read(path, _Names())


def _read(path: Path, names: _Names) -> Iterator[AnyEvent]:
    try:
        with path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n") and (event := decode(names.whole(line[:-1]))) is not None:
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
        self._names = _Names()

    def new(self, most: int = 1 << 22) -> list[AnyEvent]:
        """The events that came since the last call (at most about `most` bytes of them); never blocks."""
        try:
            with self._path.open("rb") as file:
                file.seek(0, 2)
                if file.tell() < self._offset:  # truncated or replaced: begin again
                    self._offset, self._rest, self._names = 0, b"", _Names()
                file.seek(self._offset)
                data = file.read(most)
        except OSError:
            return []
        self._offset += len(data)
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        return [event for line in lines if line and (event := decode(self._names.whole(line))) is not None]


__all__ = ["Event", "Journal", "Tail", "decode", "read"]
