"""Runs one bundle over one link: every command gets exactly one Output, by a deadline, whatever happens.

Three clocks guard the loop: the node must say hello and then give a sign of life every `silence_s`; the whole must
end within what the node's own deadlines add up to; and after the last answer the node has a moment to clean up. Who
trickles bytes gains nothing: only received bytes at a decent rate extend the second.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from bringup.commands import Ended, Output
from bringup.errors import LostKind, TransportError
from bringup.transport.base import Cancel, Ready, Sink
from bringup.transport.bundle import Bundle
from bringup.transport.frames import Answer, Damaged, End, Fatal, FrameReader, Hello, Listens

MARGIN_S = 15.0
CLEAN_S = 8.0
_SLOWEST_BYTES_PER_S = 128 << 10


class Link(Protocol):
    """Both ends of a shell on the node."""

    def send(self, script: bytes) -> None:
        """Hand over the script. Stdin stays open. Raises TransportError."""

    def receive(self, timeout_s: float) -> bytes | None:
        """The next bytes of stdout; b"" at its end; None if woken, or if nothing came in time."""

    def wake(self) -> None:
        """Make `receive` return at once. From any thread; never blocks."""

    def finish(self) -> None:
        """End stdin: the node stops everything, cleans up and says so."""

    def why_ended(self) -> str:
        """What is known about the end of the stream."""

    def errors(self) -> bytes:
        """The beginning of the shell's stderr."""

    def close(self) -> None:
        """Close stdin and everything else, which ends all on the node."""


class Tally:
    """Which commands have ended; turns frames into Outputs."""

    def __init__(self, bundle: Bundle, sink: Sink) -> None:
        self._bundle = bundle
        self._sink = sink
        self.pending = set(range(len(bundle.commands)))

    def answer(self, frame: Answer) -> None:
        """The node's answer to one command."""
        self._end(
            frame.index,
            Output(
                node=self._bundle.node.name,
                command=self._bundle.commands[frame.index],
                ended=frame.ended,
                status=frame.status,
                stdout=frame.stdout,
                stderr=frame.stderr,
                seconds=frame.seconds,
                at=time.time(),
                truncated=frame.truncated,
                as_root=frame.as_root,
                detail=frame.note,
            ),
        )

    def lost(self, index: int, ended: Ended, detail: str) -> None:
        """One command without an answer."""
        node, command = self._bundle.node.name, self._bundle.commands[index]
        self._end(index, Output(node=node, command=command, ended=ended, at=time.time(), detail=detail))

    def rest(self, ended: Ended, detail: str) -> None:
        """All commands that have not ended."""
        for index in sorted(self.pending):
            self.lost(index, ended, detail)

    def listens(self, index: int) -> None:
        """The command is ready for its partner."""
        if index in self.pending:
            self._sink(index, Ready(index))

    def _end(self, index: int, output: Output) -> None:
        if index in self.pending:
            self.pending.discard(index)
            self._sink(index, output)


def run_bundle(
    bundle: Bundle, open_link: Callable[[], Link], sink: Sink, cancel: Cancel | None, silence_s: float
) -> bool:
    """Run the bundle to its end. False if the connection gave no sign of life and is of no more use.

    Raises ValueError for commands that cannot be written as a script, and what `sink` raises.
    """
    script = bundle.script()
    tally = Tally(bundle, sink)
    if cancel is not None and cancel.is_set():
        tally.rest(Ended.CANCELLED, "cancelled")
        return True
    try:
        link = open_link()
    except TransportError as error:
        cancelled = cancel is not None and cancel.is_set()
        tally.rest(Ended.CANCELLED if cancelled else Ended.LOST, "cancelled" if cancelled else str(error))
        return True
    unsubscribe = cancel.subscribe(link.wake) if cancel is not None else None
    try:
        link.send(script)
        return _Loop(bundle, link, tally, cancel, silence_s).run()
    except TransportError as error:
        tally.rest(Ended.LOST, str(error))
        return True
    finally:
        if unsubscribe is not None:
            unsubscribe()
        link.close()


class _Loop:
    """The clocks and the reading of one bundle."""

    def __init__(
        self, bundle: Bundle, link: Link, tally: Tally, cancel: Cancel | None, silence_s: float
    ) -> None:
        self._bundle = bundle
        self._link = link
        self._tally = tally
        self._cancel = cancel
        self._silence_s = silence_s
        self._reader = FrameReader(bundle.token, [max(0, c.max_bytes) for c in bundle.commands])
        self._longest_s = bundle.longest_s
        self._hello = False
        self._received = 0
        self._began = time.monotonic()
        self._heard = self._began
        self._answered: float | None = None

    def run(self) -> bool:
        while True:
            now = time.monotonic()
            if self._cancel is not None and self._cancel.is_set():
                self._cancel = None
                self._tally.rest(Ended.CANCELLED, "cancelled")
                self._answered = (
                    now  # what was stopped may hold a port or a GPU for a moment: wait until it is gone
                )
                self._link.finish()
            silent, late = self._heard + self._silence_s, self._last()
            # A busy orchestrator is no silent node: what has come in the meantime is looked at before judging.
            data = None if now >= late else self._link.receive(max(0.0, min(silent, late) - now))
            if data is None:
                if now < min(silent, late):
                    continue
                return self._too_late(now >= silent)
            if not data:
                if self._tally.pending:
                    self._give_up(self._link.why_ended())
                return True
            self._received += len(data)
            if self._hello:
                self._heard = time.monotonic()  # a long answer on a slow line is life, too
            if self._take(data):
                return True
            if now >= silent and not self._hello:
                return self._too_late(True)  # what a login prints is no sign of life

    def _too_late(self, silent: bool) -> bool:
        """Give up. Whether the connection may still be of use: not that of a silent node."""
        if self._tally.pending:
            self._give_up(f"no sign of life for {self._silence_s:g} s" if silent else "not done in time")
        return not silent

    def _last(self) -> float:
        """When the whole must have ended."""
        allowed = self._longest_s + MARGIN_S + self._received / _SLOWEST_BYTES_PER_S
        last = self._began + allowed
        return last if self._answered is None else min(last, self._answered + CLEAN_S)

    def _take(self, data: bytes) -> bool:
        """Pass on what the bytes complete; True if that was all."""
        for frame in self._reader.feed(data):
            match frame:
                case Hello():
                    self._hello = True
                    self._heard = time.monotonic()
                case Answer():
                    self._tally.answer(frame)
                case Listens(index):
                    self._tally.listens(index)
                case Damaged(int(index), why):
                    self._tally.lost(index, Ended.LOST, f"{LostKind.LOST}: damaged answer: {why}")
                case Fatal(why):
                    self._tally.rest(Ended.LOST, f"{LostKind.SHELL}: {why}")
                case End():
                    self._tally.rest(Ended.LOST, f"{LostKind.LOST}: the node did not answer this command")
                    return True
                case _:
                    pass
        if not self._tally.pending and self._answered is None:
            self._answered = time.monotonic()
        return False

    def _give_up(self, why: str) -> None:
        """What is known when the answers stop: no shell at all, or a shell that went away."""
        said = self._link.errors() if self._hello else self._link.errors() + b"\n" + self._reader.noise
        if b"b_token=" in said:
            said = b"it repeats what is sent to it"
        words = " / ".join(said.decode("utf-8", "replace").split("\n")).strip(" /")[:300]
        kind = LostKind.LOST if self._hello else LostKind.SHELL
        self._tally.rest(Ended.LOST, f"{kind}: {why}" + (f" ({words})" if words else ""))
