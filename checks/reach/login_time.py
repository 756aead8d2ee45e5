"""Reach: how long a login takes; a hanging home directory or name service shows here first."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.commands import Command
from bringup.context import Context
from bringup.errors import ParseError
from bringup.model import Finding, Measurement, Node, Stage

LOGIN = Command(
    'cd "${HOME:-/}" && ls >/dev/null 2>&1 && "${SHELL:-/bin/sh}" -l -c true >/dev/null 2>&1 </dev/null\necho logged-in\n',
    timeout_s=30.0,
    estimate_s=0.3,
)
"""What every login does: enter and list the home directory, read the shell's profile."""


class LoginTime(Check[Node]):
    """The node tells how long a login takes: the connection with its greeting and key, home directory, shell profile.

    A reading; `reach.login-outliers` compares the fleet. One that does not end within the time allowed is an error.
    """

    id = "reach.login-time"
    stage = Stage.REACH
    collects = True

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, LOGIN)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        output = out.answered(target, LOGIN)
        if not output.text.strip().endswith("logged-in"):
            raise ParseError(f"the login shell answered {output.text.strip()[:80]!r}")
        if output.login_s is not None:
            yield Measurement("connection", round(output.login_s, 3), "s", target.name)
        yield Measurement("login", round(output.seconds, 3), "s", target.name)
