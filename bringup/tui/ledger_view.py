"""How far each defect is, from the ledger beside the runs; looked at again only when that file has changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from bringup.defects import Defect
from bringup.errors import RunFolderError
from bringup.life import describe, ledger
from bringup.life.standing import Book, Standing, book


class LedgerView:
    """The ledger as the screens see it. A ledger that cannot be read is an empty one: the run is still shown."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = ledger.path_of(folder.resolve().parent)
        self._clock = clock
        self._stamp: tuple[int, int] = (0, 0)
        self._cluster = ""
        self._book = Book()

    def look(self, cluster: str) -> bool:
        """Read the ledger if it has changed. True if it had."""
        try:
            about = self.path.stat()
            stamp = (about.st_mtime_ns, about.st_size)
        except OSError:
            stamp = (0, 0)
        if (stamp, cluster) == (self._stamp, self._cluster):
            return False
        self._stamp, self._cluster = stamp, cluster
        try:
            self._book = book(ledger.read(self.path).entries, cluster) if stamp[1] else Book()
        except RunFolderError:
            self._book = Book()
        return True

    def standing(self, defect: Defect) -> str:
        """The state in one word; a defect that the ledger does not know is open."""
        life = self._book.lives.get(defect.id)
        return describe.WORDS[self._book.standing(life, self._clock())] if life else Standing.OPEN.value

    def said(self, defect: Defect) -> str:
        """The state with its owner and reason."""
        life = self._book.lives.get(defect.id)
        return describe.said(self._book, life, self._clock()) if life else Standing.OPEN.value
