"""Where all ranks of a collective meet: who came, who died, who is frozen, and who merely waits for others.

Part of the program `collective`, sent with it as one text.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from typing import Any

ASK_EVERY_S = 1.0
SILENT_S = 6.0
LONGEST_LINE = 1 << 16


def said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".strip().splitlines()[0][:300]


class Line:
    """A connection on which both sides speak JSON, one document a line."""

    def __init__(self, end: socket.socket) -> None:
        self.end, self._heard, self._lock = end, b"", threading.Lock()

    def say(self, words: dict[str, Any]) -> None:
        with self._lock, contextlib.suppress(OSError):
            self.end.sendall(json.dumps(words).encode() + b"\n")

    def hear(self) -> list[dict[str, Any]] | None:
        """What has come; None at the end."""
        try:
            data = self.end.recv(65536)
        except OSError:
            return None
        *lines, self._heard = (self._heard + data).split(b"\n")
        if not data or len(self._heard) > LONGEST_LINE:
            return None
        return [json.loads(line) for line in lines]


class Meeting:
    """Node 0's view of all ranks. `steps` holds what each one said last, `since` when it was heard last."""

    def __init__(self, port: int, ranks: int, given: argparse.Namespace) -> None:
        self.ear = socket.socket(socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET)
        self.ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self.ear.family == socket.AF_INET6:
            self.ear.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.ear.bind(("", port))
        self.ear.listen(1024)
        self._given, self._ranks = given, ranks
        self._strangers: list[Line] = []
        self._lines: dict[int, Line] = {}
        self.steps: dict[int, str] = {}
        self._since: dict[int, float] = {}
        self._without: set[int] = set()
        self._ready: dict[int, list[Any]] = {}
        self._done: set[int] = set()
        self._begun = self._asked = time.monotonic()
        self.backend = "" if given.backend == "auto" else str(given.backend)
        self.why = ""
        self.named: list[int] = []

    @property
    def sockets(self) -> list[socket.socket]:
        return [self.ear, *(line.end for line in [*self._strangers, *self._lines.values()])]

    def take(self, ready: list[Any]) -> None:
        """Whatever the sockets that are ready brought."""
        known = [(rank, line) for rank, line in self._lines.items() if line.end in ready]
        for line in [line for line in self._strangers if line.end in ready]:
            self._strangers.remove(line)
            first = line.hear() or [{}]
            rank = first[0].get("rank", -1)
            if rank in range(self._ranks) and rank not in self._lines:
                self._lines[rank] = line
                for words in first:
                    self._note(rank, words)
        if self.ear in ready:
            self._strangers.append(Line(self.ear.accept()[0]))
        for rank, line in known:
            heard = line.hear()
            for words in heard or []:
                self._note(rank, words)
            if heard is None:
                del self._lines[rank]
                if rank not in self._done:
                    self._stop("died", [rank])

    def _note(self, rank: int, words: dict[str, Any]) -> None:
        self._since[rank] = time.monotonic()
        self.steps[rank] = str(words.get("step") or self.steps.get(rank, "came"))
        if "torch" in words:
            self._without |= set() if words["torch"] else {rank}
            if len(self.steps) == self._ranks:
                self.backend = self.backend or ("tcp" if self._without else "gloo")
                self.tell({"use": self.backend})
        if "ready" in words:
            self._ready[rank] = words["ready"]
            if len(self._ready) == self._ranks:
                self._begun = time.monotonic()
                self.tell({"go": [self._ready[n] for n in range(self._ranks)]})
        if "failed" in words:
            self._stop(f"failed: {words['failed']}", [rank])
        if words.get("done"):
            self._done.add(rank)
            if len(self._done) == self._ranks:
                self.tell({"stop": ""})

    def tell(self, words: dict[str, Any]) -> None:
        for line in self._lines.values():
            line.say(words)

    def tick(self) -> None:
        """Time passes: ask who lives, and stop what takes too long."""
        now = time.monotonic()
        if now - self._asked >= ASK_EVERY_S:
            self._asked = now
            self.tell({"alive": True})
        open_ranks = [n for n in range(self._ranks) if n not in self._done]
        silent = [n for n in open_ranks if n in self.steps and now - self._since[n] > SILENT_S]
        missing = [n for n in open_ranks if n not in self.steps]
        waited = now - self._begun
        if len(self._ready) < self._ranks:
            if missing and waited > self._given.join:
                self._stop("never came", missing)
            elif not missing and waited > self._given.join + self._given.load:
                late = [n for n in range(self._ranks) if n not in self._ready]
                self._stop("came and never was ready", late)
        elif silent:
            self._stop("answers no more", silent)
        elif waited > self._given.seconds and open_ranks:
            # Whoever waits inside an operation is not to blame for it; whoever has not come to it is.
            outside = [n for n in open_ranks if not self.steps[n].startswith("in ")]
            if outside and len(outside) < len(open_ranks):
                self._stop("did not come to what the others wait in", outside)
            else:
                self._stop("all ranks wait for each other", [])

    def _stop(self, why: str, named: list[int]) -> None:
        if not self.why:
            self.why, self.named = why, named
            self.tell({"stop": why})

    @property
    def over(self) -> bool:
        return bool(self.why) or len(self._done) == self._ranks
