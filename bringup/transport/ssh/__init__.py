"""Nodes over SSH, with paramiko's `Transport` (not `SSHClient`, whose conveniences hide deadlines).

Only this package imports paramiko in `bringup.transport`. `wire` makes one hop: bytes, handshake, host key;
`login` proves who we are; `jumps` shares the connections to jump hosts; `connection` runs bundles.

What paramiko does not bound is bounded here: a request to run a command that is never answered, a thread that
outlives its connection, a timer thread for every handshake, a peer that vanished without a word.
"""

from __future__ import annotations

import random
import time

from bringup.errors import LostKind, TransportError
from bringup.model import Node
from bringup.transport.base import Cancel, Options
from bringup.transport.ssh.connection import SshConnection
from bringup.transport.ssh.jumps import JUMPS, hops_of
from bringup.transport.ssh.login import open_session
from bringup.transport.ssh.wire import Hop

__all__ = ["connect_ssh"]

_WORTH_ANOTHER_TRY = {LostKind.TIMEOUT, LostKind.BANNER, LostKind.LOST}
_PAUSE_S = 0.5


def connect_ssh(node: Node, options: Options, cancel: Cancel | None = None) -> SshConnection:
    """A logged-in connection to the node, through its jump hosts. Raises TransportError."""
    *through, hop = hops_of(node)
    for attempt in range(1, max(1, options.connect_attempts) + 1):
        try:
            return _once(node, tuple(through), hop, options, cancel)
        except TransportError as error:
            stop = cancel is not None and cancel.is_set()
            if stop or error.kind not in _WORTH_ANOTHER_TRY or attempt >= options.connect_attempts:
                raise
        pause = _PAUSE_S * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)  # many nodes must not knock as one
        if cancel is None:
            time.sleep(pause)
        else:
            cancel.wait(pause)
    raise AssertionError("unreachable")


def _once(
    node: Node, through: tuple[Hop, ...], hop: Hop, options: Options, cancel: Cancel | None
) -> SshConnection:
    """One try. What was taken on the way is given back if it fails."""
    if not through:
        return SshConnection(node, open_session(hop, None, options, cancel), options)
    jump = JUMPS.take(through, options, cancel)
    try:
        with jump.handshake(cancel):
            session = open_session(hop, jump.session, options, cancel)
    except BaseException:
        JUMPS.give_back(jump)
        raise
    return SshConnection(node, session, options, lambda: JUMPS.give_back(jump))
