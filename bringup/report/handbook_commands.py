"""What a check asks a node, in short: for a reader who wants to know, not for a machine that runs it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache

from bringup.check import AnyCheck
from bringup.commands import Command
from bringup.context import Context
from bringup.errors import BringupError
from bringup.model import FLEET, Group, Node, Pair, Port
from bringup.profile import Profile, available, load_all

_USUAL_FIRST = ("hgx-h100", "hgx-h100-roce", "gb200-nvl72", "mi300x")
_PATH = re.compile(r'"?\$(?:ROOT|\{ROOT\})"?(/[A-Za-z0-9_./*\[\]-]+)')
_LONGEST = 150
_MOST_PATHS = 3


def commands(check: AnyCheck) -> list[str]:
    """Every command of a check, each program and each set of files once, over the profiles that come with bringup."""
    shown: list[str] = []
    programs: set[tuple[str, ...]] = set()
    for command in _planned(check):
        text = short(command)
        if text in shown or (command.needs and command.needs in programs and not _is_short(command)):
            continue
        if command.needs and command.needs in programs and _same_but_numbers(text, shown):
            continue
        programs.add(command.needs)
        shown.append(text)
    return shown


def _planned(check: AnyCheck) -> Iterator[Command]:
    profiles = _stock()
    for name in (*_USUAL_FIRST, *(n for n in profiles if n not in _USUAL_FIRST)):
        a, b = (
            Node(node, address=node, profile=name, ports=(Port(0, "mlx5_0"),))
            for node in ("node-1", "node-2")
        )
        whole = {"Node": a, "Pair": Pair(a, b, 0 if check.per_rail else None), "Group": Group(FLEET, (a, b))}
        try:
            plan = check.plan(whole[check.target.__name__], Context(profiles))  # type: ignore[arg-type]
        except BringupError:
            continue
        yield from (step.command for step in plan.steps)


@cache
def _stock() -> Mapping[str, Profile]:
    return load_all(available())


def short(command: Command) -> str:
    """A command as it is where it is short, else its programs and the files that it reads."""
    rights = " (as root)" if command.root else ""
    script = _plain(command)
    if _is_short(command):
        return f"`{script}`{rights}"
    paths = list(dict.fromkeys(_PATH.findall(command.script)))
    read = f"reads {', '.join(f'`{p}`' for p in paths[:_MOST_PATHS])}" if paths else ""
    read += " and more" if len(paths) > _MOST_PATHS else ""
    used = ", ".join(f"`{need}`" for need in command.needs)
    return f"{'; '.join(part for part in (used, read) if part) or 'a few lines of shell'}{rights}"


def _is_short(command: Command) -> bool:
    script = _plain(command)
    return "\n" not in script and len(script) <= _LONGEST and "`" not in script


def _plain(command: Command) -> str:
    return command.script.strip().replace('"$ROOT"', "")


def _same_but_numbers(text: str, shown: list[str]) -> bool:
    """Whether a command differs from one that is shown only in its numbers (how many GPUs)."""
    bare = re.sub(r"\d+", "0", text)
    return any(re.sub(r"\d+", "0", other) == bare for other in shown)
