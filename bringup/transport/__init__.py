"""Reaching nodes: one kept connection for each, one compound script for each set of commands.

`connect` is the only door. The modules behind it: `bundle` writes the script, `frames` reads its answer,
`drive` pairs both with a deadline, `ssh` and `local` carry the bytes.
"""

from __future__ import annotations

from bringup.model import Node
from bringup.transport.base import Cancel, Connection, Options, Ready, Sink

__all__ = ["Cancel", "Connection", "Options", "Ready", "Sink", "connect"]


def connect(node: Node, options: Options, cancel: Cancel | None = None) -> Connection:
    """A new connection to the node, by SSH or on this machine as `node.connection` says.

    Raises TransportError with the kind that tells who can mend it, and ValueError for an unknown
    `connection`. A set `cancel` ends the attempt with LostKind.LOST.
    """
    if node.connection == "local":
        from bringup.transport.local import LocalConnection

        return LocalConnection(node, options)
    if node.connection == "ssh":
        from bringup.transport.ssh import connect_ssh  # a run on this machine alone needs no paramiko

        return connect_ssh(node, options, cancel)
    raise ValueError(f"{node.name}: connection is {node.connection!r}, needed ssh or local")
