"""Reach: the first question to a node, whose answer decides whether anything else is asked."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.check import Check, Outputs, Plan, run
from bringup.commands import Command, Ended
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, LostKind, ParseError
from bringup.model import Finding, Limit, Measurement, Node, Stage

HELLO = Command("echo bringup\n", timeout_s=20.0, estimate_s=0.1)

_RULE = Limit(
    "reach.connect", "==", "bringup", why="a node that does not answer cannot be judged", source="rule"
)

_TODO = {
    LostKind.RESOLVE: "correct the address in the inventory, or the name service",
    LostKind.REFUSED: "start sshd on the node, or correct the port in the inventory",
    LostKind.TIMEOUT: "check power, BMC and the management cable",
    LostKind.NO_ROUTE: "check the management network and the jump host",
    LostKind.BANNER: "look at the node's console: sshd takes the connection and says nothing",
    LostKind.AUTH: "correct user and key in the inventory, or have the key installed on the node",
    LostKind.HOST_KEY_CHANGED: "make sure that it is the right machine, then remove the old key from known_hosts",
    LostKind.HOST_KEY_UNKNOWN: "check the node's key and add it to known_hosts, or allow new keys",
    LostKind.SHELL: "give the login a POSIX shell and a quiet profile",
    LostKind.LOST: "look at the node's console and its BMC log: it went away while it was asked",
}


class Connect(Check[Node]):
    """The node answers over its login."""

    id = "reach.connect"
    stage = Stage.REACH
    gate = "node"
    judges_loss = True
    faults = (
        Fault(
            "NODE-UNREACHABLE",
            "{node} does not answer",
            "check power, BMC and management cable of {node} {place}; nothing else on it is judged until it answers",
            Who.COULD_NOT_JUDGE,
        ),
        Fault(
            "LOGIN-REFUSED",
            "{node} refuses the login",
            "correct user and key for {node} in the inventory, or have the key installed on it",
            Who.COULD_NOT_JUDGE,
        ),
        Fault(
            "HOST-KEY-CHANGED",
            "{node} shows another host key than before",
            "make sure that the machine at this address is {node} {place}; if it was reinstalled, remove the old key",
            Who.CONFIGURATION,
            Severity.ISOLATE,
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, HELLO)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        output = out.get(target, HELLO)
        if output.ended is Ended.LOST:
            yield _lost(target, output.detail)
            return
        if output.ended is not Ended.EXITED:
            raise CannotJudge(
                f"the login works but the shell does not answer ({output.detail or output.ended.value});"
                " look at the node's console",
                code="NODE-UNREACHABLE",
            )
        said = out.text(target, HELLO).strip()
        if said != "bringup":
            raise ParseError(f"the shell answered {said[:80]!r} to `echo bringup`")
        yield Measurement("answer", said, "", target.name, _RULE)


def _lost(node: Node, detail: str) -> Finding:
    """The finding for a changed key; every other loss raises CannotJudge, with what to do at its end."""
    kind = next((k for k in LostKind if detail.startswith(k.value)), LostKind.LOST)
    message = f"{detail or kind.value}; {_TODO[kind]}"
    if kind is LostKind.HOST_KEY_CHANGED:
        return Finding("HOST-KEY-CHANGED", message, node.name)
    raise CannotJudge(message, code="LOGIN-REFUSED" if kind is LostKind.AUTH else "NODE-UNREACHABLE")
