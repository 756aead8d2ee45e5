"""Runs work on many nodes from threads of this process, with one kept connection per node.

A job is one compound script on one node. A duel is a server job and a client job on two nodes: the client starts when
every server command listens or has ended, and servers that are still waiting when the client is done are stopped. A team
is jobs on several nodes that must run at the same time; those that promise to listen go first.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass

import msgspec

from bringup.commands import Command, Ended, Output
from bringup.errors import TransportError
from bringup.model import Node
from bringup.transport import Cancel, Connection, Options, Ready
from bringup.transport import connect as open_connection

Connect = Callable[[Node, Options, Cancel | None], Connection]

WORKERS, MOST_WORKERS = 1024, 4096
"""Nodes or pairs worked on at once, unless told otherwise and at most: a worker mostly waits for its node, and what waits
for its turn makes a stage longer. Each is a thread, and all nodes may answer in the same second."""
SETTLE_S = 60.0
"""How long who needs a server waits until it listens; then it starts and says itself what is wrong."""
LEAVE_S = 5.0
"""How long who needed a server may take to end when the server has."""
LOGINS = 32
"""Of them, so many log in at once: a key exchange costs both sides processor time, and a jump host or directory service
that is asked by all at once refuses some."""


@dataclass(frozen=True, slots=True)
class Job:
    """Commands that one node runs as one script, `lanes` at a time."""

    node: Node
    commands: tuple[Command, ...]
    lanes: int = 4

    @property
    def nodes(self) -> tuple[str, ...]:
        return (self.node.name,)


@dataclass(frozen=True, slots=True)
class Duel:
    """A server job and the client job that needs it."""

    server: Job
    client: Job

    @property
    def nodes(self) -> tuple[str, ...]:
        return (self.server.node.name, self.client.node.name)


@dataclass(frozen=True, slots=True)
class Team:
    """Jobs on several nodes that run at the same time, each bout after the one before."""

    bouts: tuple[tuple[Job, ...], ...]

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(job.node.name for bout in self.bouts for job in bout))


Work = Job | Duel | Team
Sink = Callable[[Output], None]


class LocalFleet:
    """Threads and kept connections. `run` blocks until all work has ended; every command gives exactly one Output."""

    def __init__(
        self,
        options: Options,
        *,
        workers: int = WORKERS,
        logins: int = LOGINS,
        connect: Connect = open_connection,
    ) -> None:
        self._options = options
        self._connect = connect
        self._workers = workers
        self._logins = threading.Semaphore(logins)
        self._connections: dict[str, Connection] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self.unreachable: dict[str, str] = {}

    def run(
        self,
        work: Sequence[Work],
        sink: Sink,
        *,
        started: Callable[[Work], None] = lambda _: None,
        done: Callable[[Work], None] = lambda _: None,
        cancel: Cancel | None = None,
    ) -> None:
        """Run everything; `started` and `done` are called from worker threads, `sink` from any. Blocks until all has ended.

        Raises what a callback raised, and KeyboardInterrupt, only after all work has been cancelled and has ended.
        Whatever else goes wrong is the trouble of one node: its commands are LOST.
        """
        cancel = cancel or Cancel()

        def one(item: Work) -> None:
            started(item)
            try:
                self._one(item, sink, cancel)
            finally:
                done(item)

        if self._pool is None:
            self._pool = ThreadPoolExecutor(max(1, self._workers), thread_name_prefix="worker")
        futures = [self._pool.submit(one, item) for item in work]
        try:
            ended, _ = wait(futures, return_when=FIRST_EXCEPTION)
            if any(future.exception() is not None for future in ended):
                cancel.set()  # nobody can take the answers any more
            wait(futures)
        except KeyboardInterrupt:
            cancel.set()
            wait(futures)
            raise
        for future in futures:
            future.result()

    def _one(self, item: Work, sink: Sink, cancel: Cancel) -> None:
        if isinstance(item, Job):
            self._execute(item, sink, lambda _: None, cancel)
            return
        sink = _aborting(sink, cancel)
        if isinstance(item, Duel):
            self._duel(item, sink, cancel)
        else:
            for bout in item.bouts:
                self._bout(bout, sink, cancel)

    def _bout(self, jobs: Sequence[Job], sink: Sink, cancel: Cancel) -> None:
        """Jobs that wait for each other: each has a thread of its own, however few workers there are.

        Where some promise to listen, the others start when these do; they are stopped when these have ended, and not
        started where these ended before.
        """
        ears = [job for job in jobs if any(command.listens is not None for command in job.commands)]
        rest = [job for job in jobs if job not in ears]
        stop = Cancel()
        release = cancel.subscribe(stop.set)
        try:
            with ThreadPoolExecutor(max_workers=len(jobs), thread_name_prefix="team") as pool:
                first, heard = [], []
                for job in ears:
                    heard.append(event := threading.Event())
                    first.append(pool.submit(self._execute, job, sink, _setting(event), cancel))
                    first[-1].add_done_callback(_setting(event))
                until = time.monotonic() + SETTLE_S
                for event in heard:
                    event.wait(max(0.0, until - time.monotonic()))
                if ears and all(future.done() for future in first):
                    stop.set()
                others = [pool.submit(self._execute, job, sink, lambda _: None, stop) for job in rest]
                wait(first)
                if ears:
                    wait(others, LEAVE_S)
                    stop.set()
                wait(others)
        finally:
            release()
        for future in first + others:
            future.result()

    def _duel(self, duel: Duel, sink: Sink, cancel: Cancel) -> None:
        waiting = set(range(len(duel.server.commands)))
        settled = threading.Event()
        lock = threading.Lock()

        def mark(index: int) -> None:
            with lock:
                waiting.discard(index)
                if not waiting:
                    settled.set()

        client_s = sum(c.timeout_s for c in duel.client.commands) + 30
        patient = tuple(
            msgspec.structs.replace(c, timeout_s=c.timeout_s + client_s) for c in duel.server.commands
        )
        original = dict(zip(patient, duel.server.commands, strict=True))
        order = {command: index for index, command in enumerate(patient)}

        def serve(output: Output) -> None:
            sink(dataclasses.replace(output, command=original[output.command]))
            mark(order[output.command])

        stop = Cancel()
        release = cancel.subscribe(stop.set)
        server = dataclasses.replace(duel.server, commands=patient, lanes=len(patient))
        failed: list[Exception] = []

        def listen() -> None:
            try:
                self._execute(server, serve, mark, stop)
            except Exception as error:  # noqa: BLE001  carried over to the thread that waits for both
                failed.append(error)
                settled.set()

        thread = threading.Thread(target=listen, name=f"serve {server.node.name}", daemon=True)
        thread.start()
        try:
            settled.wait(SETTLE_S)
            if not failed:
                self._execute(dataclasses.replace(duel.client, lanes=1), sink, lambda _: None, cancel)
        finally:
            thread.join(1.0)
            stop.set()
            thread.join()
            release()
        if failed:
            raise failed[0]

    def _execute(self, job: Job, sink: Sink, ready: Callable[[int], None], cancel: Cancel) -> None:
        """One script on one node, if anything is to be asked. Commands left without an answer become LOST."""
        if not job.commands:
            return
        left = set(range(len(job.commands)))
        lost = False
        refused: list[Exception] = []

        login_s: float | None = None

        def take(index: int, event: Output | Ready) -> None:
            nonlocal lost
            try:
                if isinstance(event, Output):
                    left.discard(index)
                    lost = lost or event.ended is Ended.LOST
                    sink(event if login_s is None else dataclasses.replace(event, login_s=login_s))
                else:
                    ready(index)
            except Exception as error:
                refused.append(error)
                raise

        detail, ended = "connection lost", Ended.LOST
        try:
            if not cancel.is_set():
                connection, is_new = self._connection(job.node, cancel)
                login_s = connection.login_s if is_new else None
                connection.execute(job.commands, take, lanes=job.lanes, cancel=cancel)
        except TransportError as error:
            lost, detail = True, str(error)
        except Exception as error:
            if refused:
                raise
            lost, detail = True, f"bringup itself failed here, please report it: {error!r}"
        if cancel.is_set():
            detail, ended = "cancelled", Ended.CANCELLED
        for index in sorted(left):
            sink(Output(job.node.name, job.commands[index], ended, at=time.time(), detail=detail))
        if lost:
            self._drop(job.node.name)

    def _connection(self, node: Node, cancel: Cancel) -> tuple[Connection, bool]:
        """The kept connection of a node, or a new one, and whether it is new."""
        with self._guard:
            lock = self._locks.setdefault(node.name, threading.Lock())
        with lock:
            kept = self._connections.get(node.name)
            is_new = kept is None
            if kept is None:
                try:
                    with self._logins:
                        kept = self._connect(node, self._options, cancel)
                except Exception as error:
                    if not cancel.is_set():
                        known = isinstance(error, TransportError)
                        self.unreachable[node.name] = str(error) if known else repr(error)
                    raise
                self.unreachable.pop(node.name, None)
                self._connections[node.name] = kept
            return kept, is_new

    def _drop(self, name: str) -> None:
        connection = self._connections.pop(name, None)
        if connection is not None:
            connection.close()

    def close(self, names: Iterable[str] | None = None) -> None:
        """Close the connections of these nodes, or all of them and the workers, too."""
        for name in list(names if names is not None else self._connections):
            self._drop(name)
        if names is None and self._pool is not None:
            self._pool.shutdown()
            self._pool = None


def _setting(event: threading.Event) -> Callable[[object], None]:
    return lambda _: event.set()


def _aborting(sink: Sink, cancel: Cancel) -> Sink:
    """Of nodes that work together one is stopped first, and the others fail by that: once all is called off, nothing
    that any of them says is a result."""

    def take(output: Output) -> None:
        if cancel.is_set() and output.ended is not Ended.CANCELLED:
            output = Output(output.node, output.command, Ended.CANCELLED, at=output.at, detail="cancelled")
        sink(output)

    return take
