"""One collective over several nodes with nothing but Python on them: every node runs this program at the same time.

    python3 - bringup-collective --node 1 --nodes 4 --meet 192.0.2.1:18600 --backend gloo < collective.py

Node 0 listens where all meet. Every rank says there that it has come, what it is about to do and what it has done, and
answers when it is asked whether it still lives. So who never came, who died, who is frozen and who is merely waiting
for others can be told apart, and everybody stops as soon as one cannot go on. Nothing is left running.

nccl   one process for each GPU, PyTorch, through the fabric
gloo   one process for each node, PyTorch, through TCP: proves rendezvous, routing and right sums, no bandwidth
tcp    the same without PyTorch: sums travel around a ring of sockets
auto   gloo if all nodes have PyTorch, else tcp

PyTorch's own rendezvous is env:// at the port after the one where all meet.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import json
import os
import select
import signal
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING

from bringup.programs.collective_meeting import ASK_EVERY_S, SILENT_S, Line, Meeting, said
from bringup.programs.collective_ways import Ring, Torch

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Words = dict[str, Any]

VERSION = 1
COUNT = 1 << 14
TRIES = 3
ENOUGH_MS = 8000
SLOW_MS = 2000
LINK_TRIES = 3
SHIFTS = 3
CONNECT_S = 3.0
ENDED = {signal.SIGTERM}
LOST_S = 2 * SILENT_S
"""Node 0 says first who is silent; a node that does not hear of it, or whose rank is frozen, ends by itself."""


# ------------------------------------------------------------------------------------------- one rank


class Rank:
    """One process of the collective. `tell` writes its result to the process that started it."""

    def __init__(self, given: argparse.Namespace, local: int, tell: Callable[[Words], None]) -> None:
        self.given, self.local, self._tell = given, local, tell
        self.rank = given.node * given.processes + local
        self.ranks = given.nodes * given.processes
        self.result: Words = {"rank": self.rank, "host": socket.gethostname()[:255]}
        self._use, self._go = threading.Event(), threading.Event()
        self._over = threading.Event()
        self._end = threading.Lock()
        self._addresses: list[Any] = []
        self.backend = ""
        self._slowest_ms = 0

    def run(self) -> None:
        host, port = self.given.meet
        self.line = Line(self._connected(host, port))
        self.own = self.line.end.getsockname()[0].replace("::ffff:", "")
        self.line.say(
            {"rank": self.rank, "step": "came", "torch": importlib.util.find_spec("torch") is not None}
        )
        threading.Thread(target=self._listen, daemon=True).start()
        try:
            self._work(host, port)
        except Exception as error:  # noqa: BLE001  whatever ends this rank's work is this rank's result
            time.sleep(ASK_EVERY_S)  # a connection that broke is told here first of who broke it
            self.line.say({"rank": self.rank, "failed": said(error)})
            time.sleep(ASK_EVERY_S)
            self._finish({"error": said(error)})
        self.line.say({"rank": self.rank, "step": "done", "done": True})
        self._over.wait(self.given.seconds)
        self._finish({})

    def _connected(self, host: str, port: int) -> socket.socket:
        until = time.monotonic() + self.given.join
        while True:
            try:
                end = socket.create_connection((host, port), timeout=CONNECT_S)
            except OSError as error:
                if time.monotonic() > until:
                    raise RuntimeError(f"cannot reach {host}:{port}: {said(error)}") from None
                time.sleep(0.2)
            else:
                end.settimeout(None)
                return end

    def step(self, what: str) -> None:
        self.result["step"] = what
        self.line.say({"rank": self.rank, "step": what})

    def _listen(self) -> None:
        self.line.end.settimeout(LOST_S)  # node 0 asks every second
        while True:
            heard = self.line.hear()
            for words in heard or []:
                if "alive" in words:
                    self.line.say({"rank": self.rank})
                    if self._go.is_set():
                        self._tell({})  # the process that started this one sees that it lives
                if "use" in words:
                    self.backend = words["use"]
                    self._use.set()
                if "go" in words:
                    self._addresses = words["go"]
                    self._tell({})
                    self._go.set()
                if words.get("stop"):
                    self._finish({"stopped": words["stop"]})
                if words.get("stop") == "":
                    self._over.set()
            if heard is None:
                self._finish({"stopped": "node 0 is gone"} if not self._over.is_set() else {})

    def _finish(self, more: Words) -> None:
        """Say the result and end this process, whichever thread comes first."""
        with self._end:
            self._tell({**self.result, **more})
            os._exit(0)

    def _work(self, host: str, port: int) -> None:
        given = self.given
        self._wait(self._use, given.join)
        if self.backend == "tcp":
            way: Any = Ring(self.rank, self.ranks, self.own)
        else:
            way = Torch(importlib.import_module("torch"), self.backend, self.rank, self.ranks, self.local)
            self.result["torch"] = str(way.torch.__version__)
        self.result["backend"] = way.name
        self.line.say({"rank": self.rank, "step": "ready", "ready": [way.address]})
        self._wait(self._go, given.load)
        self.step("in rendezvous")
        if self.backend == "tcp":
            way.join([entry[0] for entry in self._addresses])
        else:
            way.join(given.seconds, host, port + 1, self.own)
        self.result["wrong"] = self._wrong(way)
        self.result.update(self._speed(way))
        self.result["wrong"] += way.wrong  # of the large messages, too
        self.result["links"] = self._links(way)
        self.step("in farewell")
        way.all_gather(self.rank)
        self.step("out farewell")
        way.leave()

    def _wait(self, event: threading.Event, seconds: float) -> None:
        if not event.wait(seconds + 2 * CONNECT_S):  # the meeting gives up earlier and says why
            raise RuntimeError("nobody said that all are there")

    def _wrong(self, way: Any) -> int:
        """Values that are not what they must be: sums of whole numbers are exact in any order."""
        self.step("in all_reduce")
        found = way.all_reduce([i % 97 + self.rank + 1 for i in range(COUNT)])
        more = self.ranks * (self.ranks + 1) // 2
        wrong: int = sum(value != self.ranks * (i % 97) + more for i, value in enumerate(found))
        self.step("in all_gather")
        gathered = way.all_gather(1000 + self.rank)
        self.step("out all_gather")
        wrong += sum(value != 1000 + n for n, value in enumerate(gathered))
        return wrong

    def _speed(self, way: Any) -> Words:
        size = self.given.mib << 20
        taken, paces = [], []
        turns = TRIES + 1
        for turn in range(TRIES + 1):
            if turn >= turns:
                break
            self.step(f"out {turn}")
            paces.append(pace())
            self.step(f"in all_reduce {turn} of {size} bytes")
            taken.append(way.timed(size))
            if turn == 0:  # on a slow network fewer turns; all must agree on how many
                self._slowest_ms = max(way.all_gather(int(taken[0] * 1000) + 1))
                turns = 1 + max(1, min(TRIES, ENOUGH_MS // self._slowest_ms))
        self.step("out all_reduce")
        best = min(taken[1:])
        busbw = size / best * 2 * (self.ranks - 1) / self.ranks / 1e9
        return {"size": size, "busbw_gbs": busbw, "pace_ms": min(paces) * 1e3}

    def _links(self, way: Any) -> list[list[float]]:
        """GB/s from ranks at some distances on other nodes, all at once: [rank that sent, GB/s]."""
        found = []
        size = (self.given.mib << 20) // (1 if self._slowest_ms < SLOW_MS else 4)
        for far in range(1, min(self.given.nodes, SHIFTS + 1)):
            distance = far * self.given.processes
            to, of = (self.rank + distance) % self.ranks, (self.rank - distance) % self.ranks
            self.step(f"in exchange over {far}")
            taken = min(way.link(size, to, of) for _ in range(LINK_TRIES))
            found.append([of, size / taken / 1e9])
            self.step(f"out exchange over {far}")
        return found


def pace() -> float:
    """Processor seconds for a fixed piece of work: more where clocks are held down, not where others work as well."""
    begun = time.thread_time()
    sum(i * i for i in range(50_000))
    return time.thread_time() - begun


# ------------------------------------------------------------------------------------------- one node


class Child:
    """A rank's process, and what it said."""

    def __init__(self, given: argparse.Namespace, local: int, ear: socket.socket | None) -> None:
        self.ear, voice = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDED)
            if ear is not None:
                ear.close()

            def tell(words: Words) -> None:
                os.write(voice, json.dumps(words).encode() + b"\n")

            rank = given.node * given.processes + local
            try:
                Rank(given, local, tell).run()
            except BaseException as error:  # noqa: BLE001  this process ends here, and its reason is its result
                tell({"rank": rank, "host": socket.gethostname()[:255], "error": said(error)})
            os._exit(0)
        os.close(voice)
        self.rank, self._heard, self.ended = given.node * given.processes + local, b"", False
        self._last: float | None = None

    def hear(self) -> None:
        data = os.read(self.ear, 65536)
        self._heard += data
        self.ended = not data
        self._last = time.monotonic()

    @property
    def frozen(self) -> bool:
        """Whether it has stopped to give the signs of life that it gave before."""
        return not self.ended and self._last is not None and time.monotonic() - self._last > LOST_S

    def end(self) -> Words:
        why = "it answers no more" if self.frozen else "its process died"
        with contextlib.suppress(OSError):
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        # signs of life are no result, also where one came behind it
        lines = [line for line in self._heard.split(b"\n")[:-1] if line != b"{}"]
        return json.loads(lines[-1]) if lines else {"rank": self.rank, "error": why}


def arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bringup-collective", description="A collective over several nodes."
    )
    parser.add_argument("name", choices=["bringup-collective"], help="what this program is called")
    parser.add_argument("--node", type=int, required=True, help="which of the nodes this is, from 0")
    parser.add_argument("--nodes", type=int, required=True)
    parser.add_argument("--meet", required=True, metavar="HOST:PORT", help="where node 0 listens")
    parser.add_argument("--backend", required=True, choices=["nccl", "gloo", "tcp", "auto"])
    parser.add_argument("--processes", type=int, default=1, help="of each node; with nccl its GPUs")
    parser.add_argument("--mib", type=int, default=16, help="size of the messages that are timed")
    parser.add_argument(
        "--join", type=float, default=30.0, help="how long to wait for ranks that do not come"
    )
    parser.add_argument("--load", type=float, default=120.0, help="how long PyTorch may take to start")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long all tests together may take")
    given = parser.parse_args(words)
    host, colon, port = given.meet.rpartition(":")
    if not colon or not port.isdigit() or not 0 < int(port) < 65535:
        parser.error("--meet is a host and a port below 65535")
    given.meet = (host.strip("[]"), int(port))
    if (
        not 0 <= given.node < given.nodes <= 65536
        or not 0 < given.processes <= 64
        or not 0 < given.mib <= 65536
    ):
        parser.error("node 0 to nodes - 1, processes up to 64, mib up to 65536")
    if given.nodes * given.processes < 2 or not all(
        0 < value <= 3600 for value in (given.join, given.load, given.seconds)
    ):
        parser.error("at least two ranks, times up to 3600 seconds")
    return given


def main(words: list[str]) -> int:
    given = arguments(words)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    ranks = given.nodes * given.processes
    report: Words = {"bringup_collective": VERSION, "node": given.node, "host": socket.gethostname()[:255]}
    meeting: Meeting | None = None
    if given.node == 0:
        try:
            meeting = Meeting(given.meet[1], ranks, given)
        except OSError as error:
            print(json.dumps({**report, "ranks": [], "error": f"port {given.meet[1]}: {said(error)}"}))
            return 1
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDED)  # who is told to end ends all that were started, or none
    children = [Child(given, local, meeting.ear if meeting else None) for local in range(given.processes)]
    until = time.monotonic() + given.join + given.load + given.seconds + 10.0
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDED)
        while time.monotonic() < until:
            ears: list[Any] = [child.ear for child in children if not child.ended and not child.frozen]
            ears += meeting.sockets if meeting and not meeting.over else []
            if not ears:
                break
            ready = select.select(ears, [], [], 0.25)[0]
            for child in children:
                if child.ear in ready:
                    child.hear()
            if meeting and not meeting.over:
                meeting.take([end for end in ready if not isinstance(end, int)])
                meeting.tick()
    finally:
        report["ranks"] = [child.end() for child in children]
    if meeting:
        report["meeting"] = {
            "why": meeting.why,
            "named": meeting.named,
            "steps": [meeting.steps.get(rank, "") for rank in range(ranks)],
        }
    print(json.dumps(report))
    return 0 if all("error" not in entry and "stopped" not in entry for entry in report["ranks"]) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
