"""Writes the compound script: all commands for one node as one shell program, sent over stdin of one channel.

What the program does on the node is in `node.sh` beside this file; here the commands become its data. The whole is
one brace group, so that a transfer that is cut off runs nothing, and stdin stays open behind it: when it ends, the
node kills and removes everything.

What a command finds: $ROOT is the node's `root`, else $BRINGUP_ROOT of the login's own environment (a node may say
where the host's file system is mounted); PATH ends with the usual folders, or with $BRINGUP_PATH of the login's own
environment; $TMP, also $TMPDIR and the working directory, is its own and is removed;
stdin is /dev/null; the locale is C. SIGINT is ignored, as in every background process of a POSIX shell, so a command
that must stop a tool uses SIGTERM. Three designs were weighed:

- A byte cap by `ulimit -f` would also cap files that a command writes on purpose (NCCL's shared memory, scratch
  data); a pipe into `head` would cost two more processes for each command and hang on a daemon that keeps the pipe.
  So output goes to files, is cut when it is sent, and a command that floods is killed when the ticker sees it.
- `setsid` gives every command its own process group. Where it is missing, and for what leaves the group, the random
  mark in the environment finds the processes. Only a process that leaves its group and empties its environment
  escapes.
- The frames carry a token of their own that no command can see, although lengths alone already keep output from
  being read as a frame: it keeps a login shell's noise from being read as one.
"""

from __future__ import annotations

import math
import re
import secrets
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from bringup.commands import Command
from bringup.model import Node

MARK = "BRINGUP_MARK"
FLOOD_BYTES = 64 << 20
"""Output beyond this (or twice the largest cap) gets a command killed; less is cut to the command's own cap."""

KILL_S = 8.0
"""How long after its deadline a command may still be reported: a tick, TERM, KILL, and giving up."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PROGRAM = re.compile(r"[A-Za-z0-9_./+@%:,-]+")
_OURS = {"ROOT", "PATH", "TMP", "TMPDIR", "LC_ALL", "TERM", "COLUMNS", MARK}
_STANDARD_PATH = '"${BRINGUP_PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}"'
_LONGEST_S = 10 * 24 * 3600.0


def _token() -> str:
    return secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class Bundle:
    """Some commands for one node. `token` marks frames; `mark` marks processes, through their environment.

    Every `beat_s` seconds the node gives a sign of life.
    """

    node: Node
    commands: tuple[Command, ...]
    lanes: int = 4
    shell: str = "/bin/sh"
    beat_s: int = 5
    token: str = field(default_factory=_token)
    mark: str = field(default_factory=_token)

    @property
    def start(self) -> str:
        """The command line that every login shell understands and that waits for the script on stdin."""
        return f"exec env {MARK}={self.mark} {self.shell} -s"

    @property
    def longest_s(self) -> float:
        """The longest time that the node may need, by its own deadlines: lanes filled in order, then the lonely."""
        lanes = [0.0] * max(1, self.lanes)
        alone = 0.0
        for command in self.commands:
            if command.alone:
                alone += limit_s(command) + KILL_S
            else:
                lanes.sort()
                lanes[0] += limit_s(command) + KILL_S
        return max(lanes) + alone

    def script(self) -> bytes:
        """The program as one brace group. Raises ValueError for text that no shell can hold."""
        first = [str(i) for i, c in enumerate(self.commands) if not c.alone]
        alone = [str(i) for i, c in enumerate(self.commands) if c.alone]
        env = dict(self.node.env)
        flood = max(FLOOD_BYTES, *(2 * c.max_bytes for c in self.commands))
        path = ":".join(
            [*map(quote, self.node.path), quote(env["PATH"]) if "PATH" in env else '"$PATH"', _STANDARD_PATH]
        )
        lines = [
            "{",
            f"b_token={self.token} b_mark={self.mark} b_lanes={max(1, self.lanes)} b_flood={flood}",
            f"b_every={max(1, self.beat_s)}",
            f"b_sh={quote(self.shell)} b_path={path}",
            f"b_root={quote(self.node.root) if self.node.root else chr(34) + '${BRINGUP_ROOT-}' + chr(34)}",
            f"b_first={quote(''.join(i + ' ' for i in first))} b_alone={quote(''.join(i + ' ' for i in alone))}",
            f"b_dirs={quote(' '.join(f't.{i}' for i in range(len(self.commands))))}",
            f"b_vars={quote(_exports(env))}",
            "b_spec() {",
            "case $1 in",
            *(_spec(i, c) for i, c in enumerate(self.commands)),
            "esac",
            "}",
            _program(),
            "}\n",
        ]
        text = "\n".join(lines)
        if "\0" in text:
            raise ValueError(f"{self.node.name}: a command or a path contains a NUL byte")
        return text.encode("utf-8", "surrogateescape")


def quote(text: str) -> str:
    """The text as one word of a POSIX shell."""
    return "'" + text.replace("'", "'\\''") + "'"


def limit_s(command: Command) -> float:
    """The command's deadline in seconds, brought into a range that a shell can count."""
    if math.isnan(command.timeout_s):
        raise ValueError("a command's timeout is not a number")
    return min(max(command.timeout_s, 0.1), _LONGEST_S)


def _spec(index: int, command: Command) -> str:
    """The data of one command as one branch of `case`."""
    for program in command.needs:
        if not _PROGRAM.fullmatch(program):
            raise ValueError(f"{program!r} is no name of a program")
    script = command.script if command.script[:1] not in "-+" else "\n" + command.script
    port = f"{command.listens:04X}" if command.listens is not None else ""
    return (
        f"{index}) b_x={quote(script)} b_need={quote(' '.join(command.needs))} b_limit={math.ceil(limit_s(command) * 100)}"
        f" b_max={max(0, command.max_bytes)} b_asroot={'1' if command.root else ''} b_port={port} ;;"
    )


def _exports(env: dict[str, str]) -> str:
    """Lines that export the node's own variables; those that bringup sets itself are left out."""
    for name in env:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of an environment variable")
    return "\n".join(f"export {name}={quote(value)}" for name, value in env.items() if name not in _OURS)


@cache
def _program() -> str:
    """node.sh without comment lines and indentation."""
    lines = (line.strip() for line in Path(__file__).with_name("node.sh").read_text("utf-8").splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("#"))
