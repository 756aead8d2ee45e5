"""Which key does what: the table of actions, with what a person has chosen instead in a file of their own.

The file is TOML: under `[keys]` an action's id and its key, or a list of keys. Footer, help, palette and tabs show what
is chosen there.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bringup.errors import UsageError
from bringup.inventory.problems import did_you_mean
from bringup.tui.actions import ACTIONS, PLACE_WORDS, SCREENS, SHOWN, Action, actions_of, key_text

MOST_BYTES = 1 << 18
MOST_KEYS = 8
_IDS = {action.id for action in ACTIONS}
_NAMED = {shown: key for key, shown in SHOWN.items()}
_RESERVED = ("ctrl+c", "ctrl+s", "ctrl+z")


@dataclass(frozen=True, slots=True)
class Keymap:
    """The keys of every action. `chosen` are those of a person, by the action's id."""

    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, action: Action) -> tuple[str, ...]:
        """The keys of an action, the first one to be shown."""
        return self.chosen.get(action.id, action.keys)

    def first(self, action: Action) -> str:
        """The key that the footer shows."""
        return key_text(self.of(action)[0])

    def text(self, action: Action) -> str:
        """All keys of an action as they are written on the keyboard."""
        return " ".join(map(key_text, self.of(action)))

    def by_id(self, ident: str) -> str:
        """The shown key of the action with this id."""
        return next(self.first(action) for action in ACTIONS if action.id == ident)

    def bindings(self) -> dict[str, str]:
        """What is chosen, as Textual wants it."""
        return {ident: ",".join(keys) for ident, keys in self.chosen.items()}


def usual_place() -> Path:
    """Where the file of a person lies."""
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "bringup" / "keys.toml"


def load(path: Path | None = None) -> Keymap:
    """The keys of the file, or of the usual place if that exists. Raises UsageError with all mistakes at once."""
    if path is None:
        path = usual_place()
        if not path.is_file():
            return Keymap()
    try:
        with path.open("rb") as file:
            raw = tomllib.loads(file.read(MOST_BYTES).decode("utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path}: is no TOML: {error}") from error
    found, problems = _read(raw)
    problems = problems or _clashes(found)
    if problems:
        raise UsageError(f"{path}: " + "; ".join(problems))
    return found


def _read(raw: Mapping[str, object]) -> tuple[Keymap, list[str]]:
    table = raw.get("keys", {})
    if not isinstance(table, dict) or set(raw) - {"keys"}:
        return Keymap(), ['needs one table [keys] with lines such as  filter = "f"']
    chosen: dict[str, tuple[str, ...]] = {}
    problems: list[str] = []
    for ident, value in table.items():
        keys = [value] if isinstance(value, str) else value
        if ident not in _IDS:
            problems.append(f"no action {ident[:40]!r}{did_you_mean(ident, _IDS)}")
        elif not isinstance(keys, list) or not 0 < len(keys) <= MOST_KEYS or not all(map(_is_key, keys)):
            problems.append(f'{ident}: needs a key such as "f", "f5" or "ctrl+x", or a list of keys')
        elif taken := [key for key in keys if key in _RESERVED]:
            problems.append(f"{ident}: {taken[0]} belongs to the terminal")
        else:
            chosen[ident] = tuple(_NAMED.get(str(key), str(key)) for key in keys)
    return Keymap(chosen), problems


def _is_key(key: object) -> bool:
    """A character, or a name such as `f5`, `ctrl+x`, `page_down`."""
    if not isinstance(key, str) or not key or len(key) > 30:
        return False
    return (len(key) == 1 and key.isprintable() and not key.isspace()) or all(
        piece.replace("_", "").isalnum() for piece in key.split("+")
    )


def _clashes(keys: Keymap) -> list[str]:
    """The keys that would do two things on one screen."""
    problems: dict[str, None] = {}
    for place in SCREENS:
        owner: dict[str, Action] = {}
        for action in actions_of(place):
            for key in keys.of(action):
                other = owner.setdefault(key, action)
                if other is not action:
                    said = f"{key_text(key)} does both {other.id} and {action.id} ({PLACE_WORDS[place]})"
                    problems[said] = None
    return list(problems)
