"""The state of one systemd unit: `systemctl show` for checks, `systemctl status` as people paste it.

`status` decorates its lines with signs outside ASCII and mixes the state of the unit with exit codes of
programs that ended as they should; `show` prints one property per line and is what the checks use.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bringup.commands import Command
from bringup.errors import ParseError

_UNIT_NAME = re.compile(r"[A-Za-z0-9@:._-]{1,100}")
_PROPERTY = re.compile(r"([A-Za-z]{1,40})=(.{0,200})")
_HEAD = re.compile(r"^\s*[^\w\s]\s+(?P<id>[\w@:.\-]{1,100}\.(?:service|socket|target|timer))\b", re.MULTILINE)
_LOADED = re.compile(r"^\s*Loaded:\s+(?P<load>[a-z-]+)", re.MULTILINE)
_ACTIVE = re.compile(
    r"^\s*Active:\s+(?P<active>[a-z]+)(?:\s+\((?:Result:\s+)?(?P<detail>[\w-]+)\))?", re.MULTILINE
)
_ABSENT = re.compile(r"Unit (?P<id>[\w@:.\-]{1,100}) could not be found")


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit. `load` is not-found where it is not installed; `result` is `success` unless it failed.

    `sub` and `result` are None where the text does not hold them.
    """

    id: str
    load: str
    active: str
    sub: str | None
    result: str | None


def is_name(name: str) -> bool:
    """Whether a text can be the name of a unit, and nothing else."""
    return bool(_UNIT_NAME.fullmatch(name)) and not name.startswith("-")


def unit(name: str) -> Command:
    """The command that asks for one unit. It ends with status 0 also for a unit that is not installed."""
    return several((name,))


def several(names: Sequence[str]) -> Command:
    """The command that asks for several units at once; see `parse_several`."""
    for name in names:
        if not is_name(name):
            raise ValueError(f"{name!r} is no name of a systemd unit")
    return Command(
        f"systemctl show -p Id,LoadState,ActiveState,SubState,Result {' '.join(names)}",
        timeout_s=15.0,
        max_bytes=16 << 10,
        needs=("systemctl",),
    )


def not_booted(error_text: str) -> bool:
    """Whether systemctl says that systemd does not run here, as in most containers."""
    return "not been booted with systemd" in error_text or "Failed to connect to bus" in error_text


def parse(text: str) -> Unit:
    """The unit in an answer of `unit`. Raises ParseError if a property is missing."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        match = _PROPERTY.fullmatch(line.strip())
        if match is None or match[1] in found:
            raise ParseError(f"systemctl show printed {line.strip()[:80]!r}")
        found[match[1]] = match[2]
    missing = [name for name in ("Id", "LoadState", "ActiveState", "SubState") if not found.get(name)]
    if missing:
        raise ParseError(f"systemctl show did not print {', '.join(missing)}")
    return Unit(
        id=found["Id"],
        load=found["LoadState"],
        active=found["ActiveState"],
        sub=found["SubState"],
        result=found.get("Result") or None,
    )


def parse_several(text: str, names: Sequence[str]) -> dict[str, Unit]:
    """The units in an answer of `several`, by the name that was asked for: one block of lines for each, in that order.

    A unit may have another `id` than the name: sshd is ssh.service on some systems.
    """
    blocks = [block for block in re.split(r"\n\s*\n", text.strip()) if block.strip()]
    if len(blocks) != len(names):
        raise ParseError(f"systemctl show tells of {len(blocks)} units, asked for {len(names)}")
    return {name: parse(block) for name, block in zip(names, blocks, strict=True)}


def parse_status(text: str) -> Unit:
    """The unit in the text of `systemctl status`, wherever it stands in a longer text."""
    absent = _ABSENT.search(text)
    if absent is not None:
        return Unit(absent["id"], "not-found", "inactive", None, None)
    head, active = _HEAD.search(text), _ACTIVE.search(text)
    if head is None or active is None:
        raise ParseError(f"this is no output of systemctl status: {text.strip()[:80]!r}")
    loaded = _LOADED.search(text, head.end())
    state, detail = active["active"], active["detail"]
    failed = state == "failed"
    return Unit(
        id=head["id"],
        load=loaded["load"] if loaded else "not-found",
        active=state,
        sub=None if failed else detail,
        result=detail if failed else None,
    )
