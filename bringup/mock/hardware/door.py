"""What a stranger meets at a node's SSH port."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Door:
    """What a stranger meets at a node's SSH port: `how` is open, refused, timeout, reset or silent."""

    how: str = "open"
    key_changed: bool = False
    login_refused: bool = False
    dies_after_s: float | None = None
    refuses_first: int = 0
    """So many connections are cut before the node answers, as sshd does when too many arrive at once."""
    delay_s: float = 0.0
    """How long a login takes."""
