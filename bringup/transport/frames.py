"""Reads what the compound script answers: bytes in, frames out, in any cuts.

A frame begins with the bundle's token, which no command can see. Lengths rule: inside an answer nothing is
searched, so output that looks like a frame stays output. Noise of a login shell before, between and after frames
is dropped (its beginning is kept for the error message). Sizes beyond the command's cap, a second answer to the
same command and bytes that do not end where the node said make a frame damaged; they never give a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from bringup.commands import Ended

_ENDED = {ended.value.encode(): ended for ended in Ended}
NOISE_BYTES = 2048
_HEADER_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Hello:
    """The node's shell runs our program; `uid` is the login's user number."""

    uid: str


@dataclass(frozen=True, slots=True)
class Beat:
    """The node is alive."""


@dataclass(frozen=True, slots=True)
class Listens:
    """The command with this index listens on its port."""

    index: int


class Answer(msgspec.Struct, frozen=True, gc=False):
    """The command with this index ended. `status` is None unless it exited."""

    index: int
    ended: Ended
    status: int | None
    seconds: float
    as_root: bool
    stdout: bytes
    stderr: bytes
    truncated: bool
    note: str


@dataclass(frozen=True, slots=True)
class Damaged:
    """Something that has the token but is no frame; `index` if the command is known."""

    index: int | None
    why: str


@dataclass(frozen=True, slots=True)
class Fatal:
    """The node cannot run the bundle at all."""

    why: str


@dataclass(frozen=True, slots=True)
class End:
    """All is answered and nothing is left on the node."""


Frame = Hello | Beat | Listens | Answer | Damaged | Fatal | End

_ANSWER = re.compile(
    rb"answer (\d{1,9}) (exited|timeout|missing|lost) (-|\d{1,3}) (\d{1,18}) (\d{1,18}) ([01])"
    rb" (\d{1,15}) (\d{1,15}) (\d{1,15}) (\d{1,15}) ?(.*)"
)


class _Header(msgspec.Struct, frozen=True, gc=False):
    """An answer whose bytes are still on their way; `whole` if they are all that the command wrote."""

    index: int
    ended: Ended
    status: int | None
    seconds: float
    as_root: bool
    note: str
    out_bytes: int
    err_bytes: int
    whole: bool


class FrameReader:
    """An incremental reader for one bundle. `caps` holds the byte cap of every command by index."""

    def __init__(self, token: str, caps: Sequence[int]) -> None:
        self._token = token.encode()
        self._trailer = self._token + b"\n"
        self._caps = caps
        self._buffer = bytearray()
        self._header: _Header | None = None
        self._seen: set[int] = set()
        self._noise = bytearray()
        self._ended = False

    @property
    def noise(self) -> bytes:
        """The beginning of what was printed outside of all frames."""
        return bytes(self._noise)

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that these bytes complete."""
        if self._ended:
            return
        self._buffer += data
        while (frame := self._next()) is not None:
            self._ended = isinstance(frame, End)
            yield frame
            if self._ended:
                self._buffer.clear()
                return

    def _next(self) -> Frame | None:
        if self._header is not None:
            return self._body(self._header)
        start = self._buffer.find(self._token)
        if start < 0:
            self._drop(max(0, len(self._buffer) - len(self._token) + 1))
            return None
        if start:
            self._drop(start)
        stop = self._buffer.find(b"\n", 0, _HEADER_BYTES)
        if stop < 0:
            if len(self._buffer) < _HEADER_BYTES:
                return None
            self._drop(len(self._token))
            return Damaged(None, "a frame's first line does not end")
        line = bytes(self._buffer[len(self._token) : stop])
        del self._buffer[: stop + 1]
        frame = self._parse(line)
        if isinstance(frame, _Header):
            self._header = frame
            return self._body(frame)
        return frame

    def _parse(self, line: bytes) -> Frame | _Header:
        """One first line, without the token."""
        word, _, rest = line.removeprefix(b" ").partition(b" ")
        if word == b"hello":
            return Hello(_text(rest))
        if word == b"beat":
            return Beat()
        if word == b"end":
            return End()
        if word == b"fatal":
            return Fatal(_text(rest))
        if word == b"listens" and rest.isdigit() and int(rest) < len(self._caps):
            return Listens(int(rest))
        match = _ANSWER.fullmatch(line.removeprefix(b" "))
        if match is None:
            return Damaged(None, f"not a frame: {_text(line)[:200]!r}")
        return self._answer(match)

    def _answer(self, match: re.Match[bytes]) -> Frame | _Header:
        index, out, err = int(match[1]), int(match[7]), int(match[8])
        if index >= len(self._caps) or index in self._seen:
            return Damaged(None, f"an answer to command {index}, which nobody asked")
        if max(out, err) > self._caps[index]:
            self._seen.add(index)
            return Damaged(index, f"{max(out, err)} bytes announced, at most {self._caps[index]} asked for")
        kind = _ENDED[match[2]]
        if (match[3] == b"-") == (kind is Ended.EXITED):
            self._seen.add(index)
            return Damaged(index, "status and ending do not fit")
        return _Header(
            index=index,
            ended=kind,
            status=int(match[3]) if kind is Ended.EXITED else None,
            seconds=max(0, int(match[5]) - int(match[4])) / 100,
            as_root=match[6] == b"1",
            note=_text(match[11]),
            out_bytes=out,
            err_bytes=err,
            whole=out >= int(match[9]) and err >= int(match[10]),
        )

    def _body(self, h: _Header) -> Frame | None:
        size = h.out_bytes + h.err_bytes
        if len(self._buffer) < size + len(self._trailer):
            return None
        self._header = None
        self._seen.add(h.index)
        if not self._buffer.startswith(self._trailer, size):
            del self._buffer[:size]
            return Damaged(h.index, "the answer is not as long as the node said")
        stdout = bytes(self._buffer[: h.out_bytes])
        stderr = bytes(self._buffer[h.out_bytes : size])
        del self._buffer[: size + len(self._trailer)]
        return Answer(h.index, h.ended, h.status, h.seconds, h.as_root, stdout, stderr, not h.whole, h.note)

    def _drop(self, count: int) -> None:
        """Take noise from the front, keeping the beginning of all noise."""
        room = NOISE_BYTES - len(self._noise)
        self._noise += self._buffer[: min(room, count)]
        del self._buffer[:count]


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").strip()
