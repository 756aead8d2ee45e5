"""Jump hosts: one shared connection for each, however many nodes lie behind it.

Many logins at once through one host run into the limits of its SSH server and of the network behind it, so a jump
host lets only some through at a time. Nodes that wait for a jump host while somebody connects to it share the
outcome: a dead jump host costs one timeout, not one for every node.
"""

from __future__ import annotations

import getpass
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bringup.errors import LostKind, TransportError
from bringup.model import Node
from bringup.transport.base import Cancel, Options
from bringup.transport.ssh.login import open_session
from bringup.transport.ssh.wire import Hop, Session, wait_for

_SLICE_S = 0.2


def hops_of(node: Node) -> tuple[Hop, ...]:
    """The hosts to log in to, the node last. A jump host without a user or key of its own is taken as the node's."""
    user = node.user or _login_name()
    through = (
        Hop((jump.host,), jump.port, jump.user or user, jump.key_file or node.key_file) for jump in node.jump
    )
    names = tuple(dict.fromkeys((node.address or node.name, node.name)))
    return (*through, Hop(names, node.port, user, node.key_file, node.certificate))


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:
        raise TransportError(LostKind.AUTH, "no user is named, and this account has no name") from error


class Jump:
    """A jump host that some nodes use. `session` is set when it is logged in."""

    def __init__(self, way: tuple[Hop, ...], options: Options) -> None:
        self.way = way
        self.users = 0
        self.ready = threading.Event()
        self.failed: TransportError | None = None
        self.parent: Jump | None = None
        self._session: Session | None = None
        self._handshakes = threading.BoundedSemaphore(max(1, options.handshakes_per_jump))

    @property
    def session(self) -> Session:
        if self._session is None:
            raise TransportError(LostKind.LOST, f"jump host {self.way[-1]} is not connected")
        return self._session

    def alive(self) -> bool:
        """Whether it can be used or is just being connected."""
        return not self.ready.is_set() or (self._session is not None and self._session.transport.is_active())

    def opened(self, session: Session) -> None:
        self._session = session
        self.ready.set()

    def close(self) -> None:
        if self._session is not None:
            self._session.close()

    @contextmanager
    def handshake(self, cancel: Cancel | None) -> Iterator[None]:
        """A place among those that may log in through this host at the same time."""
        while not self._handshakes.acquire(timeout=_SLICE_S):
            if cancel is not None and cancel.is_set():
                raise TransportError(LostKind.LOST, "cancelled")
        try:
            yield
        finally:
            self._handshakes.release()


class Jumps:
    """All jump hosts of this process, by the way that leads to them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jumps: dict[tuple[object, ...], Jump] = {}

    def take(self, way: tuple[Hop, ...], options: Options, cancel: Cancel | None) -> Jump:
        """The connected last host of the way, to be given back. Raises TransportError in its name."""
        key = (way, options.known_hosts)
        with self._lock:
            jump = self._jumps.get(key)
            mine = jump is None or not jump.alive()
            if jump is None or mine:
                jump = self._jumps[key] = Jump(way, options)
            jump.users += 1
        try:
            if mine:
                self._open(jump, options, cancel)
            else:
                self._wait(jump, options, cancel)
        except BaseException:
            self.give_back(jump)
            raise
        return jump

    def give_back(self, jump: Jump) -> None:
        """One user less; the last one closes the connection."""
        with self._lock:
            jump.users -= 1
            last = jump.users == 0
            if last:
                for key in [key for key, kept in self._jumps.items() if kept is jump]:
                    del self._jumps[key]
        if last:
            jump.close()
            if jump.parent is not None:
                self.give_back(jump.parent)

    def _open(self, jump: Jump, options: Options, cancel: Cancel | None) -> None:
        hop = jump.way[-1]
        try:
            via: Session | None = None
            if len(jump.way) > 1:
                jump.parent = self.take(jump.way[:-1], options, cancel)
                via = jump.parent.session
            jump.opened(open_session(hop, via, options, cancel))
        except TransportError as error:
            named = (
                error.detail if error.detail.startswith("jump host") else f"jump host {hop}: {error.detail}"
            )
            jump.failed = TransportError(error.kind, named)
            raise jump.failed from error
        finally:
            jump.ready.set()

    def _wait(self, jump: Jump, options: Options, cancel: Cancel | None) -> None:
        steps = options.connect_timeout_s + options.banner_timeout_s + options.auth_timeout_s
        began = time.monotonic()
        if not wait_for(jump.ready, steps * len(jump.way) + 5, cancel):
            waited = time.monotonic() - began
            raise TransportError(
                LostKind.TIMEOUT, f"jump host {jump.way[-1]}: not connected in {waited:.0f} s"
            )
        if jump.failed is not None:
            raise TransportError(jump.failed.kind, jump.failed.detail)


JUMPS = Jumps()
