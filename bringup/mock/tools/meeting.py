"""How a server and a client of the simulated cluster meet over a TCP port, for programs with nothing else to agree on.

A server shows as a listening port of its node while it waits. A client without a server is refused at once.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from bringup.mock.hardware import SimNode
from bringup.mock.tools.call import Call


@dataclass(slots=True)
class Waiting:
    """A server that waits for its client. `result` is what the client leaves for it."""

    node: SimNode
    args: tuple[str, ...]
    met: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    result: str = ""


class Meetings:
    """Who waits where, for one program of one cluster."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[int, int], Waiting] = {}

    async def serve(self, call: Call, port: int) -> Waiting | None:
        """Wait for a client and for its end; None where the port is taken."""
        key = (call.node.index, port)
        if key in self._waiting:
            return None
        self._waiting[key] = waiting = Waiting(call.node, call.args)
        call.cluster.listen(call.node, port, on=True)
        try:
            await waiting.met.wait()
            self._close(call, key)
            await waiting.ended.wait()
        finally:
            if self._waiting.get(key) is waiting:
                self._close(call, key)
        return waiting

    def _close(self, call: Call, key: tuple[int, int]) -> None:
        del self._waiting[key]
        call.cluster.listen(call.node, key[1], on=False)

    def find(self, call: Call, host: str, port: int) -> Waiting | None:
        """The server that waits on a host, if it can be reached; it is then taken. Its `ended` is to be set."""
        far = call.cluster.find(host)
        if far is None or not call.cluster.reachable(far) or far.firewalled:
            return None
        waiting = self._waiting.get((far.index, port))
        if waiting is None or waiting.met.is_set():
            return None
        waiting.met.set()
        return waiting
