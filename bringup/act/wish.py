"""What a run wants of each node: use it, or keep it away from work, and the short reason for machines and people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bringup.defects import WHO
from bringup.life.describe import in_work
from bringup.life.standing import Book, Standing
from bringup.report import verdict as judge
from bringup.run import RunState

MOST_REASON = 120
_WORD = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a run wants of one node. `code` is the fault code that speaks against it; empty if it is ready."""

    node: str
    ready: bool
    code: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, and the command that does it; without a command it is left alone, and `why` says so."""

    nodes: tuple[str, ...]
    what: str
    why: str
    argv: tuple[str, ...] = ()
    stdin: str = ""


def wishes(state: RunState) -> list[Wish]:
    """For every node of the run; the code of the worst thing first. What was not judged is not ready."""
    ready = judge.ready_nodes(state)
    left_out = {w.what for w in state.counted_waivers}
    found = []
    for name in state.nodes:
        if name in ready:
            found.append(Wish(name, True))
            continue
        against = sorted(
            (
                d
                for d in state.defects
                if name in d.nodes and (state.waiver_of(d) is None or name in left_out)
            ),
            key=lambda d: (WHO.index(d.who), d.code, d.id),
        )
        code = word(against[0].code) if against else ""
        found.append(Wish(name, False, code or ("LEFT-OUT" if name in left_out else "NOT-JUDGED")))
    return found


def held_back(found: Sequence[Wish], book: Book, now: float) -> list[Wish]:
    """The same, without those for whom an earlier run has found something that no run has proven repaired.

    A retest of one port says nothing about the rest of its node.
    """
    against: dict[str, str] = {}
    for life in in_work(book, now):
        if book.standing(life, now) is not Standing.WAIVED:
            for name in life.seen.nodes:
                against.setdefault(name, word(life.code) or "NOT-JUDGED")
    return [Wish(w.node, False, against[w.node]) if w.ready and w.node in against else w for w in found]


def word(said: str) -> str:
    """One word that no shell, scheduler or label takes for anything else."""
    return _WORD.sub("-", said).strip("-._")[:60]


def reason(prefix: str, code: str, run: str) -> str:
    """`bringup: RDMA-BW run 0821-1002`."""
    return f"{prefix}: {code} run {word(run)}"[:MOST_REASON]
