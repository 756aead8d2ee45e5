"""What a simulated program gets to see, and small helpers that many of them need."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bringup.mock.cluster import Cluster
from bringup.mock.hardware import SimNode
from bringup.mock.switchboard import Reply


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a program on a node."""

    cluster: Cluster
    node: SimNode
    tool: str
    args: tuple[str, ...]
    as_root: bool = False
    cwd: Path = Path("/")
    env: tuple[tuple[str, str], ...] = ()

    def variable(self, name: str) -> str:
        """A variable of the caller's environment; empty if it is not set."""
        return dict(self.env).get(name, "")


Tool = Callable[[Call], Reply | Awaitable[Reply]]


class Options:
    """Command-line options as getopt reads them: values joined or apart, short options with their value glued.

    `valued` names the options that take a value; everything else that begins with a dash is a switch.
    """

    def __init__(self, args: Sequence[str], valued: Sequence[str]) -> None:
        self._values: dict[str, list[str]] = {}
        self.words: list[str] = []
        rest = list(args)
        while rest:
            arg = rest.pop(0)
            name, joined, value = arg.partition("=")
            if not arg.startswith("-") or arg == "-":
                self.words.append(arg)
            elif arg == "--":
                self.words += rest
                break
            elif joined and arg.startswith("--"):
                self._add(name, value)
            elif arg in valued:
                self._add(arg, rest.pop(0) if rest else "")
            elif not arg.startswith("--") and arg[:2] in valued and len(arg) > 2:
                self._add(arg[:2], arg[2:])
            else:
                self._add(arg, "")

    def _add(self, name: str, value: str) -> None:
        self._values.setdefault(name, []).append(value)

    @property
    def names(self) -> set[str]:
        """Every option that was given, as it was spelt."""
        return set(self._values)

    def has(self, *names: str) -> bool:
        """Whether any of these spellings was given."""
        return any(name in self._values for name in names)

    def get(self, *names: str, default: str = "") -> str:
        """The last value given under any of these spellings."""
        return next((self._values[name][-1] for name in names if name in self._values), default)

    def whole(self, *names: str, default: int) -> int:
        """The same as a whole number; the default where it is none."""
        text = self.get(*names)
        return int(text) if text.isascii() and text.isdigit() else default
