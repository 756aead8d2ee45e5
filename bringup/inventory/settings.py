"""What can be said about a node, and what each setting may hold.

One `Layer` is what one place of the file says (defaults, a group, a range, one host). Layers are laid over each other;
a setting replaces the one below as a whole. Values are checked where they are written; those with a pattern again
when it is filled in, because only then is there a value.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from bringup.inventory import names, pattern, shape
from bringup.inventory.problems import Problems, did_you_mean, quoted
from bringup.inventory.tree import Value
from bringup.model import Jump

T = TypeVar("T")


class Wrong(ValueError):
    """A value that a setting cannot hold; the message says what is needed."""


def _free(text: str) -> str:
    return text


def _word(text: str) -> str:
    if text.startswith("-") or any(c.isspace() for c in text):
        raise Wrong(f"needs one word that does not begin with a dash, got {quoted(text)}")
    return text


def address(text: str) -> str:
    """An IP address or host name; IPv6 without brackets, in its shortest form."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        if text and not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,252}", text):
            raise Wrong(f"needs an IP address or a host name, got {quoted(text)}") from None
    if re.fullmatch(r"[0-9.]+", text):
        raise Wrong(f"{quoted(text)} is no IP address") from None
    return text


def _port(text: str) -> str:
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise Wrong(f"needs a port from 1 to 65535, got {quoted(text)}")
    return text


def _connection(text: str) -> str:
    if text not in ("ssh", "local"):
        raise Wrong(f"needs ssh or local, got {quoted(text)}")
    return text


def _unit(text: str) -> str:
    return text[1:] if re.fullmatch(r"[Uu][0-9]+", text) else text


def _root(text: str) -> str:
    if text and not text.startswith("/"):
        raise Wrong(f"needs an absolute path, got {quoted(text)}")
    return text.rstrip("/")


TEXTS: Mapping[str, Callable[[str], str]] = {
    "address": address,
    "peer_address": address,
    "port": _port,
    "user": _word,
    "key": _free,
    "certificate": _free,
    "connection": _connection,
    "rack": _free,
    "unit": _unit,
    "serial": _free,
    "profile": _word,
    "root": _root,
}
LISTS = ("jump", "rails", "tags", "path")
KEYS = (*TEXTS, *LISTS, "env")
PATTERNS = frozenset(
    ("address", "peer_address", "port", "key", "certificate", "rack", "unit", "serial", "root")
)
FILES = frozenset(("key", "certificate"))


@dataclass(frozen=True, slots=True)
class Given(Generic[T]):
    """A value and where it was written."""

    value: T
    line: int
    where: str


@dataclass(frozen=True, slots=True)
class Layer:
    """What one place of the file says about its nodes."""

    texts: Mapping[str, Given[str]] = field(default_factory=dict)
    lists: Mapping[str, Given[tuple[str, ...]]] = field(default_factory=dict)
    env: Given[tuple[tuple[str, str], ...]] | None = None

    def over(self, below: Layer) -> Layer:
        """This layer laid over another."""
        return Layer(
            {**below.texts, **self.texts},
            {**below.lists, **self.lists},
            below.env if self.env is None else self.env,
        )


@dataclass(frozen=True, slots=True)
class Known:
    """What settings may refer to. `profiles` is None where nobody has said which profiles there are."""

    jumps: Mapping[str, Jump]
    profiles: frozenset[str] | None
    base: Path


def read(entries: Mapping[str, Value], where: str, known: Known, problems: Problems) -> Layer:
    """The layer that these keys and values are; `entries` may have other keys too."""
    texts: dict[str, Given[str]] = {}
    lists: dict[str, Given[tuple[str, ...]]] = {}
    env = None
    for key, value in entries.items():
        at = f"{where}.{key}"
        if key in TEXTS:
            said = shape.text(value, at, problems)
            checked = None if said is None else _checked(key, said, known)
            if isinstance(checked, Wrong):
                problems.add(value.line, f"{at}: {checked}")
            elif checked is not None:
                texts[key] = Given(checked, value.line, at)
        elif key in LISTS:
            many = shape.texts(value, at, problems)
            listed = None if many is None else _listed(key, many, known)
            if isinstance(listed, Wrong):
                problems.add(value.line, f"{at}: {listed}")
            elif listed is not None:
                lists[key] = Given(listed, value.line, at)
        elif key == "env":
            env = Given(_env(value, at, problems), value.line, at)
    return Layer(texts, lists, env)


def _checked(key: str, said: str, known: Known) -> str | Wrong:
    try:
        if key in PATTERNS and pattern.is_pattern(said):
            pattern.check(said)
            return said
        if key == "profile" and said and known.profiles is not None and said not in known.profiles:
            return Wrong(f"no profile {quoted(said)}{_instead(said, known.profiles)}")
        return value_of(key, said, known.base)
    except pattern.BadPattern as bad:
        return Wrong(str(bad))
    except Wrong as wrong:
        return wrong


def value_of(key: str, said: str, base: Path) -> str:
    """The value of a text setting without a pattern. Raises Wrong."""
    if key in FILES and said:
        return str(file(said, base))
    return TEXTS[key](said)


def file(said: str, base: Path) -> Path:
    """A path of the file: `~` is the home folder, a relative path counts from the inventory's folder. Raises Wrong."""
    try:
        return base / Path(said).expanduser()
    except RuntimeError:
        raise Wrong(f"{quoted(said)}: there is no such home folder") from None


def _listed(key: str, many: tuple[str, ...], known: Known) -> tuple[str, ...] | Wrong:
    if key == "jump":
        unknown = next((j for j in many if j not in known.jumps), None)
        if unknown is not None:
            return Wrong(f"no jump host {quoted(unknown)} under jumps{_instead(unknown, known.jumps)}")
        return many
    if key == "tags":
        bad = next((t for t in many if not names.is_name(t)), None)
        return many if bad is None else Wrong(names.bad_name(bad))
    if key == "path":
        bad = next((p for p in many if not p.startswith("/") or ":" in p), None)
        return many if bad is None else Wrong(f"needs absolute folders, one item each, got {quoted(bad)}")
    try:
        rails = tuple(name for item in many for name in names.expand(item, 256))
    except names.BadNames as bad_names:
        return Wrong(str(bad_names))
    twice = next((r for at, r in enumerate(rails) if r in rails[:at]), None)
    return rails if twice is None else Wrong(f"{twice} appears twice")


def _env(value: Value, where: str, problems: Problems) -> tuple[tuple[str, str], ...]:
    pairs: list[tuple[str, str]] = []
    for key, item in shape.keys(value, where, problems):
        said = shape.text(item, f"{where}.{key.text[:80]}", problems)
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,127}", key.text):
            problems.add(key.line, f"{where}: {quoted(key.text)} is no name of an environment variable")
        elif said is not None:
            pairs.append((key.text, said))
    return tuple(pairs)


def _instead(word: str, known: frozenset[str] | Mapping[str, Jump]) -> str:
    if not known:
        return "; there are none"
    return did_you_mean(word, sorted(known)) or f"; known are {', '.join(sorted(known)[:20])}"
