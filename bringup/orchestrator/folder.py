"""The run folder: `runs/<id>/{run.toml, inventory.yaml, profiles/, journal.jsonl, evidence/, reports/}`, inputs frozen."""

from __future__ import annotations

import json
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bringup.errors import RunFolderError

Setting = str | int | float | bool | Sequence[str]


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Paths of one run. `create` makes a new one, `find` an existing one by path, id, or the word `last`."""

    path: Path

    @property
    def journal(self) -> Path:
        return self.path / "journal.jsonl"

    @property
    def reports(self) -> Path:
        return self.path / "reports"

    @property
    def inventory(self) -> Path:
        return self.path / "inventory.yaml"

    @property
    def profiles(self) -> Path:
        return self.path / "profiles"

    @classmethod
    def create(
        cls, runs: Path, settings: Mapping[str, Setting], inventory: str, profiles: Mapping[str, str]
    ) -> RunFolder:
        """A new folder with a free id (month, day, hour, minute) and frozen inputs. Raises RunFolderError."""
        stem = time.strftime("%m%d-%H%M")
        try:
            runs.mkdir(parents=True, exist_ok=True)
            for number in range(1, 10_000):
                path = runs / (stem if number == 1 else f"{stem}-{number}")
                try:
                    path.mkdir()
                    break
                except FileExistsError:
                    continue
            folder = cls(path)
            folder.profiles.mkdir()
            folder.reports.mkdir()
            (path / "run.toml").write_text(_toml(settings), encoding="utf-8")
            folder.inventory.write_text(inventory, encoding="utf-8")
            for name, text in profiles.items():
                (folder.profiles / f"{name}.toml").write_text(text, encoding="utf-8")
        except OSError as error:
            raise RunFolderError(
                f"{runs}: cannot make a run folder: {error.strerror}; choose another with --runs"
            ) from error
        return folder

    @classmethod
    def find(cls, runs: Path, name: str) -> RunFolder:
        """The folder of a run: a path, an id below `runs`, or `last`. Raises RunFolderError."""
        for path in (Path(name), runs / name):
            if (path / "journal.jsonl").is_file():
                return cls(path)
        there = sorted(
            (p for p in runs.glob("*") if (p / "journal.jsonl").is_file()), key=lambda p: p.stat().st_mtime
        )
        if name == "last" and there:
            return cls(there[-1])
        known = ", ".join(p.name for p in there[-5:]) or "none"
        raise RunFolderError(
            f"no run {name!r}: neither a run folder nor an id in {runs} (latest there: {known})"
        )

    @property
    def id(self) -> str:
        return self.path.name

    def settings(self) -> dict[str, object]:
        """What `create` was given. Raises RunFolderError."""
        try:
            return tomllib.loads((self.path / "run.toml").read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise RunFolderError(f"{self.path / 'run.toml'}: cannot be read: {error}") from error


def _toml(settings: Mapping[str, Setting]) -> str:
    """Flat settings as TOML; JSON's text, numbers, booleans and lists of text are TOML as well."""
    return "".join(
        f"{name} = {json.dumps(list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value)}\n"
        for name, value in settings.items()
    )
