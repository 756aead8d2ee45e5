"""The SHA-256 of every file of a finished run, in the format of `sha256sum`, and what differs from it later.

It tells what was changed after the run's end. It does not tell who wrote it: whoever can change a file can write the
manifest again, so keep its own sum (which `verify` prints) with the hand-over documents.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bringup.errors import RunFolderError
from bringup.report import text

NAME = "manifest.sha256"
_COVERED = ("run.toml", "inventory.yaml", "profiles", "journal.jsonl", "evidence", "reports")
"""What a run consists of. Other files of the folder are nobody's evidence."""
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")
_MOST_MANIFEST = 64 << 20
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Difference:
    """One file that is not as it was at the end of the run: `changed`, `missing`, `added` or `unreadable`."""

    kind: str
    file: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A run folder against its manifest; `sum` is the manifest's own SHA-256."""

    files: int
    sum: str
    differences: tuple[Difference, ...]

    @property
    def proven(self) -> bool:
        """Whether anything differs for certain, not only cannot be read."""
        return any(d.kind != "unreadable" for d in self.differences)


def write(folder: Path) -> Path:
    """Write the manifest of a finished run; it appears complete or not at all. Raises OSError."""
    lines = [f"{_sum(path)}  {name}\n" for name, path in sorted(_named(folder).items()) if "\n" not in name]
    target = folder / NAME
    draft = folder / f".{NAME}.tmp"
    try:
        draft.write_text("".join(lines), encoding="utf-8", errors="surrogateescape")
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return target


def write_all(folder: Path) -> str:
    """The sums of every file of a folder that is no run, such as a hand-over; returns the sum of the list itself."""
    names = sorted(
        p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and not p.is_symlink()
    )
    lines = [f"{_sum(folder / name)}  {name}\n" for name in names if name != NAME and "\n" not in name]
    said = "".join(lines).encode("utf-8", "surrogateescape")
    (folder / NAME).write_bytes(said)
    return hashlib.sha256(said).hexdigest()


def verify(folder: Path) -> Comparison:
    """All differences between the run folder and its manifest. Raises RunFolderError without a usable manifest."""
    raw = _manifest(folder)
    listed: dict[str, str] = {}
    for number, line in enumerate(raw.decode("utf-8", "surrogateescape").split("\n")[:-1], start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise RunFolderError(
                f"{folder / NAME}: line {number} is not a sum and a file name; it is damaged"
            )
        listed[match[2]] = match[1]
    there = _named(folder)
    found = [Difference("missing", name) for name in listed if name not in there]
    for name, path in there.items():
        if name not in listed:
            found.append(Difference("added", name))
            continue
        try:
            if _sum(path) != listed[name]:
                found.append(Difference("changed", name))
        except OSError as error:
            found.append(Difference("unreadable", name, str(error.strerror or error)))
    ordered = tuple(sorted(found, key=lambda d: (d.file, d.kind)))
    return Comparison(len(listed), hashlib.sha256(raw).hexdigest(), ordered)


def told(run: str, compared: Comparison) -> str:
    """The comparison for people: every difference on a line of its own."""
    lines = []
    for d in compared.differences:
        why = f"  ({text.line(d.why)})" if d.why else ""
        lines.append(f"{d.kind:<10} {text.line(d.file, 300)}{why}")
    files = f"{compared.files:,} {'file' if compared.files == 1 else 'files'}"
    if lines:
        lines.append(f"\nrun {text.line(run, 80)}: {len(lines):,} of {files} differ from the end of the run")
    else:
        lines.append(f"run {text.line(run, 80)}: {files} as they were at the end of the run")
    lines.append(f"{NAME} itself: sha256 {compared.sum}")
    return "\n".join(lines) + "\n"


def _manifest(folder: Path) -> bytes:
    path = folder / NAME
    try:
        with os.fdopen(_opened(path), "rb") as file:
            raw = file.read(_MOST_MANIFEST + 1)
    except FileNotFoundError:
        raise RunFolderError(
            f"{path}: not there; it is written when a run comes to its end, so nothing can be compared"
        ) from None
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(raw) > _MOST_MANIFEST:
        raise RunFolderError(f"{path}: larger than {_MOST_MANIFEST >> 20} MiB; this is not a manifest")
    if raw and not raw.endswith(b"\n"):
        raise RunFolderError(f"{path}: its last line is cut; it is damaged")
    return raw


def _named(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in _files(folder)}


def _files(folder: Path) -> Iterator[Path]:
    """Everything below the covered names that is no folder. Links are files here: nothing is followed out of the folder."""
    for name in _COVERED:
        top = folder / name
        if top.is_symlink() or not top.is_dir():
            if os.path.lexists(top):
                yield top
            continue
        for where, folders, files in os.walk(top):
            links = [one for one in folders if (Path(where) / one).is_symlink()]
            yield from (Path(where) / one for one in (*files, *links))


def _opened(path: Path) -> int:
    """A plain file, opened without following a link and without waiting for a pipe. Raises OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError("not a plain file")
    return handle


def _sum(path: Path) -> str:
    digest = hashlib.sha256()
    with os.fdopen(_opened(path), "rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
