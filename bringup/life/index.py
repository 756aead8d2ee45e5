"""An index over all runs in SQLite: what was read and judged at a part, run by run, without opening every journal.

The run folders and the ledger are the truth. The index can be deleted at any time; it is built again from them, and a
run whose journal has changed since is read again. One process at a time builds it; another one waits.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bringup.errors import RunFolderError
from bringup.life.parts import parts
from bringup.model import Outcome, Verdict
from bringup.run import RunState, load, settled

NAME = "index.sqlite"
VERSION = 1
WAIT_S = 60.0
_TABLES = """
CREATE TABLE runs (id TEXT PRIMARY KEY, cluster TEXT, started REAL, verdict TEXT, selection TEXT, stamp TEXT);
CREATE TABLE readings (run TEXT, at TEXT, node TEXT, check_id TEXT, name TEXT, value, unit TEXT, bound TEXT, ok INTEGER);
CREATE TABLE results (run TEXT, node TEXT, check_id TEXT, target TEXT, verdict TEXT, reason TEXT);
CREATE TABLE parts (run TEXT, at TEXT, node TEXT, kind TEXT, serial TEXT);
CREATE TABLE defects (run TEXT, id TEXT, code TEXT, at TEXT, node TEXT, title TEXT);
CREATE INDEX readings_node ON readings (node, run);
CREATE INDEX results_node ON results (node, run);
CREATE INDEX parts_node ON parts (node, run);
CREATE INDEX parts_serial ON parts (serial);
CREATE INDEX defects_node ON defects (node, run);
"""
_BY_RUN = ("readings", "results", "parts", "defects")


@dataclass(frozen=True, slots=True)
class Row:
    """One run's word about a part: `what` is reading, result, part or defect; `ok` None where nothing was judged."""

    run: str
    what: str
    at: str
    name: str
    value: str
    ok: bool | None


@dataclass(frozen=True, slots=True)
class Listed:
    """One run of the index."""

    id: str
    cluster: str
    started: float
    verdict: str
    selection: str


class Index:
    """The index of one folder of runs. Use as a context; `refresh` first."""

    def __init__(self, runs: Path) -> None:
        self._runs = runs
        self._path = runs / NAME
        self._db = self._opened()

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def _opened(self) -> sqlite3.Connection:
        """The database, a new one where there is none or one of another version, or where it is damaged."""
        for attempt in (1, 2):
            try:
                db = sqlite3.connect(self._path, timeout=WAIT_S, isolation_level=None)
                db.execute("PRAGMA journal_mode=WAL")
                db.execute("BEGIN IMMEDIATE")
                if db.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'").fetchall():
                        db.execute(f'DROP TABLE "{name}"')
                    for statement in filter(str.strip, _TABLES.split(";")):
                        db.execute(statement)
                    db.execute(f"PRAGMA user_version={VERSION}")
                db.execute("COMMIT")
                return db
            except sqlite3.DatabaseError as error:
                if attempt == 2 or isinstance(error, sqlite3.OperationalError):
                    raise RunFolderError(
                        f"{self._path}: cannot be used: {error}; it may be deleted"
                    ) from error
                self._path.unlink(missing_ok=True)
        raise AssertionError("unreachable: the second attempt returns or raises")

    def refresh(self) -> list[str]:
        """Read the runs that are new or have changed, forget those that are gone. Returns what could not be read."""
        there = {p.parent.name: p for p in sorted(self._runs.glob("*/journal.jsonl"))}
        known = dict(self._db.execute("SELECT id, stamp FROM runs").fetchall())
        troubles: list[str] = []
        for name in known.keys() - there.keys():
            with closing(self._db.cursor()) as cursor:
                cursor.execute("BEGIN IMMEDIATE")
                self._forget(cursor, name)
                cursor.execute("COMMIT")
        for name, journal in there.items():
            try:
                its = journal.stat()
                stamp = f"{its.st_size} {its.st_mtime_ns}"
                if known.get(name) != stamp:
                    self._take(name, stamp, load(journal.parent))
            except (RunFolderError, OSError) as error:
                troubles.append(f"{name}: {error}")
        return troubles

    def _take(self, name: str, stamp: str, state: RunState) -> None:
        verdict = state.verdict.value if state.verdict else ""
        with closing(self._db.cursor()) as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            self._forget(cursor, name)
            info = state.info
            cursor.execute(
                "INSERT INTO runs VALUES (?,?,?,?,?,?)",
                (name, info.name, info.started, verdict, info.selection, stamp),
            )
            cursor.executemany(
                "INSERT INTO readings VALUES (?,?,?,?,?,?,?,?,?)", _readings(name, state.outcomes)
            )
            cursor.executemany("INSERT INTO results VALUES (?,?,?,?,?,?)", _results(name, state.outcomes))
            cursor.executemany(
                "INSERT INTO parts VALUES (?,?,?,?,?)",
                ((name, p.at, p.at.partition("/")[0], p.kind, p.serial) for p in parts(state)),
            )
            cursor.executemany(
                "INSERT INTO defects VALUES (?,?,?,?,?,?)",
                (
                    (name, d.id, d.code, at, node, d.title)
                    for d in state.defects
                    for at in d.components or (d.component,)
                    for node in ((at.partition("/")[0],) if at.partition("/")[0] in state.nodes else d.nodes)
                ),
            )
            cursor.execute("COMMIT")

    def _forget(self, cursor: sqlite3.Cursor, name: str) -> None:
        for table in _BY_RUN:
            cursor.execute(f"DELETE FROM {table} WHERE run=?", (name,))
        cursor.execute("DELETE FROM runs WHERE id=?", (name,))

    # -------------------------------------------------------------------------------------------- questions

    def runs(self, node: str) -> list[Listed]:
        """The runs that say anything about a node, the latest first."""
        rows = self._db.execute(
            "SELECT id, cluster, started, verdict, selection FROM runs WHERE id IN"
            " (SELECT run FROM results WHERE node=? UNION SELECT run FROM defects WHERE node=?)"
            " ORDER BY started DESC, id DESC",
            (node, node),
        )
        return [Listed(*row) for row in rows]

    def of(self, run: str, part: str) -> list[Row]:
        """What a run says about a part: everything at it, inside it, and what it lies in."""
        node = part.partition("/")[0]
        found: list[Row] = []
        for at, code, ident, title in self._db.execute(
            "SELECT at, code, id, title FROM defects WHERE run=? AND node=?", (run, node)
        ):
            if _touches(at, part):
                found.append(Row(run, "defect", at, code, f"{ident} {title}", False))
        for at, kind, serial in self._db.execute(
            "SELECT at, kind, serial FROM parts WHERE run=? AND node=?", (run, node)
        ):
            if _touches(at, part) and ("/" in part or "/" not in at):
                found.append(Row(run, "part", at, kind, serial, None))
        if part == node:
            for check, target, verdict, reason in self._db.execute(
                "SELECT check_id, target, verdict, reason FROM results WHERE run=? AND node=? AND verdict<>'pass'",
                (run, node),
            ):
                found.append(
                    Row(run, "result", target, check, f"{verdict} {reason}".strip(), verdict != "fail")
                )
        for at, check, name, value, unit, bound, ok in self._db.execute(
            "SELECT at, check_id, name, value, unit, bound, ok FROM readings WHERE run=? AND node=?",
            (run, node),
        ):
            wanted = _touches(at, part) and at != node if "/" in part else not ok
            if wanted:
                said = f"{value:g}" if isinstance(value, float) else str(value)
                words = f"{said} {unit}".strip() + (f", needs {bound}" if not ok else "")
                found.append(Row(run, "reading", at, f"{check} {name}", words, bool(ok)))
        return found

    def places(self, serial: str) -> list[tuple[str, str, str]]:
        """Where a serial number was read: run, place, kind; the latest run first."""
        return self._db.execute(
            "SELECT parts.run, at, kind FROM parts JOIN runs ON runs.id=parts.run WHERE serial=?"
            " ORDER BY runs.started DESC, runs.id DESC, at",
            (serial,),
        ).fetchall()


def _touches(at: str, part: str) -> bool:
    ends = at.split(" ~ ")
    return any(e == part or e.startswith(part + "/") or ("/" in e and part.startswith(e + "/")) for e in ends)


def _readings(run: str, outcomes: Iterable[Outcome]) -> Iterator[tuple[object, ...]]:
    """Everything that has a limit; of a pair's reading one row for each end."""
    for outcome in outcomes:
        for m in outcome.measurements:
            if m.limit is None:
                continue
            value = m.value if isinstance(m.value, str) else float(m.value)
            for end in m.at.split(" ~ "):
                ok = outcome.verdict is not Verdict.FAIL or m.ok
                yield (
                    run,
                    end,
                    end.partition("/")[0],
                    outcome.check,
                    m.name,
                    value,
                    m.unit,
                    str(m.limit),
                    int(ok),
                )


def _results(run: str, outcomes: Iterable[Outcome]) -> Iterator[tuple[object, ...]]:
    for o in outcomes:
        if len(o.nodes) <= 2 and (
            o.verdict is Verdict.PASS or not settled(o)
        ):  # a comparison of the fleet says nothing of a single node but in its defects
            for node in o.nodes:
                yield (run, node, o.check, o.target, o.verdict.value, o.reason.split("\n")[0][:300])
