"""Puts the files of simulated machines on disk, cheaply: content that occurs again is stored once and linked.

A node has more than a thousand small files, and most of them are the same on every node. A file is never written in
place, so that a reader sees the old or the new content and links are not changed through each other.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_MOST_LINKS = 30_000  # ext4 allows 65,000 for one file
_MOST_REMEMBERED = 100_000


class Store:
    """Remembers which content was written before."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: set[int] = set()
        self._kept: dict[str, tuple[str, int]] = {}
        self._count = 0
        folder.mkdir(mode=0o700)

    def make(self, root: Path, files: Mapping[str, str], links: Mapping[str, str]) -> None:
        """Make new files and symbolic links below `root`."""
        made: set[str] = set()
        base = str(root)
        for path, text in files.items():
            at = f"{base}/{path}"
            _make_folder_of(at, made)
            source = self._source(text)
            try:
                if source is not None:
                    os.link(source, at)
                    continue
            except OSError:
                pass  # a file system without hard links: write it
            Path(at).write_text(text, encoding="utf-8")
        for path, target in links.items():
            at = f"{base}/{path}"
            _make_folder_of(at, made)
            Path(at).symlink_to(target)

    def _source(self, text: str) -> str | None:
        """A stored file with this content, made when the content is seen for the second time."""
        path, used = self._kept.get(text, ("", _MOST_LINKS))
        if used >= _MOST_LINKS:
            key = hash(text)
            if key not in self._seen:
                if len(self._seen) < _MOST_REMEMBERED:
                    self._seen.add(key)
                return None
            self._count += 1
            path, used = str(self._folder / str(self._count)), 0
            Path(path).write_text(text, encoding="utf-8")
        self._kept[text] = (path, used + 1)
        return path


def replace(root: Path, files: Mapping[str, str]) -> None:
    """Give files below `root` new content."""
    for path, text in files.items():
        new = root / f"{path}.new"
        new.write_text(text, encoding="utf-8")
        new.replace(root / path)


def _make_folder_of(at: str, made: set[str]) -> None:
    folder = at.rpartition("/")[0]
    if folder not in made:
        Path(folder).mkdir(parents=True, exist_ok=True)
        made.add(folder)
