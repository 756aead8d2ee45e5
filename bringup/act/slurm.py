"""Drain and resume in Slurm, by the rules of those who share the nodes with us.

A reason begins with our own leader. A reason that somebody else set is never replaced, a node that is down is never
touched, a node in a state that passes by itself is left for the next time, and only what carries our leader is resumed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bringup.act.wish import Step, Wish, reason
from bringup.errors import ParseError
from bringup.inventory.names import folded, is_name

QUERY = ("sinfo", "--noheader", "--Node", "--format=%N|%T|%E")
PREFIX = "bringup"
_STATE = re.compile(r"[A-Za-z_@]+[*~#!%$@^+-]*")
_GOOD = frozenset(("idle", "allocated", "mixed", "completing", "allocated+", "reserved", "planned"))
_DRAINED = frozenset(("drained", "draining", "drain"))
_NO_REASON = frozenset(("", "none", "n/a", "not set"))


@dataclass(frozen=True, slots=True)
class SlurmNode:
    """How a node stands in Slurm: its state as sinfo prints it, and the reason that somebody set."""

    name: str
    state: str
    reason: str = ""

    @property
    def drained(self) -> bool:
        return self.state.rstrip("*~#!%$@^+-") in _DRAINED

    @property
    def passing(self) -> bool:
        """A state that goes over by itself (no answer, powering, rebooting, planned)."""
        return self.state != self.state.rstrip("*~#!%$@^-") or self.state in (
            "planned",
            "reboot",
            "booting",
            "blocked",
        )

    @property
    def down(self) -> bool:
        return self.state.rstrip("*~#!%$@^+-") in ("down", "fail", "failing", "error", "unknown", "future")

    def ours(self, prefix: str) -> bool:
        """Whether the reason is one that we have set."""
        return self.reason.startswith(f"{prefix}:")


def parse(said: str) -> dict[str, SlurmNode]:
    """What sinfo answered. A node is listed once for each partition; raises ParseError for a line that is none."""
    found: dict[str, SlurmNode] = {}
    for line in said.splitlines():
        if not line.strip():
            continue
        name, bar, rest = line.strip().partition("|")
        state, bar_too, why = rest.partition("|")
        if not bar or not bar_too or not is_name(name) or not _STATE.fullmatch(state.strip()):
            raise ParseError(f"sinfo: {line[:120]!r} is not name|state|reason")
        why = why.strip()
        found[name] = SlurmNode(name, state.strip().lower(), "" if why.lower() in _NO_REASON else why)
    if not found:
        raise ParseError("sinfo named no node")
    return found


def steps(
    wishes: Sequence[Wish], there: Mapping[str, SlurmNode], run: str, prefix: str = PREFIX
) -> list[Step]:
    """What to do, nodes with the same command folded into one; and what is left alone, with the reason."""
    drain: dict[str, list[str]] = {}
    resume: list[str] = []
    alone: dict[str, list[str]] = {}
    for wish in wishes:
        node = there.get(wish.node)
        if node is None:
            alone.setdefault("Slurm does not know it", []).append(wish.node)
            continue
        leave = _leave(wish, node, prefix)
        if leave:
            alone.setdefault(leave, []).append(wish.node)
        elif wish.ready:
            resume.append(wish.node)
        else:
            drain.setdefault(reason(prefix, wish.code, run), []).append(wish.node)
    made = [
        Step(
            tuple(names),
            "drain",
            why,
            ("scontrol", "update", f"NodeName={folded(names)}", "State=DRAIN", f"Reason={why}"),
        )
        for why, names in drain.items()
    ]
    if resume:
        argv = ("scontrol", "update", f"NodeName={folded(resume)}", "State=RESUME")
        made.append(Step(tuple(resume), "resume", "ready, and we had drained it", argv))
    return [*made, *_left(alone)]


def _left(alone: Mapping[str, Iterable[str]]) -> list[Step]:
    return [Step(tuple(names), "leave", why) for why, names in alone.items()]


def _leave(wish: Wish, node: SlurmNode, prefix: str) -> str:
    """Why a node is left alone; empty if something is to be done."""
    if node.passing:
        return f"it is {node.state}, which passes; run this again later"
    if node.down:
        return f"it is {node.state}: that is not ours to change"
    if wish.ready:
        if not node.drained:
            return "ready, and in use" if node.state in _GOOD else f"it is {node.state}"
        if not node.ours(prefix):
            return f"ready, but drained by somebody else: {node.reason[:80] or 'no reason given'}"
        return ""
    if node.drained:
        if node.ours(prefix):
            return "drained by us already"
        return f"drained by somebody else already: {node.reason[:80] or 'no reason given'}"
    if node.reason and not node.ours(prefix):
        return f"somebody else set a reason: {node.reason[:80]}"
    return ""
