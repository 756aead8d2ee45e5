"""Programs that bringup sends to a node and runs there, as text. Nothing here imports them, and they import nothing of it.

Each is one text for whatever Python the node has (3.8 and newer), prints one JSON document with its version as the
first key, changes nothing on the node, and ends by itself. Text is all that leaves this module.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

COLLECTIVE = ("collective_meeting", "collective_ways", "collective")
GPU_LOAD = "gpu_load"
MEMORY_LOAD = "memory_load"


@cache
def text(name: str) -> str:
    """The source of a program."""
    return Path(__file__).with_name(f"{name}.py").read_text("utf-8")


@cache
def joined(names: tuple[str, ...]) -> str:
    """Several files as one program, in their order: what they import of each other stands in the same text."""
    lines = ["from __future__ import annotations"]
    for name in names:
        lines += [
            line
            for line in text(name).splitlines()
            if not line.startswith(("from __future__ ", "from bringup.programs."))
        ]
    return "\n".join(lines) + "\n"
