"""What commands do with the ledger of defects: take a run in, lay its exceptions over a run, find a defect by its id."""

from __future__ import annotations

import getpass
import time
from dataclasses import dataclass
from pathlib import Path

from bringup.errors import UsageError
from bringup.life import ledger
from bringup.life.entries import AnyEntry
from bringup.life.parts import bad_before, parts, returned
from bringup.life.standing import Book, Life, Standing, book, clusters
from bringup.life.taking import taken
from bringup.orchestrator import RunFolder
from bringup.run import RunState, load


@dataclass(frozen=True, slots=True)
class Opened:
    """The ledger beside some runs, as it is now."""

    path: Path
    entries: tuple[AnyEntry, ...]
    now: float

    def book(self, cluster: str) -> Book:
        """How every defect of a cluster stands."""
        return book(self.entries, cluster)

    def find(self, ident: str, cluster: str = "") -> tuple[str, Book, Life]:
        """A defect by its id, of the named cluster or of the only one that has it. Raises UsageError."""
        books = [(name, self.book(name)) for name in clusters(self.entries) if cluster in ("", name)]
        found = [(name, b, b.lives[ident]) for name, b in books if ident in b.lives]
        if not found:
            known = [life.id for _, b in books for life in b.lives.values()]
            some = f" (known: {', '.join(known[-5:])})" if known else ", for no run has been taken in there"
            raise UsageError(f"no defect {ident!r} in {self.path}{some}")
        if len(found) > 1:
            names = ", ".join(name for name, _, _ in found)
            raise UsageError(f"{ident} is known in several clusters: {names}; say which with --cluster")
        return found[0]


def opened(runs: Path) -> Opened:
    """The ledger beside the runs of a folder. Raises RunFolderError."""
    path = ledger.path_of(runs)
    return Opened(path, ledger.read(path).entries, time.time())


def beside(folder: RunFolder) -> Opened:
    """The ledger that a run belongs to."""
    return opened(folder.path.resolve().parent)


def load_run(folder: RunFolder) -> RunState:
    """A run with the exceptions that are in force now. Raises RunFolderError."""
    return with_exceptions(load(folder.path), folder)


def with_exceptions(state: RunState, folder: RunFolder) -> RunState:
    """Lay the exceptions that are in force now over a run."""
    kept = beside(folder)
    state.waivers = kept.book(state.info.name).in_force(kept.now)
    return state


def take_in(state: RunState, folder: RunFolder, retest_of: str = "") -> list[str]:
    """Add what a run has shown and proven to the ledger, and lay its exceptions over the run.

    Returns what people should know about parts that were bad elsewhere before.
    """
    kept = beside(folder)
    said = [r.said for r in returned(parts(state), bad_before(kept.entries, state.info.name))]
    ledger.append(kept.path, taken(state, kept.entries, now=kept.now, by=writer(), retest_of=retest_of))
    with_exceptions(state, folder)
    return said


def words_of_nodes(runs: Path, cluster: str) -> dict[str, dict[str, list[str]]]:
    """What a choice of nodes may ask about their defects: code and id of those that are not closed, states of all.

    Raises RunFolderError.
    """
    kept = opened(runs)
    known = kept.book(cluster)
    words: dict[str, dict[str, list[str]]] = {"code": {}, "state": {}, "id": {}}
    for life in known.lives.values():
        state = life.standing(known.waiver_of(life, kept.now) is not None)
        for name in life.seen.nodes:
            words["state"].setdefault(name, []).extend((state.value, state.value.rstrip("?")))
            if state is not Standing.CLOSED:
                words["code"].setdefault(name, []).append(life.code)
                words["id"].setdefault(name, []).append(life.id)
    return words


def writer() -> str:
    """Who is at the keyboard."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
