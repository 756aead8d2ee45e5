"""Runs one bundle over one link: every command gets exactly one Output, by a deadline, whatever happens.

What the node says is taken in by the thread that reads it; the one that waits for the bundle wakes only for its clocks,
for a wish to stop, and at the end. To wake it for every piece cost a change of thread for each.

Three clocks guard the loop: the node must say hello and then give a sign of life every `silence_s`; the whole must
end within what the node's own deadlines add up to; and after the last answer the node has a moment to clean up. Who
trickles bytes gains nothing: only received bytes at a decent rate extend the second.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Protocol

from bringup.commands import Ended, Output
from bringup.errors import LostKind, TransportError
from bringup.transport.base import Cancel, Ready, Sink
from bringup.transport.bundle import Bundle
from bringup.transport.frames import Answer, Damaged, End, Fatal, FrameReader, Hello, Listens

STARTS = 256
"""Bundles being started at once: a node that has been asked may take its time, but to ask costs processor time here, and
who waits for that must not run into the deadlines of its connection."""
START_TURN_S = 5.0
"""Whose turn does not come begins without: nodes that hang while they are asked must not hold up the others, on whom
partners wait."""
MARGIN_S = 15.0
CLEAN_S = 8.0
_SLOWEST_BYTES_PER_S = 128 << 10
_STARTING = threading.BoundedSemaphore(STARTS)
_START_LOOK_S = 0.5
_OF_ITSELF = (Ended.EXITED, Ended.MISSING)
"""So ends nothing that the node was told to stop."""


Take = Callable[[bytes], bool]
"""Takes the next bytes of stdout, from one thread at a time; True when the one who waits should look."""


class Link(Protocol):
    """Both ends of a shell on the node. What the shell writes goes to the Take that the link was opened with."""

    def send(self, script: bytes) -> None:
        """Hand over the script. Stdin stays open. Raises TransportError."""

    def hear(self, timeout_s: float) -> bool:
        """Wait until stdout has ended (True); or there is something to look at, somebody wakes it, the time is over (False)."""

    def wake(self) -> None:
        """Make `hear` return at once. From any thread; never blocks."""

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
        self._called_off = False
        self.pending = set(range(len(bundle.commands)))

    def call_off(self) -> None:
        """From now on what has not ended by itself is cancelled; the node may still hold answers of what has."""
        self._called_off = True

    def answer(self, frame: Answer) -> None:
        """The node's answer to one command."""
        if self._called_off and frame.ended not in _OF_ITSELF:
            self.lost(frame.index, frame.ended, "")
            return
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
        if self._called_off:
            ended, detail = Ended.CANCELLED, "cancelled"
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
    bundle: Bundle, open_link: Callable[[Take], Link], sink: Sink, cancel: Cancel | None, silence_s: float
) -> bool:
    """Run the bundle to its end. False if the connection gave no sign of life and is of no more use.

    `sink` is called from one thread at a time, and not any more when this has returned. Raises ValueError for commands
    that cannot be written as a script, and what `sink` raises.
    """
    script = bundle.script()
    tally = Tally(bundle, sink)
    with ExitStack() as ends:
        with _turn(cancel):
            if cancel is not None and cancel.is_set():
                tally.rest(Ended.CANCELLED, "cancelled")
                return True
            talk = _Talk(bundle, tally, silence_s)
            try:
                link = open_link(talk.take)
                ends.callback(link.close)
                if cancel is not None:
                    ends.callback(cancel.subscribe(link.wake))
                ends.callback(talk.end)
                link.send(script)
            except TransportError as error:
                if cancel is not None and cancel.is_set():
                    tally.call_off()
                talk.lost(str(error))
                return True
        try:
            return talk.follow(link, cancel)
        except TransportError as error:
            talk.lost(str(error))
            return True


@contextmanager
def _turn(cancel: Cancel | None) -> Iterator[None]:
    """One of those that are being started, if one becomes free in time."""
    until, mine = time.monotonic() + START_TURN_S, False
    while not mine and time.monotonic() < until and not (cancel is not None and cancel.is_set()):
        mine = _STARTING.acquire(timeout=_START_LOOK_S)
    try:
        yield
    finally:
        if mine:
            _STARTING.release()


class _Talk:
    """The clocks and the reading of one bundle. One thread takes in what is said, another follows the clocks."""

    def __init__(self, bundle: Bundle, tally: Tally, silence_s: float) -> None:
        self._tally = tally
        self._silence_s = silence_s
        self._reader = FrameReader(bundle.token, [max(0, c.max_bytes) for c in bundle.commands])
        self._longest_s = bundle.longest_s
        self._lock = threading.Lock()
        self._over = False
        self._failed: BaseException | None = None
        self._hello = False
        self._received = 0
        self._began = time.monotonic()
        self._heard = self._began
        self._answered: float | None = None

    def take(self, data: bytes) -> bool:
        """See Take. What the sink raises is kept for the thread that waits."""
        with self._lock:
            open_ = self._answered is None  # the last answer sets a clock of its own
            if not self._over:
                self._received += len(data)
                try:
                    self._over = self._pass_on(data)
                except BaseException as error:  # noqa: BLE001  raised again by follow()
                    self._failed, self._over = error, True
                if self._hello:
                    self._heard = time.monotonic()  # a long answer on a slow line is life, too
            return self._over or (open_ and self._answered is not None)

    def follow(self, link: Link, cancel: Cancel | None) -> bool:
        """Wait for the end, however it comes. False if the node fell silent. Raises what the sink raised."""
        while True:
            if cancel is not None and cancel.is_set():
                cancel = None
                self._call_off()
                link.finish()
            now = time.monotonic()
            # A busy orchestrator is no silent node: what has come in the meantime is looked at before judging.
            closed = now < self._last() and link.hear(max(0.0, self._next_clock() - now))
            if closed or self._over or now >= self._next_clock():
                with self._lock:
                    if self._failed is not None:
                        raise self._failed
                    if self._over:
                        return True
                    if closed:
                        self._give_up(link, link.why_ended())
                        return True
                    if now >= self._next_clock():  # nobody has spoken since
                        silent = now >= self._heard + self._silence_s
                        why = f"no sign of life for {self._silence_s:g} s" if silent else "not done in time"
                        self._give_up(link, why)
                        return not silent

    def lost(self, why: str) -> None:
        """The connection failed."""
        with self._lock:
            self._tally.rest(Ended.LOST, why)

    def end(self) -> None:
        """Nothing is taken any more."""
        with self._lock:
            self._over = True

    def _call_off(self) -> None:
        """What was stopped may hold a port or a GPU for a moment: until it is gone the node is listened to."""
        with self._lock:
            self._tally.call_off()
            self._answered = time.monotonic()

    def _next_clock(self) -> float:
        """When the next patience is over."""
        return min(self._heard + self._silence_s, self._last())

    def _last(self) -> float:
        """When the whole must have ended."""
        allowed = self._longest_s + MARGIN_S + self._received / _SLOWEST_BYTES_PER_S
        last = self._began + allowed
        return last if self._answered is None else min(last, self._answered + CLEAN_S)

    def _pass_on(self, data: bytes) -> bool:
        """Pass on what the bytes complete; True if that was all."""
        for frame in self._reader.feed(data):
            match frame:
                case Hello():
                    self._hello = True
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

    def _give_up(self, link: Link, why: str) -> None:
        """What is known when the answers stop: no shell at all, or a shell that went away."""
        if not self._tally.pending:
            return
        said = link.errors() if self._hello else link.errors() + b"\n" + self._reader.noise
        if b"b_token=" in said:
            said = b"it repeats what is sent to it"
        words = " / ".join(said.decode("utf-8", "replace").split("\n")).strip(" /")[:300]
        kind = LostKind.LOST if self._hello else LostKind.SHELL
        self._tally.rest(Ended.LOST, f"{kind}: {why}" + (f" ({words})" if words else ""))
