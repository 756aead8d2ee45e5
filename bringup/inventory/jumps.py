"""The `jumps:` part: hosts to go through, by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bringup.inventory import shape
from bringup.inventory.problems import Problems
from bringup.inventory.settings import Wrong, value_of
from bringup.inventory.tree import Value
from bringup.model import Jump

_KEYS = ("host", "port", "user", "key")


def read(value: Value | None, base: Path, problems: Problems) -> dict[str, Jump]:
    """All jump hosts by name."""
    found: dict[str, Jump] = {}
    for key, entry in shape.keys(value, "jumps", problems) if value is not None else ():
        where = f"jumps.{key.text[:80]}"
        keys = shape.table(entry, where, _KEYS, problems)
        port = shape.whole(keys["port"], f"{where}.port", problems, 1, 65535) if "port" in keys else 22
        host, user, key_file = (
            _word(keys, name, setting, where, base, problems)
            for name, setting in (("host", "address"), ("user", "user"), ("key", "key"))
        )
        if host == "":
            problems.add(key.line, f"{where}: has no host")
        found[key.text] = Jump(host or "", port or 22, user or "", key_file or "")
    return found


def _word(
    keys: Mapping[str, Value], name: str, setting: str, where: str, base: Path, problems: Problems
) -> str | None:
    """A text checked like the node setting of that name; None if it was wrong and reported."""
    if name not in keys:
        return ""
    said = shape.text(keys[name], f"{where}.{name}", problems)
    if said is None:
        return None
    try:
        return value_of(setting, said, base)
    except Wrong as wrong:
        problems.add(keys[name].line, f"{where}.{name}: {wrong}")
        return None
