"""What a node is asked, what it answered, and where its answer is kept: data that goes between checks and transport.

A `Command` is a `Struct` and not a dataclass because it is looked up by its value some thousand times for each node:
its hash is made once. `Evidence` is one because there is one for every answer and in every outcome.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import msgspec


class Command(msgspec.Struct, frozen=True, cache_hash=True, gc=False):
    """What one node is asked to run: POSIX sh text. Two equal commands of a stage run once.

    `$ROOT` in the text is the node's `root` (empty on a plain node). `needs` are programs looked up first: if one is
    missing the command is not run. `root` asks for `sudo -n` where the login is not root. `alone` means that
    nothing else of the stage may run on the node at the same time (it loads the node). `listens` is a TCP port on
    which the command must listen before its partner may start.
    """

    script: str
    timeout_s: float = 20.0
    max_bytes: int = 1 << 20
    needs: tuple[str, ...] = ()
    root: bool = False
    alone: bool = False
    listens: int | None = None
    estimate_s: float = 0.2


_STEADY: set[Command] = set()


def steady(command: Command) -> Command:
    """The command itself, noted as one whose answer holds until something loads the node: the stages before the load take
    it from the first of them instead of asking again.

    This is no part of what a command is: a kept answer belongs to it whether it was noted then or not.
    """
    _STEADY.add(command)
    return command


def is_steady(command: Command) -> bool:
    """Whether the command was noted as steady."""
    return command in _STEADY


class Ended(StrEnum):
    """How a command ended."""

    EXITED = "exited"
    TIMEOUT = "timeout"
    MISSING = "missing"
    LOST = "lost"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Output:
    """What one command answered on one node. `at` is the orchestrator's clock (Unix seconds) at its end.

    `status` is None unless it exited; `detail` names the missing program or the reason of the loss.
    `as_root` tells whether the command ran with root's rights. `login_s` is how long the login took that made the
    connection, in the answers of the first script after it; None in later ones.
    """

    node: str
    command: Command
    ended: Ended
    status: int | None = None
    stdout: bytes = b""
    stderr: bytes = b""
    seconds: float = 0.0
    at: float = 0.0
    truncated: bool = False
    as_root: bool = False
    detail: str = ""
    login_s: float | None = None
    _text: str | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def text(self) -> str:
        """Standard output; decoded once, since several checks of a node read it."""
        if self._text is None:
            object.__setattr__(self, "_text", self.stdout.decode("utf-8", "replace"))
        return self._text or ""

    @property
    def error_text(self) -> str:
        return self.stderr.decode("utf-8", "replace")


class Evidence(msgspec.Struct, frozen=True, gc=False):
    """Where the raw bytes of one command are kept: slices of one file in the run folder."""

    node: str
    file: str
    command: Command
    ended: Ended
    status: int | None
    seconds: float
    at: float
    offset: int
    stdout_bytes: int
    stderr_bytes: int
    truncated: bool = False
    as_root: bool = False
    detail: str = ""
    login_s: float | None = None
